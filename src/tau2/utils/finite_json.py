"""JSON as its standard has it: without the `NaN` and `Infinity` that Python's decoder accepts.

What `dumps` writes, `loads` reads as the same value.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import NoReturn

from tau2.utils.json_types import JsonValue

DEEPEST = 100  # levels; real data has about ten, and Python reads a thousand at most
_TOO_LONG = 10**4300  # Python reads and writes integers of at most 4300 digits
_HALF = re.compile("[\ud800-\udfff]")
_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")


class _Constant:
    """What stands for a constant that is no JSON."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name


def loads(text: str | bytes) -> JsonValue:
    """Return the value of JSON text.

    Raise ValueError for what is not JSON; for NaN and infinities it names the place.
    """
    found: list[_Constant] = []

    def note(name: str) -> _Constant:
        found.append(_Constant(name))
        return found[-1]

    value = json.loads(text, parse_constant=note)
    if not found:
        return value
    # A repeated key may have replaced the constant: then its place is not known.
    place, constant = next(_constants(value, ()), ((), found[0]))
    where = ".".join(map(str, place)) or "(top level)"
    raise ValueError(f"{where}: {constant.name} is not a number that JSON has")


def dumps(value: JsonValue, *, indent: int | None = None) -> str:
    """Return a value as JSON that `loads` reads as the same value, and that UTF-8 can encode.

    Raise ValueError naming the place of anything else: numbers that are not finite, or that are
    longer than Python reads; keys that are no text; other objects; more than 100 levels.
    """
    refuse_unreadable(value)
    text = json.dumps(value, indent=indent, ensure_ascii=False)
    return text if _HALF.search(text) is None else json.dumps(value, indent=indent)


def refuse_unreadable(value: JsonValue, place: str = "", depth: int = DEEPEST) -> None:
    """Raise ValueError naming the first place of a value that JSON would not bring back."""
    reason = _why_unreadable(value, depth)
    if reason is not None:
        raise ValueError(f"{place or '(top level)'}: {reason}")
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str) or _PAIR.search(key):
                where = place or "(top level)"
                raise ValueError(f"{where}: the key {key!a:.60} is no text of JSON")
            refuse_unreadable(item, f"{place}.{key}" if place else key, depth - 1)
    elif isinstance(value, list):
        for number, item in enumerate(value):
            refuse_unreadable(item, f"{place}.{number}" if place else str(number), depth - 1)


def _why_unreadable(value: JsonValue, depth: int) -> str | None:
    match value:
        case None | bool():
            return None
        case str():
            return "halves of one character would be joined" if _PAIR.search(value) else None
        case int():
            return "an integer of too many digits" if abs(value) >= _TOO_LONG else None
        case float():
            return None if math.isfinite(value) else f"{value} is not a number that JSON has"
        case dict() | list():
            return None if depth > 0 else f"nested more than {DEEPEST} levels deep"
    return f"JSON has no form for a {type(value).__name__}"


def refuse_constant(name: str) -> NoReturn:
    """Refuse NaN and infinities, as `parse_constant` of a JSON decoder. Raise ValueError."""
    raise ValueError(f"{name} is not JSON")


def may_hold_constant(content: bytes) -> bool:
    """Return whether the bytes of `NaN` or `Infinity` occur; inside of texts they are harmless."""
    return b"NaN" in content or b"Infinity" in content


def without_constants(value: JsonValue) -> JsonValue:
    """Return a copy in which None stands for every float that is not finite."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: without_constants(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [without_constants(item) for item in value]
    return value


def _constants(
    value: JsonValue, place: tuple[str | int, ...]
) -> Iterator[tuple[tuple[str | int, ...], _Constant]]:
    if isinstance(value, _Constant):
        yield place, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _constants(item, (*place, key))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _constants(item, (*place, number))
