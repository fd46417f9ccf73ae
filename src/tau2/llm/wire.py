"""Messages and tools in the form of OpenAI's chat completions API, and back."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

from tau2.actions.provider_data import (
    REASONING_FIELDS,
    data_of_message,
    is_sealed,
    mapping_in,
    returnable,
)
from tau2.actions.reasoning import split_reasoning
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
from tau2.llm.content import parts_of_content
from tau2.llm.returned_fields import Returned
from tau2.seeds import sent_seed
from tau2.utils.json_types import JsonMapping, JsonObject, JsonValue

_NOT_IN_NAMES = re.compile(r"[^a-zA-Z0-9_-]")
_LONGEST_NAME = 64  # characters; what the API accepts
_CHOICES = frozenset({"auto", "required", "none"})
_NO_PARAMETERS: JsonMapping = {"type": "object", "properties": {}}


def to_wire(
    messages: Sequence[Message],
    *,
    keep_reasoning: bool = False,
    origin: str | None = None,
    returned: Returned | None = None,
) -> list[JsonObject]:
    """Return the messages as OpenAI dictionaries; a MultiToolMessage becomes one per result.

    Args:
        messages: The conversation.
        keep_reasoning: Whether earlier reasoning is sent.
        origin: To whom the messages are sent; nobody else gets back what a provider attached.
            None for anybody.
        returned: What goes back to the model; its `keep_reasoning` counts in place of the argument.
    """
    returned = returned or Returned(keep_reasoning=keep_reasoning)
    wired: list[JsonObject] = []
    for message in messages:
        wired += _to_wire(message, origin, returned)
    return wired


def _to_wire(message: Message, origin: str | None, returned: Returned) -> list[JsonObject]:
    match message:
        case MultiToolMessage():
            return [_tool_result(result) for result in message.tool_messages]
        case ToolMessage():
            return [_tool_result(message)]
        case AssistantMessage():
            return [_assistant(message, origin, returned)]
        case SystemMessage() | UserMessage():
            return [{"role": message.role, "content": message.content or ""}]
    raise TypeError(f"not a message: {type(message).__name__}")


def _tool_result(message: ToolMessage) -> JsonObject:
    return {"role": "tool", "content": message.content or "", "tool_call_id": message.id}


def _assistant(message: AssistantMessage, origin: str | None, returned: Returned) -> JsonObject:
    wired: JsonObject = {"role": "assistant", "content": message.content}
    if message.tool_calls:
        wired["tool_calls"] = [_tool_call(call, origin) for call in message.tool_calls]
    elif message.content is None:
        wired["content"] = ""  # the API wants one of the two
    data = returnable(message.provider_data, origin)
    if not data and not returned.keep_reasoning:
        return wired  # as nearly always
    raw = _raw_content(message, data, keep_reasoning=returned.keep_reasoning)
    if raw is not None:
        wired["content"] = raw
    attached = mapping_in(data, "fields")
    if returned.keep_reasoning:
        attached |= _reasoning(message, mapping_in(data, "reasoning"))
        if returned.empty_reasoning is not None and not attached.keys() & set(REASONING_FIELDS):
            attached[returned.empty_reasoning] = ""
    # What a message says, and who says it, is never a provider's to replace.
    fields = {name: value for name, value in attached.items() if name not in returned.refused}
    return {**fields, **wired}


def _raw_content(
    message: AssistantMessage, data: JsonMapping, *, keep_reasoning: bool
) -> JsonValue:
    """Return the content as it came, with the reasoning in it; None where it does not go back.

    A message whose text was changed since is sent as it is now.
    """
    raw = data.get("content")
    if raw is None:
        raw = mapping_in(data, "reasoning").get("content")
    if not keep_reasoning and not is_sealed(raw):
        return None
    said, _ = split_reasoning(parts_of_content(raw).text)
    return raw if (said or "") == (message.content or "") else None


def _reasoning(message: AssistantMessage, named: JsonMapping) -> JsonObject:
    """Return the fields with the message's reasoning, under the names they came under."""
    own = message.reasoning_content
    if not own or "content" in named:
        return {}
    if not named:
        return {REASONING_FIELDS[0]: own}
    return {name: own if value is None else value for name, value in named.items()}


def _tool_call(call: ToolCall, origin: str | None) -> JsonObject:
    arguments = json.dumps(call.arguments, default=str)
    data = returnable(call.provider_data, origin)
    function = {"name": _name(call.name), "arguments": arguments}
    if not data:
        return {"id": call.id, "type": "function", "function": function}
    return {
        **mapping_in(data, "fields"),
        "id": call.id,
        "type": "function",
        "function": {**mapping_in(data, "function"), **function},
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
    if not isinstance(message, Mapping):
        kind = type(message).__name__
        raise ValueError(f"message {index} is no object: {kind}")  # noqa: TRY004  -- as documented
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
            given = (message.get(name) for name in REASONING_FIELDS)
            reasoning = next((value for value in given if value and isinstance(value, str)), None)
            return AssistantMessage(
                content=text or None,
                tool_calls=calls or None,
                reasoning_content=reasoning,
                provider_data=data_of_message(message, reasoning),
            )
    raise ValueError(f"message {index} has no role of the chat API: {message.get('role')!r}")
