"""Tools as functions that AEnvironment can register, with the tools' signatures and schemas."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from pydantic_core import core_schema

from tau2.environment.tool import Tool

Serve = Callable[[str, dict[str, Any]], Awaitable[str]]


def function_of(tool: Tool, serve: Serve) -> Callable[..., Awaitable[str]]:
    """Return a function with the name, signature and schema of a tool; it calls `serve`.

    FastMCP asks pydantic what a function takes, and pydantic asks the function: so the schema is
    the tool's own, and arguments that do not fit it reach the episode, which answers them with an
    error and counts it.
    """

    async def call(**arguments: Any) -> str:
        return await serve(tool.name, arguments)

    async def receive(arguments: dict[str, Any]) -> str:
        return await serve(tool.name, arguments)

    signature = signature_of(tool)
    call.__name__ = call.__qualname__ = tool.name
    call.__doc__ = tool.description
    call.__annotations__ = {name: entry.annotation for name, entry in signature.parameters.items()}
    attributes = {
        "__signature__": signature,
        "__get_pydantic_core_schema__": lambda *_: core_schema.no_info_plain_validator_function(
            receive
        ),
        "__get_pydantic_json_schema__": lambda *_: inlined(tool.parameters),
    }
    for name, value in attributes.items():
        setattr(call, name, value)
    return call


def inlined(
    schema: Any, definitions: Mapping[str, Any] | None = None, inside: tuple[str, ...] = ()
) -> Any:
    """Return a JSON schema with its definitions in place.

    Inside a definition, the same one takes anything.
    """
    if isinstance(schema, list):
        return [inlined(part, definitions, inside) for part in schema]
    if not isinstance(schema, Mapping):
        return schema
    definitions = definitions if definitions is not None else schema.get("$defs", {})
    rest = {
        key: inlined(value, definitions, inside)
        for key, value in schema.items()
        if key not in {"$defs", "$ref"}
    }
    if "$ref" not in schema:
        return rest
    name = str(schema["$ref"]).rpartition("/")[2]
    return {
        **({} if name in inside else inlined(definitions[name], definitions, (*inside, name))),
        **rest,
    }


def signature_of(tool: Tool) -> inspect.Signature:
    """Return what a tool takes: every argument by name, with its type and default."""
    return inspect.Signature(
        [
            inspect.Parameter(
                name,
                inspect.Parameter.KEYWORD_ONLY,
                annotation=field.annotation,
                default=inspect.Parameter.empty if field.is_required() else field.get_default(),
            )
            for name, field in tool.params.model_fields.items()
        ],
        return_annotation=str,
    )
