"""The AReaL example's scripts as modules, and a loopback cast for them: models that say what a
reference run said."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterable
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from tests.stub import StubServer

from tau2.data_model.message import AssistantMessage, UserMessage
from tau2.data_model.simulation import SimulationRun
from tau2.evaluator.evaluator import EvaluationType
from tau2.orchestrator.orchestrator import Orchestrator
from tau2.registry import registry
from tau2.rollout import find_task
from tau2.runner.build import build_agent, build_environment, build_user
from tau2.runner.simulation import run_simulation

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "tau2"
CONFIG = EXAMPLE / "config.yaml"


def script(name: str) -> Any:
    """Return a script of the example as a module.

    It finds its neighbours as it does when it is run.
    """
    if str(EXAMPLE) not in sys.path:
        sys.path.insert(0, str(EXAMPLE))
    return importlib.import_module(name)


def reference_run(domain: str, task_id: str, *, solo: bool = False) -> SimulationRun:
    """Play a task with the participants that know the solution, through `Orchestrator.run`."""
    task = find_task(domain, task_id)
    environment = build_environment(domain, solo_mode=solo)
    agent = build_agent(
        "oracle_agent_solo" if solo else "oracle_agent", environment, task=task, solo_mode=solo
    )
    user = build_user("scripted_user", environment, task, solo_mode=solo)
    wired = Orchestrator(domain, agent, user, environment, task, max_steps=200, solo_mode=solo)
    return run_simulation(wired, evaluation_type=EvaluationType.ALL)


def said(run_messages: Iterable[Any]) -> list[tuple[Any, ...]]:
    """Return a transcript without what differs from run to run: times, costs and raw answers."""
    return [
        (
            message.role,
            message.content or None,
            tuple(
                (call.id, call.name, str(call.arguments), call.requestor)
                for call in _calls(message)
            ),
        )
        for message in run_messages
    ]


def _calls(message: Any) -> list[Any]:
    return list(getattr(message, "tool_calls", None) or ())


def lines_of(run: SimulationRun, kind: type) -> list[dict[str, Any]]:
    """Return what one side said in a run, the greeting and the task's own history included, as
    replies."""
    return [
        {
            "content": message.content,
            "tool_calls": [
                {"id": call.id, "name": call.name, "arguments": call.arguments}
                for call in _calls(message)
            ],
        }
        for message in run.get_messages()
        if isinstance(message, kind)
    ]


def in_order(lines: list[Any]) -> Callable[[dict[str, Any]], Any]:
    """Return a model that says its next line, however many conversations it leads.

    It ends with the stop token.
    """

    def reply(body: dict[str, Any]) -> Any:
        place = [message["role"] for message in body["messages"]].count("assistant")
        return lines[place] if place < len(lines) else "###STOP###"

    return reply


@contextmanager
def cast_of(run: SimulationRun) -> Any:
    """Serve both sides of a recorded run from loopback.

    Yield the policy's server and the user's.
    """
    with ExitStack() as stack:
        policy = stack.enter_context(StubServer(in_order(lines_of(run, AssistantMessage))))
        user = stack.enter_context(StubServer(in_order(lines_of(run, UserMessage))))
        yield policy, user


def state_after(
    domain: str, task_id: str, messages: Iterable[Any], *, solo: bool = False
) -> tuple[Any, Any]:
    """Return the database hashes of a fresh environment after a transcript."""
    state = find_task(domain, task_id).initial_state
    environment = registry.get_env_constructor(domain)(solo_mode=solo)
    environment.set_state(
        initialization_data=state.initialization_data if state else None,
        initialization_actions=state.initialization_actions if state else None,
        message_history=list(messages),
    )
    return environment.get_db_hash(), environment.get_user_db_hash()
