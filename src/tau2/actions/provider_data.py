"""What providers attach to messages and tool calls, and want back with the conversation.

Thought signatures, encrypted reasoning, `reasoning_details`, `extra_content`, `thinking_blocks` and
whatever comes next: every field without a meaning here is kept as it came, under its name, in the
`provider_data` of a message or of a tool call:

    {"origin": "openai_compatible:openai/m",    who made it: a backend and a model
     "fields": {"reasoning_details": [...]},     fields that go back as they are
     "function": {...},                          of a tool call: the same, within `function`
     "reasoning": {"reasoning": null},           where reasoning stood; null is the message's own
     "content": [...]}                           content that came as parts, not all of them text

Only the origin gets these fields back. Data without an origin came from the caller, who knows where
it belongs.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping

from tau2.utils.json_types import JsonMapping, JsonObject, JsonValue
from tau2.utils.plain_data import DEEPEST, clean, is_storable
from tau2.utils.text import clean_text

logger = logging.getLogger(__name__)

REASONING_FIELDS = ("reasoning_content", "reasoning", "reasoning_text", "thinking")
"""Names under which servers send reasoning as text."""

LARGEST_FIELD = 1 << 20  # characters of JSON; signatures and encrypted reasoning have thousands

_MESSAGE_FIELDS = frozenset(
    {"role", "content", "tool_calls", "function_call", "refusal", "audio", "name", "error"}
    | set(REASONING_FIELDS)
)
_SEALS = frozenset({"signature", "data", "encrypted_content", "thought_signature", "extra_content"})
_CALL_PARTS = ("tool_use", "tool_call", "function_call", "function")
_CALL_FIELDS = frozenset(
    {"id", "call_id", "type", "index", "function", "name", "arguments", "parameters", "input"}
)
_FUNCTION_FIELDS = frozenset({"name", "arguments", "parameters", "input"})


def fields_of_message(message: JsonMapping) -> JsonObject:
    """Return the fields of a chat message that have no meaning here, by name."""
    return _without(message, _MESSAGE_FIELDS)


def data_of_call(entry: JsonMapping) -> JsonObject | None:
    """Return the `provider_data` of an entry of `tool_calls`, without an origin; None for none."""
    function = entry.get("function")
    parts = {
        "fields": _without(entry, _CALL_FIELDS),
        "function": _without(function, _FUNCTION_FIELDS) if isinstance(function, Mapping) else {},
    }
    return {name: fields for name, fields in parts.items() if fields} or None


def data_of_message(message: JsonMapping, reasoning: str | None) -> JsonObject | None:
    """Return the `provider_data` of a chat message, without an origin; None for none.

    Args:
        message: A message of OpenAI's API.
        reasoning: The message's `reasoning_content` as it will be stored.
    """
    data: JsonObject = {}
    fields = fields_of_message(message)
    if fields:
        data["fields"] = fields
    named = {name: message[name] for name in REASONING_FIELDS if _says_something(message.get(name))}
    content = message.get("content")
    if not named and reasoning and isinstance(content, str):
        named = {"content": content}  # between think tags
    if named and named != {"reasoning_content": reasoning}:
        named = {name: None if value == reasoning else value for name, value in named.items()}
        data["reasoning"] = _small(named)
    is_text = isinstance(content, list) and all(
        isinstance(part, str) or (isinstance(part, Mapping) and part.get("type") == "text")
        for part in content
    )
    if isinstance(content, list) and not is_text:
        # Calls among the parts go back as tool calls.
        data |= _small({"content": [part for part in content if not _is_call(part)]})
    return data or None


def _is_call(part: JsonValue) -> bool:
    return isinstance(part, Mapping) and part.get("type") in _CALL_PARTS


def is_sealed(content: JsonValue) -> bool:
    """Return whether parts of content carry a signature or encrypted data, which must go back."""
    parts = content if isinstance(content, list) else ()
    return any(isinstance(part, Mapping) and _SEALS & part.keys() for part in parts)


def with_origin(data: JsonObject | None, origin: str) -> JsonObject | None:
    """Return `provider_data` that says who made it."""
    return None if data is None else {"origin": origin, **data}


def returnable(data: JsonMapping | None, origin: str | None) -> JsonMapping:
    """Return `provider_data` if it may be sent to `origin` (None: to anybody), else nothing."""
    if not data:
        return {}
    made_by = data.get("origin")
    return data if origin is None or made_by is None or made_by == origin else {}


def mapping_in(data: JsonMapping, name: str) -> JsonObject:
    """Return the mapping `name` of `provider_data`, which may have been edited by hand."""
    value = data.get(name)
    return dict(value) if isinstance(value, Mapping) else {}


def _without(given: JsonMapping, known: frozenset[str]) -> JsonObject:
    found = {
        str(name): value
        for name, value in given.items()
        if name not in known and _says_something(value)
    }
    return _small(found)


def _small(fields: JsonObject) -> JsonObject:
    return {
        clean_text(name): clean(value) for name, value in fields.items() if _is_small(name, value)
    }


def _says_something(value: JsonValue, depth: int = DEEPEST) -> bool:
    """Return whether a value is more than an empty default; a very deep one is."""
    if value is None or isinstance(value, str | bool):
        return bool(value)
    if not isinstance(value, Mapping | list):
        return value not in (None, "", False)
    inner = value.values() if isinstance(value, Mapping) else value
    return depth <= 0 or any(_says_something(item, depth - 1) for item in inner)


def _is_small(name: str, value: JsonValue) -> bool:
    is_small = is_storable(value) and len(json.dumps(value, default=str)) <= LARGEST_FIELD
    if not is_small:
        logger.warning(
            "the field %r of a model's answer is too large or too deep to be kept, and is not "
            "sent back",
            name[:80],
        )
    return is_small
