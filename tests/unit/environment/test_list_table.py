"""Copy-on-write lists: a view behaves like a list, and the shared records never change."""

from __future__ import annotations

import copy
import json
import pickle
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from tau2.environment.db import DB
from tau2.environment.list_table import ListTable, find, is_list_table_like, peek_list


class Stone(BaseModel):
    name: str
    marks: list[int] = Field(default_factory=list)


class Quarry(DB):
    stones: list[Stone] = Field(default_factory=list)
    depth: int = 0


def stones(*names: str) -> list[Stone]:
    return [Stone(name=name) for name in names]


def names(view) -> list[str]:
    return [stone.name for stone in peek_list(view)]


@pytest.fixture
def shared():
    return stones("a", "b", "c")


def test_a_record_that_was_read_may_be_changed_without_changing_the_base(shared):
    view = ListTable(shared)
    view[1].marks.append(7)
    view[-1].name = "z"
    assert [stone.marks for stone in shared] == [[], [], []]
    assert names(view) == ["a", "b", "z"]
    assert names(shared) == ["a", "b", "c"]


def test_peeking_copies_nothing(shared):
    view = ListTable(shared)
    assert view.peek(2) is shared[2]
    assert list(view.peek_values()) == shared
    assert view.is_pristine()
    assert view.touched() == set()


def test_a_record_is_found_by_its_value_without_a_search(shared):
    view = ListTable(shared)
    twin = view.fork()
    assert find(view, "name", "b") == [1]
    view[1].name = "z"
    view.append(Stone(name="b", marks=[7, 8]))
    assert (find(view, "name", "b"), find(view, "name", "z"), find(view, "marks", 8)) == (
        [3],
        [1],
        [3],
    )
    del view[0]
    assert find(view, "name", "b") == [2]
    assert find(twin, "name", "b") == [1]
    assert find(view, "name", ["b"]) == find(view, "name", None) == []
    assert find(shared, "name", "b") == [1]


def test_all_views_of_a_database_share_its_indexes(shared):
    quarry = Quarry(stones=shared)
    first, second = quarry.view(), quarry.view()
    assert find(first.stones, "name", "c") == [2]
    assert first.stones._indexes is second.stones._indexes is first.fork().stones._indexes
    quarry.stones = stones("c")
    assert find(quarry.view().stones, "name", "c") == [0]


def test_records_from_an_iteration_may_be_changed(shared):
    for stone in ListTable(shared):
        stone.marks.append(1)
    assert all(stone.marks == [] for stone in shared)


def test_a_changed_record_keeps_its_changes_when_it_moves(shared):
    view = ListTable(shared)
    view[2].name = "last"
    view.insert(0, Stone(name="new"))
    del view[1]
    view.sort(key=lambda stone: stone.name, reverse=True)
    assert names(view) == ["new", "last", "b"]
    assert names(shared) == ["a", "b", "c"]


def test_a_fork_is_independent(shared):
    view = ListTable(shared)
    view.append(Stone(name="d"))
    child = view.fork()
    child[3].name = "child's"
    child.append(Stone(name="e"))
    view.append(Stone(name="parent's"))
    assert names(view) == ["a", "b", "c", "d", "parent's"]
    assert names(child) == ["a", "b", "c", "child's", "e"]
    assert names(copy.deepcopy(view)) == names(pickle.loads(pickle.dumps(view))) == names(view)


def test_views_are_compared_by_content(shared):
    one, other = ListTable(shared), ListTable(shared)
    assert one == other == shared
    one[0].name = "x"
    assert one != other
    other[0].name = "x"
    assert one == other
    one.append(Stone(name="d"))
    other.insert(0, Stone(name="d"))
    assert one != other
    assert one != ListTable(shared)
    assert one != 3


def test_it_adds_and_copies_like_a_list(shared):
    view = ListTable(shared)
    more = stones("d")
    assert names(view + more) == ["a", "b", "c", "d"]
    assert names(more + view) == ["d", "a", "b", "c"]
    assert isinstance(view.copy(), list)
    assert "3 records" in repr(view)


def test_only_lists_of_models_are_worth_a_view(shared):
    assert is_list_table_like(shared)
    assert not is_list_table_like([])
    assert not is_list_table_like([1])
    assert not is_list_table_like({"a": shared[0]})


def plain_hash(db: DB) -> str:
    plain = Quarry.model_validate(db.model_dump())
    return sha256(json.dumps(plain.model_dump(), sort_keys=True, default=str).encode()).hexdigest()


def test_a_database_of_lists_forks_compares_and_hashes():
    reference = Quarry(stones=stones("a", "b"), depth=2)
    view = reference.view()
    assert isinstance(view.stones, ListTable)
    assert view.is_pristine()
    assert view.get_hash() == plain_hash(reference) == reference.get_hash()
    child = view.fork()
    child.stones[0].name = "changed"
    child.stones.append(Stone(name="c"))
    assert not child.same_as(view)
    assert not child.is_pristine()
    assert child.get_hash() == plain_hash(child)
    assert view.get_hash() == reference.get_hash()
    assert child.get_statistics()["num_stones"] == 3
    assert child.same_as(Quarry.model_validate(child.model_dump()))
    assert names(child.updated({"stones": [{"name": "only"}]}).stones) == ["only"]


EDITS = st.lists(
    st.one_of(
        st.tuples(st.just("touch"), st.integers(-9, 9)),
        st.tuples(st.just("insert"), st.integers(-9, 9)),
        st.tuples(st.just("delete"), st.integers(-9, 9)),
        st.tuples(st.just("put"), st.integers(-9, 9)),
        st.tuples(st.just("delete slice"), st.integers(0, 4)),
        st.tuples(st.just("put slice"), st.integers(0, 4)),
        st.tuples(st.just("fork"), st.just(0)),
    ),
    max_size=12,
)


def edit(target, what: str, index: int, number: int):
    fresh = Stone(name=f"new {number}")
    if what == "insert":
        target.insert(index, fresh)
    elif what == "delete slice":
        del target[index : index + 2]
    elif what == "put slice":
        target[index : index + 1] = [fresh, Stone(name="twin")]
    elif -len(target) <= index < len(target):
        if what == "touch":
            target[index].marks.append(number)
        elif what == "delete":
            del target[index]
        elif what == "put":
            target[index] = fresh


@given(EDITS)
def test_any_sequence_of_edits_has_the_effect_it_has_on_a_list(edits):
    shared, plain = stones("a", "b", "c", "d"), stones("a", "b", "c", "d")
    view = ListTable(shared)
    for number, (what, index) in enumerate(edits):
        if what == "fork":
            view = view.fork()
        else:
            edit(view, what, index, number)
            edit(plain, what, index, number)
    assert view.plain() == plain
    assert len(view) == len(plain)
    assert shared == stones("a", "b", "c", "d")
