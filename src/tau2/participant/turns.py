"""Which of a participant's methods takes a turn, and helpers that agents and users share."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Iterator, Mapping
from functools import lru_cache
from importlib import resources
from typing import TypeVar

from tau2.data_model.message import Message, MultiToolMessage
from tau2.errors import DeadlineExceeded, ParticipantError

ResultT = TypeVar("ResultT")

_SYNC = "generate_next_message"
_ASYNC = "agenerate_next_message"
_INNER = "_generate_next_message"
"""The method that subclasses of the model-driven participants override; sync or async."""


def flat(message: Message | None) -> list[Message]:
    """Return a received message as a list: none, one, or the results in a MultiToolMessage."""
    if message is None:
        return []
    return list(message.tool_messages) if isinstance(message, MultiToolMessage) else [message]


def _namespaces(participant: object) -> Iterator[Mapping[str, object]]:
    """Yield the attributes of a participant and of its classes, the most specific first."""
    yield vars(participant)
    yield from map(vars, type(participant).__mro__)


def overrides_sync(participant: object) -> bool:
    """Return whether a participant's most specific way of taking a turn is a synchronous one.

    A subclass (or a test that patches one object) may replace `generate_next_message` or
    `_generate_next_message` only; an asynchronous driver must then use that, and not the base
    class's `agenerate_next_message`.
    """
    for attributes in _namespaces(participant):
        if _ASYNC in attributes:
            return False
        if _SYNC in attributes:
            return True
        if _INNER in attributes:
            return not is_async(attributes[_INNER])
    return True


def has_async_inner_turn(participant: object) -> bool:
    """Return whether `_generate_next_message` is a coroutine function that decides the turn.

    It does not when a more specific class replaces `generate_next_message` itself.
    """
    for attributes in _namespaces(participant):
        if _SYNC in attributes:
            return False
        if _INNER in attributes:
            return is_async(attributes[_INNER])
    return False


def is_async(function: object) -> bool:
    """Return whether `function` is a coroutine function."""
    return inspect.iscoroutinefunction(function)


async def within(seconds: float | None, awaitable: Awaitable[ResultT]) -> ResultT:
    """Return the result of `awaitable`.

    Raise DeadlineExceeded when it takes longer than `seconds`.
    """
    try:
        async with asyncio.timeout(seconds) as limit:
            return await awaitable
    except TimeoutError as error:
        if limit.expired():
            raise DeadlineExceeded("the episode's time ran out while it was awaited") from error
        raise  # a participant's own time-out, not ours


def run_on_own_loop(
    awaitable: Awaitable[ResultT], owner: object, seconds: float | None = None
) -> ResultT:
    """Return the result of `awaitable`, run on an event loop of its own for at most `seconds`.

    Raises:
        DeadlineExceeded: the time ran out.
        ParticipantError: an event loop is running in this thread already; the message names the
            class of `owner`.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(within(seconds, awaitable))
    if inspect.iscoroutine(awaitable):
        awaitable.close()  # else Python warns of a coroutine that was never awaited
    raise ParticipantError(
        f"{type(owner).__name__} is asynchronous; await arun() (or agenerate_next_message) "
        "instead of calling run()"
    )


@lru_cache(maxsize=32)
def load_prompt(package: str, name: str) -> str:
    """Return a prompt that is stored as a text file beside the code of `package`.

    Read once per process.
    """
    return resources.files(package).joinpath(name).read_text(encoding="utf-8").strip()
