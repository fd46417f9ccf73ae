"""Tool calls whose arguments a model did not write as a JSON object.

Such a call keeps the raw text under one marker, so that the environment can answer it with an error
that the model can correct, live and on replay alike.
"""

from __future__ import annotations

import json

from tau2.utils.finite_json import refuse_constant
from tau2.utils.json_types import JsonMapping

MALFORMED_KEY = "__malformed__"
"""The only argument of a tool call whose arguments were not a JSON object.

Its value is the raw text.
"""

_TOO_LARGE = (
    "the value is too long, holds an infinite number, or is nested deeper than can be stored"
)
_JSON_NAMES = {list: "an array", str: "a string", bool: "a truth value", type(None): "null"}


def malformed_reason(arguments: JsonMapping) -> str | None:
    """Return why a tool call's arguments could not be read; None when they could."""
    if len(arguments) != 1 or MALFORMED_KEY not in arguments:
        return None
    try:
        value = json.loads(str(arguments[MALFORMED_KEY]), parse_constant=refuse_constant)
    except RecursionError:
        problem = _TOO_LARGE
    except ValueError as error:
        problem = f"not valid JSON: {error}"
    else:
        problem = _TOO_LARGE
        if not isinstance(value, dict):
            problem = f"a JSON object is needed, not {_JSON_NAMES.get(type(value), 'a number')}"
    return f"the arguments could not be read: {problem}"
