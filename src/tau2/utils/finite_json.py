"""JSON as its standard has it: without the `NaN` and `Infinity` that Python's decoder accepts."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from typing import NoReturn

from tau2.utils.json_types import JsonValue


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
