"""Structured actions: whatever a trainer has in hand becomes one message. Text stays text and is never parsed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tau2.data_model.message import AssistantMessage, ToolCall, UserMessage
from tau2.llm.parse import parse_arguments, parse_tool_calls
from tau2.llm.text import clean_text, split_reasoning
from tau2.orchestrator.episode import Role

OwnMessage = AssistantMessage | UserMessage
Action = str | OwnMessage | ToolCall | Mapping[str, Any] | Sequence[ToolCall | Mapping[str, Any]]
"""Text; a message; a tool call or several; an assistant message or a call `{"name", "arguments"}` of OpenAI's API."""

LONGEST_TEXT = 1_000_000  # characters of one message; a model's whole context is a fraction of it


def as_message(action: Action, role: Role = Role.AGENT) -> OwnMessage:
    """Return an action as a new message of the role. Reasoning in text goes to `reasoning_content`.

    Whatever a model may have put into the fields is taken, and cut to what can be stored. Raise TypeError for an
    object that is no action at all.
    """
    message = _message(action, AssistantMessage if role is Role.AGENT else UserMessage)
    if message.tool_calls is not None:
        message.tool_calls = [
            call.model_copy(update={"arguments": parse_arguments(call.arguments)})
            for call in message.tool_calls
        ]
    return message


def _message(action: Any, kind: type[AssistantMessage] | type[UserMessage]) -> OwnMessage:
    if isinstance(action, kind):
        return action.model_copy()
    if isinstance(
        action, AssistantMessage | UserMessage
    ):  # a model plays the user, in words of its own API
        fields = ("content", "tool_calls", "cost", "usage", "raw_data", "generation_time_seconds")
        return kind(**{name: getattr(action, name) for name in (*fields, "reasoning_content")})
    if isinstance(action, str):
        return _from_text(action, kind)
    if isinstance(action, Mapping) and not _is_call(action):
        return _from_wire(action, kind)
    return kind(tool_calls=_calls(action))


def _is_call(action: Mapping[str, Any]) -> bool:
    """Return whether a dictionary is one tool call and not a message."""
    return "role" not in action and ("function" in action or "name" in action)


def _from_text(text: str, kind: type[AssistantMessage] | type[UserMessage]) -> OwnMessage:
    said, thought = split_reasoning(clean_text(text[:LONGEST_TEXT]))
    return kind(content=said, reasoning_content=thought)


def _from_wire(
    action: Mapping[str, Any], kind: type[AssistantMessage] | type[UserMessage]
) -> OwnMessage:
    message = _from_text(_text_of(action.get("content")), kind)
    reasoning = action.get("reasoning_content")
    if isinstance(reasoning, str) and reasoning:
        message.reasoning_content = clean_text(reasoning)
    message.tool_calls = parse_tool_calls(action.get("tool_calls"))[0] or None
    return message


def _text_of(content: Any) -> str:
    """Return the text of a content field: a string, or a list of typed parts."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list | tuple) else ()
    texts = [part.get("text") for part in parts if isinstance(part, Mapping)]
    return "".join(text for text in texts if isinstance(text, str))


def _calls(action: Any) -> list[ToolCall]:
    """Return tool calls given as objects or dictionaries, one or several."""
    items = [action] if isinstance(action, ToolCall | Mapping) else action
    if not isinstance(items, Sequence) or isinstance(items, str | bytes) or not items:
        raise TypeError(
            f"{type(action).__name__} is no action: give text, a message, or tool calls"
        )
    return [_call(item) for item in items]


def _call(item: Any) -> ToolCall:
    if isinstance(item, ToolCall):
        return item
    if not isinstance(item, Mapping) or not _is_call(item):
        raise TypeError(f"{item!r:.80} is no tool call: it needs a name and arguments")
    entry = item if "function" in item else {"id": item.get("id"), "function": item}
    calls = parse_tool_calls([entry])[0]
    if not calls:
        raise TypeError(f"{item!r:.80} is no tool call: it needs a name and arguments")
    return calls[0]
