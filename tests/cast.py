"""A scripted cast: participants that say and do what a test wrote down.

    run = play("create_task_1",
               agent=says(calls("create_task", user_id="user_1", title="Important Meeting"), "It is
               on the list."), user=says("Please add a task.", STOP))

A line is a text, a call, a list of calls (one message), a message, an exception (raised), or None
(an empty message). A cast that has run out of lines ends the conversation.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tau2.agent.base_agent import HalfDuplexAgent
from tau2.data_model.message import AssistantMessage, ToolCall, UserMessage
from tau2.data_model.simulation import SimulationRun
from tau2.data_model.tasks import (
    Action,
    EnvAssertion,
    EvaluationCriteria,
    InitialState,
    RewardType,
    Task,
    UserScenario,
)
from tau2.domains.mock.environment import get_environment, get_tasks
from tau2.environment.environment import Environment
from tau2.evaluator.evaluator import EvaluationType
from tau2.orchestrator.orchestrator import Orchestrator
from tau2.runner.simulation import run_simulation
from tau2.user.base_user import STOP, HalfDuplexUser

ON_THE_LIST = {"user_id": "user_1", "title": "Important Meeting"}
"""The arguments of the one call that solves `create_task_1`."""


@dataclass(frozen=True)
class Call:
    """A tool call that a script asks for."""

    name: str
    arguments: dict[str, Any]


def calls(name: str, **arguments: Any) -> Call:
    """Return a line that calls a tool."""
    return Call(name, arguments)


def says(*lines: Any) -> tuple[Any, ...]:
    """Return a script."""
    return lines


def create_meeting() -> Call:
    """Return the call that solves `create_task_1`."""
    return calls("create_task", **ON_THE_LIST)


@dataclass
class Cue:
    """What a scripted participant remembers: its place in the script, and what it heard."""

    at: int = 0
    heard: list[Any] = field(default_factory=list)
    history: list[Any] = field(default_factory=list)


class _Scripted:
    """Speaks a script; keeps no state of its own."""

    blocking = False
    kind: type[AssistantMessage] | type[UserMessage] = AssistantMessage

    def __init__(self, script: Sequence[Any] = (), **_: Any) -> None:
        self.script = tuple(script)
        self.seed: int | None = None
        self.farewells: list[Any] = []

    def get_init_state(self, message_history: list[Any] | None = None) -> Cue:
        return Cue(history=list(message_history or ()))

    def set_seed(self, seed: int) -> None:
        self.seed = seed

    def stop(self, message: Any = None, state: Any = None) -> None:
        self.farewells.append(message)

    @classmethod
    def is_stop(cls, message: Any) -> bool:
        return bool(message.content) and STOP in message.content

    def generate_next_message(self, message: Any, state: Cue) -> tuple[Any, Cue]:
        line = self.script[state.at] if state.at < len(self.script) else STOP
        if isinstance(line, Exception):
            raise line
        return self._message(line), Cue(state.at + 1, [*state.heard, message], state.history)

    def _message(self, line: Any) -> Any:
        if isinstance(line, Call):
            line = [line]
        if isinstance(line, list):
            tool_calls = [
                ToolCall(id="", name=call.name, arguments=dict(call.arguments)) for call in line
            ]
            return self.kind(tool_calls=tool_calls, cost=0.0)
        if isinstance(line, str) or line is None:
            return self.kind(content=line, cost=0.0)
        return line.model_copy(deep=True)


class Agent(_Scripted, HalfDuplexAgent):
    """An agent with a script."""


class User(_Scripted, HalfDuplexUser):
    """A user with a script."""

    kind = UserMessage


class _Async(_Scripted):
    async def agenerate_next_message(self, message: Any, state: Cue) -> tuple[Any, Cue]:
        await asyncio.sleep(0)
        return _Scripted.generate_next_message(self, message, state)


class AsyncAgent(_Async, Agent):
    """An agent that is awaited, and lets others go first."""


class AsyncUser(_Async, User):
    """A user that is awaited, and lets others go first."""


class SlowAgent(Agent):
    """An agent that blocks its thread before every answer."""

    blocking = True

    def __init__(
        self,
        script: Sequence[Any] = (),
        *,
        seconds: float = 0.0,
        before: Callable[[], Any] | None = None,
    ):
        super().__init__(script)
        self.seconds, self.before = seconds, before

    def generate_next_message(self, message: Any, state: Cue) -> tuple[Any, Cue]:
        if self.before is not None:
            self.before()
        time.sleep(self.seconds)
        return super().generate_next_message(message, state)


class HangingAgent(Agent):
    """An agent that never answers, in the way of a model call that hangs on an event loop."""

    async def agenerate_next_message(self, message: Any, state: Cue) -> tuple[Any, Cue]:
        await asyncio.Event().wait()
        raise AssertionError("unreachable")


def ticking(start: str = "2026-01-01T00:00:00") -> Callable[[], str]:
    """Return a clock that goes on by a second each time it is read."""
    seconds = itertools.count()
    return lambda: (datetime.fromisoformat(start) + timedelta(seconds=next(seconds))).isoformat()


def mock_task(task_id: str) -> Task:
    """Return a task of the mock domain."""
    return next(task for task in get_tasks() if task.id == task_id)


def a_task(
    *actions: Call,
    basis: Sequence[RewardType] = (RewardType.DB,),
    told: Sequence[str] | None = None,
    assertions: Sequence[EnvAssertion] | None = None,
    sentences: Sequence[str] | None = None,
    state: InitialState | None = None,
    task_id: str = "a_task",
) -> Task:
    """Return a task whose reference is `actions`."""
    reference = [
        Action(action_id=f"a{n}", name=call.name, arguments=call.arguments)
        for n, call in enumerate(actions)
    ]
    criteria = EvaluationCriteria(
        actions=reference,
        env_assertions=list(assertions) if assertions is not None else None,
        communicate_info=list(told) if told is not None else None,
        nl_assertions=list(sentences) if sentences is not None else None,
        reward_basis=list(basis),
    )
    scenario = UserScenario(instructions="You want something done.")
    return Task(
        id=task_id, user_scenario=scenario, initial_state=state, evaluation_criteria=criteria
    )


def stage(
    task: Task | str,
    agent: Any = (),
    user: Any = (),
    *,
    environment: Environment | None = None,
    **options: Any,
) -> Orchestrator:
    """Return an episode that is ready to run; scripts become an Agent and a User."""
    task = mock_task(task) if isinstance(task, str) else task
    solo = bool(options.get("solo_mode"))
    return Orchestrator(
        domain="mock",
        agent=Agent(agent) if isinstance(agent, tuple) else agent,
        user=User(user) if isinstance(user, tuple) else user,
        environment=environment if environment is not None else get_environment(solo_mode=solo),
        task=task,
        **{"seed": 1, "simulation_id": "sim", **options},
    )


def play(
    task: Task | str,
    agent: Any = (),
    user: Any = (),
    *,
    grade: EvaluationType = EvaluationType.ALL,
    judge: Any = None,
    **options: Any,
) -> SimulationRun:
    """Play an episode to its end and grade it."""
    return run_simulation(stage(task, agent, user, **options), evaluation_type=grade, judge=judge)


def said(run: SimulationRun) -> list[str]:
    """Return a conversation as short lines."""
    lines = []
    for message in run.get_messages():
        tool_calls = getattr(message, "tool_calls", None)
        what = "+".join(call.name for call in tool_calls) + "()" if tool_calls else message.content
        lines.append(f"{message.role}: {what}")
    return lines
