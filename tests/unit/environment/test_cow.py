"""Copy-on-write: a view behaves like a dict of its own, and the shared records never change."""

from __future__ import annotations

import copy
import pickle
from datetime import datetime
from enum import Enum

import pytest
from pydantic import BaseModel, PrivateAttr

from tau2.environment.cow import Table, clone


class Address(BaseModel):
    street: str
    notes: list[str] = []


class Person(BaseModel):
    name: str
    home: Address
    tags: dict[str, list[int]] = {}
    _seen: list[int] = PrivateAttr(default_factory=list)


class Mood(Enum):
    GOOD = "good"


def ada() -> Person:
    return Person(name="Ada", home=Address(street="Hill 1", notes=["blue door"]), tags={"a": [1]})


@pytest.fixture
def shared():
    return {"ada": ada(), "bob": Person(name="Bob", home=Address(street="Lane 2"))}


def test_a_record_that_was_read_may_be_changed_without_changing_the_base(shared):
    table = Table(shared)
    table["ada"].home.notes.append("red roof")
    table["ada"].tags["a"].append(2)
    assert table["ada"].home.notes == ["blue door", "red roof"]
    assert shared["ada"] == ada()


def test_records_from_values_and_items_may_be_changed_too(shared):
    table = Table(shared)
    for person in table.values():
        person.name = "X"
    for key, person in table.items():
        person.home.street = key
    assert {person.name for person in table.values()} == {"X"}
    assert shared["ada"].name == "Ada"
    assert shared["ada"].home.street == "Hill 1"


def test_peeking_copies_nothing(shared):
    table = Table(shared)
    assert table.peek("ada") is shared["ada"]
    assert list(table.peek_values()) == list(shared.values())
    assert dict(table.peek_items()) == shared
    assert table.is_pristine()
    assert table.peek("nobody", 7) == 7


def test_a_change_in_a_fork_is_not_seen_by_its_parent(shared):
    parent = Table(shared)
    parent["ada"].name = "Ada L."
    child, sibling = parent.fork(), parent.fork()
    child["ada"].name = "Child"
    del child["bob"]
    parent["new"] = ada()
    assert sibling["ada"].name == "Ada L."
    assert set(child) == {"ada"}
    assert set(sibling) == {"ada", "bob"}
    assert set(parent) == {"ada", "bob", "new"}


def test_keys_have_the_order_of_a_dict(shared):
    table = Table(shared)
    plain = dict(shared)
    for mapping in (table, plain):
        mapping["zoe"] = ada()
        del mapping["ada"]
        mapping["ada"] = ada()
        mapping["bob"] = ada()
    assert list(table) == list(plain) == ["bob", "zoe", "ada"]
    assert list(reversed(table)) == list(reversed(plain))
    assert table.popitem()[0] == plain.popitem()[0] == "ada"
    assert table.copy() == plain
    assert table | {"x": 1} == plain | {"x": 1}
    assert list({"x": 1} | table) == ["x", *plain]
    table |= {"y": ada()}
    assert "y" in table


def test_an_absent_key_raises_key_error(shared):
    table = Table(shared)
    del table["ada"]
    for ask in (
        lambda: table["ada"],
        lambda: table["zoe"],
        lambda: table.pop("ada"),
        lambda: table.__delitem__("ada"),
    ):
        with pytest.raises(KeyError):
            ask()
    assert table.get("ada") is None
    table.clear()
    with pytest.raises(KeyError):
        table.popitem()


def test_equality_compares_only_touched_records(shared):
    mine, theirs = Table(shared), Table(shared)
    assert mine == theirs
    mine["ada"].name = "Ada"  # touched, but as it was
    assert mine == theirs
    mine["ada"].name = "Eve"
    assert mine != theirs
    theirs["ada"].name = "Eve"
    assert mine == theirs
    del mine["bob"]
    assert mine != theirs
    assert mine == {"ada": theirs["ada"]}
    assert mine != 7


def test_copies_of_a_view_are_views(shared):
    table = Table(shared)
    table["ada"].name = "Eve"
    for twin in (copy.copy(table), copy.deepcopy(table), pickle.loads(pickle.dumps(table))):
        assert twin == table
        twin["ada"].name = "Mallory"
        assert table["ada"].name == "Eve"
    assert repr(table) == "Table(2 records, 1 touched)"


@pytest.mark.parametrize(
    "value",
    [
        1,
        "x",
        None,
        Mood.GOOD,
        datetime.fromisoformat("2026-01-01"),
        [1, [2]],
        {"a": {"b": [1]}},
        (1, [2]),
        {1, 2},
        ada(),
    ],
    ids=lambda v: type(v).__name__,
)
def test_a_clone_is_equal_and_independent(value):
    twin = clone(value)
    assert twin == value
    if isinstance(value, list | dict | BaseModel):
        assert twin is not value


def test_a_clone_keeps_the_private_state_of_pydantic():
    person = ada()
    person._seen.append(1)
    twin = clone(person)
    assert twin.model_fields_set == person.model_fields_set
    twin._seen.append(2)
    assert person._seen == [1]
    assert twin.model_dump() == copy.deepcopy(person).model_dump()
