"""Structured actions: what a trainer has in hand becomes one message.

Text stays text and is never parsed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from tau2.actions.provider_data import data_of_message
from tau2.actions.reasoning import split_reasoning
from tau2.actions.tool_calls import parse_arguments, parse_tool_calls
from tau2.data_model.message import AssistantMessage, ToolCall, ToolRequestor, UserMessage
from tau2.utils.json_types import JsonMapping, JsonValue
from tau2.utils.sizes import LONGEST_MESSAGE
from tau2.utils.text import clean_text

OwnMessage: TypeAlias = AssistantMessage | UserMessage
Action: TypeAlias = str | OwnMessage | ToolCall | JsonMapping | Sequence[ToolCall | JsonMapping]
"""Text; a message; a tool call or several; or an assistant message or call of OpenAI's API."""

MESSAGE_TYPES: Mapping[ToolRequestor, type[OwnMessage]] = {
    "assistant": AssistantMessage,
    "user": UserMessage,
}

_COPIED = (
    "content",
    "tool_calls",
    "cost",
    "usage",
    "raw_data",
    "generation_time_seconds",
    "reasoning_content",
    "provider_data",
)


def as_message(action: Action, requestor: ToolRequestor = "assistant") -> OwnMessage:
    """Return an action as a new message. Reasoning in text goes to `reasoning_content`.

    Whatever a model may have put into the fields is taken, and made storable. A text longer than
    LONGEST_MESSAGE stays as it is: an episode ends with it.

    Raises:
        TypeError: the object is no action.
    """
    message = _message(action, MESSAGE_TYPES[requestor])
    if message.tool_calls is not None:
        message.tool_calls = [
            call.model_copy(update={"arguments": parse_arguments(call.arguments)})
            for call in message.tool_calls
        ]
    return message


def _message(action: Action, message_type: type[OwnMessage]) -> OwnMessage:
    if isinstance(action, message_type):
        return action.model_copy()
    if isinstance(action, AssistantMessage | UserMessage):
        # A model plays the user, in messages of its own API.
        return message_type(**{name: getattr(action, name) for name in _COPIED})
    if isinstance(action, str):
        return _from_text(action, message_type)
    if isinstance(action, Mapping) and not _is_call(action):
        message = _from_text(text_of_content(action.get("content")), message_type)
        reasoning = action.get("reasoning_content")
        if isinstance(reasoning, str) and reasoning:
            message.reasoning_content = clean_text(reasoning)
        message.tool_calls = parse_tool_calls(action.get("tool_calls"))[0] or None
        message.provider_data = data_of_message(action, message.reasoning_content)
        return message
    return message_type(tool_calls=_calls(action))


def _is_call(action: JsonMapping) -> bool:
    """Return whether a dictionary is one tool call and not a message."""
    return "role" not in action and ("function" in action or "name" in action)


def _from_text(text: str, message_type: type[OwnMessage]) -> OwnMessage:
    if len(text) > LONGEST_MESSAGE:
        return message_type(content=text)  # not worth reading: the episode refuses it
    visible, reasoning = split_reasoning(clean_text(text))
    return message_type(content=visible, reasoning_content=reasoning)


def text_of_content(content: JsonValue) -> str:
    """Return the text of a content field: a string, or a list of typed parts."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list | tuple) else ()
    texts = [part.get("text") for part in parts if isinstance(part, Mapping)]
    return "".join(text for text in texts if isinstance(text, str))


def _calls(action: ToolCall | JsonMapping | Sequence[ToolCall | JsonMapping]) -> list[ToolCall]:
    """Return tool calls given as objects or dictionaries, one or several."""
    items = [action] if isinstance(action, ToolCall | Mapping) else action
    if not isinstance(items, Sequence) or isinstance(items, str | bytes) or not items:
        raise TypeError(
            f"{type(action).__name__} is no action: give text, a message, or tool calls"
        )
    return [_call(item) for item in items]


def _call(item: ToolCall | JsonMapping) -> ToolCall:
    if isinstance(item, ToolCall):
        return item
    if isinstance(item, Mapping) and _is_call(item):
        entry = item if "function" in item else {"id": item.get("id"), "function": item}
        calls, _ = parse_tool_calls([entry])
        if calls and (calls[0].name or calls[0].arguments):
            return calls[0]
    raise TypeError(f"{item!r:.80} is no tool call: it needs a name and arguments")
