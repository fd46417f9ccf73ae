"""Messages as the lines of an observation, and actions as messages."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping

from tau2.actions.functional import to_functional_format
from tau2.actions.parse import parse_action
from tau2.actions.reasoning import split_reasoning
from tau2.data_model.message import (
    AssistantMessage,
    Message,
    MultiToolMessage,
    ToolCall,
    ToolMessage,
    UserMessage,
)
from tau2.environment.history import decoded
from tau2.orchestrator.episode import Role
from tau2.utils.sizes import LONGEST_MESSAGE
from tau2.utils.text import clean_text


def observation_of(
    messages: Iterable[Message], before: Message | None = None, *, results_with_calls: bool = True
) -> str:
    """Return messages as lines `role: content`; a tool call is shown as `name(key=value, ...)`.

    A tool's line is `tool: {"name": ..., "arguments": ..., "result": ...}`, or the result alone if
    not `results_with_calls`. `before` is the message before the first one; its calls may be
    answered in `messages`.
    """
    known = _calls_in(before) if results_with_calls else {}
    lines: list[str] = []
    for message in messages:
        if results_with_calls:
            known |= _calls_in(message)
        lines += _lines(message, known)
    return "\n".join(lines)


def _calls_in(message: Message | None) -> dict[str, ToolCall]:
    return {call.id: call for call in message.calls} if message is not None else {}


def _lines(message: Message, calls: Mapping[str, ToolCall]) -> Iterator[str]:
    if isinstance(message, MultiToolMessage):
        for result in message.tool_messages:
            yield from _lines(result, calls)
    elif isinstance(message, ToolMessage) and message.id in calls:
        yield f"tool: {_result_with_call(message, calls[message.id])}"
    elif message.content:
        yield f"{message.role}: {message.content}"
    if isinstance(message, AssistantMessage | UserMessage):
        for call in message.calls:
            yield f"{message.role}: {to_functional_format(call)}"


def _result_with_call(result: ToolMessage, call: ToolCall) -> str:
    content = (result.content or "").strip()
    is_data = content.startswith(("{", "[")) and not isinstance(decoded(content), str)
    is_line = is_data and content.isprintable()
    shown = (
        content if is_line else json.dumps(decoded(content) if is_data else result.content or "")
    )
    name, arguments = json.dumps(call.name), json.dumps(call.arguments, default=str)
    return f'{{"name": {name}, "arguments": {arguments}, "result": {shown}}}'


def read_action(action: str, role: Role) -> AssistantMessage | UserMessage:
    """Return the message that an action in text stands for; thoughts in think tags are kept apart.

    Raise ValueError for a tool call that cannot be read, for an empty action, and for one longer
    than LONGEST_MESSAGE; the text says why.
    """
    if len(action) > LONGEST_MESSAGE:
        raise ValueError(f"the action has more than {LONGEST_MESSAGE:,} characters")
    text, reasoning = split_reasoning(clean_text(action))
    message = parse_action(text or "", "assistant" if role is Role.AGENT else "user")
    message.reasoning_content = reasoning
    return message
