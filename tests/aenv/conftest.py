"""An episode of the example without AEnvironment and without a model's endpoint."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tests.aenv.parts import Instance, ScriptedModel, agent, an_episode


@pytest.fixture
def play(monkeypatch):
    """Return `play(*lines, **data)`: the outcome, the instance and the model of one episode."""

    def played(*lines: Any, instance: Any = None, **data: Any) -> tuple[Any, Any, Any]:
        instance, model = instance or Instance(an_episode()), ScriptedModel(*lines)

        def opened(options: Any) -> Any:
            instance.variables = options.variables()
            return instance

        monkeypatch.setattr(agent, "open_environment", opened)
        monkeypatch.setattr(agent, "open_model", lambda _options: model)
        given = {"domain": "mock", "task_id": "create_task_1", **data}
        return asyncio.run(agent.run_agent(given)), instance, model

    return played
