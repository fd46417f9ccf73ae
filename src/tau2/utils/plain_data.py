"""Foreign data as plain, finite JSON of bounded depth."""

from __future__ import annotations

import math
from collections.abc import Callable

from tau2.utils.json_types import MAPPINGS, JsonValue
from tau2.utils.text import clean_text

DEEPEST = 64  # levels of nesting that are kept; real data has about ten, serializers fail near 250
_TOO_LONG = 10**4300  # Python refuses to read or write more than 4300 decimal digits


def clean(
    value: object, text: Callable[[str], str] = clean_text, depth: int = DEEPEST
) -> JsonValue:
    """Return a copy of `value` that is plain, finite JSON, cut below `depth` levels.

    `text` is applied to every string; numbers that are not finite become None, and integers that
    Python would not read again become hexadecimal text.
    """
    if isinstance(value, str):
        return text(value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if abs(value) < _TOO_LONG else hex(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if depth <= 0:
        return None
    if isinstance(value, MAPPINGS):
        return {str(clean(key, text)): clean(item, text, depth - 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [clean(item, text, depth - 1) for item in value]
    return clean_text(str(value))


def is_storable(value: object, depth: int = DEEPEST) -> bool:
    """Return whether `clean` would keep every number and every level of `value`."""
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, int):
        return abs(value) < _TOO_LONG
    if isinstance(value, MAPPINGS):
        return depth > 0 and all(is_storable(item, depth - 1) for item in value.values())
    if isinstance(value, list | tuple):
        return depth > 0 and all(is_storable(item, depth - 1) for item in value)
    return True
