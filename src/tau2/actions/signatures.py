"""Tools as signatures, one line each: a fifth of the tokens of their JSON schemas.

get_order(order_id: str): Look up an order.
set_seats(seats: list[{row: int, letter: "A"|"B"}], note: str = none): Assign seats.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from tau2.utils.json_types import JsonMapping, JsonValue

_TYPES = {
    "string": "str",
    "integer": "int",
    "number": "float",
    "boolean": "bool",
    "array": "list",
    "object": "dict",
    "null": "none",
}
_LONGEST_SUMMARY = 160  # characters of a tool's description
_MOST_CHOICES = 24  # values of an enumeration that are listed
_DEEPEST = 6  # levels of a schema that are written out
_SENTENCE_END = re.compile(r"(?<=[.!?])\s")


def signatures(tools: Sequence[JsonMapping]) -> str:
    """Return the signatures of tools in OpenAI's form, nested or flat, one a line."""
    return "\n".join(map(signature, tools))


def signature(tool: JsonMapping) -> str:
    """Return `name(argument: type, ...): first sentence of the description`."""
    function = tool.get("function", tool)
    parameters = function.get("parameters") or {}
    line = f"{function['name']}({_fields(parameters, parameters, 0, ' = ')})"
    summary = _summary(str(function.get("description") or ""))
    return f"{line}: {summary}" if summary else line


def _fields(schema: JsonMapping, root: JsonMapping, depth: int, equals: str) -> str:
    required = set(schema.get("required") or ())
    parts = []
    for name, field in (schema.get("properties") or {}).items():
        part = f"{name}: {_type(field, root, depth + 1)}"
        if name not in required:
            part += f"{equals}{_default(field)}"
        parts.append(part)
    return ", ".join(parts)


def _type(schema: JsonValue, root: JsonMapping, depth: int) -> str:
    if not isinstance(schema, dict) or depth > _DEEPEST:
        return "any"
    if (reference := schema.get("$ref")) is not None:
        return _type(_resolved(str(reference), root), root, depth + 1)
    if "const" in schema:
        return json.dumps(schema["const"], ensure_ascii=False)
    if choices := schema.get("enum"):
        return "|".join(json.dumps(one, ensure_ascii=False) for one in choices[:_MOST_CHOICES])
    if kinds := schema.get("anyOf") or schema.get("oneOf"):
        names = [_type(one, root, depth + 1) for one in kinds]
        # An optional argument shows that it may be left out; "|none" would say so twice.
        return "|".join(dict.fromkeys(one for one in names if one != "none")) or "none"
    kind = schema.get("type")
    if kind == "array":
        return f"list[{_type(schema.get('items'), root, depth + 1)}]"
    if kind == "object" and schema.get("properties"):
        return "{" + _fields(schema, root, depth, " = ") + "}"
    return _TYPES.get(str(kind), "any")


def _resolved(reference: str, root: JsonMapping) -> JsonValue:
    found: JsonValue = root
    for step in reference.removeprefix("#/").split("/"):
        if not isinstance(found, dict):
            return None
        found = found.get(step)
    return found


def _default(field: JsonValue) -> str:
    default = field.get("default") if isinstance(field, dict) else None
    return "none" if default is None else json.dumps(default, ensure_ascii=False)


def _summary(description: str) -> str:
    first = _SENTENCE_END.split(" ".join(description.split()), 1)[0]
    return first if len(first) <= _LONGEST_SUMMARY else first[:_LONGEST_SUMMARY].rstrip() + "…"
