"""Ask a participant for its next message, on a thread or on an event loop, whichever methods it has."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
from concurrent.futures import Executor
from functools import partial
from typing import Any

from tau2.errors import ParticipantError


def _depth(participant: Any, name: str) -> int:
    """Return how far up the class tree a method is defined: 0 is the class itself."""
    for depth, kind in enumerate(type(participant).__mro__):
        if name in vars(kind):
            return depth
    return len(type(participant).__mro__)


def _prefers_async(participant: Any) -> bool:
    """Return whether the asynchronous method is at least as specific as the synchronous one.

    A subclass that overrides only the synchronous method (or its inner `_generate_next_message`) must be heard.
    """
    if getattr(participant, "agenerate_next_message", None) is None:
        return False
    asynchronous = _depth(participant, "agenerate_next_message")
    inner = _depth(participant, "_generate_next_message")
    return asynchronous <= min(_depth(participant, "generate_next_message"), inner)


def reply(participant: Any, message: Any, state: Any) -> tuple[Any, Any]:
    """Return a participant's message and new state. An asynchronous participant gets an event loop of its own.

    Raise ParticipantError when a loop is running already: there, `arun` is the driver to use.
    """
    answer = participant.generate_next_message(message, state)
    if not inspect.isawaitable(answer):
        return _pair(participant, answer)
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return _pair(participant, asyncio.run(_awaited(answer)))
    if inspect.iscoroutine(answer):
        answer.close()
    raise ParticipantError(f"{type(participant).__name__} is asynchronous; await arun() instead of calling run()")


async def _awaited(answer: Any) -> Any:
    return await answer


async def areply(participant: Any, message: Any, state: Any, executor: Executor | None = None) -> tuple[Any, Any]:
    """Return a participant's message and new state; one that may block is called in a worker thread."""
    if _prefers_async(participant):
        return _pair(participant, await participant.agenerate_next_message(message, state))
    call = participant.generate_next_message
    if inspect.iscoroutinefunction(call) or not getattr(participant, "blocking", True):
        answer = call(message, state)
    else:
        context = contextvars.copy_context()
        loop = asyncio.get_running_loop()
        answer = await loop.run_in_executor(executor, partial(context.run, call, message, state))
    return _pair(participant, await answer if inspect.isawaitable(answer) else answer)


def _pair(participant: Any, answer: Any) -> tuple[Any, Any]:
    if isinstance(answer, tuple) and len(answer) == 2:  # noqa: PLR2004  -- message and state
        return answer
    raise ParticipantError(f"{type(participant).__name__} must return (message, state), not {type(answer).__name__}")
