"""What each turn of a stored conversation changed in the databases, found by replay.

Copy-on-write tables know which records were touched, so a turn costs what it touched and not what
the domain holds.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Literal

from pydantic import BaseModel
from pydantic_core import to_jsonable_python

from tau2.data_model.message import Message, ToolCall, ToolMessage, UserMessage
from tau2.data_model.simulation import SimulationRun
from tau2.data_model.tasks import Task
from tau2.environment.canonical import dumped
from tau2.environment.cow import Table
from tau2.environment.environment import Environment
from tau2.environment.history import decoded, paired_calls, split_pending
from tau2.environment.list_table import ListTable, peek_list
from tau2.environment.task_setup import set_initial_state
from tau2.environment.toolkit import ToolKitBase
from tau2.errors import Tau2Error, ToolError
from tau2.utils.json_types import JsonObject, JsonValue

Side = Literal["agent", "user"]
ChangeKind = Literal["added", "removed", "changed"]

MOST_CHANGES = 200  # records of one tool call that are listed

_BROKEN = (Tau2Error, OSError, ValueError, LookupError, TypeError, AttributeError, AssertionError)
"""What the replay may raise when the domain has changed, or the task does not fit it."""


class Missing(Enum):
    """Stands for a value that is absent, which is not the same as null."""

    VALUE = "absent"

    def __repr__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field of a record, before and after."""

    field: str
    """Path in the record, `items.0.price`; empty when the record is a plain value."""
    old: JsonValue
    """JSON-like data, or `Missing.VALUE`."""
    new: JsonValue


@dataclass(frozen=True, slots=True)
class RecordChange:
    """One record that a turn added, removed or changed."""

    side: Side
    """Whose database it is in; one that both share counts as the agent's."""
    table: str
    record: str
    """The record's key or id; empty for a field of the database itself."""
    kind: ChangeKind
    fields: tuple[FieldChange, ...]


@dataclass(frozen=True, slots=True)
class TurnDiff:
    """What one tool call changed."""

    index: int
    """Index of the call's result in `run.get_messages()`; -1 when nothing could be replayed."""
    call: ToolCall | None
    changes: tuple[RecordChange, ...] = ()
    left_out: int = 0
    """Changed records beyond the first `MOST_CHANGES`."""
    problem: str | None = None
    """Why the changes are unknown, or may not be those of the recorded conversation."""

    def as_dict(self) -> JsonObject:
        """Return the difference as JSON-like data; an absent value has no key."""
        return {
            "index": self.index,
            "call": self.call.name if self.call else None,
            "changes": [_record_data(change) for change in self.changes],
            "left_out": self.left_out,
            "problem": self.problem,
        }


def _record_data(change: RecordChange) -> JsonObject:
    sides = [{"field": field.field, "old": field.old, "new": field.new} for field in change.fields]
    fields = [
        {key: value for key, value in side.items() if value is not Missing.VALUE} for side in sides
    ]
    head = {
        "side": change.side,
        "table": change.table,
        "record": change.record,
        "kind": change.kind,
    }
    return {**head, "fields": fields}


def turn_diffs(
    run: SimulationRun,
    task: Task | None,
    domain: str,
    *,
    build: Callable[[str], Environment],
) -> list[TurnDiff]:
    """Return what each tool call of a conversation changed, in order.

    Calls that changed nothing are left out.

    Never raises for what is stored: when the domain is not registered or the replay fails, the last
    entry has the reason in `problem`. A result that differs from the recorded one is named on its
    turn, and the replay goes on.

    Args:
        run: The stored simulation.
        task: Its task, for the initial state; None computes differences from the
            domain's own state.
        domain: The domain's name.
        build: Returns a fresh environment of the domain.
    """
    messages = run.get_messages()
    if not any(message.calls for message in messages):
        return []
    try:
        pairs = paired_calls(split_pending(messages)[0])
        environment = _start(build(domain), task, messages).fork()  # its forks share its tables
    except _BROKEN as problem:
        return [TurnDiff(-1, None, problem=f"the conversation cannot be replayed: {problem}")]
    return list(
        _replayed(
            environment, pairs, {id(message): place for place, message in enumerate(messages)}
        )
    )


def _start(environment: Environment, task: Task | None, messages: Sequence[Message]) -> Environment:
    """Bring an environment to where the conversation begins.

    Without a user's message it was a solo run.
    """
    alone = not any(isinstance(message, UserMessage) for message in messages)
    if alone and environment.user_tools is not None and not environment.solo_mode:
        environment.set_solo_mode(True)
    if task is not None:
        set_initial_state(environment, task, [])
    return environment


def _replayed(
    environment: Environment,
    pairs: Sequence[tuple[ToolCall, ToolMessage]],
    places: Mapping[int, int],
) -> Iterator[TurnDiff]:
    for call, recorded in pairs:
        if not _may_change(environment, call):
            continue
        place = places.get(id(recorded), -1)
        try:
            before = environment.fork()
            got = environment.get_response(call)
            changes = list(changes_between(before, environment))
        except _BROKEN as error:
            yield TurnDiff(place, call, problem=f"the replay stops here: {error}")
            return
        problem = _difference(got, recorded)
        if changes or problem:
            shown = tuple(changes[:MOST_CHANGES])
            yield TurnDiff(place, call, shown, left_out=len(changes) - len(shown), problem=problem)


def _may_change(environment: Environment, call: ToolCall) -> bool:
    try:
        toolkit = environment.toolkit_for(call.name, call.requestor)
    except ToolError:
        return False
    return toolkit.has_tool(call.name) and toolkit.tool_mutates_state(call.name)


def _difference(got: ToolMessage, recorded: ToolMessage) -> str | None:
    if got.error and recorded.error:
        return None
    if got.error == recorded.error and decoded(got.content) == decoded(recorded.content):
        return None
    return (
        "the tool returns another result than in the conversation; "
        "the database or the tool has changed"
    )


def changes_between(before: Environment, after: Environment) -> Iterator[RecordChange]:
    """Yield the records that differ between two environments, one a fork of the other."""
    seen: set[int] = set()
    sides: tuple[tuple[Side, ToolKitBase | None, ToolKitBase | None], ...] = (
        ("agent", before.tools, after.tools),
        ("user", before.user_tools, after.user_tools),
    )
    for side, old, new in sides:
        if old is None or new is None or id(new.db) in seen or new.db is None:
            continue
        seen.add(id(new.db))
        yield from _database_changes(side, old.db, new.db)


def _database_changes(side: Side, old: object, new: object) -> Iterator[RecordChange]:
    mine = _fields_of(old)
    theirs = _fields_of(new)
    for name in dict.fromkeys([*mine, *theirs]):
        before = mine.get(name, Missing.VALUE)
        after = theirs.get(name, Missing.VALUE)
        for record, was, now in _records(before, after):
            change = _record_change(side, name, record, was, now)
            if change is not None:
                yield change


def _fields_of(database: object) -> Mapping[str, object]:
    if isinstance(database, Mapping):
        return database
    return {name: value for name, value in vars(database).items() if not name.startswith("_")}


def _records(before: object, after: object) -> Iterator[tuple[str, object, object]]:
    """Yield the records of one field that may differ: name, before, after."""
    if isinstance(before, Table) and isinstance(after, Table) and before.base is after.base:
        for key in sorted(before.touched() | after.touched(), key=str):
            yield str(key), before.peek(key, Missing.VALUE), after.peek(key, Missing.VALUE)
    elif (
        isinstance(before, ListTable) and isinstance(after, ListTable) and before.base is after.base
    ):
        yield from _rows(before, after)
    elif (mine := _by_name(before)) is not None and (theirs := _by_name(after)) is not None:
        for name in dict.fromkeys([*mine, *theirs]):
            yield name, mine.get(name, Missing.VALUE), theirs.get(name, Missing.VALUE)
    else:
        yield "", before, after


def _by_name(value: object) -> dict[str, object] | None:
    """Return a plain mapping or list of records by their names; None for what is no table."""
    if isinstance(value, Mapping):
        items = value.peek_items() if isinstance(value, Table) else value.items()
        named = {str(key): record for key, record in items}
    elif isinstance(value, list | ListTable):
        named = {_name_of(record, row): record for row, record in enumerate(peek_list(value))}
    else:
        return None
    is_table = len(named) == len(value) and all(
        isinstance(record, BaseModel | Mapping) for record in named.values()
    )
    return named if is_table else None


def _rows(
    before: ListTable[object], after: ListTable[object]
) -> Iterator[tuple[str, object, object]]:
    mine = set(before.rows())
    theirs = set(after.rows())
    for row in sorted((before.touched() | after.touched() | (mine ^ theirs)) & (mine | theirs)):
        was = before.peek_row(row) if row in mine else Missing.VALUE
        now = after.peek_row(row) if row in theirs else Missing.VALUE
        yield _name_of(now if was is Missing.VALUE else was, row), was, now


def _name_of(record: object, row: int) -> str:
    """Return a record's id: its field `id`, else the first that ends so, else its place."""
    fields = vars(record) if isinstance(record, BaseModel) else {}
    names = [name for name in fields if name == "id"] or [
        name for name in fields if name.endswith("_id")
    ]
    return str(fields[names[0]]) if names else f"row {row}"


def _record_change(
    side: Side, table: str, record: str, before: object, after: object
) -> RecordChange | None:
    if before is after:
        return None
    fields = tuple(_differences("", dumped(before), dumped(after)))
    if not fields:
        return None
    kind: ChangeKind = "changed"
    if before is Missing.VALUE:
        kind = "added"
    elif after is Missing.VALUE:
        kind = "removed"
    return RecordChange(side, table, record, kind, fields)


def _differences(path: str, old: JsonValue, new: JsonValue) -> Iterator[FieldChange]:
    """Yield the innermost values that differ.

    A record that was added or removed yields one change per field.
    """
    if isinstance(old, dict) and isinstance(new, dict):
        for key in dict.fromkeys([*old, *new]):
            yield from _differences(
                _below(path, key), old.get(key, Missing.VALUE), new.get(key, Missing.VALUE)
            )
    elif isinstance(old, list) and isinstance(new, list):
        for place in range(max(len(old), len(new))):
            was, now = (side[place] if place < len(side) else Missing.VALUE for side in (old, new))
            yield from _differences(_below(path, place), was, now)
    elif (
        not path
        and Missing.VALUE in (old, new)
        and isinstance(old if new is Missing.VALUE else new, dict)
    ):
        whole = old if new is Missing.VALUE else new
        for key, value in whole.items():
            gone = new is Missing.VALUE
            yield _change(
                str(key), value if gone else Missing.VALUE, Missing.VALUE if gone else value
            )
    elif old != new:
        yield _change(path, old, new)


def _change(path: str, old: JsonValue, new: JsonValue) -> FieldChange:
    return FieldChange(
        path, *(side if side is Missing.VALUE else _as_json(side) for side in (old, new))
    )


def _as_json(value: object) -> JsonValue:
    """Return what the value is in JSON; what JSON has no form for as text."""
    return json.loads(
        json.dumps(value, default=lambda other: to_jsonable_python(other, fallback=str))
    )


def _below(path: str, key: object) -> str:
    return f"{path}.{key}" if path else str(key)
