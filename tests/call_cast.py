"""A scripted cast for calls: full-duplex participants that speak in the ticks a test wrote down.

    run = call("create_task_1",
               agent={4: create_meeting(), 6: "It is on the list."},
               user={0: "Please add a task.", 8: STOP})

A line is a text, a call, a list of calls, a chunk, or an exception (raised). In the other ticks a
participant is silent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.cast import Call, mock_task

from tau2.agent.base_agent import FullDuplexAgent
from tau2.data_model.conventions import STOP
from tau2.data_model.message import AssistantMessage, ToolCall, UserMessage
from tau2.data_model.simulation import SimulationRun
from tau2.data_model.tasks import Task
from tau2.domains.mock.environment import get_environment
from tau2.environment.environment import Environment
from tau2.orchestrator.full_duplex_orchestrator import FullDuplexOrchestrator
from tau2.runner.simulation import run_simulation
from tau2.user.base_user import FullDuplexUser


@dataclass
class Ear:
    """What a scripted participant remembers."""

    tick: int = 0
    heard: list[Any] = field(default_factory=list)
    results: list[list[str]] = field(default_factory=list)


class _Scripted:
    blocking = False
    kind: type[AssistantMessage] | type[UserMessage] = AssistantMessage

    def __init__(self, script: Mapping[int, Any] | None = None) -> None:
        self.script = dict(script or {})
        self.seed: int | None = None
        self.farewells: list[Any] = []
        self.ear = Ear()

    def get_init_state(self, message_history: list[Any] | None = None) -> Ear:
        self.ear = Ear()
        return self.ear

    def set_seed(self, seed: int) -> None:
        self.seed = seed

    def stop(self, participant_chunk: Any = None, state: Any = None) -> None:
        self.farewells.append(participant_chunk)

    @classmethod
    def is_stop(cls, chunk: Any) -> bool:
        return STOP in (chunk.content or "")

    def get_next_chunk(
        self, state: Ear, participant_chunk: Any, tool_results: Any
    ) -> tuple[Any, Ear]:
        line = self.script.get(state.tick)
        state.heard.append(participant_chunk.content if participant_chunk else None)
        state.results.append([result.content for result in tool_results])
        state.tick += 1
        if isinstance(line, Exception):
            raise line
        return self._chunk(line), state

    def _chunk(self, line: Any) -> Any:
        if isinstance(line, Call):
            line = [line]
        if isinstance(line, list):
            tool_calls = [
                ToolCall(id="", name=call.name, arguments=dict(call.arguments)) for call in line
            ]
            return self.kind(tool_calls=tool_calls, is_audio=True, contains_speech=False)
        if isinstance(line, str) or line is None:
            return self.kind(content=line, is_audio=True, contains_speech=line is not None)
        return line


class CallAgent(_Scripted, FullDuplexAgent):
    """An agent with a script."""


class CallUser(_Scripted, FullDuplexUser):
    """A user with a script."""

    kind = UserMessage


def staged_call(
    task: Task | str,
    agent: Any = None,
    user: Any = None,
    *,
    environment: Environment | None = None,
    **options: Any,
) -> FullDuplexOrchestrator:
    """Return a call that is ready to run; scripts become a CallAgent and a CallUser."""
    return FullDuplexOrchestrator(
        domain="mock",
        agent=agent if hasattr(agent, "get_next_chunk") else CallAgent(agent),
        user=user if hasattr(user, "get_next_chunk") else CallUser(user),
        environment=environment if environment is not None else get_environment(),
        task=mock_task(task) if isinstance(task, str) else task,
        **{"seed": 1, "simulation_id": "sim", **options},
    )


def call(task: Task | str, agent: Any = None, user: Any = None, **options: Any) -> SimulationRun:
    """Play a call to its end and grade it."""
    return run_simulation(staged_call(task, agent, user, **options))
