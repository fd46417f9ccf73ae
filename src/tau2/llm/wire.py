"""Messages and tools in the form of OpenAI's chat completions API, and back."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

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
from tau2.environment.tool import Tool
from tau2.seeds import sent_seed
from tau2.utils.json_types import JsonMapping, JsonObject

_NOT_IN_NAMES = re.compile(r"[^a-zA-Z0-9_-]")
_LONGEST_NAME = 64  # characters; what the API accepts
_CHOICES = frozenset({"auto", "required", "none"})
_NO_PARAMETERS: JsonMapping = {"type": "object", "properties": {}}


def to_wire(messages: Sequence[Message], *, keep_reasoning: bool = False) -> list[JsonObject]:
    """Return the messages as OpenAI dictionaries; a MultiToolMessage becomes one per result."""
    wired: list[JsonObject] = []
    for message in messages:
        wired += _to_wire(message, keep_reasoning)
    return wired


def _to_wire(message: Message, keep_reasoning: bool) -> list[JsonObject]:
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


def _tool_result(message: ToolMessage) -> JsonObject:
    return {"role": "tool", "content": message.content or "", "tool_call_id": message.id}


def _assistant(message: AssistantMessage, keep_reasoning: bool) -> JsonObject:
    wired: JsonObject = {"role": "assistant", "content": message.content}
    if message.tool_calls:
        wired["tool_calls"] = [_tool_call(call) for call in message.tool_calls]
    elif message.content is None:
        wired["content"] = ""  # the API wants one of the two
    if keep_reasoning and message.reasoning_content:
        wired["reasoning_content"] = message.reasoning_content
    return wired


def _tool_call(call: ToolCall) -> JsonObject:
    arguments = json.dumps(call.arguments, default=str)
    return {
        "id": call.id,
        "type": "function",
        "function": {"name": _name(call.name), "arguments": arguments},
    }


def _name(name: str) -> str:
    """Return a name that the API accepts.

    A model may have called a tool whose name the API refuses; its history must still be sendable.
    """
    return _NOT_IN_NAMES.sub("_", name)[:_LONGEST_NAME] or "unnamed"


def tools_to_wire(tools: Sequence[Tool | JsonObject] | None) -> list[JsonObject] | None:
    """Return the schemas of tools (Tools or OpenAI dictionaries); None when there is none."""
    return [_tool(tool) for tool in tools] if tools else None


def _tool(tool: Tool | JsonObject) -> JsonObject:
    schema = tool if isinstance(tool, dict) else tool.openai_schema
    function = schema.get("function", {})
    if function.get("parameters"):
        return schema
    return {**schema, "function": {**function, "parameters": dict(_NO_PARAMETERS)}}


def choice_to_wire(choice: str | None) -> str | JsonObject | None:
    """Return a tool choice as the API wants it: a tool's name becomes an object."""
    if choice is None or choice in _CHOICES or not isinstance(choice, str):
        return choice
    return {"type": "function", "function": {"name": choice}}


def sent_args(args: JsonMapping) -> JsonObject:
    """Return arguments of a model as they are sent: a seed within what every provider accepts."""
    seed = args.get("seed")
    if not isinstance(seed, int) or isinstance(seed, bool):
        return dict(args)
    return {**args, "seed": sent_seed(seed)}


def from_wire(messages: Sequence[JsonMapping]) -> list[Message]:
    """Return OpenAI dictionaries as messages.

    Raises:
        ValueError: one is no chat message; the text names its index.
    """
    return [_from_wire(index, message) for index, message in enumerate(messages)]


def _from_wire(index: int, message: JsonMapping) -> Message:
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
