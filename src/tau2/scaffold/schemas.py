"""JSON schemas, also those of OpenAPI, as shapes.

References are followed within the document alone. Depth, number of parts and lists of values are
capped, and what refers to itself is cut where it comes back: there it is an object of any content.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from tau2.scaffold.interface import Member, RecordShape, Shape, ShapeKind
from tau2.scaffold.names import FIELDS, identifier, singular_name, unique
from tau2.scaffold.source_text import one_line

Schema = Mapping[str, Any]

ANY_OBJECT = Shape("map", item=Shape("any"))
_DEPTHS = (8, 4, 2, 1)  # levels of objects in objects, the most that are not too many parts
_MOST_PARTS = 1_500  # schemas that are looked at in one
_MOST_IN_ALL = 500_000  # schemas that are looked at in one document
_MOST_CHOICES = 60
_MOST_MEMBERS = 80  # fields of an object
_LONGEST_REFERENCE = 32  # references that lead to references
_MOST_ITEMS = 5  # of a list, in examples
_LARGEST = 10**300  # of a number; floats end a little later
_SCALARS: dict[str, ShapeKind] = {
    "string": "text",
    "integer": "integer",
    "number": "number",
    "boolean": "boolean",
}


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a schema stands."""

    name: str
    depth: int = 0
    within: frozenset[str] = frozenset()
    """The references that were followed to get here."""

    def inside(self, name: str) -> _Place:
        """Return the place of a part of this name."""
        return replace(self, name=name, depth=self.depth + 1)


class _TooManyParts(Exception):
    """A schema has more parts than are read, at this depth."""


class SchemaReader:
    """Reads the schemas of one document."""

    def __init__(self, document: Schema) -> None:
        self._document = document
        self._parts = 0
        self._in_all = 0
        self._deepest = _DEPTHS[0]
        self._by_reference: dict[str, Shape] = {}
        self.is_cut = False
        """Whether there was more than is read."""

    def shape(self, schema: object, name: str) -> Shape:
        """Return the shape of a schema; `name` is what a record is called that has no name.

        Where it has very many parts, those that are deep in it are objects of any content.
        """
        reference = schema.get("$ref") if isinstance(schema, Mapping) and len(schema) == 1 else None
        if isinstance(reference, str) and reference in self._by_reference:
            return self._by_reference[reference]
        shape = self._limited(schema, _Place(name))
        if isinstance(reference, str):
            self._by_reference[reference] = shape
        return shape

    def _limited(self, schema: object, place: _Place) -> Shape:
        for depth in _DEPTHS if self._in_all < _MOST_IN_ALL else _DEPTHS[-1:]:
            self._parts = 0
            self._deepest = depth
            try:
                return self._shape(schema, place)
            except _TooManyParts:
                self.is_cut = True
            finally:
                self._in_all += self._parts
        return Shape("any")

    def members(self, schema: object, name: str) -> tuple[Member, ...]:
        """Return the members of an object; of any other schema none."""
        shape = self.shape(schema, name)
        return shape.record.members if shape.record is not None else ()

    def resolved(self, schema: object) -> Schema:
        """Return a part of the document, with its own reference followed; {} if there is none."""
        found, _ = self._followed(schema, _Place(""))
        return found if found is not None else {}

    def _followed(self, schema: object, place: _Place) -> tuple[Schema | None, _Place]:
        """Return a schema that is no reference; None where it refers to what it stands in."""
        for _ in range(_LONGEST_REFERENCE):
            if not isinstance(schema, Mapping):
                return {}, place
            reference = schema.get("$ref")
            if not isinstance(reference, str):
                return schema, place
            if reference in place.within:
                return None, place
            # Without a namespace, as in `api.v1.order`.
            name = reference.rpartition("/")[2].rpartition(".")[2] or place.name
            place = replace(place, name=name, within=place.within | {reference})
            beside = {key: value for key, value in schema.items() if key != "$ref"}
            target = self._target(reference)
            schema = {**target, **beside} if isinstance(target, Mapping) else beside
        return {}, place

    def _target(self, reference: str) -> object:
        if not reference.startswith("#/"):
            return {}  # another file, or the network: neither is read
        found: object = self._document
        for part in reference[2:].split("/"):
            key = part.replace("~1", "/").replace("~0", "~").replace("%7B", "{").replace("%7D", "}")
            found = found.get(key) if isinstance(found, Mapping) else None
        return found

    def _shape(self, schema: object, place: _Place) -> Shape:
        self._parts += 1
        if self._parts > _MOST_PARTS:
            if self._deepest > _DEPTHS[-1]:
                raise _TooManyParts
            return Shape("any")
        if place.depth > self._deepest:
            self.is_cut = True
            is_object = isinstance(schema, Mapping) and ("$ref" in schema or "properties" in schema)
            return ANY_OBJECT if is_object else Shape("any")
        found, place = self._followed(schema, place)
        if found is None:
            return ANY_OBJECT
        found = self._merged(found, place)
        variants, has_null = self._variants(found)
        shape = self._any_of(variants, found, place) if variants else self._plain(found, place)
        is_nullable = has_null or found.get("nullable") is True or _allows_null(found)
        return replace(shape, is_nullable=shape.is_nullable or is_nullable)

    def _merged(self, schema: Schema, place: _Place) -> Schema:
        """Return a schema with the parts of its `allOf` in it."""
        parts = schema.get("allOf")
        if not isinstance(parts, list):
            return schema
        merged: dict[str, Any] = {key: value for key, value in schema.items() if key != "allOf"}
        for part in parts[:_MOST_CHOICES]:
            self._parts += 1
            found, inner = self._followed(part, place)
            if found is None or self._parts > _MOST_PARTS:
                continue
            if inner.within - place.within and "allOf" in found:
                found = self._merged(found, inner)
            elif "allOf" in found and inner.depth < _DEPTHS[0]:
                found = self._merged(found, inner.inside(place.name))
            merged = _both(found, merged)
        return merged

    def _variants(self, schema: Schema) -> tuple[list[object], bool]:
        """Return the alternatives of a schema, and whether null is one."""
        for key in ("anyOf", "oneOf"):
            variants = schema.get(key)
            if isinstance(variants, list) and variants:
                some = [one for one in variants[:_MOST_CHOICES] if not _is_null(one)]
                return some, len(some) < len(variants[:_MOST_CHOICES])
        return [], False

    def _any_of(self, variants: list[object], schema: Schema, place: _Place) -> Shape:
        shapes = [self._shape(variant, place) for variant in variants]
        if len(shapes) == 1:
            only = shapes[0]
            return replace(only, examples=only.examples or _examples(schema))
        records = [shape.record for shape in shapes if shape.record is not None]
        if len(records) == len(shapes):
            return Shape("record", record=_joined(records, place.name, schema))
        if all(shape.kind == "choice" for shape in shapes):
            choices = dict.fromkeys(one for shape in shapes for one in shape.choices)
            return Shape("choice", choices=tuple(choices))
        kinds = {"text" if shape.kind == "choice" else shape.kind for shape in shapes}
        if kinds == {"integer", "number"}:
            return Shape("number")
        if kinds == {"number", "text"} and any(_is_any_text(one) for one in variants):
            return next(shape for shape in shapes if shape.kind == "number")  # a decimal number
        if len(kinds) == 1 and all(shape.is_scalar for shape in shapes):
            return replace(shapes[0], kind=kinds.pop(), choices=())
        return Shape("any")

    def _plain(self, schema: Schema, place: _Place) -> Shape:
        if "const" in schema or isinstance(schema.get("enum"), list):
            chosen = _choice(schema)
            if chosen is not None:
                return chosen
        kind = _type_of(schema)
        if kind == "object":
            return self._object(schema, place)
        if kind == "array":
            item = self._shape(schema.get("items", {}), place.inside(singular_name(place.name)))
            return Shape(
                "list", item=item, shortest=min(_count(schema, "minItems") or 0, _MOST_ITEMS)
            )
        if kind not in _SCALARS:
            return Shape("any")
        form = schema.get("format")
        return Shape(
            _SCALARS[kind],
            form=form if isinstance(form, str) else "",
            examples=_examples(schema),
            low=_number(schema, "minimum", "exclusiveMinimum"),
            high=_number(schema, "maximum", "exclusiveMaximum"),
            shortest=_count(schema, "minLength") or 0,
            longest=_count(schema, "maxLength"),
        )

    def _object(self, schema: Schema, place: _Place) -> Shape:
        properties = schema.get("properties")
        if not isinstance(properties, Mapping) or not properties:
            more = schema.get("additionalProperties")
            if isinstance(more, Mapping) and more:
                return Shape("map", item=self._shape(more, place.inside(place.name)))
            return ANY_OBJECT
        required = schema.get("required")
        needed = set(map(str, required)) if isinstance(required, list) else set()
        members: list[Member] = []
        taken: set[str] = set()
        self.is_cut = self.is_cut or len(properties) > _MOST_MEMBERS
        for source, part in list(properties.items())[:_MOST_MEMBERS]:
            name = unique(identifier(source, FIELDS, "field"), taken)
            taken.add(name)
            inner = f"{place.name} {source}" if place.depth == 0 else source
            shape = self._shape(part, place.inside(inner))
            members.append(self._member(source, name, shape, part, is_required=source in needed))
        about = schema.get("description") or ""
        return Shape("record", record=RecordShape(place.name, tuple(members), one_line(about)))

    def _member(
        self, source: str, name: str, shape: Shape, schema: object, *, is_required: bool
    ) -> Member:
        found = self.resolved(schema)
        default = found.get("default")
        is_plain = isinstance(default, str | int | float | bool)
        if not is_plain or not _suits(default, shape) or shape.form == "password":
            default = None
        return Member(
            name,
            shape,
            is_required=is_required,
            description=one_line(found.get("description") or ""),
            source="" if source == name else source,
            default=default,
            is_read_only=found.get("readOnly") is True,
        )


def _both(first: Schema, second: Schema) -> dict[str, Any]:
    """Return two schemas of one `allOf` as one; the second wins."""
    merged = {**first, **second}
    for key in ("properties",):
        if isinstance(first.get(key), Mapping) and isinstance(second.get(key), Mapping):
            merged[key] = {**first[key], **second[key]}
    if _is_list(first.get("required")) and _is_list(second.get("required")):
        merged["required"] = [*first["required"], *second["required"]]
    return merged


def _joined(records: list[RecordShape], name: str, schema: Schema) -> RecordShape:
    """Return one record with the fields of several, of which each may have only its own."""
    members: dict[str, Member] = {}
    for record in records:
        for member in record.members:
            known = members.get(member.name)
            if known is None:
                members[member.name] = member
            elif known.shape != member.shape:
                members[member.name] = replace(known, shape=_wider(known.shape, member.shape))
    everywhere = [
        replace(member, is_required=member.is_required and all(
            (found := record.member(name)) is not None and found.is_required for record in records
        ))
        for name, member in members.items()
    ]  # fmt: skip
    about = one_line(schema.get("description") or "")
    return RecordShape(name, tuple(everywhere[:_MOST_MEMBERS]), about)


def _wider(one: Shape, other: Shape) -> Shape:
    if one.kind == other.kind == "choice":
        return replace(one, choices=tuple(dict.fromkeys((*one.choices, *other.choices))))
    if one.kind == other.kind and one.is_scalar:
        return one
    if {one.kind, other.kind} == {"text", "choice"}:
        return Shape("text")
    return Shape("any")


def _is_list(value: object) -> bool:
    return isinstance(value, list)


def _is_any_text(schema: object) -> bool:
    """Return whether a schema is that of a text that may spell a number: how pydantic says so."""
    if not isinstance(schema, Mapping) or schema.get("type") != "string":
        return False
    return not {"format", "enum", "const"} & schema.keys()


def _count(schema: Schema, key: str) -> int | None:
    value = schema.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _is_null(schema: object) -> bool:
    return isinstance(schema, Mapping) and schema.get("type") == "null"


def _allows_null(schema: Schema) -> bool:
    kinds = schema.get("type")
    choices = schema.get("enum")
    return (isinstance(kinds, list) and "null" in kinds) or (
        isinstance(choices, list) and None in choices
    )


def _type_of(schema: Schema) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        kinds = [one for one in kinds_of(kind) if one != "null"]
        if set(kinds) == {"integer", "number"}:
            return "number"
        return kinds[0] if len(kinds) == 1 else "any"
    if isinstance(kind, str):
        return "string" if kind == "file" else kind
    if isinstance(schema.get("properties"), Mapping) or "additionalProperties" in schema:
        return "object"
    if "items" in schema:
        return "array"
    return "string" if {"pattern", "format", "minLength", "maxLength"} & schema.keys() else "any"


def kinds_of(kinds: list[object]) -> list[str]:
    """Return the texts of a list of types."""
    return [one for one in kinds if isinstance(one, str)]


def _choice(schema: Schema) -> Shape | None:
    """Return the shape of a value that is one of several; None where they are of many kinds."""
    values = [schema["const"]] if "const" in schema else schema["enum"]
    some = [one for one in dict.fromkeys(map(_hashable, values)) if one is not None]
    if some and all(isinstance(one, bool) for one in some):
        return Shape("boolean")
    texts = tuple(one for one in some if isinstance(one, str))
    numbers = tuple(one for one in some if isinstance(one, int) and not isinstance(one, bool))
    kept: tuple[str | int, ...] = texts or numbers
    if not some or len(kept) != len(some) or not all(map(_can_be_written, kept)):
        return None
    if len(some) > _MOST_CHOICES:
        return Shape("text" if texts else "integer", examples=kept[:3])
    return Shape("choice", choices=kept, examples=_examples(schema))


def _hashable(value: object) -> object:
    return value if isinstance(value, str | int | float | bool) or value is None else repr(value)


def _examples(schema: Schema) -> tuple[str | int | float, ...]:
    given: list[object] = [schema.get("example")]
    several = schema.get("examples")
    given += several[:5] if isinstance(several, list) else []
    given.append(schema.get("default"))
    kept = (one for one in given if isinstance(one, str | int | float))
    written = (one for one in kept if not isinstance(one, bool) and one != "")
    return tuple(dict.fromkeys(filter(_can_be_written, written)))


def _number(schema: Schema, *keys: str) -> float | None:
    found = (schema.get(key) for key in keys)
    numbers = (one for one in found if isinstance(one, int | float) and not isinstance(one, bool))
    return next(filter(_can_be_written, numbers), None)


def _can_be_written(value: object) -> bool:
    """Return whether a value is no number that code or JSON has no form for."""
    return not isinstance(value, int | float) or abs(value) <= _LARGEST  # NaN is not


def _suits(value: object, shape: Shape) -> bool:
    """Return whether a default is a value of its shape."""
    if shape.kind == "choice":
        return value in shape.choices
    if not _can_be_written(value):
        return False
    if isinstance(value, bool) or shape.kind == "boolean":
        return isinstance(value, bool) and shape.kind == "boolean"
    kinds: dict[str, tuple[type, ...]] = {
        "text": (str,), "integer": (int,), "number": (int, float),
    }  # fmt: skip
    return isinstance(value, kinds.get(shape.kind, ()))
