"""Law: a fork is as good as a deep copy, and nobody notices it but the one who holds it."""

from __future__ import annotations

import copy
import hashlib
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from pydantic import BaseModel, Field
from tests.laws.casts import AGENT_CALLS, USER_CALLS

from tau2.data_model.message import ToolCall
from tau2.domains.mock.data_model import MockDB, MockUserDB
from tau2.domains.mock.environment import get_environment
from tau2.environment.cow import Table
from tau2.environment.db import DB
from tau2.environment.environment import Environment
from tau2.environment.list_table import ListTable, find

MOVES = st.lists(
    st.one_of(
        AGENT_CALLS.map(lambda call: ("assistant", call)),
        USER_CALLS.map(lambda call: ("user", call)),
    ),
    max_size=10,
)


def canonical(db: DB | None) -> str | None:
    return (
        db
        and hashlib.sha256(
            json.dumps(db.model_dump(), sort_keys=True, default=str).encode()
        ).hexdigest()
    )


def hashes(env: Environment) -> tuple[str | None, str | None]:
    return env.get_db_hash(), env.get_user_db_hash()


def carry_out(env: Environment, moves: list) -> list[tuple]:
    answers = []
    for requestor, call in moves:
        answer = env.get_response(
            ToolCall(
                id="c", name=call.name, arguments=copy.deepcopy(call.arguments), requestor=requestor
            )
        )
        answers.append((answer.content, answer.error))
    return answers


def plain_world() -> Environment:
    """Return the mock world as deep copies, with nothing shared and no table anywhere."""
    view = get_environment()
    db = MockDB.model_validate(view.tools.db.model_dump())
    user_db = MockUserDB.model_validate(view.user_tools.db.model_dump())
    env = get_environment(db=db, user_db=user_db)
    env.user_tools.add_notification("n1", "Hi")
    return env


@settings(max_examples=150)
@given(before=MOVES, mine=MOVES, theirs=MOVES)
def test_a_fork_is_a_deep_copy_that_nobody_notices(before, mine, theirs):
    parent, plain = get_environment(), plain_world()
    parent.user_tools.add_notification("n1", "Hi")
    assert carry_out(parent, before) == carry_out(plain, before)
    at_fork = hashes(parent)
    child, sibling, copied = parent.fork(), parent.fork(), copy.deepcopy(plain)

    assert carry_out(child, mine) == carry_out(copied, mine)
    assert hashes(child) == hashes(copied)
    assert child.same_state(copied)
    assert hashes(parent) == hashes(sibling) == hashes(plain) == at_fork

    carry_out(sibling, theirs)
    carry_out(parent, theirs)
    assert hashes(child) == hashes(copied)
    assert hashes(parent) == hashes(sibling)
    assert get_environment().is_pristine()


@settings(max_examples=60)
@given(moves=MOVES)
def test_the_hash_is_the_published_one(moves):
    env = get_environment()
    carry_out(env, moves)
    assert env.get_db_hash() == canonical(env.tools.db)
    assert env.get_user_db_hash() == canonical(env.user_tools.db)


# --- a database with everything a domain may hold -------------------------------------------------


class Part(BaseModel):
    label: str = ""
    counts: list[int] = Field(default_factory=list)


class Record(BaseModel):
    name: str = ""
    price: float = 0
    parts: list[Part] = Field(default_factory=list)
    by_key: dict[str, Part] = Field(default_factory=dict)
    anything: Any = None


class Everything(DB):
    records: dict[str, Record] = Field(default_factory=dict)
    numbered: dict[int, Record] = Field(default_factory=dict)
    log: list[Record] = Field(default_factory=list)
    settings: dict[str, int] = Field(default_factory=dict)
    owner: str | None = None


KEYS = st.sampled_from(["a", "b", "c", "ü", ""])
parts = st.builds(Part, label=st.text(max_size=3), counts=st.lists(st.integers(0, 3), max_size=2))
values = st.one_of(
    st.none(), st.integers(0, 3), st.lists(st.integers(0, 3), max_size=2), st.just({"x": [1]})
)
records = st.builds(
    Record,
    name=st.text(max_size=3),
    price=st.sampled_from([0, 1, 1.0, 2.5]),
    parts=st.lists(parts, max_size=2),
    by_key=st.dictionaries(KEYS, parts, max_size=2),
    anything=values,
)
databases = st.builds(
    Everything,
    records=st.dictionaries(KEYS, records, min_size=1, max_size=4),
    numbered=st.dictionaries(st.integers(0, 12), records, max_size=3),
    log=st.lists(records, max_size=2),
    settings=st.dictionaries(KEYS, st.integers(), max_size=2),
)


def _put(db: Everything, key: str, record: Record) -> None:
    db.records[key] = record.model_copy(deep=True)


def _number(db: Everything, key: str, record: Record) -> None:
    db.numbered[len(key) + 3] = record.model_copy(deep=True)


def _drop(db: Everything, key: str, _record: Record) -> None:
    db.records.pop(key, None)


def _deep(db: Everything, key: str, record: Record) -> None:
    if key in db.records:
        found = db.records[key]
        found.parts.append(Part(label=record.name))
        found.by_key.setdefault(key, Part()).counts.append(1)
        found.price += 1


def _swap(db: Everything, key: str, record: Record) -> None:
    first = next(iter(db.records.values()), None)
    if first is not None:
        db.records[key] = first  # one record under two keys
        first.name = record.name


def _log(db: Everything, key: str, record: Record) -> None:
    db.log.append(record.model_copy(deep=True))
    db.log[0].parts.clear()
    db.log.sort(key=lambda entry: entry.name)
    db.settings[key] = 7
    db.owner = record.name


def _share(db: Everything, key: str, record: Record) -> None:
    if key in db.records:
        db.log.append(db.records[key])  # one record in two fields
        db.log[-1].parts.append(Part(label=record.name))
        db.log.insert(0, db.log[-1])
        db.records[key].name += "!"


def _shuffle(db: Everything, key: str, record: Record) -> None:
    db.log.reverse()
    if db.log:
        db.log[-1].name = key
        db.log[0] = record.model_copy(deep=True)
    if len(db.log) > 2:
        del db.log[1]


def _clear(db: Everything, _key: str, _record: Record) -> None:
    db.records.clear()


CHANGES = st.lists(
    st.tuples(
        st.sampled_from([_put, _number, _drop, _deep, _swap, _log, _share, _shuffle, _clear]),
        KEYS,
        records,
    ),
    max_size=8,
)


@settings(max_examples=150)
@given(reference=databases, before=CHANGES, after=CHANGES)
def test_a_view_is_a_deep_copy_of_any_database(reference, before, after):
    untouched = reference.model_dump()
    view, plain = reference.view(), copy.deepcopy(reference)
    for change, key, record in before:
        change(view, key, record)
        change(plain, key, record)
    child, copied, kept = view.fork(), copy.deepcopy(plain), view.model_dump()
    for change, key, record in after:
        change(child, key, record)
        change(copied, key, record)
    assert child.model_dump() == copied.model_dump()
    assert list(child.records) == list(copied.records)
    assert child.get_hash() == copied.get_hash() == canonical(child)
    assert child.same_as(copied)
    assert child.model_dump_json() == copied.model_dump_json()
    assert view.model_dump() == kept == plain.model_dump()
    assert reference.model_dump() == untouched
    assert child.same_as(view) == (child.model_dump() == view.model_dump())


@settings(max_examples=60)
@given(
    reference=databases,
    key=KEYS,
    patch=st.fixed_dictionaries({"name": st.text(max_size=3)}),
    changes=CHANGES,
)
def test_an_update_is_the_same_on_a_view(reference, key, patch, changes):
    view, plain = reference.view(), copy.deepcopy(reference)
    for change, where, record in changes:
        change(view, where, record)
        change(plain, where, record)
    data = {
        "records": {key: patch, "new": {"parts": [{"label": "x"}]}},
        "log": [patch],
        "settings": {key: 1},
    }
    updated = view.updated(data)
    assert updated.model_dump() == plain.updated(data).model_dump()
    assert view.model_dump() == plain.model_dump()
    assert updated.get_hash() == canonical(updated)


class TableIsADict(RuleBasedStateMachine):
    """Whatever is done to a table and to a dict of deep copies, they show the same."""

    @initialize(base=st.dictionaries(KEYS, records, max_size=5))
    def start(self, base):
        self.base, self.untouched = base, copy.deepcopy(base)
        self.pairs: list[tuple[Table, dict]] = [(Table(base), copy.deepcopy(base))]

    @property
    def pair(self) -> tuple[Table, dict]:
        return self.pairs[-1]

    @rule(key=KEYS, record=records)
    def put(self, key, record):
        for mapping in self.pair:
            mapping[key] = record.model_copy(deep=True)

    @rule(key=KEYS)
    def remove(self, key):
        table, plain = self.pair
        assert (table.pop(key, None) is None) == (plain.pop(key, None) is None)

    @rule(key=KEYS, name=st.text(max_size=3))
    def change(self, key, name):
        for mapping in self.pair:
            if key in mapping:
                mapping[key].name = name
                mapping[key].parts.append(Part(label=name))

    @rule(key=KEYS, record=records)
    def set_default(self, key, record):
        for mapping in self.pair:
            mapping.setdefault(key, record.model_copy(deep=True)).price = 9

    @rule(records=st.dictionaries(KEYS, records, max_size=3))
    def update(self, records):
        for mapping in self.pair:
            mapping.update(copy.deepcopy(records))

    @precondition(lambda self: self.pair[1])
    @rule()
    def pop_last(self):
        table, plain = self.pair
        assert table.popitem() == plain.popitem()

    @rule(key=KEYS)
    def look_without_touching(self, key):
        table, plain = self.pair
        assert table.peek(key) == plain.get(key)
        assert dict(table.peek_items()) == plain

    @precondition(lambda self: len(self.pairs) < 4)
    @rule()
    def fork(self):
        table, plain = self.pair
        self.pairs.append((table.fork(), copy.deepcopy(plain)))

    @precondition(lambda self: len(self.pairs) > 1)
    @rule()
    def back_to_the_parent(self):
        self.pairs.insert(0, self.pairs.pop())

    @invariant()
    def all_pairs_agree(self):
        for table, plain in getattr(self, "pairs", ()):
            assert list(table) == list(plain)
            assert list(reversed(table)) == list(reversed(plain))
            assert len(table) == len(plain)
            assert table == plain
            assert all(key in table for key in plain)
            assert table.plain() == plain

    @invariant()
    def nobody_touches_the_base(self):
        assert getattr(self, "base", None) == getattr(self, "untouched", None)


class ListTableIsAList(RuleBasedStateMachine):
    """Whatever is done to a list table and to a list of deep copies, they show the same."""

    @initialize(base=st.lists(records, max_size=4))
    def start(self, base):
        self.base, self.untouched = base, copy.deepcopy(base)
        self.pairs: list[tuple[ListTable, list]] = [(ListTable(base), copy.deepcopy(base))]

    def both(self, change):
        table, plain = self.pairs[-1]
        outcomes = []
        for records_ in (table, plain):
            try:
                outcomes.append(change(records_))
            except (IndexError, ValueError) as problem:
                outcomes.append(type(problem))
        assert outcomes[0] == outcomes[1]

    @rule(record=records)
    def append(self, record):
        self.both(lambda r: r.append(record.model_copy(deep=True)))

    @rule(record=records)
    def put_at_the_front_and_the_end(self, record):
        self.both(lambda r: r.insert(0, record.model_copy(deep=True)))
        self.both(lambda r: r.append(record.model_copy(deep=True)))

    @rule(at=st.integers(-3, 4), record=records)
    def insert(self, at, record):
        self.both(lambda r: r.insert(at, record.model_copy(deep=True)))

    @rule(at=st.integers(-3, 4), record=records)
    def replace(self, at, record):
        self.both(lambda r: r.__setitem__(at, record.model_copy(deep=True)))

    @rule(at=st.integers(-3, 4), name=st.text(max_size=3))
    def change(self, at, name):
        self.both(lambda r: setattr(r[at], "name", name))

    @rule(at=st.integers(-3, 4))
    def pop(self, at):
        self.both(lambda r: r.pop(at))

    @rule(first=st.integers(-3, 4), last=st.integers(-3, 4), new=st.lists(records, max_size=2))
    def slices(self, first, last, new):
        self.both(lambda r: list(r[first:last]))
        self.both(lambda r: r.__setitem__(slice(first, last), copy.deepcopy(new)))

    @rule(first=st.integers(-3, 4))
    def cut(self, first):
        self.both(lambda r: r.__delitem__(slice(first, first + 2)))

    @rule(new=st.lists(records, max_size=2))
    def extend(self, new):
        self.both(lambda r: r.extend(copy.deepcopy(new)))

    @rule()
    def turn(self):
        self.both(lambda r: r.reverse())

    @rule()
    def sort(self):
        self.both(lambda r: r.sort(key=lambda record: record.name))

    @rule(name=st.text(max_size=3))
    def change_all(self, name):
        def rename(records_):
            for record in records_:
                record.name = name

        self.both(rename)

    @precondition(lambda self: len(self.pairs) < 4)
    @rule()
    def fork(self):
        table, plain = self.pairs[-1]
        self.pairs.append((table.fork(), copy.deepcopy(plain)))

    @precondition(lambda self: len(self.pairs) > 1)
    @rule()
    def back_to_the_parent(self):
        self.pairs.insert(0, self.pairs.pop())

    @invariant()
    def all_pairs_agree(self):
        for table, plain in getattr(self, "pairs", ()):
            assert table.plain() == plain
            assert len(table) == len(plain)
            assert table == plain
            for name in {record.name for record in plain} | {"", "?"}:
                assert find(table, "name", name) == find(plain, "name", name)
            assert find(table, "parts", Part()) == find(plain, "parts", Part())
        assert getattr(self, "base", None) == getattr(self, "untouched", None)


TestListTable = ListTableIsAList.TestCase
TestListTable.settings = settings(max_examples=40, stateful_step_count=20, deadline=None)
TestTable = TableIsADict.TestCase
TestTable.settings = settings(max_examples=40, stateful_step_count=20, deadline=None)
