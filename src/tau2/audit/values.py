"""The texts that a reference gives to tools, also those inside arguments written as JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from tau2.data_model.tasks import Action

_NAMES_A_TOOL = ("agent_tool_name", "discoverable_tool_name")
_ARGUMENTS = "arguments"
_PROSE = 4  # words from which on a value is a sentence of somebody's
_WORD = re.compile(r"[^\W_]+")
_QUANTITY = re.compile(
    r"-?\$-?[\d,]{1,20}(?:\.\d{1,9})?|-?[\d,]{1,20}\.\d{1,9}|\d{1,20} [a-z]{1,20}"
)
"""A number with its unit: what an agent computes, and not what it looks up."""
_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september",
    "october", "november", "december",
)  # fmt: skip
_DATE = re.compile(r"(\d\d/\d\d)/\d{4}")


class Written(NamedTuple):
    """A text that the reference gives to a tool."""

    tool: str
    argument: str
    value: str


def called_tool(action: Action) -> str:
    """Return the tool that an action calls: itself, or the discoverable one that it names."""
    names = (action.arguments.get(key) for key in _NAMES_A_TOOL)
    return next((name for name in names if isinstance(name, str)), action.name)


def values_of(action: Action) -> list[Written]:
    """Return the texts among the arguments of an action, also of those written as JSON."""
    tool = called_tool(action)
    return [Written(tool, key, value) for key, value in _texts(action.arguments, "")]


def with_argument(action: Action, name: str, value: str) -> Action:
    """Return an action with another value of an argument, or with one argument more.

    Of a call of a discoverable tool it is an argument of that tool.
    """
    if called_tool(action) == action.name:
        return action.model_copy(update={"arguments": {**action.arguments, name: value}})
    arguments = dict(_as_object(action.arguments.get(_ARGUMENTS)) or {})
    arguments[name] = value
    changed = {**action.arguments, _ARGUMENTS: json.dumps(arguments)}
    return action.model_copy(update={"arguments": changed})


def _texts(value: Any, key: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for name, item in value.items():
            inner = _as_object(item) if name == _ARGUMENTS else None
            yield from _texts(item if inner is None else inner, name)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item, key)
    elif isinstance(value, str):
        yield key, value


def _as_object(value: object) -> Mapping[str, Any] | None:
    if not isinstance(value, str):
        return None
    try:
        parsed = json.loads(value)
    except ValueError:
        return None
    return parsed if isinstance(parsed, Mapping) else None


def needs_no_source(value: str) -> bool:
    """Return whether a value is a number with its unit: a decision, and not knowledge."""
    return _QUANTITY.fullmatch(value) is not None


def without_year(value: str) -> str:
    """Return a date without its year, which a rule may have shifted; any other value as it is."""
    date = _DATE.fullmatch(value)
    return value if date is None else date[1]


def is_spoken_date(value: str, text: str) -> bool:
    """Return whether a value is a date that a text says in words, such as "November 8th"."""
    date = _DATE.fullmatch(value)
    if date is None:
        return False
    month, day = (int(part) for part in date[1].split("/"))
    if not 1 <= month <= len(_MONTHS):
        return False
    return re.search(rf"\b{_MONTHS[month - 1]} 0?{day}(?!\d)", text, re.IGNORECASE) is not None


def is_prose(value: str) -> bool:
    """Return whether a value is a sentence and not a name, an id, a date or a code."""
    return len(_WORD.findall(value)) >= _PROSE and " " in value.strip()
