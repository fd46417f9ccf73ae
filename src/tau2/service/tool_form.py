"""The form of a tool: its fields, made from a schema, and the arguments that it gives."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tau2.environment.tool import Tool

PREFIX = "arg."
"""Before the names of arguments in a form, so that none can be taken for a field of the page."""


@dataclass(frozen=True, slots=True)
class Field:
    """One argument."""

    name: str
    kind: str
    """`text`, `number`, `boolean`, `choice` or `json`."""
    description: str
    required: bool
    choices: tuple[str, ...] = ()
    default: str = ""


def fields_of(tool: Tool) -> list[Field]:
    """Return the arguments of a tool in the order of its signature."""
    schema = tool.parameters
    required = set(schema.get("required", ()))
    return [
        _field(name, part, schema.get("$defs", {}), name in required)
        for name, part in schema.get("properties", {}).items()
    ]


def _field(name: str, schema: dict[str, Any], definitions: dict[str, Any], required: bool) -> Field:
    kind, choices = _kind(schema, definitions)
    default = (
        ""
        if required or schema.get("default") is None
        else json.dumps(schema["default"], ensure_ascii=False)
    )
    return Field(name, kind, str(schema.get("description", "")), required, choices, default)


def _kind(schema: dict[str, Any], definitions: dict[str, Any]) -> tuple[str, tuple[str, ...]]:
    if "$ref" in schema:
        return _kind(definitions.get(str(schema["$ref"]).rpartition("/")[2], {}), definitions)
    if "anyOf" in schema:
        some = [part for part in schema["anyOf"] if part.get("type") != "null"]
        return _kind(some[0], definitions) if len(some) == 1 else ("json", ())
    if "enum" in schema:
        return "choice", tuple(str(value) for value in schema["enum"])
    simple = {"string": "text", "integer": "number", "number": "number", "boolean": "boolean"}
    return simple.get(str(schema.get("type")), "json"), ()


def arguments_of(tool: Tool, form: Mapping[str, str]) -> dict[str, Any]:
    """Return the arguments that a form gives; an empty field that may be left out is left out.

    Raise ValueError, naming the field, for what is no JSON where JSON is expected.
    """
    arguments = {}
    for field in fields_of(tool):
        text = form.get(PREFIX + field.name, "")
        if text.strip() or (field.required and field.kind == "text"):
            arguments[field.name] = _value(field, text)
    return arguments


def _value(field: Field, text: str) -> Any:
    if field.kind in {"text", "choice"}:
        return text.replace("\r\n", "\n")
    if field.kind == "boolean":
        return text == "true"
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as problem:
        if field.kind == "number":
            return text  # the tool says what it wants instead
        raise ValueError(f"{field.name}: this is not valid JSON ({problem})") from problem
    return value
