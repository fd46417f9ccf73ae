"""Ask a participant for its next message, blocking or on an event loop."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
from collections.abc import Callable
from concurrent.futures import Executor
from functools import partial
from typing import Any, TypeAlias

from tau2.data_model.message import AssistantMessage, Message, UserMessage
from tau2.errors import ParticipantError
from tau2.participant.base import HalfDuplexParticipant
from tau2.participant.protocols import ParticipantProtocol
from tau2.participant.turns import has_async_inner_turn, overrides_sync, run_on_own_loop, within
from tau2.utils.text import error_text

State: TypeAlias = Any
"""A participant's state: any object; the engine passes it on and never looks into it."""
ParticipantMessage: TypeAlias = AssistantMessage | UserMessage
Turn: TypeAlias = tuple[ParticipantMessage, State]

_SYNC = "generate_next_message"
_ASYNC = "agenerate_next_message"
_MISSING = HalfDuplexParticipant.generate_next_message


def _takes_turns_async_only(participant: ParticipantProtocol) -> bool:
    """Return whether only the asynchronous method of a participant is its own."""
    if not hasattr(participant, _ASYNC):
        return False
    if _SYNC in vars(participant):
        return False
    method = getattr(type(participant), _SYNC, None)
    return method is None or method is _MISSING or has_async_inner_turn(participant)


def reply(
    participant: ParticipantProtocol,
    message: Message | None,
    state: State,
    seconds: float | None = None,
) -> Turn:
    """Return a participant's message and new state.

    An asynchronous participant runs on an event loop of its own.

    Raises:
        DeadlineExceeded: an asynchronous participant took longer than `seconds`. (A synchronous one
            is not interrupted; model calls observe the episode's deadline themselves.)
        ParticipantError: the participant is asynchronous and an event loop is already running;
            there, `arun` is the driver to use.
    """
    only_async = _takes_turns_async_only(participant)
    turn = getattr(participant, _ASYNC if only_async else _SYNC)(message, state)
    if inspect.isawaitable(turn):
        turn = run_on_own_loop(turn, participant, seconds)
    return _checked(participant, turn)


async def areply(
    participant: ParticipantProtocol,
    message: Message | None,
    state: State,
    seconds: float | None = None,
    executor: Executor | None = None,
) -> Turn:
    """Return a participant's message and new state.

    One that may block is called in a worker thread.

    Raise DeadlineExceeded when it takes longer than `seconds`.
    """
    turn = await within(seconds, _asked(participant, message, state, executor))
    return _checked(participant, turn)


async def _asked(
    participant: ParticipantProtocol,
    message: Message | None,
    state: State,
    executor: Executor | None,
) -> Any:
    agenerate = getattr(participant, _ASYNC, None)
    if agenerate is not None and not overrides_sync(participant):
        return await agenerate(message, state)
    generate = getattr(participant, _SYNC)
    if inspect.iscoroutinefunction(generate) or not getattr(participant, "blocking", True):
        turn = generate(message, state)
    else:
        name = type(participant).__name__
        turn = await in_thread(partial(generate, message, state), name, executor)
    return await turn if inspect.isawaitable(turn) else turn


async def in_thread(call: Callable[[], Any], name: str, executor: Executor | None = None) -> Any:
    """Return what a blocking call of the participant `name` returns, called in a worker thread.

    Context variables (the deadline, the tracer) reach the thread.
    """
    context = contextvars.copy_context()
    loop = asyncio.get_running_loop()
    result = await loop.run_in_executor(executor, partial(context.run, _caught, call))
    if isinstance(result, _Raised):
        raise _passed_on(name, result.problem)
    return result


class _Raised:
    """What a blocking participant raised."""

    def __init__(self, problem: BaseException) -> None:
        self.problem = problem


def _caught(call: Callable[[], Any]) -> Any:
    """Return what a call returns, or what it raised: a future takes no StopIteration."""
    try:
        return call()
    except BaseException as problem:  # noqa: BLE001  -- raised again on the event loop
        return _Raised(problem)


def _passed_on(name: str, problem: BaseException) -> Exception:
    """Return what is raised on the event loop for what was raised in a thread.

    There, the exceptions of control flow (SystemExit, KeyboardInterrupt, StopIteration, ...) would
    end more than the turn.
    """
    is_control_flow = isinstance(
        problem, StopIteration | StopAsyncIteration | asyncio.CancelledError
    )
    if isinstance(problem, Exception) and not is_control_flow:
        return problem
    error = ParticipantError(f"{name} raised {type(problem).__name__}: {error_text(problem)}")
    error.__cause__ = problem
    return error


def _checked(participant: ParticipantProtocol, turn: Any) -> Turn:
    if isinstance(turn, tuple) and len(turn) == 2:  # noqa: PLR2004  -- message and state
        return turn
    raise ParticipantError(
        f"{type(participant).__name__} must return (message, state), not {type(turn).__name__}"
    )
