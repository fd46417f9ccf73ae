"""The bank's records: 23 tables of free records, with notes on what their fields mean.

A record is a JSON object: the tools and the data decide which fields it has. In a file and in a
dump, hence in the hash, a table is `{"data": {record id: record}, "notes": text}`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Self, TypeAlias

from pydantic import Field, model_serializer, model_validator

from tau2.config import strict_compat
from tau2.environment.canonical import VIEWS, canonical_json, table_text
from tau2.environment.cow import Table, clone, peek, peek_values
from tau2.environment.db import DB, deep_merge
from tau2.errors import DataFileError
from tau2.utils.json_types import JsonObject, JsonValue

Record: TypeAlias = JsonObject
Records: TypeAlias = dict[str, Record]
"""Record id → record. In a view or a fork it is a `Table`, which is used like a dict."""


class TransactionalDB(DB):
    """The bank's database. Agent and customer work on the same one.

    `db.accounts["chk_1"]` returns a record that may be changed; `peek(db.accounts, "chk_1")` and
    `peek_values(db.accounts)` return records that may only be read. `db.notes` maps a table to the
    text that describes its fields.
    """

    users: Records = Field(default_factory=dict)
    accounts: Records = Field(default_factory=dict)
    debit_cards: Records = Field(default_factory=dict)
    referrals: Records = Field(default_factory=dict)
    credit_card_applications: Records = Field(default_factory=dict)
    verification_history: Records = Field(default_factory=dict)
    credit_card_transaction_history: Records = Field(default_factory=dict)
    bank_account_transaction_history: Records = Field(default_factory=dict)
    credit_card_accounts: Records = Field(default_factory=dict)
    transaction_disputes: Records = Field(default_factory=dict)
    debit_card_disputes: Records = Field(default_factory=dict)
    cash_back_disputes: Records = Field(default_factory=dict)
    credit_card_orders: Records = Field(default_factory=dict)
    debit_card_orders: Records = Field(default_factory=dict)
    credit_card_closure_reasons: Records = Field(default_factory=dict)
    credit_card_account_flags: Records = Field(default_factory=dict)
    credit_limit_increase_requests: Records = Field(default_factory=dict)
    payment_history: Records = Field(default_factory=dict)
    user_discoverable_tools: Records = Field(default_factory=dict)
    user_discoverable_tool_calls: Records = Field(default_factory=dict)
    agent_discoverable_tools: Records = Field(default_factory=dict)
    human_transfer_requests: Records = Field(default_factory=dict)
    task_config: Records = Field(default_factory=dict)
    notes: dict[str, str] = Field(default_factory=dict)

    @classmethod
    def view_of(cls, value: object) -> object:
        """Return a view of every table: the records are plain objects, of any number."""
        return Table(value) if isinstance(value, dict) else value

    @model_validator(mode="before")
    @classmethod
    def _from_file(cls, data: JsonValue) -> JsonValue:
        """Split `{table: {"data": …, "notes": …}}` into tables of records and their notes."""
        if not isinstance(data, Mapping):
            return data
        tables: JsonObject = {}
        notes: JsonObject = {}
        for name, table in data.items():
            if name not in TABLES:
                if not strict_compat():
                    raise ValueError(f"there is no table {name!r}")
                continue
            if not isinstance(table, Mapping) or table.keys() - {"data", "notes"}:
                raise ValueError(f'{name}: {{"data": records, "notes": text}} is expected')
            tables[name] = table.get("data", {})
            if table.get("notes"):
                notes[name] = table["notes"]
        return {**tables, "notes": notes}

    @model_serializer(mode="wrap")
    def _serialize_tables(self, _handler: object) -> JsonValue:
        """Return the form of the file, with every table in it."""
        return {
            name: {"data": _plain(self.__dict__[name]), "notes": self.notes_of(name)}
            for name in TABLES
        }

    def notes_of(self, table: str) -> str:
        """Return what the fields of a table mean; an empty text where nothing is written."""
        return peek(self.notes, table) or ""

    def table(self, name: str) -> Records | None:
        """Return the records of a table by its name, or None where there is no such table."""
        records: Records | None = self.__dict__[name] if name in TABLES else None
        return records

    def add(self, table: str, record_id: str, record: Record) -> bool:
        """Add a record; return False, and change nothing, where its id is taken."""
        records = self.__dict__[table]
        if record_id in records:
            return False
        records[record_id] = record
        return True

    def updated(self, patch: JsonObject) -> Self:
        """Return an independent database with `{table: {"data": {id: record}}}` merged in.

        A record that exists is merged field by field. Names that are no tables are ignored with
        `strict_compat`, as in the original.

        Raises:
            DataFileError: the patch does not have this form.
        """
        unknown = sorted(patch.keys() - TABLES)
        if unknown and not strict_compat():
            raise DataFileError(f"the bank has no table {', '.join(unknown)}")
        copy = self.fork()
        for name in TABLES:
            if name in patch:
                copy.merge_table(name, patch[name])
        return copy

    def merge_table(self, name: str, patch: JsonValue) -> None:
        """Merge `{"data": {id: record}}` into one table. Raise DataFileError for another form."""
        data = patch.get("data", {}) if isinstance(patch, dict) else None
        if not isinstance(data, dict) or not all(isinstance(v, dict) for v in data.values()):
            raise DataFileError(f'{name}: {{"data": {{id: record}}}} is expected')
        records = self.__dict__[name]
        for record_id, record in data.items():
            records[record_id] = clone(deep_merge(peek(records, record_id), record))
        if "notes" in patch:
            self.notes[name] = patch["notes"]

    def get_hash(self) -> str:
        """Return the SHA-256 of `json.dumps(model_dump(), sort_keys=True, default=str)`."""
        digest = hashlib.sha256()
        before = "{"
        for name in _SORTED:
            records = self.__dict__[name]
            digest.update(f'{before}"{name}": {{"data": '.encode())
            digest.update(
                table_text(records)
                if isinstance(records, VIEWS)
                else canonical_json(records).encode()
            )
            digest.update(f', "notes": {json.dumps(self.notes_of(name))}}}'.encode())
            before = ", "
        digest.update(b"}")
        return digest.hexdigest()

    def get_statistics(self) -> dict[str, int]:
        """Return how many records every table has."""
        return {f"num_{name}": len(self.__dict__[name]) for name in TABLES}


TABLES = tuple(name for name in TransactionalDB.model_fields if name != "notes")
"""The names of the tables."""
_SORTED = sorted(TABLES)


def _plain(records: Mapping[str, Any]) -> JsonObject:
    return records.plain() if isinstance(records, Table) else dict(records)


def rows_where(records: Mapping[str, Record], **fields: object) -> list[Record]:
    """Return the records whose fields have these values, in their order; do not mutate them."""
    return [
        record
        for record in peek_values(records)
        if all(record.get(name) == value for name, value in fields.items())
    ]
