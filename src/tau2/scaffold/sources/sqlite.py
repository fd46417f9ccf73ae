"""A domain from a SQLite database: its tables, with the rows that they hold.

The file is opened for reading alone, and what is read is capped. Views and triggers are never
executed: only tables are read, column by column.
"""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from operator import itemgetter
from pathlib import Path
from typing import Any

from tau2.errors import ConfigError
from tau2.scaffold.interface import (
    Interface,
    Link,
    Member,
    OnDelete,
    RecordShape,
    Shape,
    ShapeKind,
    Table,
)
from tau2.scaffold.names import FIELDS, TABLES, identifier, singular_name, unique, words_of
from tau2.scaffold.selection import EVERYTHING, Selection
from tau2.scaffold.source_text import one_line
from tau2.scaffold.sources.documents import safe_name
from tau2.scaffold.tables import table_tools
from tau2.utils.json_types import JsonObject, JsonValue
from tau2.utils.text import plural

MOST_TABLES = 25  # five tools each: more than the 128 that models accept
_TABLES = TABLES - {"events"}  # calls are not noted, so a table may have that name
MOST_ROWS = 1000  # of a table
_MOST_LINKED = 2000  # rows of a table, with those that other rows name
_MOST_COLUMNS = 100
_LONGEST_TEXT = 2000  # characters of a value
_KINDS: dict[str, ShapeKind] = {"integer": "integer", "number": "number", "text": "text"}
_MADE: dict[str, Callable[[Any], JsonValue]] = {"boolean": bool, "number": float, "text": str}
_INTERNAL = ("sqlite_", "_litestream", "django_migrations", "alembic_version")


@dataclass(slots=True)
class _Column:
    source: str
    name: str
    declared: str
    is_required: bool
    default: str | int | float | None
    place_in_key: int
    is_generated: bool
    choices: tuple[str, ...] = ()
    kinds: set[str] = field(default_factory=set)
    is_truth: bool = True
    """Whether every value is 0 or 1."""


@dataclass(slots=True)
class _Stored:
    """A table of the file."""

    source: str
    name: str
    columns: list[_Column]
    key: tuple[str, ...]
    is_by_rowid: bool
    """Whether its rows have no key but the number that SQLite gives each."""
    rows: list[JsonObject] = field(default_factory=list)
    count: int = 0


def read_sqlite(path: Path, selection: Selection = EVERYTHING) -> Interface:
    """Return the interface of a database file, or of those tables that are selected.

    Raises:
        ConfigError: the file is no SQLite database, cannot be read, or has no table.
    """
    try:
        with closing(_opened(path)) as connection:
            return _read(connection, path, selection)
    except sqlite3.Error as problem:
        raise ConfigError(f"{path} cannot be read as a SQLite database: {problem}") from problem


def _opened(path: Path) -> sqlite3.Connection:
    address = f"{path.resolve().as_uri()}?mode=ro"
    with path.open("rb") as file:
        is_write_ahead = file.read(20)[18:] == b"\x02\x02"
    if is_write_ahead and not Path(f"{path}-wal").exists():
        # No process has it open. SQLite would write files beside it, even to read.
        address += "&immutable=1"
    connection = sqlite3.connect(address, uri=True, timeout=5)
    connection.execute("PRAGMA query_only = ON")
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA cell_size_check = ON")
    connection.text_factory = lambda data: data.decode("utf-8", "replace")
    return connection


def _read(connection: sqlite3.Connection, path: Path, selection: Selection) -> Interface:
    interface = Interface(safe_name(path), has_own_records=True)
    stored = _tables(connection, interface, selection)
    if not stored:
        raise ConfigError(f"{path} has no table that can be read; name another file")
    for table in stored:
        _read_rows(connection, table, interface)
    links = {table.source: list(_links(connection, table, stored, interface)) for table in stored}
    for table in stored:
        for link, targets in links[table.source]:
            _read_linked(connection, table, link, targets)
    taken: set[str] = set()
    for table in stored:
        made = _as_table(table, tuple(link for link, _ in links[table.source]))
        fixed = {one.name for one in table.columns if one.is_generated or "blob" in one.kinds}
        interface.tables.append(made)
        interface.tools += table_tools(made, taken, fixed=frozenset(fixed))
    return interface


def _tables(
    connection: sqlite3.Connection, interface: Interface, selection: Selection
) -> list[_Stored]:
    # A statement, because a file may have a view that is called like the function of it.
    listed = connection.execute("PRAGMA main.table_list").fetchall()
    own = [one for one in listed if not one[1].startswith(_INTERNAL) and one[2] != "shadow"]
    own.sort(key=itemgetter(1))
    found: list[_Stored] = []
    names: set[str] = set()
    for _, name, kind, _, without_rowid, *_ in selection.of(own, _name_of_listed, interface.source):
        shown = one_line(name, 60)
        if kind != "table":
            interface.left_out.append(f"{kind} {shown}: only tables are copied")
        elif len(found) == MOST_TABLES:
            interface.left_out.append(f"table {shown}: more than {MOST_TABLES} tables")
        else:
            field_name = unique(identifier(name, _TABLES, "table"), names)
            names.add(field_name)
            found.append(_table(connection, name, field_name, bool(without_rowid), interface))
    return found


def _name_of_listed(listed: Sequence[Any]) -> tuple[str, ...]:
    return (str(listed[1]),)


def _table(
    connection: sqlite3.Connection,
    source: str,
    name: str,
    without_rowid: bool,
    interface: Interface,
) -> _Stored:
    choices = _choices(connection, source)
    columns: list[_Column] = []
    taken: set[str] = set()
    described = connection.execute(f"PRAGMA main.table_xinfo({_quoted(source)})").fetchall()
    if len(described) > _MOST_COLUMNS:
        left = plural(len(described) - _MOST_COLUMNS, "column")
        interface.left_out.append(
            f"{left} of table {one_line(source, 60)}: more than {_MOST_COLUMNS}"
        )
    for _, column, declared, not_null, default, place, hidden in described[:_MOST_COLUMNS]:
        column_name = unique(identifier(column, FIELDS, "column"), taken)
        taken.add(column_name)
        columns.append(
            _Column(
                source=column, name=column_name, declared=(declared or "").upper(),
                is_required=bool(not_null or place), default=_literal(default), place_in_key=place,
                is_generated=hidden != 0, choices=choices.get(column.casefold(), ()),
            )
        )  # fmt: skip
    by_place = sorted((one for one in columns if one.place_in_key), key=lambda x: x.place_in_key)
    key = tuple(one.name for one in by_place)
    is_by_rowid = not key and not without_rowid
    if is_by_rowid:
        number = unique("row_number", taken)
        key = (number,)
        rowid = _Column(
            "rowid",
            number,
            "INTEGER",
            default=None,
            place_in_key=1,
            is_required=True,
            is_generated=False,
        )
        columns.insert(0, rowid)
    return _Stored(source, name, columns, key, is_by_rowid)


def _literal(text: str | None) -> str | int | float | None:
    """Return the default of a column, if it is a text or a number."""
    if text is None:
        return None
    text = text.strip()
    if text.startswith("'") and text[1:].endswith("'"):
        return one_line(text[1:-1].replace("''", "'"), 200)
    with suppress(ValueError):
        return int(text)
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _choices(connection: sqlite3.Connection, table: str) -> dict[str, tuple[str, ...]]:
    """Return column → the texts or numbers that `CHECK (column IN (...))` allows, by tokens."""
    query = "SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = ?"
    row = connection.execute(query, (table,)).fetchone()
    tokens = _tokens(row[0] or "") if row is not None else []
    found: dict[str, tuple[str, ...]] = {}
    for at, token in enumerate(tokens):
        if token.casefold() != "in" or tokens[at + 1 : at + 2] != ["("] or at == 0:
            continue
        texts = []
        for place in range(at + 2, len(tokens)):
            if tokens[place].startswith("'") or tokens[place].isdecimal():
                texts.append(tokens[place].removeprefix("'"))
            elif tokens[place] != ",":
                break
        is_whole = at + 2 + max(0, 2 * len(texts) - 1) < len(tokens) and (
            tokens[at + 2 + 2 * len(texts) - 1] == ")"
        )
        if texts and is_whole and tokens[at - 1].casefold() != "not":
            found[tokens[at - 1].casefold()] = tuple(dict.fromkeys(texts))[:50]
    return found


def _tokens(sql: str) -> list[str]:
    """Return the words and signs of SQL; a text keeps its first quote, a quoted name none."""
    tokens: list[str] = []
    at = 0
    sql = sql[:100_000]
    closing_of = {"'": "'", '"': '"', "`": "`", "[": "]"}
    while at < len(sql):
        letter = sql[at]
        if letter in closing_of:
            end = sql.find(closing_of[letter], at + 1)
            end = len(sql) if end < 0 else end
            tokens.append(("'" if letter == "'" else "") + sql[at + 1 : end])
            at = end + 1
        elif letter.isalnum() or letter == "_":
            end = at + 1
            while end < len(sql) and (sql[end].isalnum() or sql[end] == "_"):
                end += 1
            tokens.append(sql[at:end])
            at = end
        else:
            if not letter.isspace():
                tokens.append(letter)
            at += 1
    return tokens


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _selected(table: _Stored) -> str:
    names = ["rowid" if one.source == "rowid" and table.is_by_rowid else _quoted(one.source)
             for one in table.columns]  # fmt: skip
    return f"SELECT {', '.join(names)} FROM {_quoted(table.source)}"  # noqa: S608  -- quoted names


def _read_rows(connection: sqlite3.Connection, table: _Stored, interface: Interface) -> None:
    (table.count,) = connection.execute(
        f"SELECT count(*) FROM {_quoted(table.source)}"  # noqa: S608  -- a quoted name of the file
    ).fetchone()
    keys: set[tuple[str, ...]] = set()
    left_out = 0
    for values in connection.execute(f"{_selected(table)} LIMIT {MOST_ROWS}"):
        row = _row(table, values)
        values_of_key = [row[name] for name in table.key]
        key = tuple(map(str, values_of_key))  # 1 and "1" are two keys to SQLite
        if None in values_of_key or key in keys:  # SQLite lets a key be null
            left_out += 1
            continue
        keys.add(key)
        table.rows.append(row)
    if left_out:
        interface.notes.append(
            f"Rows of {table.name} without a key of their own are left out: {left_out:,}."
        )
    if table.count > MOST_ROWS:
        interface.notes.append(
            f"Of the {table.count:,} rows of {table.name}, {MOST_ROWS:,} were copied, and those "
            "that they name."
        )


def _row(table: _Stored, values: Sequence[object]) -> JsonObject:
    return {
        column.name: _value(column, value)
        for column, value in zip(table.columns, values, strict=True)
    }


def _value(column: _Column, value: object) -> JsonValue:
    """Return a value as JSON has it, and note of which kind it is."""
    if value is None:
        column.kinds.add("null")
        return None
    if isinstance(value, bytes):
        column.kinds.add("blob")
        return f"({plural(len(value), 'byte')})"
    if isinstance(value, int):
        column.kinds.add("integer")
        column.is_truth = column.is_truth and value in {0, 1}
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            column.kinds.add("null")
            return None
        column.kinds.add("number")
        return value
    column.kinds.add("text")
    text = str(value).encode("utf-8", "replace").decode("utf-8").replace("\x00", "")
    return text[:_LONGEST_TEXT]


def _links(
    connection: sqlite3.Connection,
    table: _Stored,
    stored: Sequence[_Stored],
    interface: Interface,
) -> Iterator[tuple[Link, _Stored]]:
    """Yield the foreign keys that name whole keys of other tables."""
    rows = connection.execute(f"PRAGMA main.foreign_key_list({_quoted(table.source)})")
    by_id: dict[int, list[tuple[str, str, str | None, str]]] = {}
    for number, _, target, mine, its, _, on_delete, _ in rows.fetchall():
        by_id.setdefault(number, []).append((target, mine, its, on_delete))
    for pairs in by_id.values():
        target = next((t for t in stored if t.source.casefold() == pairs[0][0].casefold()), None)
        if target is None:
            continue  # it was not taken, or does not exist
        mine_of: dict[str, str] = {}
        for place, (_, mine, its, _) in enumerate(pairs):
            is_given = its is None and place < len(target.key)
            its_name = target.key[place] if is_given else _name_of(target, its or "")
            mine_of[its_name] = _name_of(table, mine)
        if target.is_by_rowid or set(mine_of) != set(target.key) or not all(mine_of.values()):
            interface.notes.append(
                f"That {table.name} names {target.name} is not kept, as it names no primary key."
            )
            continue
        members = tuple(mine_of[name] for name in target.key)
        yield Link(members, target.name, _on_delete(table, members, pairs[0][3])), target


def _on_delete(table: _Stored, members: Sequence[str], action: str) -> OnDelete:
    """Return what a foreign key says; what it sets to null may have to have a value."""
    if action.upper() == "CASCADE":
        return "delete"
    can_clear = all(not one.is_required for one in table.columns if one.name in members)
    return "clear" if action.upper() == "SET NULL" and can_clear else "refuse"


def _name_of(table: _Stored, source: str) -> str:
    found = (one.name for one in table.columns if one.source.casefold() == source.casefold())
    return next(found, "")


def _read_linked(
    connection: sqlite3.Connection, table: _Stored, link: Link, target: _Stored
) -> None:
    """Read the rows that are named by rows which were read, where not all were."""
    if target.count <= len(target.rows):
        return
    have = {tuple(row[name] for name in target.key) for row in target.rows}
    named = dict.fromkeys(tuple(row[name] for name in link.members) for row in table.rows)
    sources = {one.name: one.source for one in target.columns}
    where = " AND ".join(f"{_quoted(sources[name])} = ?" for name in target.key)
    for key in named:
        if key in have or None in key or len(target.rows) >= _MOST_LINKED:
            continue
        row = connection.execute(f"{_selected(target)} WHERE {where}", key).fetchone()
        if row is not None:
            target.rows.append(_row(target, row))


def _as_table(table: _Stored, links: tuple[Link, ...]) -> Table:
    members = tuple(_member(column) for column in table.columns)
    record = RecordShape(singular_name(table.source) or table.name, members)
    noun = " ".join(words_of(singular_name(table.source))) or table.name.replace("_", " ")
    first = record.member(table.key[0])
    is_numbered = table.is_by_rowid or (
        len(table.key) == 1 and first is not None and first.shape.kind == "integer"
    )
    for member in members:
        made = _MADE.get(member.shape.kind)
        if made is not None:
            for row in table.rows:
                row[member.name] = None if row[member.name] is None else made(row[member.name])
    return Table(table.name, noun, record, table.key, is_numbered, links, table.rows)


def _member(column: _Column) -> Member:
    kinds = column.kinds - {"null"}
    is_binary = "blob" in kinds
    if is_binary:
        shape = Shape("text")
    elif column.choices and kinds <= {"text"} and "INT" not in column.declared:
        shape = Shape("choice", choices=column.choices)
    elif column.choices and kinds <= {"integer"} and all(map(str.isdecimal, column.choices)):
        shape = Shape("choice", choices=tuple(map(int, column.choices)))
    elif "BOOL" in column.declared and kinds == {"integer"} and column.is_truth:
        shape = Shape("boolean")
    elif column.place_in_key and len(kinds) > 1 and kinds != {"integer", "number"}:
        shape = Shape("text")
    elif len(kinds) == 1:
        shape = Shape(_KINDS[next(iter(kinds))])
    else:
        shape = _declared(column.declared) if not kinds else _mixed(kinds)
    is_nullable = "null" in column.kinds or not column.is_required
    description = "Binary data, of which only the size is kept" if is_binary else ""
    if column.source == "rowid" and column.place_in_key:
        description = "Number of the row"
    default = column.default
    return Member(
        column.name, replace(shape, is_nullable=is_nullable and not column.place_in_key),
        is_required=not is_nullable, description=description,
        source="" if column.source in {column.name, "rowid"} else column.source, default=default,
    )  # fmt: skip


def _mixed(kinds: set[str]) -> Shape:
    return Shape("number") if kinds == {"integer", "number"} else Shape("any")


def _declared(declared: str) -> Shape:
    if "INT" in declared:
        return Shape("integer")
    if any(part in declared for part in ("REAL", "FLOA", "DOUB", "NUM", "DEC")):
        return Shape("number")
    return Shape("text")
