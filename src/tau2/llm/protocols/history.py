"""What every protocol needs of a conversation in OpenAI's chat form."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from tau2.actions.message import text_of_content
from tau2.utils.json_types import JsonMapping, JsonObject, JsonValue

_ID_CHARACTERS = re.compile(r"[a-zA-Z0-9_-]+")
_INSTRUCTIONS = ("system", "developer")  # a tuple: a role may be any JSON value


class WireCall(NamedTuple):
    """A tool call of a message in OpenAI's form."""

    id: str
    name: str
    arguments: str
    """JSON text."""

    @property
    def input(self) -> JsonObject:
        """The arguments as an object."""
        value = json.loads(self.arguments or "{}")
        return value if isinstance(value, dict) else {}


def instructions_of(messages: Sequence[JsonMapping]) -> tuple[list[str], list[JsonMapping]]:
    """Return the system prompts that a conversation begins with, and the messages after them."""
    for at, message in enumerate(messages):
        if message.get("role") not in _INSTRUCTIONS:
            return _texts(messages[:at]), list(messages[at:])
    return _texts(messages), []


def _texts(messages: Sequence[JsonMapping]) -> list[str]:
    return [text for text in map(text_of, messages) if text.strip()]


def text_of(message: JsonMapping) -> str:
    """Return what a message says."""
    return text_of_content(message.get("content"))


def calls_of(message: JsonMapping) -> list[WireCall]:
    """Return the tool calls of a message."""
    calls = []
    for entry in message.get("tool_calls") or ():
        function = entry["function"]
        calls.append(WireCall(str(entry["id"]), function["name"], function["arguments"]))
    return calls


def accepted_id(given: str, longest: int) -> str:
    """Return a call's id, or one made from it if the API would refuse it: the same every time."""
    if len(given) <= longest and _ID_CHARACTERS.fullmatch(given):
        return given
    return "call_" + hashlib.sha256(given.encode()).hexdigest()[:24]


def listed(value: JsonValue) -> list[JsonMapping]:
    """Return the objects of a list; nothing for any other value."""
    items = value if isinstance(value, list) else ()
    return [item for item in items if isinstance(item, Mapping)]


def count(value: JsonValue) -> int:
    """Return a number of tokens that a response states; 0 where it states none."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else 0
