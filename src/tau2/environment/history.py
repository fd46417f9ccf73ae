"""Recorded messages as tool calls with their results."""

from __future__ import annotations

import json
from collections import OrderedDict, deque
from collections.abc import Iterable, Iterator, Sequence
from typing import Generic, TypeVar

from tau2.data_model.message import (
    AssistantMessage,
    Message,
    MultiToolMessage,
    ToolCall,
    ToolMessage,
    UserMessage,
)
from tau2.errors import ReplayMismatch, quoted
from tau2.utils.json_types import JsonValue

T = TypeVar("T")


class Waiting(Generic[T]):
    """What waits for the results of tool calls, in order; found by the id of the call."""

    def __init__(self) -> None:
        self._waiting: OrderedDict[int, T] = OrderedDict()
        self._places: dict[str, deque[int]] = {}
        self._number = 0

    def __iter__(self) -> Iterator[T]:
        return iter(self._waiting.values())

    def add(self, items: Iterable[tuple[str, T]]) -> None:
        """Let more wait: pairs of a call's id and what waits for its result."""
        for name, item in items:
            self._waiting[self._number] = item
            self._places.setdefault(name, deque()).append(self._number)
            self._number += 1

    def take(self, name: str) -> T | None:
        """Take the first that waits for the result of a call with this id; None where none does."""
        places = self._places.get(name, deque())
        while places:
            place = places.popleft()
            if place in self._waiting:
                return self._waiting.pop(place)
        return None

    def take_first(self) -> T | None:
        """Take the first that waits; None where none does."""
        return self._waiting.popitem(last=False)[1] if self._waiting else None


def decoded(content: str | None) -> JsonValue:
    """Return the parsed value of JSON text, other text as it is; for comparing tool results."""
    try:
        return json.loads(content) if content is not None else None
    except ValueError:
        return content


def paired_calls(messages: Sequence[Message]) -> list[tuple[ToolCall, ToolMessage]]:
    """Return every tool call of a history with its result.

    Raise ReplayMismatch when a call has no result, a result has no call, or the ids differ.
    """
    pairs: list[tuple[ToolCall, ToolMessage]] = []
    waiting: deque[ToolCall] = deque()
    for message in messages:
        results = message.tool_messages if isinstance(message, MultiToolMessage) else [message]
        for result in results:
            if isinstance(result, ToolMessage):
                if not waiting:
                    raise ReplayMismatch(
                        f"Tool message not expected: {quoted(result.id)} answers no tool call"
                    )
                call = waiting.popleft()
                if call.id != result.id:
                    raise ReplayMismatch(
                        f"Tool call id mismatch: call {quoted(call.id)}, result {quoted(result.id)}"
                    )
                pairs.append((call, result))
            elif waiting:
                name = quoted(waiting[0].name)
                raise ReplayMismatch(
                    f"Tool message expected for {name}, got a {result.role} message"
                )
            elif isinstance(result, AssistantMessage | UserMessage) and result.tool_calls:
                waiting.extend(result.tool_calls)
    if waiting:
        raise ReplayMismatch(
            f"Tool message expected for {quoted(waiting[0].name)}, but the history ends"
        )
    return pairs


def executed_calls(messages: Sequence[Message]) -> list[ToolCall]:
    """Return every tool call of a history, in order, except those it ends with.

    Results are not looked at: they may be missing, or be assigned to other ids. Whoever sent a
    message made its calls, whatever the calls say.
    """
    return [
        call.model_copy(update={"requestor": "user"}) if isinstance(message, UserMessage) else call
        for message in split_pending(messages)[0]
        for call in message.calls
    ]


def split_pending(messages: Sequence[Message]) -> tuple[list[Message], list[ToolCall]]:
    """Return a history without the pending tool calls it ends with, and those calls."""
    calls = list(messages[-1].calls) if messages else []
    return list(messages[:-1] if calls else messages), calls
