"""Small questions about turns that agents and users both ask."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable
from functools import lru_cache
from importlib import resources
from typing import Any

from tau2.data_model.message import Message, MultiToolMessage

_SYNC_NAMES = ("generate_next_message", "_generate_next_message")
_ASYNC_NAME = "agenerate_next_message"


def flat(message: Message | None) -> list[Message]:
    """Return a received message as a list: none, one, or the results in a MultiToolMessage."""
    if message is None:
        return []
    return list(message.tool_messages) if isinstance(message, MultiToolMessage) else [message]


def overrides_sync(participant: object) -> bool:
    """Return whether the most specific way in which `participant` answers is a synchronous one.

    A subclass (or a test that patches one object) may replace `generate_next_message` or
    `_generate_next_message` only; an asynchronous driver must then use that, and not the base
    class's asynchronous twin.
    """
    for holder in (vars(participant), *(vars(cls) for cls in type(participant).__mro__)):
        if _ASYNC_NAME in holder:
            return False
        if any(name in holder for name in _SYNC_NAMES):
            return True
    return True


def is_async(function: object) -> bool:
    """Return whether calling `function` gives something to await."""
    return inspect.iscoroutinefunction(function)


async def awaited(value: Awaitable[Any] | Any) -> Any:
    """Return `value`, awaited where it has to be."""
    return await value if inspect.isawaitable(value) else value


@lru_cache(maxsize=32)
def load_prompt(package: str, name: str) -> str:
    """Return a prompt that lies as a text file beside the code of `package`.

    Read once per process.
    """
    return resources.files(package).joinpath(name).read_text(encoding="utf-8").strip()
