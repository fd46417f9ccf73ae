"""Messages and tools in the form of OpenAI's chat completions API, and back."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from tau2.actions.tool_calls import parse_tool_calls
from tau2.data_model.message import (
    AssistantMessage,
    Message,
    MultiToolMessage,
    SystemMessage,
    ToolCall,
    ToolMessage,
    UserMessage,
)

_NOT_IN_NAMES = re.compile(r"[^a-zA-Z0-9_-]")
_LONGEST_NAME = 64  # characters; what the API accepts
_CHOICES = frozenset({"auto", "required", "none"})
_NO_PARAMETERS: Mapping[str, Any] = {"type": "object", "properties": {}}


def to_wire(messages: Sequence[Message], *, keep_reasoning: bool = False) -> list[dict[str, Any]]:
    """Return the messages as OpenAI dictionaries; a MultiToolMessage becomes one per result."""
    return [wired for message in messages for wired in _wired(message, keep_reasoning)]


def _wired(message: Message, keep_reasoning: bool) -> list[dict[str, Any]]:
    match message:
        case MultiToolMessage():
            return [_tool_result(result) for result in message.tool_messages]
        case ToolMessage():
            return [_tool_result(message)]
        case AssistantMessage():
            return [_assistant(message, keep_reasoning)]
        case SystemMessage() | UserMessage():
            return [{"role": message.role, "content": message.content or ""}]
    raise TypeError(f"not a message: {type(message).__name__}")


def _tool_result(message: ToolMessage) -> dict[str, Any]:
    return {"role": "tool", "content": message.content or "", "tool_call_id": message.id}


def _assistant(message: AssistantMessage, keep_reasoning: bool) -> dict[str, Any]:
    wired: dict[str, Any] = {"role": "assistant", "content": message.content}
    if message.tool_calls:
        wired["tool_calls"] = [_tool_call(call) for call in message.tool_calls]
    elif message.content is None:
        wired["content"] = ""  # the API wants one of the two
    if keep_reasoning and message.reasoning_content:
        wired["reasoning_content"] = message.reasoning_content
    return wired


def _tool_call(call: ToolCall) -> dict[str, Any]:
    arguments = json.dumps(call.arguments, default=str)
    return {
        "id": call.id,
        "type": "function",
        "function": {"name": _name(call.name), "arguments": arguments},
    }


def _name(name: str) -> str:
    """Return a name that the API accepts: a model may have called a tool that cannot exist, and must be told so."""
    return _NOT_IN_NAMES.sub("_", name)[:_LONGEST_NAME] or "unnamed"


def tools_to_wire(tools: Sequence[Any] | None) -> list[dict[str, Any]] | None:
    """Return the schemas of the tools (Tool objects or OpenAI dictionaries), or None when there is none."""
    return [_tool(tool) for tool in tools] if tools else None


def _tool(tool: Any) -> dict[str, Any]:
    schema: dict[str, Any] = tool if isinstance(tool, dict) else tool.openai_schema
    function = schema.get("function", {})
    if function.get("parameters"):
        return schema
    return {**schema, "function": {**function, "parameters": dict(_NO_PARAMETERS)}}


def choice_to_wire(choice: str | None) -> str | dict[str, Any] | None:
    """Return a tool choice as the API wants it: a tool's name becomes an object."""
    if choice is None or choice in _CHOICES or not isinstance(choice, str):
        return choice
    return {"type": "function", "function": {"name": choice}}


def from_wire(messages: Sequence[Mapping[str, Any]]) -> list[Message]:
    """Return OpenAI dictionaries as messages. Raise ValueError naming the first one that is not a chat message."""
    return [_unwired(index, message) for index, message in enumerate(messages)]


def _unwired(index: int, message: Mapping[str, Any]) -> Message:
    content = message.get("content")
    text = content if isinstance(content, str) else None
    match message.get("role"):
        case "system" | "developer":
            return SystemMessage(content=text)
        case "user":
            return UserMessage(content=text)
        case "tool":
            return ToolMessage(id=str(message.get("tool_call_id") or ""), content=text)
        case "assistant":
            calls, _ = parse_tool_calls(message.get("tool_calls"))
            reasoning = message.get("reasoning_content")
            return AssistantMessage(
                content=text or None,
                tool_calls=calls or None,
                reasoning_content=reasoning if isinstance(reasoning, str) else None,
            )
    raise ValueError(f"message {index} has no role of the chat API: {message.get('role')!r}")
