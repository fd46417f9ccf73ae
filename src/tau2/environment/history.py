"""Recorded messages as tool calls with their results."""

from __future__ import annotations

import json
from collections.abc import Sequence

from tau2.data_model.message import (
    AssistantMessage,
    Message,
    MultiToolMessage,
    ToolCall,
    ToolMessage,
    UserMessage,
)
from tau2.errors import ReplayMismatch
from tau2.utils.json_types import JsonValue


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
    waiting: list[ToolCall] = []
    for message in messages:
        results = message.tool_messages if isinstance(message, MultiToolMessage) else [message]
        for result in results:
            if isinstance(result, ToolMessage):
                if not waiting:
                    raise ReplayMismatch(
                        f"Tool message not expected: {result.id!r} answers no tool call"
                    )
                call = waiting.pop(0)
                if call.id != result.id:
                    raise ReplayMismatch(
                        f"Tool call id mismatch: call {call.id!r}, result {result.id!r}"
                    )
                pairs.append((call, result))
            elif waiting:
                raise ReplayMismatch(
                    f"Tool message expected for {waiting[0].name!r}, got a {result.role} message"
                )
            elif isinstance(result, AssistantMessage | UserMessage) and result.tool_calls:
                waiting.extend(result.tool_calls)
    if waiting:
        raise ReplayMismatch(f"Tool message expected for {waiting[0].name!r}, but the history ends")
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
