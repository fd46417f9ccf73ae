"""The canonical text of a database, over which its public hash is taken.

Shared records are written once.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from tau2.environment.cow import Table
from tau2.environment.list_table import ListTable, peek_list

VIEWS = (Table, ListTable)


def canonical_json(value: Any) -> str:
    """Return the text the public hash is taken over."""
    return json.dumps(value, sort_keys=True, default=str)


def dumped(value: Any) -> Any:
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
    kind, state = type(db), db.__dict__
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
        yield _table_text(tables[name]) if name in tables else canonical_json(others[name]).encode()
        before = ", "
    yield b"}" if before != "{" else b"{}"


@dataclass(frozen=True, slots=True)
class _Texts:
    """The canonical texts of shared records."""

    base: Any
    keys: list[str] | None
    """Of a mapping: its keys, sorted; None when they are not all text. Of a sequence: None."""
    pieces: list[bytes]
    """By key `"key": text`, or by row `text`; empty for a mapping without sorted keys."""


_MOST_BASES = (
    32  # reference tables whose texts are kept; a process rarely uses more than three domains
)
_TEXTS: OrderedDict[int, _Texts] = OrderedDict()
"""By the identity of the base, which is kept alive meanwhile."""


def _texts_of(base: Any) -> _Texts:
    known = _TEXTS.get(id(base))
    if known is None or known.base is not base:
        known = _TEXTS[id(base)] = _made_texts(base)
        if len(_TEXTS) > _MOST_BASES:
            _TEXTS.popitem(last=False)
    return known


def _made_texts(base: Any) -> _Texts:
    if not isinstance(base, Mapping):
        return _Texts(base, None, [_record_text(record) for record in base])
    if not all(isinstance(key, str) for key in base):
        return _Texts(base, None, [])
    keys = sorted(base)
    return _Texts(base, keys, [_entry(key, base[key]) for key in keys])


def _record_text(record: Any) -> bytes:
    return canonical_json(dumped(record)).encode()


def _entry(key: str, record: Any) -> bytes:
    return f"{json.dumps(key)}: ".encode() + _record_text(record)


def _table_text(table: Table[Any, Any] | ListTable[Any]) -> bytes:
    shared, touched = _texts_of(table.base), table.touched()
    if isinstance(table, ListTable):
        return b"[" + b", ".join(_row_texts(table, shared.pieces, touched)) + b"]"
    if shared.keys is None or not all(isinstance(key, str) for key in touched):
        return canonical_json(dumped(table)).encode()
    keys, pieces = shared.keys, shared.pieces
    if touched:
        keys, pieces = list(keys), list(pieces)
        for key in touched:
            _bring_up_to_date(keys, pieces, key, table)
    return b"{" + b", ".join(pieces) + b"}"


def _bring_up_to_date(
    keys: list[str], pieces: list[bytes], key: Any, table: Table[Any, Any]
) -> None:
    """Let sorted keys and their texts say of one key what the table holds."""
    at = bisect_left(keys, key)
    end = at + 1 if keys[at : at + 1] == [key] else at
    is_there = key in table
    keys[at:end] = [key] if is_there else []
    pieces[at:end] = [_entry(key, table.peek(key))] if is_there else []


def _row_texts(table: ListTable[Any], shared: list[bytes], touched: set[int]) -> Iterator[bytes]:
    for row in table.rows():
        yield _record_text(table.peek_row(row)) if row in touched else shared[row]
