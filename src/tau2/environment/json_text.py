"""Arguments that arrive as JSON text where the schema wants a list, an object, a number or nothing.

Models and servers write `"[1, 2]"` for `[1, 2]`. What the schema says decides: text stays text
wherever text is allowed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from tau2.utils.finite_json import refuse_constant
from tau2.utils.json_types import JsonMapping, JsonValue

_DEEPEST = 32  # levels of a schema that are followed; a schema may contain itself
_MOST_ENCODINGS = 3  # times that a value may have been made JSON text
_TYPES: dict[str, tuple[type, ...]] = {
    "array": (list,),
    "object": (dict,),
    "integer": (int, float),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}


def decoded_by_schema(value: JsonValue, schema: JsonMapping) -> JsonValue:
    """Return a value in which JSON text is decoded where `schema` wants something else than text.

    Args:
        value: Arguments of a tool call.
        schema: Their JSON schema; it may have `$defs`, `anyOf`, `oneOf` and `allOf`.
    """
    definitions = schema.get("$defs") or schema.get("definitions") or {}
    return _decoded(value, schema, definitions, _DEEPEST)


def _decoded(
    value: JsonValue, schema: JsonValue, definitions: JsonMapping, depth: int
) -> JsonValue:
    if depth <= 0 or not isinstance(schema, Mapping):
        return value
    options = _options(schema, definitions, depth)
    if isinstance(value, str):
        value = _from_text(value, _types_of(options))
    for option in options:
        if isinstance(value, list) and "array" in _types_of([option]):
            items = option.get("items")
            places = option.get("prefixItems") or []
            return [
                _decoded(item, places[n] if n < len(places) else items, definitions, depth - 1)
                for n, item in enumerate(value)
            ]
        if isinstance(value, dict) and _describes(option, value):
            fields = option.get("properties") or {}
            others = option.get("additionalProperties")
            return {
                name: _decoded(item, fields.get(name, others), definitions, depth - 1)
                for name, item in value.items()
            }
    return value


def _options(schema: JsonMapping, definitions: JsonMapping, depth: int) -> list[JsonMapping]:
    """Return the schemas of which a value may satisfy any, without references."""
    reference = schema.get("$ref")
    if isinstance(reference, str):
        found = definitions.get(reference.rpartition("/")[2])
        return (
            _options(found, definitions, depth - 1) if isinstance(found, Mapping) and depth else []
        )
    inner = [
        one
        for key in ("anyOf", "oneOf", "allOf")
        for one in schema.get(key) or ()
        if isinstance(one, Mapping)
    ]
    if not inner or depth <= 0:
        return [schema]
    options: list[JsonMapping] = []
    for one in inner:
        options += _options(one, definitions, depth - 1)
    return options


def _types_of(options: Iterable[JsonMapping]) -> frozenset[str]:
    """Return the types that are wanted; "string" where a schema allows anything."""
    types: set[str] = set()
    for option in options:
        given = option.get("type")
        types.update(given if isinstance(given, list) else [given or _implied_type(option)])
    return frozenset(types)


def _implied_type(option: JsonMapping) -> str:
    if "properties" in option:
        return "object"
    return "array" if "items" in option else "string"


def _describes(option: JsonMapping, value: JsonMapping) -> bool:
    """Return whether an option is of objects, and of those with the fields that `value` has."""
    fields = option.get("properties") or {}
    return "object" in _types_of([option]) and (
        not fields or not value or any(name in fields for name in value)
    )


def _from_text(text: str, types: frozenset[str]) -> JsonValue:
    """Return what a text spells, if that has one of the types; else the text itself."""
    if "string" in types or not types:
        return text
    wanted = tuple(kind for name in types for kind in _TYPES.get(name, ()))
    value: JsonValue = text
    for _ in range(_MOST_ENCODINGS):
        if not isinstance(value, str):
            break
        spelled = value.strip()
        # Truth values and nothing, as Python spells them.
        spelled = {"True": "true", "False": "false", "None": "null"}.get(spelled, spelled)
        try:
            value = json.loads(spelled, parse_constant=refuse_constant)
        except (ValueError, RecursionError):
            return text
    if isinstance(value, bool) and "boolean" not in types:
        return text
    return value if isinstance(value, wanted) else text
