"""The canonical text of a database, over which its public hash is computed.

The text of a record that a table shares with others is produced once per process, so hashing a fork
costs what it has touched, plus one pass of SHA-256.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from pydantic import BaseModel

from tau2.environment.cow import Table
from tau2.environment.list_table import ListTable, peek_list
from tau2.utils.json_types import JsonValue

VIEWS = (Table, ListTable)

_Base: TypeAlias = Mapping[Any, object] | Sequence[object]
"""The shared records behind a table."""


def canonical_json(value: object) -> str:
    """Return a value as the JSON text over which the public hash is computed."""
    return json.dumps(value, sort_keys=True, default=str)


def dumped(value: object) -> JsonValue:
    """Return plain data for comparison."""
    if isinstance(value, BaseModel):
        return value.model_dump(warnings=False)
    if isinstance(value, Table):
        return {k: dumped(v) for k, v in value.peek_items()}
    if isinstance(value, dict):
        return {k: dumped(v) for k, v in value.items()}
    if isinstance(value, list | ListTable):
        return [dumped(v) for v in peek_list(value)]
    return value


def canonical_pieces(db: BaseModel) -> Iterator[bytes]:
    """Yield the canonical text of a database in pieces.

    Together `canonical_json(db.model_dump())`.
    """
    kind = type(db)
    state = db.__dict__
    tables = {name: value for name, value in state.items() if isinstance(value, VIEWS)}
    if not tables or kind.model_computed_fields:
        yield canonical_json(db.model_dump(warnings=False)).encode()
        return
    rest = kind.model_construct(
        db.model_fields_set - tables.keys(), **{k: v for k, v in state.items() if k not in tables}
    )
    others = rest.model_dump(exclude=set(tables), warnings=False)
    hidden = {name for name, info in kind.model_fields.items() if info.exclude}
    before = "{"
    for name in sorted([*others, *(tables.keys() - hidden)]):
        yield f"{before}{json.dumps(name)}: ".encode()
        yield table_text(tables[name]) if name in tables else canonical_json(others[name]).encode()
        before = ", "
    yield b"}" if before != "{" else b"{}"


@dataclass(frozen=True, slots=True)
class _Texts:
    """The canonical texts of shared records."""

    base: object
    keys: list[str] | None
    """Of a mapping: its keys, sorted; None when they are not all text. Of a sequence: None."""
    pieces: list[bytes]
    """By key `"key": text`, or by row `text`; empty for a mapping without sorted keys."""


_MOST_BASES = 96  # reference tables whose texts are kept; a bank has 23, other domains one to five
_TEXTS: OrderedDict[int, _Texts] = OrderedDict()
"""Process-wide, oldest first: id of the base → texts. An entry keeps its base alive, so that its id
is not used again."""


def _texts_of(base: _Base) -> _Texts:
    known = _TEXTS.get(id(base))
    if known is None or known.base is not base:
        known = _TEXTS[id(base)] = _made_texts(base)
        if len(_TEXTS) > _MOST_BASES:
            _TEXTS.popitem(last=False)
    return known


def _made_texts(base: _Base) -> _Texts:
    if not isinstance(base, Mapping):
        return _Texts(base, None, [_record_text(record) for record in base])
    if not all(isinstance(key, str) for key in base):
        return _Texts(base, None, [])
    keys = sorted(base)
    return _Texts(base, keys, [_entry(key, base[key]) for key in keys])


def _record_text(record: object) -> bytes:
    return canonical_json(dumped(record)).encode()


def _entry(key: str, record: object) -> bytes:
    return f"{json.dumps(key)}: ".encode() + _record_text(record)


def table_text(table: Table[Any, object] | ListTable[object]) -> bytes:
    """Return the canonical text of a table."""
    shared = _texts_of(table.base)
    if isinstance(table, ListTable):
        changed = table.touched()
        rows = (
            _record_text(table.peek_row(row)) if row in changed else shared.pieces[row]
            for row in table.rows()
        )
        return b"[" + b", ".join(rows) + b"]"
    touched = table.touched()
    if shared.keys is None or not all(isinstance(key, str) for key in touched):
        return canonical_json(dumped(table)).encode()
    if not touched:
        return b"{" + b", ".join(shared.pieces) + b"}"
    keys = list(shared.keys)
    pieces = list(shared.pieces)
    for key in touched:
        _update_entry(keys, pieces, key, table)
    return b"{" + b", ".join(pieces) + b"}"


def _update_entry(
    keys: list[str], pieces: list[bytes], key: str, table: Table[str, object]
) -> None:
    """Insert, replace or remove one key and its text, as the table has it; `keys` are sorted."""
    at = bisect_left(keys, key)
    end = at + 1 if keys[at : at + 1] == [key] else at
    is_there = key in table
    keys[at:end] = [key] if is_there else []
    pieces[at:end] = [_entry(key, table.peek(key))] if is_there else []
