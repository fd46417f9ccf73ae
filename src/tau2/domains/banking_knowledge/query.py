"""The language of look-ups, and how their results read.

A look-up names a table and constraints, an object `{"field": value}` or `{"field__op": value}`. The
operator is what follows the last `__`: eq, ne, gt, gte, lt, lte, contains, startswith, endswith,
in, nin. An operator that is not known means eq. A field that a record does not have is None, and
values that cannot be compared do not match.
"""

from __future__ import annotations

import json
import operator
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

from tau2.domains.banking_knowledge.data_model import TABLES, Record, TransactionalDB
from tau2.environment.cow import Table
from tau2.utils.json_types import JsonMapping

_Comparison: TypeAlias = Callable[[Any, Any], bool]
_Constraint: TypeAlias = tuple[str, _Comparison, Any]
_equal: _Comparison = operator.eq

_OPERATORS: Mapping[str, _Comparison] = {
    "eq": _equal,
    "ne": operator.ne,
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
    "contains": lambda value, wanted: wanted in value,
    "startswith": lambda value, wanted: str(value).startswith(wanted),
    "endswith": lambda value, wanted: str(value).endswith(wanted),
    "in": lambda value, wanted: value in wanted,
    "nin": lambda value, wanted: value not in wanted,
}


def matches(record: Record, constraints: JsonMapping) -> bool:
    """Return whether a record meets every constraint."""
    return _meets(record, _parsed(constraints))


def _parsed(constraints: JsonMapping) -> list[_Constraint]:
    """Return the field, the comparison and the wanted value of each constraint."""
    found: list[_Constraint] = []
    for key, wanted in constraints.items():
        field, _, name = key.rpartition("__")
        if field:
            found.append((field, _OPERATORS.get(name, _equal), wanted))
        else:
            found.append((key, _equal, wanted))
    return found


def _meets(record: Record, constraints: Iterable[_Constraint]) -> bool:
    for field, compare, wanted in constraints:
        try:
            if not compare(record.get(field), wanted):
                return False
        except (TypeError, ValueError):
            return False
    return True


def find(
    db: TransactionalDB, table: str, constraints: JsonMapping, limit: int | None = None
) -> dict[str, Record]:
    """Return id → record of the records that meet the constraints; do not mutate them.

    Raises:
        KeyError: there is no such table.
    """
    records = db.table(table)
    if records is None:
        raise KeyError(table)
    items = records.peek_items() if isinstance(records, Table) else records.items()
    parsed = _parsed(constraints)
    found: dict[str, Record] = {}
    for record_id, record in items:
        if limit is not None and len(found) >= limit:
            break
        if _meets(record, parsed):
            found[record_id] = record
    return found


def as_text(found: Mapping[str, Record], title: str) -> str:
    """Return records as the text that a participant reads: numbered, one line a field."""
    if not found:
        return f"No records in {title} fit."
    count = "1 record" if len(found) == 1 else f"{len(found)} records"
    return "\n\n".join([f"{count} in {title}:", *_blocks(found.items())])


def _blocks(items: Iterable[tuple[str, Record]]) -> list[str]:
    return [
        "\n".join(
            [
                f"{number}. Record ID: {record_id}",
                *(f"   {field}: {value}" for field, value in record.items()),
            ]
        )
        for number, (record_id, record) in enumerate(items, 1)
    ]


def look_up(db: TransactionalDB, table: str, constraints: str, limit: int | None = None) -> str:
    """Return the text of a look-up with constraints as JSON text. Total: it never raises."""
    if db.table(table) is None:
        return f"There is no table {table!r}; the tables are {', '.join(TABLES)}."
    try:
        wanted = json.loads(constraints)
    except (ValueError, TypeError, RecursionError) as error:
        return f"The constraints are not valid JSON: {error}"
    if not isinstance(wanted, dict):
        return "The look-up failed: the constraints are not a JSON object."
    return as_text(find(db, table, wanted, limit), table)


def constraint(field: str, value: object, *, pasted: bool) -> str:
    """Return the constraints that a field has a value, as JSON text.

    `pasted` puts the value between quotes as it is, as the original does: a number is looked up as
    text, and a quotation mark or a backslash in it makes the text invalid JSON.
    """
    return f'{{"{field}": "{value}"}}' if pasted else json.dumps({field: value})
