"""Pydantic models as JSON that can be encoded and read again, whatever texts they hold.

Texts of models and tasks may hold halves of characters, which UTF-8 does not have: pydantic refuses
to write them, or writes something else without a word.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError

from tau2.utils.finite_json import loads, may_hold_constant, without_constants
from tau2.utils.json_types import JsonValue

_REPLACED = "\ufffd"
"""What pydantic writes for half a character in a key, and also a character of its own."""
_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")
_HALF = re.compile("[\ud800-\udfff]")
ValueT = TypeVar("ValueT")


def model_json(model: BaseModel, *, indent: int | None = None, exclude: object = None) -> str:
    """Return a model as JSON: as pydantic writes it, with escapes for halves of characters.

    Where any data may stand, numbers that are not finite become null, and objects that JSON has no
    form for become text. Raise ValueError, TypeError or RecursionError for what cannot be written.
    """
    options: JsonValue = {"exclude": exclude, "warnings": False}
    return _written(
        lambda: model.model_dump_json(indent=indent, **options),
        lambda: model.model_dump(**options),
        indent,
    )


def value_json(adapter: TypeAdapter[ValueT], value: ValueT, *, indent: int | None = None) -> str:
    """Return a value of an adapter's type as JSON, like `model_json`."""
    return _written(
        lambda: adapter.dump_json(value, indent=indent, warnings=False).decode(),
        lambda: adapter.dump_python(value, warnings=False),
        indent,
    )


def _written(fast: Callable[[], str], plain: Callable[[], JsonValue], indent: int | None) -> str:
    text = None
    with suppress(PydanticSerializationError):
        text = fast()
        if _REPLACED not in text:
            return text
    data = without_constants(plain())
    if text is not None and not _HALF.search(json.dumps(data, ensure_ascii=False, default=str)):
        return text
    separators = (",", ":") if indent is None else None
    return json.dumps(data, indent=indent, separators=separators, default=str)


def holds_pair(data: JsonValue) -> bool:
    """Return whether a text holds two halves of a character, which JSON would join to one."""
    return _PAIR.search(json.dumps(data, ensure_ascii=False, default=str)) is not None


def read_json(adapter: TypeAdapter[ValueT], content: bytes) -> ValueT:
    """Return the value that JSON holds, of an adapter's type.

    Pydantic's reader is fast, and refuses halves of characters and what is nested more than 200
    levels deep; such content is read by Python. Raise ValueError or RecursionError for what does
    not fit.
    """
    if not may_hold_constant(content):
        with suppress(ValidationError):
            return adapter.validate_json(content)
    return adapter.validate_python(loads(content))
