"""A domain from a pydantic model: the records that it is made of, or the one that it is.

The module is the user's own and is imported. What is written follows from the JSON schema of the
model; code of it, such as validators, is not copied.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from pydantic import BaseModel, RootModel
from pydantic.errors import PydanticUserError

from tau2.errors import ConfigError, quoted
from tau2.scaffold.examples import add_examples, example_value, guessed_links
from tau2.scaffold.interface import (
    Interface,
    Member,
    RecordShape,
    Shape,
    Single,
    Table,
)
from tau2.scaffold.names import (
    TABLES,
    identifier,
    key_of,
    phrase,
    plural_name,
    singular_name,
    unique,
    words_of,
)
from tau2.scaffold.schemas import SchemaReader
from tau2.scaffold.selection import EVERYTHING, Selection
from tau2.scaffold.tables import named_tool, single_tools, table_tools
from tau2.utils import finite_json
from tau2.utils.json_types import JsonObject, JsonValue
from tau2.utils.text import error_text, first_of

_MOST_TABLES = 25
_MOST_ROWS = 1000
_IDS = ("id", "uuid", "uid", "guid", "code", "number", "slug", "sku", "key", "username", "name")


def read_model(name: str, selection: Selection = EVERYTHING) -> Interface:
    """Return the interface of a model, or of an instance of one, whose records are then copied.

    Args:
        name: `module:Model`; the folder that the command runs in is searched, too.
        selection: Which fields of the model are taken.

    Raises:
        ConfigError: it cannot be imported, is no model, has no JSON schema, or is an instance that
            holds what JSON has no form for.
    """
    found = _imported(name)
    model = found if isinstance(found, type) else type(found)
    if any(base.__module__.startswith("pydantic.v1") for base in model.__mro__):
        raise ConfigError(f"{name} is a model of pydantic 1; name one of pydantic 2")
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        raise ConfigError(f"{name} is no pydantic model; name a subclass of BaseModel")
    try:
        schema = model.model_json_schema(mode="validation")
    except PydanticUserError as problem:
        why = error_text(problem, 300).partition("\n")[0]
        raise ConfigError(f"{name} has no JSON schema: {why}") from problem
    content = None
    if isinstance(found, BaseModel):
        content = _content_of(found, name)
    reader = SchemaReader(schema)
    shape = reader.shape(schema, model.__name__)
    held = _record_of(shape)
    if held is not None:  # a root model
        own = Member(plural_name(held.name), shape)
        shape = Shape("record", record=RecordShape(model.__name__, (own,)))
        content = None if content is None else {own.name: content}
    if shape.record is None or not shape.record.members:
        raise ConfigError(f"{name} has no fields; name a model that has some")
    interface = Interface(name.replace(":", "."))
    interface.notes.append(
        f"The models were written after the JSON schema of {name.rpartition(':')[2]}; validators, "
        "methods and computed rules are not in them."
    )
    if reader.is_cut:
        interface.notes.append("Schemas that are very deep or very large were cut.")
    members = selection.of(shape.record.members, _names_of, interface.source)
    _fill(
        interface,
        replace(shape.record, members=tuple(members)),
        content,
        is_database=_is_database(shape.record),
    )
    return interface


def _names_of(member: Member) -> tuple[str, ...]:
    """Return what `--only` may call a field of a model."""
    record = _record_of(member.shape)
    return (member.name, member.source or member.name, *([record.name] if record else []))


def _content_of(instance: BaseModel, name: str) -> JsonObject:
    try:
        content = instance.model_dump(mode="json", by_alias=True)
        finite_json.refuse_unreadable(content)
    except ValueError as problem:  # of pydantic, too: a value that JSON has no form for
        raise ConfigError(f"{name} cannot be copied: {error_text(problem, 300)}") from problem
    return content


@contextmanager
def _here() -> Iterator[None]:
    """Have modules found in the folder that the command runs in."""
    here = os.getcwd()  # noqa: PTH109  -- `sys.path` holds texts
    sys.path.insert(0, here)
    try:
        yield
    finally:
        sys.path.remove(here)


def _imported(name: str) -> object:
    module_name, _, attribute = name.partition(":")
    with _here():
        try:
            module = importlib.import_module(module_name)
        except ModuleNotFoundError as problem:
            raise ConfigError(
                f"{name}: there is no module {problem.name!r} here or in what is installed"
            ) from problem
        except SystemExit as problem:
            raise ConfigError(
                f"{module_name} cannot be imported: it ends the program; put what runs below "
                "`if __name__ == '__main__':`"
            ) from problem
        except Exception as problem:  # whatever a module of somebody's raises
            raise ConfigError(
                f"{module_name} cannot be imported: {error_text(problem, 300)}"
            ) from problem
    found: Any = module
    for part in attribute.split("."):
        found = getattr(found, part, None)
    if found is None:
        known = sorted(
            key for key, value in vars(module).items()
            if _is_model(value) and key.isidentifier()
        )  # fmt: skip
        raise ConfigError(
            f"{module_name} has no {quoted(attribute)}; "
            + (f"it has {first_of(known, 20)}" if known else "it has no pydantic model either")
        )
    return found


def _is_database(record: RecordShape) -> bool:
    """Return whether a model holds records, and is none itself."""
    has_records = any(_record_of(one.shape) is not None for one in record.members)
    return has_records and not any(_is_key(one) for one in record.members)


def _is_model(value: object) -> bool:
    is_class = isinstance(value, type) and issubclass(value, BaseModel)
    return (is_class and value not in {BaseModel, RootModel}) or isinstance(value, BaseModel)


def _fill(
    interface: Interface,
    record: RecordShape,
    content: Mapping[str, JsonValue] | None,
    *,
    is_database: bool,
) -> None:
    """Fill an interface: with the collections of a model, or with the model as one table."""
    names: set[str] = set()
    collections = [one for one in record.members if _record_of(one.shape) is not None]
    if not is_database:
        own = Member(plural_name(record.name), Shape("list", item=Shape("record", record=record)))
        interface.tables = [_table(own, names)]
    else:
        interface.tables = [_table(one, names) for one in collections[:_MOST_TABLES]]
        for one in collections[_MOST_TABLES:]:
            interface.left_out.append(f"field {one.name}: more than {_MOST_TABLES} tables")
    add_examples(interface)
    if is_database:
        for one in record.members:
            if one not in collections:
                interface.singles.append(_single(interface, one, names, content))
    if content is not None:
        _copy_rows(interface, record, content, is_database=is_database)
    taken: set[str] = set()
    for table in interface.tables:
        table.links = tuple(guessed_links(interface, table)) if content is None else ()
        interface.tools += table_tools(table, taken)
    interface.tools += [
        named_tool(tool, taken) for single in interface.singles for tool in single_tools(single)
    ]


def _record_of(shape: Shape) -> RecordShape | None:
    """Return what a list or a map holds, if those are records."""
    if shape.kind in {"list", "map"} and shape.item is not None:
        return shape.item.record
    return None


def _is_key(member: Member) -> bool:
    return member.name in {"id", "uuid", "uid", "guid"} or (
        words_of(member.name)[-1:] == ["id"] and member.is_required
    )


def _table(member: Member, names: set[str]) -> Table:
    record = _record_of(member.shape)
    if record is None:
        raise KeyError(member.name)
    noun = phrase(singular_name(member.name)) or "record"
    name = unique(identifier(member.name, TABLES, "table"), names)
    names.add(name)
    key = _key_of(record, noun)
    if key is None:
        number = Member("id", Shape("integer"), description="Number")
        is_map = member.shape.kind == "map"
        if is_map:  # its keys say which record is which
            number = Member("id", Shape("text"), description=f"Key in {member.name}")
        taken = {one.name for one in record.members}
        number = replace(number, name=unique("id", taken))
        record = replace(record, members=(number, *record.members))
        return Table(name, noun, record, (number.name,), is_numbered=not is_map)
    shape = key.shape.without_null()
    members = tuple(
        replace(one, is_required=True, shape=shape) if one is key else one for one in record.members
    )
    is_numbered = words_of(key.name)[-1:] in (["id"], ["uuid"], ["guid"], ["uid"])
    return Table(name, noun, replace(record, members=members), (key.name,), is_numbered)


def _key_of(record: RecordShape, noun: str) -> Member | None:
    plain = {
        key_of(one.name): one for one in record.members if one.shape.kind in {"integer", "text"}
    }
    nouns = (key_of(noun), key_of(record.name))
    for name in _IDS:
        for spelled in (name, *(f"{one}{name}" for one in nouns)):
            found = plain.get(spelled)
            if found is not None:
                return found
    return None


def _single(
    interface: Interface, member: Member, names: set[str], content: Mapping[str, JsonValue] | None
) -> Single:
    name = unique(identifier(member.name, TABLES, "single"), names)
    names.add(name)
    value = example_value(interface, member.shape, name)
    if content is not None:
        value = _renamed(content.get(member.source or member.name), member.shape)
    return Single(name, member.shape, value, member.description)


def _copy_rows(
    interface: Interface,
    record: RecordShape,
    content: Mapping[str, JsonValue],
    *,
    is_database: bool,
) -> None:
    """Take the records of an instance instead of examples."""
    interface.has_own_records = True
    if not is_database:
        rows: Sequence[JsonValue] = [dict(content)]
        _set_rows(interface, interface.tables[0], rows)
        return
    collections = [one for one in record.members if _record_of(one.shape) is not None]
    for table, member in zip(interface.tables, collections, strict=False):
        held = content.get(member.source or member.name)
        if isinstance(held, dict):
            _set_rows(interface, table, list(held.values()), list(held))
        elif isinstance(held, list):
            _set_rows(interface, table, held)
        else:
            table.rows = []


def _set_rows(
    interface: Interface, table: Table, rows: Sequence[JsonValue], names: Sequence[str] = ()
) -> None:
    table.rows = []
    keys: set[tuple[str, ...]] = set()
    shape = Shape("record", record=table.record)
    for number, row in enumerate(rows[:_MOST_ROWS], 1):
        plain = _renamed(row, shape)
        if not isinstance(plain, dict):
            continue
        for name in table.key:
            plain.setdefault(name, names[number - 1] if names else number)
        key = tuple(str(plain[name]) for name in table.key)
        if key not in keys:
            keys.add(key)
            table.rows.append(plain)
    if len(table.rows) < len(rows):
        interface.notes.append(
            f"Of the {len(rows):,} records of {table.name}, {len(table.rows):,} were copied."
        )


def _renamed(value: JsonValue, shape: Shape) -> JsonValue:
    """Return a value whose fields are called as in the models that are written."""
    if shape.kind == "list" and isinstance(value, list) and shape.item is not None:
        return [_renamed(one, shape.item) for one in value]
    if shape.kind == "map" and isinstance(value, dict) and shape.item is not None:
        return {key: _renamed(one, shape.item) for key, one in value.items()}
    if shape.kind == "number" and isinstance(value, str):  # how pydantic writes decimal numbers
        return float(value)
    if shape.record is None or not isinstance(value, dict):
        return value
    renamed: JsonObject = {}
    for member in shape.record.members:
        source = member.source or member.name
        if source in value:
            renamed[member.name] = _renamed(value[source], member.shape)
    return renamed


def is_name_of_model(source: str) -> bool:
    """Return whether a text has the form `module:Model`."""
    module, colon, attribute = source.partition(":")
    return bool(colon) and all(
        part.isidentifier() for part in [*module.split("."), *attribute.split(".")]
    )
