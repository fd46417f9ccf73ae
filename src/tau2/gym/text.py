"""Messages as the lines of an observation, and actions as messages."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping

from tau2.data_model.message import (
    AssistantMessage,
    Message,
    MultiToolMessage,
    ToolCall,
    ToolMessage,
    UserMessage,
)
from tau2.environment.history import decoded
from tau2.llm.text import clean_text, split_reasoning
from tau2.orchestrator.episode import Role
from tau2.rollout.actions import LONGEST_TEXT
from tau2.utils.tools import parse_action, to_functional_format


def observation_of(messages: Iterable[Message], calls: Mapping[str, ToolCall] | None = None) -> str:
    """Return messages as lines `role: content`; a tool call is shown as `name(key=value, ...)`.

    With the `calls` by id, a result is shown as `{"name": ..., "arguments": ..., "result": ...}`.
    """
    return "\n".join(line for message in messages for line in _lines(message, calls or {}))


def calls_of(messages: Iterable[Message]) -> dict[str, ToolCall]:
    """Return every tool call by its id."""
    return {call.id: call for message in messages for call in getattr(message, "tool_calls", None) or ()}


def _lines(message: Message, calls: Mapping[str, ToolCall]) -> Iterator[str]:
    if isinstance(message, MultiToolMessage):
        for result in message.tool_messages:
            yield from _lines(result, calls)
    elif isinstance(message, ToolMessage) and message.id in calls:
        call = calls[message.id]
        shown = {"name": call.name, "arguments": call.arguments, "result": decoded(message.content)}
        yield f"tool: {json.dumps(shown, default=str)}"
    elif message.content:
        yield f"{message.role}: {message.content}"
    if isinstance(message, AssistantMessage | UserMessage):
        for call in message.tool_calls or ():
            yield f"{message.role}: {to_functional_format(call)}"


def read_action(action: str, seat: Role) -> AssistantMessage | UserMessage:
    """Return the message that an action in text stands for; thoughts in think tags are kept apart.

    Raise ValueError, saying what is wrong, for a tool call that cannot be read and for an empty action.
    """
    said, thought = split_reasoning(clean_text(action[:LONGEST_TEXT]))
    message = parse_action(said or "", "assistant" if seat is Role.AGENT else "user")
    message.reasoning_content = thought
    return message
