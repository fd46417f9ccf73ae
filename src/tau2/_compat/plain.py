"""The small functions of the original's `tau2.utils.utils` and `tau2.utils.pydantic_utils`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import TypeVar

from pydantic import BaseModel, ConfigDict

from tau2.environment.db import deep_merge
from tau2.utils.json_types import JsonMapping, JsonValue

ModelT = TypeVar("ModelT", bound=BaseModel)


class BaseModelNoExtra(BaseModel):
    """A model that refuses fields it does not know."""

    model_config = ConfigDict(extra="forbid")


def get_dict_hash(obj: JsonMapping) -> str:
    """Return the SHA-256 of data as JSON with sorted keys, in hexadecimal: the canonical hash."""
    return hashlib.sha256(json.dumps(obj, sort_keys=True, default=str).encode()).hexdigest()


def get_pydantic_hash(obj: BaseModel) -> str:
    """Return the canonical hash of a model's content."""
    return get_dict_hash(obj.model_dump())


def update_pydantic_model_with_dict(model_instance: ModelT, update_data: JsonMapping) -> ModelT:
    """Return a new model with `update_data` merged into it, key by key, and validated."""
    merged = deep_merge(model_instance.model_dump(), dict(update_data))
    return type(model_instance).model_validate(merged)


def show_dict_diff(dict1: JsonMapping, dict2: JsonMapping) -> str:
    """Return a text with one line per value that differs; no text when nothing does."""
    return "\n".join(_differences("", dict1, dict2))


def _differences(place: str, old: JsonValue, new: JsonValue) -> Iterator[str]:
    if old == new:
        return
    if isinstance(old, dict) and isinstance(new, dict):
        for key in dict.fromkeys([*old, *new]):
            inner = f"{place}.{key}" if place else str(key)
            if key not in new:
                yield f"- {inner}: {old[key]!r}"
            elif key not in old:
                yield f"+ {inner}: {new[key]!r}"
            else:
                yield from _differences(inner, old[key], new[key])
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for index, (mine, theirs) in enumerate(zip(old, new, strict=True)):
            yield from _differences(f"{place}[{index}]", mine, theirs)
    else:
        yield f"~ {place or '(top level)'}: {old!r} -> {new!r}"
