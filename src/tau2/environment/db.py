"""Databases: parsed once, forked copy-on-write, compared by touched records, hashed canonically."""

from __future__ import annotations

import hashlib
import json
import pickle
import re
import tomllib
from functools import lru_cache
from pathlib import Path
from typing import Any, Self, SupportsIndex, TypeAlias

from pydantic import (
    BaseModel,
    ConfigDict,
    SerializerFunctionWrapHandler,
    TypeAdapter,
    ValidationError,
    model_serializer,
)

from tau2.environment.canonical import VIEWS, canonical_pieces, dumped
from tau2.environment.cow import Memo, Table, clone, clone_shared, is_table_like
from tau2.environment.list_table import ListTable, is_list_table_like
from tau2.errors import DataFileError
from tau2.utils import finite_json
from tau2.utils.json_types import JsonObject, JsonValue


def read_text(path: Path) -> str:
    """Return the content of a text file. Raise DataFileError naming the file."""
    try:
        # Some editors write a byte order mark; it is not part of the content.
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DataFileError(f"{path}: cannot be read ({error.strerror or error})") from error
    except UnicodeDecodeError as error:
        raise DataFileError(f"{path}: not valid UTF-8 (byte {error.start})") from error


def read_data_file(path: Path, *, words_are_text: bool = False) -> JsonValue:
    """Return the parsed content of a .json, .toml or .yaml file.

    Raise DataFileError naming the file.

    Args:
        path: The file.
        words_are_text: Whether in YAML the words yes, no, on and off and dates are texts, as in
            version 1.2, which OpenAPI prescribes; else truth values and dates, as in 1.1.
    """
    text = read_text(path)
    try:
        if path.suffix == ".toml":
            return tomllib.loads(text)
        if path.suffix in {".yaml", ".yml"}:
            return _from_yaml(text, words_are_text=words_are_text)
        return finite_json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DataFileError(
            f"{path}: not valid {path.suffix.lstrip('.') or 'data'}: {error}"
        ) from error


_HALF_A_CHARACTER = re.compile(r"\\u[dD][89a-fA-F]|\\U0000[dD][89a-fA-F]")


def _from_yaml(text: str, *, words_are_text: bool) -> JsonValue:
    import yaml  # noqa: PLC0415  -- only yaml files need it

    # The parser in C is many times as fast; it is missing where PyYAML was built without libyaml,
    # and refuses the halves of characters that our own files may hold as escapes.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    if _HALF_A_CHARACTER.search(text):
        loader = yaml.SafeLoader
    if words_are_text:
        loader = type("Loader", (loader,), {"yaml_implicit_resolvers": _resolvers(loader)})
    try:
        return yaml.load(text, Loader=loader)  # noqa: S506  -- either loader is a safe one
    except yaml.YAMLError as error:
        # Not the text of the error, which quotes the lines around it: they may hold a key.
        mark = getattr(error, "problem_mark", None)
        where = f" (line {mark.line + 1}, column {mark.column + 1})" if mark is not None else ""
        problem = getattr(error, "problem", None) or type(error).__name__
        raise ValueError(f"{problem}{where}") from None


def _resolvers(loader: Any) -> dict[str, list[tuple[str, Any]]]:
    """Return the rules by which a loader reads plain words, but for dates, yes, no, on and off."""
    kept: dict[str, list[tuple[str, Any]]] = {}
    for letter, rules in loader.yaml_implicit_resolvers.items():
        left_out = {"tag:yaml.org,2002:timestamp"}
        if letter not in "tTfF":
            left_out.add("tag:yaml.org,2002:bool")
        kept[letter] = [rule for rule in rules if rule[0] not in left_out]
    return kept


def deep_merge(old: JsonValue, new: JsonValue) -> JsonValue:
    """Return `old` updated by `new`: dicts merge key by key, everything else is replaced."""
    if not isinstance(old, dict) or not isinstance(new, dict):
        return new
    merged = dict(old)
    for key, value in new.items():
        merged[key] = deep_merge(merged[key], value) if key in merged else value
    return merged


def describe_validation_error(error: ValidationError, source: object) -> str:
    """Return one line per problem: file, place in it, what is wrong.

    Values are not repeated (they may be secret).
    """
    lines = [
        f"{source}: {'.'.join(map(str, problem['loc'])) or '(top level)'}: {problem['msg']}"
        for problem in error.errors(include_url=False, include_input=False, include_context=False)
    ]
    return "\n".join(lines)


View: TypeAlias = Table[Any, object] | ListTable[object]


class DB(BaseModel):
    """A database: a model whose dicts and lists of records become copy-on-write tables in a fork.

    `fork()` returns an independent database with the same content; `view()` does so for a reference
    database, parsed once per process, without copying it.
    """

    # Slots are invisible to pydantic: no part of equality, dumps or copies.
    __slots__ = ("_packed", "_reference", "_views")

    model_config = ConfigDict(extra="forbid")

    @model_serializer(mode="wrap")
    def _serialize_tables(self, handler: SerializerFunctionWrapHandler) -> JsonValue:
        """Give pydantic plain dicts and lists; it would serialise tables as unknown objects."""
        state = self.__dict__
        if not any(isinstance(value, VIEWS) for value in state.values()):
            return handler(self)
        plain = self.__class__.model_construct(
            self.model_fields_set,
            **{k: v.plain() if isinstance(v, VIEWS) else v for k, v in state.items()},
        )
        return handler(plain)

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Parse a .json, .toml or .yaml file.

        Raise DataFileError naming the file and every wrong place.
        """
        path = Path(path)
        try:
            return cls.model_validate(read_data_file(path))
        except ValidationError as error:
            raise DataFileError(describe_validation_error(error, path)) from error

    def dump(self, path: str | Path, **options: Any) -> None:
        """Write the database as JSON (indent 2) or, by the suffix, YAML.

        Raise DataFileError for what would not be read as it is.
        """
        path = Path(path)
        try:
            data = self.model_dump(mode="json", **options)
            finite_json.refuse_unreadable(data)
        except (ValueError, RecursionError) as problem:
            raise DataFileError(f"{path}: it cannot be written: {problem}") from problem
        if path.suffix in {".yaml", ".yml"}:
            import yaml  # noqa: PLC0415  -- only yaml files need it

            path.write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
        elif path.suffix == ".toml":
            raise DataFileError(
                f"{path}: databases are written as .json or .yaml; .toml is read only"
            )
        else:
            path.write_text(json.dumps(data, indent=2), encoding="utf-8")

    def fork(self) -> Self:
        """Return an independent database with the same content.

        Costs what this one has touched if it is a view or a fork; a plain database is copied once,
        and forks of that copy are cheap again.
        """
        memo = Memo()
        state = {
            name: value.fork(memo) if isinstance(value, VIEWS) else clone_shared(value, memo)
            for name, value in self.__dict__.items()
        }
        # Two views of an object that occurs twice would become two objects on the first write.
        if not memo.shared:
            state = {name: self.view_of(value) for name, value in state.items()}
        return self._with_state(state, self.reference)

    @classmethod
    def view_of(cls, value: object) -> object:
        """Return a copy-on-write view of a field; the field itself where a view is not worth it."""
        if is_table_like(value):
            return Table(value)
        return ListTable(value) if is_list_table_like(value) else value

    def view(self) -> Self:
        """Return an independent view of a reference, which must not be mutated afterwards."""
        return self._with_state(
            {name: self._view(name, value) for name, value in self.__dict__.items()}, self
        )

    def _view(self, name: str, value: object) -> object:
        """Return a view of a field; a copy of it where a view is not worth it."""
        views: dict[str, View] | None = getattr(self, "_views", None)
        if views is None:
            views = {}
            object.__setattr__(self, "_views", views)
        first = views.get(name)
        # A field that was assigned anew since the last view needs a new one.
        if first is None or first.base is not value:
            made = self.view_of(value)
            if not isinstance(made, VIEWS):
                return clone(value)
            views[name] = made
            first = made
        # Forks of the first view share its indexes.
        return first.fork()

    def __reduce_ex__(self, protocol: SupportsIndex) -> str | tuple[Any, ...]:
        """Pickle a view as its reference, which is packed once per process, and its changes."""
        reference = self.reference
        if reference is None:
            return super().__reduce_ex__(protocol)
        changes: dict[str, object] = {}
        state: dict[str, object] = {}
        for name, value in self.__dict__.items():
            if isinstance(value, VIEWS) and value.base is reference.__dict__.get(name):
                changes[name] = value.changes()
            else:
                state[name] = value
        private = (self.__pydantic_extra__, self.__pydantic_private__)
        return _restored, (_packed(reference), changes, state, *private)

    def restore(self, changes: dict[str, tuple[object, ...]], state: dict[str, object]) -> Self:
        """Return a view of this reference with the changes of another view, and other fields."""
        fields = {}
        for name, value in self.__dict__.items():
            view = self._view(name, value) if name in changes else None
            fields[name] = view.changed(changes[name]) if isinstance(view, VIEWS) else state[name]
        return self._with_state(fields, self)

    @property
    def reference(self) -> DB | None:
        """The database that this is a view of (or a fork of a view); None for an original."""
        return getattr(self, "_reference", None)

    def is_pristine(self) -> bool:
        """Return whether this holds what its reference holds, as far as that is cheap to know."""
        if self.reference is None:
            return False
        origin = self.reference.__dict__
        return all(
            value.is_pristine() if isinstance(value, VIEWS) else value == origin[name]
            for name, value in self.__dict__.items()
        )

    def _with_state(self, state: dict[str, object], reference: DB | None) -> Self:
        copy = self.__class__.__new__(self.__class__)
        copy.__dict__.update(state)
        put = object.__setattr__
        put(copy, "__pydantic_fields_set__", set(self.__pydantic_fields_set__))
        put(copy, "__pydantic_extra__", clone(self.__pydantic_extra__))
        put(copy, "__pydantic_private__", clone(self.__pydantic_private__))
        put(copy, "_reference", reference)
        return copy

    def same_as(self, other: DB) -> bool:
        """Return whether both hold the same data: 25 equals 25.0, in any order of keys."""
        if self is other:
            return True
        mine = self.__dict__
        theirs = other.__dict__
        if mine.keys() != theirs.keys():
            return False
        return all(_same_field(value, theirs[name]) for name, value in mine.items())

    def updated(self, patch: JsonObject) -> Self:
        """Return an independent database with `patch` merged in and validated."""
        copy = self.fork()
        unknown = patch.keys() - type(self).model_fields.keys()
        if unknown and type(self).model_config.get("extra") == "forbid":
            raise DataFileError(f"{type(self).__name__} has no field {', '.join(sorted(unknown))}")
        for name, value in patch.items():
            copy.__dict__[name] = _merged_field(type(self), name, copy.__dict__.get(name), value)
        return copy

    def get_hash(self) -> str:
        """Return the SHA-256 of `json.dumps(model_dump(), sort_keys=True, default=str)`."""
        digest = hashlib.sha256()
        for piece in canonical_pieces(self):
            digest.update(piece)
        return digest.hexdigest()

    @classmethod
    def get_json_schema(cls) -> JsonObject:
        """Return the JSON schema of the database."""
        return cls.model_json_schema()

    def get_statistics(self) -> dict[str, int]:
        """Return how many records every table has."""
        return {
            f"num_{name}": len(v)
            for name, v in self.__dict__.items()
            if isinstance(v, dict | list | Table | ListTable)
        }


def _packed(reference: DB) -> bytes:
    content: bytes | None = getattr(reference, "_packed", None)
    if content is None:
        content = pickle.dumps(reference)
        object.__setattr__(reference, "_packed", content)
    return content


@lru_cache(maxsize=8)
def _unpacked(content: bytes) -> DB:
    """Return a reference that came from another process: once, however many views of it come."""
    reference: DB = pickle.loads(content)  # noqa: S301  -- a part of what is being unpickled
    return reference


def _restored(
    packed: bytes,
    changes: dict[str, tuple[object, ...]],
    state: dict[str, object],
    extra: dict[str, object] | None,
    private: dict[str, object] | None,
) -> DB:
    """Return a view that has been pickled."""
    db = _unpacked(packed).restore(changes, state)
    object.__setattr__(db, "__pydantic_extra__", extra)
    object.__setattr__(db, "__pydantic_private__", private)
    return db


def _same_value(mine: object, theirs: object) -> bool:
    return bool(mine == theirs) or bool(dumped(mine) == dumped(theirs))


def _same_field(mine: object, theirs: object) -> bool:
    if isinstance(mine, Table) and isinstance(theirs, Table) and mine.base is theirs.base:
        return mine.same_as(theirs, _same_value)
    if isinstance(mine, ListTable) and isinstance(theirs, ListTable):
        return mine.same_as(theirs, _same_value)
    return _same_value(mine, theirs)


def _merged_field(owner: type[DB], name: str, old: object, patch: JsonValue) -> object:
    """Merge `patch` into one field; a table re-validates only the records that the patch names."""
    info = owner.model_fields.get(name)
    annotation: Any = info.annotation if info else Any
    adapter: TypeAdapter[Any] = TypeAdapter(annotation)
    if isinstance(old, Table) and isinstance(patch, dict):
        merged = {key: deep_merge(dumped(old.peek(key)), value) for key, value in patch.items()}
        for key, record in adapter.validate_python(merged).items():
            old[key] = record
        return old
    return adapter.validate_python(deep_merge(dumped(old), patch))
