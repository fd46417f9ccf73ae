"""Names for data that is arbitrary JSON, where no narrower type is true."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

JsonValue: TypeAlias = Any
"""None, a bool, a number, a string, or a list or object of such values.

Not narrowed by the checker.
"""

JsonObject: TypeAlias = dict[str, Any]
"""A JSON object of our own, which may be changed."""

JsonMapping: TypeAlias = Mapping[str, Any]
"""A JSON object that is only read."""

MAPPINGS = (dict, Mapping)
"""For `isinstance`: the test for a dict is much quicker than that for any mapping."""
