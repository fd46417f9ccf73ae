"""Tools that an agent gives to the customer during the conversation.

They are not in the customer's list of tools: one tool of the list calls any of them by its name,
with the arguments as JSON. The agent says which one, and with which values.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Any

from tau2.user.scripted_user.agenda import UserAction
from tau2.utils.json_types import JsonMapping, JsonObject

NAME = "discoverable_tool_name"
ARGUMENTS = "arguments"
_LONGEST_VALUE = 200  # characters of a value that words can carry
_PAIRS = re.compile(
    r"[`\"']?\b([a-z]+(?:_[a-z0-9]+)+)\b[`\"']?"
    r"(?:\s{0,3}(?:=|:|\bis\b)\s{0,3}|\s(?=[`\"']?[a-z]{1,8}_))"
    rf"(?:\"([^\"\n]{{1,{_LONGEST_VALUE}}})\"|'([^'\n]{{1,{_LONGEST_VALUE}}})'|"
    rf"`([^`\n]{{1,{_LONGEST_VALUE}}})`|([^\s,;)`\"'{{}}]{{1,{_LONGEST_VALUE}}}))"
)
"""`key="value"`, "key: value", "key is value", or the id of a record after its key."""
REFERS = re.compile(
    r"\b(?:call|use|run|try|submit)\b.{0,20}\b(?:it|this|that|the tool|them)\b", re.IGNORECASE
)
"""How a request speaks of a tool that was named before."""
# A name begins with two words, an id such as txn_1c8ef0a8c4 with one.
_CALLED = re.compile(r"\b([a-z]+_[a-z]+(?:_[a-z0-9]+)*)\b[`\"']?\s?\(")
_CALLED_A_TOOL = re.compile(
    r"\btools?\b[^.\n_]{0,30}?[`\"'\s]([a-z]+_[a-z]+(?:_[a-z0-9]+)*)\b", re.IGNORECASE
)
_NUMBERED = re.compile(r"\b([a-z]+_[a-z]+(?:_[a-z]+)*_\d{4})\b")
_NUMBER = re.compile(r"-?\$?\d[\d,]*(?:\.\d+)?")
_AMOUNT = re.compile(r"amount|price|cost|fee|limit|income")
_LONGEST = 4_000  # characters of a message in which values are looked for


def calls_given_tools(schema: JsonMapping) -> bool:
    """Return whether a tool of the customer calls tools that the agent has given."""
    return {NAME, ARGUMENTS} <= set(schema.get("properties") or ())


def named_in(text: str, known: Mapping[str, Any], expected: Sequence[UserAction]) -> str:
    """Return the given tool that a text names, or "": an expected one, or what looks like one.

    `known` are the customer's own tools.
    """
    names = {str(deed.arguments.get(NAME, "")) for deed in expected}
    places = {text.find(name): name for name in names if name and name in text}
    if places:
        return places[min(places)]
    for pattern in (_CALLED, _CALLED_A_TOOL, _NUMBERED):
        for match in pattern.finditer(text[:_LONGEST]):
            if match[1] not in known and match[1] not in {NAME, ARGUMENTS}:
                return match[1]
    return ""


def arguments_in(
    text: str, name: str, tools: Set[str], expected: Sequence[UserAction]
) -> list[JsonObject]:
    """Return the arguments of each call of a given tool that a message asks for.

    They are taken from JSON in the message, or from names with values. Where there are none, the
    expected call counts of which the message says a value. `tools` are names that are no argument.
    """
    text = text[:_LONGEST]
    found = [*_objects(text)] or [_pairs(text, {name, *tools})]
    known = [
        inner_arguments(deed.arguments) for deed in expected if deed.arguments.get(NAME) == name
    ]
    said = [{**_filling(one, known), **one} for one in found if one]
    return said or [one for one in known if _names_a_value(text, one)][:1]


def _filling(said: JsonObject, known: Sequence[JsonObject]) -> JsonObject:
    """Return what the customer knows of a call besides what the agent says of it."""
    fitting = (one for one in known if all(said.get(key, one[key]) == one[key] for key in one))
    return next(fitting, {})


def call_of(caller: str, name: str, arguments: JsonObject) -> UserAction:
    """Return the call of a given tool, made through the tool `caller`."""
    return UserAction(tool=caller, arguments={NAME: name, ARGUMENTS: json.dumps(arguments)})


def _objects(text: str) -> Iterator[JsonObject]:
    """Yield the JSON objects written out in a text."""
    decoder = json.JSONDecoder()
    at = text.find("{")
    while at >= 0:
        try:
            value, end = decoder.raw_decode(text, at)
        except ValueError:
            end = at + 1
        else:
            inner = value.get(ARGUMENTS, value) if isinstance(value, dict) else None
            if isinstance(inner, str):
                inner = _read(inner)
            if isinstance(inner, dict) and inner:
                yield inner
        at = text.find("{", end)


def _read(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _pairs(text: str, names: set[str]) -> JsonObject:
    found: JsonObject = {}
    for match in _PAIRS.finditer(text):
        key = match[1]
        quoted = match[2] or match[3] or match[4]
        value = quoted or match[5].rstrip(".*")
        if key not in names and value:
            found.setdefault(key, _typed(key, value))
    return found


def _typed(key: str, value: str) -> str | float | bool:
    """Return an amount as a number and a truth value as one; ids stay texts."""
    if value.lower() in {"true", "false"}:
        return value.lower() == "true"
    if _AMOUNT.search(key) and _NUMBER.fullmatch(value):
        return float(value.replace("$", "").replace(",", ""))
    return value


def inner_arguments(arguments: JsonMapping) -> JsonObject:
    """Return the arguments of the given tool in those of a call of it."""
    inner = _read(str(arguments.get(ARGUMENTS, "")))
    return dict(inner) if isinstance(inner, dict) else {}


def _names_a_value(text: str, arguments: JsonObject) -> bool:
    return any(str(value) in text for value in arguments.values())
