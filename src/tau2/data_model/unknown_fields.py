"""Fields of raw data that a model does not have, at any depth."""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

from pydantic import BaseModel


class UnknownField(NamedTuple):
    """A field that no model has a place for."""

    place: str
    """Where it is, as `evaluation_criteria.actions.0`; empty at the top."""
    name: str
    known: tuple[str, ...]
    """The fields that the model there has."""

    @property
    def path(self) -> str:
        """The place with the name."""
        return f"{self.place}.{self.name}" if self.place else self.name


def unknown_fields(kind: type[BaseModel], raw: Mapping[str, Any]) -> list[UnknownField]:
    """Return the fields of `raw` that would be ignored in validating it as `kind`."""
    return list(_unknown((kind,), raw, ""))


def _unknown(kinds: tuple[type[BaseModel], ...], raw: object, place: str) -> Iterator[UnknownField]:
    if not kinds:
        return
    if isinstance(raw, list | tuple):
        for number, item in enumerate(raw):
            yield from _unknown(kinds, item, f"{place}.{number}")
    if not isinstance(raw, Mapping):
        return
    fitting = tuple(kind for kind in kinds if _fits(kind, raw)) or kinds
    for name, value in raw.items():
        known = [kind for kind in fitting if name in kind.model_fields]
        if known:
            inner = tuple(part for kind in known for part in _models_of(kind, name))
            yield from _unknown(inner, value, f"{place}.{name}" if place else name)
        elif not any(kind.model_config.get("extra") == "allow" for kind in fitting):
            fields = {field: None for kind in fitting for field in kind.model_fields}
            yield UnknownField(place, str(name), tuple(fields))


def _fits(kind: type[BaseModel], raw: Mapping[str, Any]) -> bool:
    """Return whether the fields that name a kind of model, such as a role, are those of `kind`."""
    return all(raw[name] in values for name, values in _literals(kind) if name in raw)


@cache
def _literals(kind: type[BaseModel]) -> tuple[tuple[str, tuple[object, ...]], ...]:
    fields = kind.model_fields.items()
    return tuple(
        (name, get_args(field.annotation))
        for name, field in fields
        if get_origin(field.annotation) is Literal
    )


@cache
def _models_of(kind: type[BaseModel], name: str) -> tuple[type[BaseModel], ...]:
    return tuple(_models_in(kind.model_fields[name].annotation))


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """Yield the models that a field's values, or the elements of its list, may be."""
    origin = get_origin(annotation)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif origin is Annotated:
        yield from _models_in(get_args(annotation)[0])
    elif origin in {Union, types.UnionType, list, tuple}:
        for part in get_args(annotation):
            yield from _models_in(part)
