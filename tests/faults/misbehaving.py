"""Participants and tools that misbehave, as a plug-in: one kind per task of the domain `edge`.

A kind is a place (`blocking`, `plain`, `awaited`: ways in which an agent is called; a callback; a
tool) and what happens there. The id of a task names its kind; a task whose id begins with
`innocent` is played without any.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

from tests.cast import Agent, User, create_meeting, mock_task, says

from tau2.agent.base_agent import HalfDuplexAgent
from tau2.data_model.message import AssistantMessage, ToolCall, UserMessage
from tau2.data_model.tasks import Task
from tau2.domains.mock import environment as mock
from tau2.domains.mock.tools import MockTools
from tau2.environment.domain import DomainSpec
from tau2.environment.environment import Environment
from tau2.environment.toolkit import ToolType, is_tool
from tau2.participant.spec import AgentSpec, UserSpec
from tau2.runner import trial

trial.TIMEOUT_GRACE = 1.0  # workers import this module, too; half a minute is long for a test

SOLVES = says(create_meeting(), "It is on the list.")
INNOCENT = "innocent"


# --- what is raised -------------------------------------------------------------------------------


class OwnBaseException(BaseException):
    """Derived from BaseException by a participant."""


class NoText(Exception):
    def __str__(self) -> str:
        raise ValueError("no text")

    __repr__ = __str__


class ExitsInText(Exception):
    def __str__(self) -> str:
        raise SystemExit(3)

    __repr__ = __str__


class TextIsNumber(Exception):
    def __str__(self) -> str:
        return 5  # type: ignore[return-value]  # noqa: PLE0307  -- a mistake of foreign code


def _recurse() -> NoReturn:
    _recurse()
    raise AssertionError("unreachable")


RAISED: dict[str, Callable[[], BaseException]] = {
    "ValueError": lambda: ValueError("wrong"),
    "CancelledError": asyncio.CancelledError,
    "StopIteration": lambda: StopIteration(1),
    "StopAsyncIteration": StopAsyncIteration,
    "GeneratorExit": GeneratorExit,
    "SystemExit": lambda: SystemExit(0),
    "KeyboardInterrupt": KeyboardInterrupt,
    "OwnBaseException": OwnBaseException,
    "NoText": NoText,
    "ExitsInText": ExitsInText,
    "TextIsNumber": TextIsNumber,
    "ExceptionGroup": lambda: ExceptionGroup("many", [ValueError("one"), NoText()]),
    "BaseExceptionGroup": lambda: BaseExceptionGroup("many", [SystemExit(1)]),
    "MemoryError": MemoryError,
    "TimeoutError": TimeoutError,
    "OSError": lambda: OSError(28, "No space left on device"),
    "half a character": lambda: ValueError("\ud800\x1b[2J"),
    "long text": lambda: ValueError("x" * 20_000_000),
    "AgentError without text": lambda: _agent_error(),
}


def _agent_error() -> Exception:
    from tau2.errors import AgentError

    return type("Mute", (NoText, AgentError), {})()


def _raise(name: str) -> Callable[..., Any]:
    def act(*_: Any, **_options: Any) -> NoReturn:
        raise RAISED[name]()  # noqa: RSE102  -- it makes the exception

    return act


# --- what is returned -----------------------------------------------------------------------------


def _deep(depth: int) -> Any:
    value: Any = "end"
    for _ in range(depth):
        value = [value]
    return value


def _cycle() -> Any:
    value: list[Any] = []
    value.append(value)
    return value


VALUES: dict[str, Callable[[], Any]] = {
    "object": object,
    "bytes": lambda: b"\xff\x00",
    "cycle": _cycle,
    "deep": lambda: _deep(100_000),
    "rather deep": lambda: _deep(400),
    "huge integer": lambda: 10**6000,
    "NaN": lambda: float("nan"),
    "half a character": lambda: "\ud800",
    "function": lambda: _cycle,
    "set": lambda: {1, (2, 3)},
    "odd key": lambda: {("a", 1): object()},
}


def _said(**fields: Any) -> AssistantMessage:
    return AssistantMessage.model_construct(role="assistant", **{"content": "Well.", **fields})


def _in_raw_data(value: Any) -> Any:
    return _said(raw_data={"value": value})


def _in_arguments(value: Any) -> Any:
    call = ToolCall.model_construct(
        id="", name="get_users", arguments={"value": value}, requestor="assistant"
    )
    return _said(content=None, tool_calls=[call])


def _as_content(value: Any) -> Any:
    return _said(content=value)


def _as_cost(value: Any) -> Any:
    return _said(cost=value)


def _as_usage(value: Any) -> Any:
    return _said(usage={"prompt_tokens": value})


CARRIERS: dict[str, Callable[[Any], Any]] = {
    "raw_data": _in_raw_data,
    "arguments": _in_arguments,
    "content": _as_content,
    "cost": _as_cost,
    "usage": _as_usage,
}

ANSWERS: dict[str, Callable[[], Any]] = {
    "None": lambda: None,
    "a triple": lambda: (1, 2, 3),
    "a user's message": lambda: (UserMessage(content="I am the user."), None),
    "a text": lambda: "text",
    "a class": lambda: (AssistantMessage, None),
    "an empty message": lambda: (_said(content=""), None),
    "a future of nothing": lambda: (asyncio.sleep, None),
    "calls that are none": lambda: (_said(tool_calls=["call"]), None),
}


# --- what is done to the process ------------------------------------------------------------------


def _stop_the_loop() -> None:
    asyncio.get_running_loop().stop()


def _exit_in_a_task() -> None:
    async def leave() -> None:
        raise SystemExit(4)

    KEPT.append(asyncio.get_running_loop().create_task(leave()))


def _cancel_own_task() -> None:
    task = asyncio.current_task()
    assert task is not None
    task.cancel()


def _cancel_all() -> None:
    for task in asyncio.all_tasks():
        task.cancel()


def _raise_in_a_thread() -> None:
    threading.Thread(target=_raise("SystemExit"), daemon=True).start()


def _fill_the_files() -> None:
    try:
        while True:
            KEPT.append(os.open(os.devnull, os.O_RDONLY))
    except OSError:
        return


def _close_all_files() -> None:
    os.closerange(3, 256)


KEPT: list[Any] = []

DEEDS: dict[str, Callable[[], Any]] = {
    "stops the event loop": _stop_the_loop,
    "SystemExit in a task of its own": _exit_in_a_task,
    "cancels its own task": _cancel_own_task,
    "raises in a thread of its own": _raise_in_a_thread,
    "recurses for ever": _recurse,
    "prints very much": lambda: sys.stdout.writelines(["noise\n"] * 10_000),
}

FATAL: dict[str, Callable[[], Any]] = {
    "ends the process": lambda: os._exit(0),
    "kills the process": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "stops the process": lambda: os.kill(os.getpid(), signal.SIGSTOP),
    "holds the event loop": lambda: time.sleep(600),
    "cancels all tasks": _cancel_all,
    "closes all files": _close_all_files,
}
"""Only a run with worker processes can survive these."""


FILES = "awaited: opens all files"
"""Played alone: no other kind of its process could note that it took place."""


async def _swallow() -> None:
    while True:
        try:
            await asyncio.sleep(600)
        except asyncio.CancelledError:
            continue


# --- who misbehaves -------------------------------------------------------------------------------


class _Edge(Agent):
    """Does what the kind of its task says, when it is asked for its second message."""

    def __init__(self, task: Task) -> None:
        super().__init__(SOLVES)
        self.task_id = task.id

    def misbehave(self) -> Any:
        place, _colon, kind = self.task_id.partition(": ")
        reached(self.task_id)
        return _action(place, kind)()


class _Plain(_Edge):
    def generate_next_message(self, message: Any, state: Any) -> tuple[Any, Any]:
        if state.at == 0:
            return super().generate_next_message(message, state)
        answer = self.misbehave()
        return super().generate_next_message(message, state) if answer is None else answer


class _Blocking(_Plain):
    blocking = True


class _Awaited(_Edge):
    async def agenerate_next_message(self, message: Any, state: Any) -> tuple[Any, Any]:
        if state.at > 0:
            answer = self.misbehave()
            if asyncio.iscoroutine(answer):
                answer = await answer
            if answer is not None:
                return answer
        await asyncio.sleep(0)
        return Agent.generate_next_message(self, message, state)


class _Caller(HalfDuplexAgent):
    """Calls the tool that misbehaves."""

    blocking = False

    def get_init_state(self, message_history: Any = None) -> int:
        return 0

    def generate_next_message(self, message: Any, state: int) -> tuple[Any, int]:
        if state:
            return AssistantMessage(content="That was it.", cost=0.0), state
        call = ToolCall(id="", name="misbehave", arguments={"kind": self.wish})
        return AssistantMessage(content=None, tool_calls=[call], cost=0.0), 1

    def __init__(self, kind: str) -> None:
        super().__init__([], "")
        self.wish = kind


REACHED = "TAU2_EDGE_REACHED"
"""The environment variable that names the folder where kinds that took place are noted."""


def reached(task_id: str) -> None:
    """Note that a kind took place."""
    if REACHED in os.environ:
        Path(os.environ[REACHED], task_id).touch()


def _telling(task_id: str, action: Callable[..., Any]) -> Callable[..., Any]:
    def act(*arguments: Any, **options: Any) -> Any:
        reached(task_id)
        return action(*arguments, **options)

    return act


CALLBACKS = ("get_init_state", "is_stop", "set_seed", "stop")


def make_agent(task: Task, **_: Any) -> Any:
    """Return the agent that a task is named after."""
    place, _colon, kind = task.id.partition(": ")
    if place == "make":
        reached(task.id)
        raise RAISED[kind]()  # noqa: RSE102  -- it makes the exception
    if place in CALLBACKS:
        agent = Agent(SOLVES)
        setattr(agent, place, _telling(task.id, _raise(kind)))
        return agent
    if place == "tool":
        return _Caller(kind)
    ways = {"blocking": _Blocking, "awaited": _Awaited}
    return ways.get(place, _Plain)(task) if place not in {INNOCENT, "user"} else Agent(SOLVES)


def make_user(task: Task, **_: Any) -> Any:
    """Return a user who asks for the meeting, or who misbehaves."""
    place, _colon, kind = task.id.partition(": ")
    user = User(says("Please."))
    if place == "user":
        user.generate_next_message = _telling(task.id, _raise(kind))  # type: ignore[method-assign]  # this one object
    return user


def _action(place: str, kind: str) -> Callable[[], Any]:
    """Return what an agent does at its place."""
    if kind in RAISED:
        return _raise(kind)
    if kind in ANSWERS:
        return ANSWERS[kind]
    if place in CARRIERS:
        return lambda: (CARRIERS[place](VALUES[kind]()), None)
    if kind == "swallows its cancellation":
        return _swallow
    if kind == "awaits a thread that never returns":
        return lambda: asyncio.to_thread(time.sleep, 600)
    if kind == "never returns":
        return lambda: time.sleep(600)
    return {**DEEDS, **FATAL, "opens all files": _fill_the_files}[kind]


class EdgeTools(MockTools):
    """The tools of the mock domain, and one that misbehaves."""

    @is_tool(ToolType.READ)
    def misbehave(self, kind: str) -> Any:
        """Do what is asked for.

        Args:
            kind: What to do.
        """
        reached(f"tool: {kind}")
        if kind in RAISED:
            raise RAISED[kind]()  # noqa: RSE102  -- it makes the exception
        return VALUES[kind]()


def get_environment(**options: Any) -> Environment:
    """Return the mock environment with one more tool."""
    environment = mock.get_environment(**options)
    environment.tools = EdgeTools(environment.tools.db)  # type: ignore[union-attr]  # the mock domain has tools
    environment.world_id = None
    return environment


_CALLBACK_PROBLEMS = ("ValueError", "SystemExit", "CancelledError", "StopIteration", "NoText")


def kinds(*, fatal: bool) -> list[str]:
    """Return the kinds, `fatal` ones too."""
    return list(_kinds(fatal=fatal))


def _kinds(*, fatal: bool) -> Iterator[str]:
    for place in ("blocking", "plain", "awaited", "tool", "user"):
        yield from (f"{place}: {kind}" for kind in RAISED)
    for place in (*CALLBACKS, "make"):
        yield from (f"{place}: {kind}" for kind in _CALLBACK_PROBLEMS)
    for place in CARRIERS:
        yield from (f"{place}: {kind}" for kind in VALUES)
    yield from (f"tool: {kind}" for kind in VALUES if kind not in RAISED)
    yield from (f"plain: {kind}" for kind in ANSWERS)
    yield from (f"awaited: {kind}" for kind in DEEDS)
    yield "awaited: swallows its cancellation"
    yield "awaited: awaits a thread that never returns"
    yield "blocking: never returns"
    if fatal:
        yield from (f"awaited: {kind}" for kind in FATAL)


def a_task(task_id: str) -> Task:
    """Return the task of a kind."""
    return mock_task("create_task_1").model_copy(update={"id": task_id})


def get_tasks(task_split_name: str | None = None, task_ids: Any = None) -> list[Task]:
    """Return the tasks of all kinds."""
    return [a_task(kind) for kind in kinds(fatal=True)]


AGENTS = (AgentSpec("edge_agent", make=make_agent, needs_model=False),)
USERS = (UserSpec("edge_user", make=make_user, needs_model=False),)
DOMAIN = DomainSpec(name="edge", environment=get_environment, tasks=get_tasks)

ENTRY_POINTS = """\
[tau2.agents]
edge_agent = tests.faults.misbehaving
[tau2.users]
edge_user = tests.faults.misbehaving
[tau2.domains]
edge = tests.faults.misbehaving
"""
"""What makes this module known to every process that has it on its path."""
