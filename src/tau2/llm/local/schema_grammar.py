"""JSON schemas as grammar: every value that it admits is valid, bounded, and written one way.

Values are written as `json.dumps` writes them, required keys first and in their order.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import NamedTuple, Protocol

from tau2.llm.local.gbnf import (
    Characters,
    Grammar,
    choice,
    json_text,
    literal,
    one_of,
    other_than,
    sequence,
    times,
)
from tau2.llm.local.number_grammar import integer_body, number_body
from tau2.llm.local.string_roles import Kind, Role, name_words, role_of
from tau2.utils.json_types import JsonMapping, JsonObject, JsonValue

_DEEPEST = 8
_SHORT_TEXT = 80  # characters of a title, a street, a city
_LINE_WORDS = 12
_LISTED_WORDS = 3  # words of a line within a list, whose items add up
_CODE = "[A-Za-z0-9#_-]{1,24}"  # an id that has no form of its own and was not seen
_CODE_NAMES = frozenset({"id", "number", "code", "key", "reference"})
_LONG_WORDS = 50  # words of a summary
_LONGEST_WORD = 30
_SEPARATOR = ' ", " '
_MOST_ITEMS = 8  # items of a list
_MOST_KEYS = 4  # entries of an object whose keys no schema names
_MOST_DIGITS = 15
_LONGEST_COMPARED = 48  # characters of a text of which others can be told apart


class Unwritable(Exception):
    """No value can be written for a schema now: an id that nobody has seen, say."""


class Known(Protocol):
    """What is known of the values of strings, from wherever."""

    def values(self, name: str, schema: JsonMapping, role: Role) -> Sequence[str | int] | None:
        """Return the values that an argument may have; None when it may have any.

        None of them means that the argument cannot be written.
        """

    def is_asked_for(self, name: str) -> bool:
        """Return whether an optional argument of free text may be given at all."""


class Value(NamedTuple):
    """The grammar of a value."""

    body: str
    choices: tuple[str, ...] | None = None
    """All that it admits, as JSON texts, where they are few."""
    is_line: bool = False
    """Whether it admits any short text, of which one can be told apart."""
    is_text: bool = False
    """Whether it admits free text."""


class SchemaGrammar:
    """Writes the rules of values of one tool's arguments.

    Args:
        grammar: Where the rules go.
        root: The schema of the arguments, in which references are resolved.
        known: What is known of strings.
        characters: What texts are made of.
    """

    def __init__(
        self, grammar: Grammar, root: JsonMapping, known: Known, characters: Characters
    ) -> None:
        self._grammar = grammar
        self._root = root
        self.known = known
        self._characters = characters
        self._lists = 0
        """How many lists the value that is being written is in."""

    def arguments(self, excluded: Sequence[JsonObject] = ()) -> str:
        """Return a body of the arguments that equal none of those excluded.

        Raises:
            Unwritable: there are none.
        """
        return self._object(self._root, 0, excluded)

    def _object(self, schema: JsonMapping, depth: int, excluded: Sequence[JsonObject] = ()) -> str:
        fields = _Fields(self, schema, depth)
        if not fields.names:
            if any(not one for one in excluded):
                raise Unwritable("the same call again")
            extra = schema.get("additionalProperties")
            is_open = extra is not False and depth > 0
            return self._open_object(extra, depth) if is_open else literal("{}")
        return f'"{{" {fields.chain(excluded)} "}}"'

    def _open_object(self, extra: JsonValue, depth: int) -> str:
        of = extra if isinstance(extra, dict) else {"type": "string"}
        value = self.value("", of, depth + 1).body
        entry = self._rule("entry", f'"\\"" [a-z] [a-z0-9_]{{0,30}} "\\": " {value}')
        others = times(f'( ", " {entry} )', 0, _MOST_KEYS - 1)
        return f'"{{" ( {entry} {others} )? "}}"'

    def value(self, name: str, schema: JsonValue, depth: int) -> Value:
        """Return the grammar of a value that the schema describes.

        Raises:
            Unwritable: there is none.
        """
        if depth > _DEEPEST:
            raise Unwritable("too deep")
        if not isinstance(schema, dict):
            schema = {}
        if "$ref" in schema:
            found = self._resolved(str(schema["$ref"]))
            # What stands beside a reference describes this place better.
            return self.value(name, {**found, **_without(schema, "$ref")}, depth + 1)
        if "allOf" in schema:
            return self._merged(name, schema, depth)
        if "const" in schema:
            return _listed([schema["const"]])
        if isinstance(schema.get("enum"), list):
            return _listed(schema["enum"])
        kinds = schema.get("anyOf") or schema.get("oneOf")
        if not kinds and isinstance(schema.get("type"), list):
            kinds = [{**schema, "type": kind} for kind in schema["type"]]
        if kinds:
            return self._any_of(name, schema, kinds, depth)
        return self._typed(name, schema, depth)

    def _typed(self, name: str, schema: JsonMapping, depth: int) -> Value:
        kind = schema.get("type")
        if kind is None and "properties" in schema:
            kind = "object"
        if kind == "boolean":
            return _listed([True, False])
        if kind == "null":
            return _listed([None])
        if kind == "integer":
            values = self.known.values(name, schema, Role(Kind.SHORT))
            return self._of(values, of_type=int) if values is not None else integer_value(schema)
        if kind == "number":
            return Value(number_body(schema))
        if kind == "array":
            return Value(self._array(name, schema, depth))
        if kind == "object":
            return Value(self._object(schema, depth + 1))
        return self._string(name, schema)

    def _of(self, values: Sequence[str | int], of_type: type) -> Value:
        fitting = [value for value in values if isinstance(value, of_type)]
        if of_type is int:
            fitting += [int(value) for value in values if _is_small_integer(value)]
        if not fitting:
            raise Unwritable("none was seen")
        return _listed(fitting)

    def _string(self, name: str, schema: JsonMapping) -> Value:
        role = role_of(name, schema)
        values = self.known.values(name, schema, role)
        least, most = _lengths(schema)
        if values is not None:
            fitting = [str(value) for value in values if least <= len(str(value)) <= most]
            return self._of(fitting, of_type=str)
        if role.kind is Kind.CHOICE:
            return _listed(list(role.choices))
        if role.body and "minLength" not in schema and "maxLength" not in schema:
            return Value(f'"\\"" {self._rule("text", role.body)} "\\""')
        if role.kind is Kind.LONG and most >= _LONG_WORDS * (_LONGEST_WORD + 2) and least <= 1:
            text = self._grammar.words(self._characters, _LONGEST_WORD, _LONG_WORDS)
            return Value(f'"\\"" {text} "\\""', is_text=True)
        if least > 1 or most < _SHORT_TEXT:
            upper = max(least, min(most, _SHORT_TEXT))
            return Value(f'"\\"" {times(self._characters.body, least, upper)} "\\""')
        if (name_words(name) or ("",))[-1] in _CODE_NAMES:
            return Value(f'"\\"" {self._rule("code", _CODE)} "\\""', is_text=True)
        line = self._line()
        if "empty" in str(schema.get("description")) and "minLength" not in schema:
            line += "?"
        return Value(f'"\\"" {line} "\\""', is_line=True, is_text=True)

    def _line(self) -> str:
        """Return a body of a short text, which neither begins nor ends with a blank."""
        words = _LISTED_WORDS if self._lists else _LINE_WORDS
        return self._grammar.words(self._characters, _LONGEST_WORD, words)

    def other_line(self, excluded: Sequence[str]) -> str:
        """Return a body of short texts, as JSON, that are none of some texts."""
        rest = self._rule("rest", times(self._characters.body, 0, _SHORT_TEXT))
        return f'"\\"" {other_than(excluded, self._characters, rest)} "\\""'

    def _array(self, name: str, schema: JsonMapping, depth: int) -> str:
        least = max(int(schema.get("minItems") or 0), 0)
        usual = max(least, _MOST_ITEMS)
        most = min(int(schema.get("maxItems", usual)), usual)
        prefix = schema.get("prefixItems")
        if prefix:
            items = [self.value(name, item, depth + 1).body for item in prefix]
            return f'"[" {_SEPARATOR.join(items)} "]"'
        if schema.get("uniqueItems"):
            if least > 1:
                raise Unwritable("a grammar cannot keep several items apart")
            most = min(most, 1)
        self._lists += 1
        try:
            item = self.value(name, schema.get("items"), depth + 1)
        except Unwritable:
            if least:
                raise
            return literal("[]")
        finally:
            self._lists -= 1
        if most == 0:
            return literal("[]")
        rule = self._rule(f"{name}-item", item.body)
        others = times(f'( ", " {rule} )', max(least - 1, 0), most - 1)
        filled = f'"[" {rule} {others} "]"'
        # An empty list says nothing: it is admitted only where ids are not what it lists.
        return filled if least or item.choices is not None else one_of([filled, literal("[]")])

    def _any_of(
        self, name: str, schema: JsonMapping, kinds: Sequence[JsonValue], depth: int
    ) -> Value:
        beside = {key: schema[key] for key in ("description",) if key in schema}
        found: list[Value] = []
        for kind in kinds:
            try:
                merged = {**beside, **kind} if isinstance(kind, dict) else kind
                found.append(self.value(name, merged, depth + 1))
            except Unwritable:
                continue
        if not found:
            raise Unwritable("no alternative can be written")
        if len(found) == 1:
            return found[0]
        listed = [one.choices for one in found]
        if all(choices is not None for choices in listed):
            texts = [text for choices in listed for text in choices or ()]
            return Value(choice(texts), tuple(dict.fromkeys(texts)))
        return Value(one_of(one.body for one in found))

    def _merged(self, name: str, schema: JsonMapping, depth: int) -> Value:
        merged: JsonObject = {}
        for part in schema["allOf"]:
            resolved = self._resolved(str(part["$ref"])) if "$ref" in part else part
            properties = {**merged.get("properties", {}), **resolved.get("properties", {})}
            required = [*merged.get("required", ()), *resolved.get("required", ())]
            merged |= resolved
            if properties:
                merged |= {"properties": properties, "required": required}
        return self.value(name, {**merged, **_without(schema, "allOf")}, depth + 1)

    def _resolved(self, reference: str) -> JsonMapping:
        found: JsonValue = self._root
        for step in reference.removeprefix("#").strip("/").split("/"):
            found = found.get(step) if isinstance(found, dict) else None
        if not isinstance(found, dict):
            raise Unwritable(f"{reference} leads nowhere")
        return found

    def _rule(self, hint: str, body: str) -> str:
        return self._grammar.add(hint, body)

    rule = _rule


class _Fields:
    """The entries of an object, as a chain of rules."""

    def __init__(self, writer: SchemaGrammar, schema: JsonMapping, depth: int) -> None:
        self._writer = writer
        properties = schema.get("properties") or {}
        required = [key for key in schema.get("required") or () if key in properties]
        self._values: dict[str, Value] = {}
        self._optional: set[str] = set()
        self._rules: dict[tuple[int, bool], str] = {}
        for key in [*required, *(key for key in properties if key not in required)]:
            try:
                self._values[key] = self._value(key, properties[key], depth, key in required)
            except Unwritable:
                if key in required:
                    raise
                continue
            if key in required:
                continue
            self._optional.add(key)
            if self._values[key].is_text and not writer.known.is_asked_for(key):
                del self._values[key]  # small models fill in whatever there is
        self.names = list(self._values)

    def _value(self, key: str, schema: JsonValue, depth: int, required: bool) -> Value:
        if not required and isinstance(schema, dict) and schema.get("anyOf"):
            # What may be left out need not be null as well.
            kinds = [kind for kind in schema["anyOf"] if kind != {"type": "null"}]
            schema = {**schema, "anyOf": kinds or schema["anyOf"]}
        return self._writer.value(key, schema, depth + 1)

    def chain(self, excluded: Sequence[JsonObject] = ()) -> str:
        """Return a body of the entries that equal none of those excluded.

        Raises:
            Unwritable: there are none.
        """
        return self._from(0, is_first=True, excluded=excluded)

    def _from(self, at: int, *, is_first: bool, excluded: Sequence[JsonObject]) -> str:
        """Return the body of the entries from number `at` on."""
        if at == len(self.names):
            if excluded:
                raise Unwritable("the same call again")
            return ""
        if excluded:
            return _any(self._alternatives(at, is_first=is_first, excluded=excluded))
        # Optional entries fork the chain; kept rules join it again.
        kept = self._rules.get((at, is_first))
        if kept is None:
            body = _any(self._alternatives(at, is_first=is_first, excluded=()))
            kept = self._writer.rule(self.names[at], body)
            self._rules[at, is_first] = kept
        return kept

    def _alternatives(
        self, at: int, *, is_first: bool, excluded: Sequence[JsonObject]
    ) -> list[str]:
        """Return what may stand from entry `at` on. Raise Unwritable for nothing."""
        name = self.names[at]
        value = self._values[name]
        key = ("" if is_first else ", ") + json_text(name) + ": "
        parts: list[str] = []
        given = {
            text: [one for one in excluded if name in one and json_text(one[name]) == text]
            for text in (json_text(one[name]) for one in excluded if name in one)
        }
        other = self._other(value, given)
        if other is None:  # cannot be told apart: calls are compared by the arguments before
            self._add(parts, at, literal(key) + " " + value.body, ())
            given = {}
        elif other:
            self._add(parts, at, literal(key) + " " + other, ())
        for text, same in given.items():
            if value.choices is None or text in value.choices:
                self._add(parts, at, literal(key + text), same)
        if name in self._optional:
            left_out = [one for one in excluded if name not in one]
            with suppress(Unwritable):  # the call without it was made already
                parts.append(self._from(at + 1, is_first=is_first, excluded=left_out))
        if not parts:
            raise Unwritable("the same call again")
        return parts

    def _add(self, parts: list[str], at: int, entry: str, excluded: Sequence[JsonObject]) -> None:
        """Add the entries that begin with this one, if there are any."""
        try:
            rest = self._from(at + 1, is_first=False, excluded=excluded)
            parts.append(sequence(entry, rest))
        except Unwritable:
            return

    def _other(self, value: Value, excluded: Iterable[str]) -> str | None:
        """Return the body of a value that is none of some JSON texts.

        Empty when there is none; None when such values cannot be told apart.
        """
        texts = list(excluded)
        if not texts:
            return value.body
        if value.choices is not None:
            left = [text for text in value.choices if text not in texts]
            return choice(left) if left else ""
        lines = [json.loads(text) for text in texts]
        are_short = all(isinstance(one, str) and len(one) <= _LONGEST_COMPARED for one in lines)
        return self._writer.other_line(lines) if value.is_line and are_short else None


def _listed(values: Sequence[JsonValue]) -> Value:
    texts = tuple(dict.fromkeys(map(json_text, values)))
    if not texts:
        raise Unwritable("an empty enumeration")
    return Value(choice(texts), texts)


def _any(parts: Sequence[str]) -> str:
    """Return a body of any one of the parts, of which one may be empty."""
    return one_of(part or '""' for part in parts)


def integer_value(schema: JsonMapping) -> Value:
    """Return the grammar of an integer. Raise Unwritable when the bounds admit none."""
    body, few = integer_body(schema)
    if not body:
        raise Unwritable("no integer lies between the bounds")
    return Value(body, tuple(map(str, few)) if few is not None else None)


def _is_small_integer(value: str | int) -> bool:
    return (
        isinstance(value, str)
        and value.isascii()
        and value.isdigit()
        and len(value) <= _MOST_DIGITS
    )


def _lengths(schema: JsonMapping) -> tuple[int, int]:
    least, most = schema.get("minLength"), schema.get("maxLength")
    return (
        int(least) if isinstance(least, int) else 1,
        int(most) if isinstance(most, int) else 10_000,
    )


def _without(schema: JsonMapping, key: str) -> JsonObject:
    return {name: value for name, value in schema.items() if name != key}
