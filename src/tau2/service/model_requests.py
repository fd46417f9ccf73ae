"""Bodies of OpenAI's chat completions: what is read of them, and how anything else is refused.

Whatever a client sends, the result is a request that the engine can be asked, or a BadRequest that
says which part cannot be used.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from tau2.errors import ConfigError
from tau2.llm.local.chat import sampling_of
from tau2.utils.json_types import JsonMapping, JsonObject, JsonValue
from tau2.utils.text import repr_of

MOST_MESSAGES = 2_000
MOST_TOOLS = 512
_MOST_CALLS = 64  # of one message
_DEEPEST = 24  # levels of a schema
_MOST_NODES = 20_000  # of all schemas
_LONGEST_NAME = 256
_LARGEST = 1_000_000  # of a sampling parameter
_ROLES = frozenset({"system", "developer", "user", "assistant", "tool"})
_CHOICES = frozenset({"auto", "none", "required"})
_NAME = re.compile(r"[A-Za-z0-9_.:-]+")

READ = (
    "temperature",
    "top_p",
    "max_tokens",
    "max_completion_tokens",
    "seed",
    "stop",
    "response_format",
    "top_k",
    "min_p",
    "repeat_penalty",
    "presence_penalty",
    "frequency_penalty",
    "constrained",
)
"""The sampling parameters that have an effect; other fields are ignored, as other servers do."""

_NUMBERS = ("top_k", "min_p", "repeat_penalty", "presence_penalty", "frequency_penalty")


class BadRequest(Exception):
    """A body that cannot be used."""

    def __init__(self, message: str, param: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.code = code


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """What a client asks."""

    messages: list[JsonObject]
    tools: list[JsonObject]
    tool_choice: str | JsonObject | None
    args: JsonObject
    is_streamed: bool
    has_usage: bool
    """Whether a stream ends with the token counts."""


def parse_request(body: JsonValue) -> ChatRequest:
    """Return the request that a body holds. Raise BadRequest for anything else."""
    if not isinstance(body, dict):
        raise BadRequest("the body must be a JSON object")
    tools = _tools(body.get("tools"))
    return ChatRequest(
        messages=_messages(body.get("messages")),
        tools=tools,
        tool_choice=_choice(body.get("tool_choice"), tools),
        args=_args(body),
        is_streamed=_flag(body, "stream"),
        has_usage=_flag(_mapping(body.get("stream_options"), "stream_options"), "include_usage"),
    )


def _flag(body: JsonMapping, name: str) -> bool:
    value = body.get(name)
    if value is not None and not isinstance(value, bool):
        raise BadRequest(f"{name} must be true or false", name)
    return bool(value)


def _mapping(value: JsonValue, name: str) -> JsonMapping:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BadRequest(f"{name} must be an object", name)
    return value


def _args(body: JsonMapping) -> JsonObject:
    if body.get("n") not in (None, 1):
        raise BadRequest("n must be 1: one answer is given at a time", "n")
    args = {name: body[name] for name in READ if body.get(name) is not None}
    _flag(args, "constrained")
    for name in _NUMBERS:
        value = args.get(name)
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if value is not None and not (is_number and abs(value) <= _LARGEST):
            raise BadRequest(f"{name} must be a number", name)
    form = args.get("response_format")
    if isinstance(form, dict) and isinstance(form.get("json_schema"), dict):
        _check_schema(form["json_schema"].get("schema"), "response_format")
    try:
        sampling_of(args, "")
    except ConfigError as error:
        raise BadRequest(str(error)) from error
    return args


def _messages(value: JsonValue) -> list[JsonObject]:
    if not isinstance(value, list) or not value:
        raise BadRequest("messages must be a list with at least one message", "messages")
    if len(value) > MOST_MESSAGES:
        raise BadRequest(f"more than {MOST_MESSAGES:,} messages are not read", "messages")
    return [_message(message, f"messages[{index}]") for index, message in enumerate(value)]


def _message(value: JsonValue, place: str) -> JsonObject:
    if not isinstance(value, dict):
        raise BadRequest(f"{place} must be an object", place)
    role = value.get("role")
    if not isinstance(role, str) or role not in _ROLES:
        raise BadRequest(
            f"{place}.role must be one of {', '.join(sorted(_ROLES))}, not {repr_of(role)}", place
        )
    message: JsonObject = {"role": role, "content": _content(value.get("content"), place)}
    calls = value.get("tool_calls")
    if calls is not None:
        if not isinstance(calls, list) or len(calls) > _MOST_CALLS:
            raise BadRequest(f"{place}.tool_calls must be a list of tool calls", place)
        message["tool_calls"] = [_call(call, f"{place}.tool_calls") for call in calls]
    return message


def _content(value: JsonValue, place: str) -> str:
    """Return the text of a message, given as such or in parts."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if not isinstance(value, list):
        raise BadRequest(f"{place}.content must be a text, or a list of text parts", place)
    texts = []
    for part in value:
        text = part.get("text") if isinstance(part, dict) else None
        if not isinstance(text, str):
            raise BadRequest(f"{place}.content holds a part that is no text", place)
        texts.append(text)
    return "".join(texts)


def _call(value: JsonValue, place: str) -> JsonObject:
    function = value.get("function") if isinstance(value, dict) else None
    if not isinstance(function, dict) or not isinstance(function.get("name"), str):
        raise BadRequest(f"{place} must have a function with a name", place)
    arguments = function.get("arguments")
    if arguments is not None and not isinstance(arguments, str | dict):
        raise BadRequest(f"{place}: arguments must be JSON text", place)
    return {"type": "function", "function": {"name": function["name"], "arguments": arguments}}


def _tools(value: JsonValue) -> list[JsonObject]:
    if value is None:
        return []
    if not isinstance(value, list) or len(value) > MOST_TOOLS:
        raise BadRequest(f"tools must be a list of at most {MOST_TOOLS} tools", "tools")
    tools = [_tool(tool, f"tools[{index}]") for index, tool in enumerate(value)]
    names = [tool["function"]["name"] for tool in tools]
    if len(set(names)) < len(names):
        raise BadRequest("two tools have the same name", "tools")
    return tools


def _tool(value: JsonValue, place: str) -> JsonObject:
    function = value.get("function") if isinstance(value, dict) else None
    if not isinstance(function, dict):
        raise BadRequest(f"{place} must be a function", place)
    name = function.get("name")
    if not isinstance(name, str) or len(name) > _LONGEST_NAME or not _NAME.fullmatch(name):
        raise BadRequest(f"{place}: a tool is named by letters, digits and _.:-", place)
    description = function.get("description")
    if description is not None and not isinstance(description, str):
        raise BadRequest(f"{place}: description must be a text", place)
    parameters = _mapping(function.get("parameters"), f"{place}.parameters")
    _check_schema(parameters, f"{place}.parameters")
    return {
        "type": "function",
        "function": {"name": name, "description": description or "", "parameters": parameters},
    }


def _choice(value: JsonValue, tools: list[JsonObject]) -> str | JsonObject | None:
    if value is None or (isinstance(value, str) and value in _CHOICES):
        return value
    function = value.get("function") if isinstance(value, dict) else None
    name = function.get("name") if isinstance(function, dict) else None
    if not any(tool["function"]["name"] == name for tool in tools):
        raise BadRequest(
            "tool_choice must be auto, none, required, or a function of tools", "tool_choice"
        )
    return {"type": "function", "function": {"name": name}}


_SCHEMAS = ("items", "additionalProperties", "not", "contains", "propertyNames")
_LISTS_OF_SCHEMAS = ("anyOf", "oneOf", "allOf", "prefixItems")
_MAPS_OF_SCHEMAS = ("properties", "$defs", "definitions", "patternProperties")


def _check_schema(schema: JsonValue, place: str) -> None:
    """Raise BadRequest for what no reader of schemas takes: wrong types, and endless nesting."""
    pending: list[tuple[JsonValue, int]] = [(schema, 0)]
    seen = 0
    while pending:
        node, depth = pending.pop()
        seen += 1
        if isinstance(node, bool) and depth > 0:
            continue
        if not isinstance(node, dict):
            raise BadRequest(f"{place} must be a JSON schema", place)
        if depth > _DEEPEST or seen > _MOST_NODES:
            raise BadRequest(f"{place}: a schema this large is not read", place)
        _check_keywords(node, place)
        pending += [(inner, depth + 1) for inner in _inner_schemas(node, place)]


def _inner_schemas(node: JsonMapping, place: str) -> list[JsonValue]:
    inner = [node[name] for name in _SCHEMAS if name in node and node[name] is not None]
    for name in _LISTS_OF_SCHEMAS:
        listed = node.get(name)
        if listed is not None and not isinstance(listed, list):
            raise BadRequest(f"{place}: {name} must be a list of schemas", place)
        inner += listed or []
    for name in _MAPS_OF_SCHEMAS:
        mapped = node.get(name)
        if mapped is not None and not isinstance(mapped, Mapping):
            raise BadRequest(f"{place}: {name} must be an object of schemas", place)
        inner += (mapped or {}).values()
    return inner


def _check_keywords(node: JsonMapping, place: str) -> None:
    for name, kinds, wanted in (
        ("type", (str, list), "a name, or a list of names"),
        ("enum", (list,), "a list"),
        ("required", (list,), "a list of names"),
        ("description", (str,), "a text"),
        ("$ref", (str,), "a text"),
        ("pattern", (str,), "a text"),
    ):
        value = node.get(name)
        if value is not None and not isinstance(value, kinds):
            raise BadRequest(f"{place}: {name} must be {wanted}", place)
    for name in ("required", "type"):
        value = node.get(name)
        if isinstance(value, list) and not all(isinstance(one, str) for one in value):
            raise BadRequest(f"{place}: {name} must hold names only", place)
    for name in ("minLength", "maxLength", "minItems", "maxItems", "minimum", "maximum"):
        value = node.get(name)
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if value is not None and not is_number:
            raise BadRequest(f"{place}: {name} must be a number", place)
