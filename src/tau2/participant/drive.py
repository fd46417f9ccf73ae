"""Ask a participant for its next message, blocking or on an event loop."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
from concurrent.futures import Executor
from functools import partial
from typing import Any

from tau2.errors import DeadlineExceeded, ParticipantError
from tau2.participant.base import HalfDuplexParticipant
from tau2.participant.turns import overrides_sync

_MISSING = HalfDuplexParticipant.generate_next_message


def _answers_async_only(participant: Any) -> bool:
    """Return whether a participant defines only the asynchronous method."""
    if not hasattr(participant, "agenerate_next_message") or "generate_next_message" in vars(
        participant
    ):
        return False
    method = getattr(type(participant), "generate_next_message", None)
    return method is None or method is _MISSING


def reply(
    participant: Any, message: Any, state: Any, seconds: float | None = None
) -> tuple[Any, Any]:
    """Return a participant's message and new state.

    An asynchronous participant gets an event loop of its own.

    Raises:
        DeadlineExceeded: an asynchronous participant took longer than `seconds`. (What blocks is
            not interrupted; model calls know the episode's deadline themselves.)
        ParticipantError: an event loop is running already; there, `arun` is the driver to use.
    """
    only_async = _answers_async_only(participant)
    call = participant.agenerate_next_message if only_async else participant.generate_next_message
    answer = call(message, state)
    if not inspect.isawaitable(answer):
        return _pair(participant, answer)
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return _pair(participant, asyncio.run(_within(seconds, answer)))
    if inspect.iscoroutine(answer):
        answer.close()
    raise ParticipantError(
        f"{type(participant).__name__} is asynchronous; await arun() instead of calling run()"
    )


async def areply(
    participant: Any,
    message: Any,
    state: Any,
    seconds: float | None = None,
    executor: Executor | None = None,
) -> tuple[Any, Any]:
    """Return a participant's message and new state.

    One that may block is called in a worker thread.

    Raise DeadlineExceeded when it takes longer than `seconds`.
    """
    return _pair(participant, await _within(seconds, _asked(participant, message, state, executor)))


async def _asked(participant: Any, message: Any, state: Any, executor: Executor | None) -> Any:
    if getattr(participant, "agenerate_next_message", None) is not None and not overrides_sync(
        participant
    ):
        return await participant.agenerate_next_message(message, state)
    call = participant.generate_next_message
    if inspect.iscoroutinefunction(call) or not getattr(participant, "blocking", True):
        answer = call(message, state)
    else:
        context = contextvars.copy_context()
        loop = asyncio.get_running_loop()
        answer = await loop.run_in_executor(executor, partial(context.run, call, message, state))
    return await answer if inspect.isawaitable(answer) else answer


async def _within(seconds: float | None, answer: Any) -> Any:
    try:
        async with asyncio.timeout(seconds) as limit:
            return await answer
    except TimeoutError as error:
        if limit.expired():
            raise DeadlineExceeded("the episode's time ran out while it was awaited") from error
        raise  # a participant's own time-out, not ours


def _pair(participant: Any, answer: Any) -> tuple[Any, Any]:
    if isinstance(answer, tuple) and len(answer) == 2:  # noqa: PLR2004  -- message and state
        return answer
    raise ParticipantError(
        f"{type(participant).__name__} must return (message, state), not {type(answer).__name__}"
    )
