"""Numbers between bounds, as grammar."""

from __future__ import annotations

import math
from decimal import Decimal

from tau2.llm.local.gbnf import choice, one_of
from tau2.utils.json_types import JsonMapping

_FEW = 64  # integers between two bounds that are listed
_USUAL = 999_999  # as far as a number goes that has no bound
_FRACTION = '( "." [0-9] [1-9]? )?'


def integer_body(schema: JsonMapping) -> tuple[str, list[int] | None]:
    """Return a body of the integers that a schema admits, and the integers where they are few.

    The body is empty when there is none.
    """
    low, high = _bounds(schema)
    step = schema.get("multipleOf")
    if isinstance(step, int) and step > 1:
        first = -(-low // step) * step
        some = list(range(first, high + 1, step)[:_FEW])
        return (choice([str(one) for one in some]) if some else "", some)
    if low > high:
        return "", []
    if high - low < _FEW:
        some = list(range(low, high + 1))
        return choice([str(one) for one in some]), some
    return _between(low, high), None


def number_body(schema: JsonMapping) -> str:
    """Return a body of numbers that a schema admits."""
    bounds = [
        schema[key] for key in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
        if isinstance(schema.get(key), int | float)
    ]  # fmt: skip
    if not bounds and "multipleOf" not in schema:
        return f'"-"? {_between(0, _USUAL)} {_FRACTION}'
    low, high = _bounds(schema)
    if low > high:  # between two neighbouring integers
        return choice([_middle(schema)])
    whole = integer_body({"minimum": low, "maximum": high, "multipleOf": schema.get("multipleOf")})
    if "multipleOf" in schema or high - low < 1:
        return whole[0]
    inner = [f"{_between(max(low, 0), high - 1)} {_FRACTION}"] if high > max(low, 0) else []
    return one_of([*inner, whole[0]])


def _bounds(schema: JsonMapping) -> tuple[int, int]:
    """Return the least and the greatest integer that a schema admits."""
    lows = [math.ceil(schema["minimum"])] if _is_number(schema.get("minimum")) else []
    highs = [math.floor(schema["maximum"])] if _is_number(schema.get("maximum")) else []
    if _is_number(schema.get("exclusiveMinimum")):
        lows.append(math.floor(schema["exclusiveMinimum"]) + 1)
    if _is_number(schema.get("exclusiveMaximum")):
        highs.append(math.ceil(schema["exclusiveMaximum"]) - 1)
    low, high = max(lows, default=None), min(highs, default=None)
    if low is None:
        low = min(-_USUAL, high - _USUAL) if high is not None else -_USUAL
    if high is None:
        high = max(_USUAL, low + _USUAL)
    return low, high


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _middle(schema: JsonMapping) -> str:
    """Return a number between the bounds."""
    low = schema.get("minimum", schema.get("exclusiveMinimum", 0))
    high = schema.get("maximum", schema.get("exclusiveMaximum", 0))
    return format((Decimal(str(low)) + Decimal(str(high))) / 2, "f")


def _between(low: int, high: int) -> str:
    """Return a body of the integers from `low` to `high`, without leading zeros."""
    if low < 0:
        negative = f'"-" {_between(1 if high >= 0 else -high, -low)}'
        return one_of([negative, _between(0, high)]) if high >= 0 else negative
    parts = []
    for length in range(len(str(low)), len(str(high)) + 1):
        first = max(low, 10 ** (length - 1) if length > 1 else 0)
        last = min(high, 10**length - 1)
        parts.append(_same_length(str(first), str(last)))
    return one_of(parts)


def _same_length(low: str, high: str) -> str:
    """Return a body of the numbers between two numbers of one length, zeros in front included."""
    if not low:
        return '""'
    if set(low) == {"0"} and set(high) == {"9"}:
        return f"[0-9]{{{len(low)}}}"
    if low[0] == high[0]:
        rest = _same_length(low[1:], high[1:])
        return f'"{low[0]}" {rest}' if low[1:] else f'"{low[0]}"'
    if len(low) == 1:
        return f"[{low}-{high}]"
    length = len(low) - 1
    nines, zeros = "9" * length, "0" * length
    first, last = int(low[0]), int(high[0])
    parts = []
    if low[1:] != zeros:
        parts.append(f'"{first}" {_same_length(low[1:], nines)}')
        first += 1
    if high[1:] != nines:
        parts.append(f'"{last}" {_same_length(zeros, high[1:])}')
        last -= 1
    if first <= last:
        parts.append(f"[{first}-{last}] [0-9]{{{length}}}")
    return one_of(parts)
