"""Simulations that are read when they are used behave like a list, and none is lost or changed."""

from __future__ import annotations

import copy
import pickle
from dataclasses import dataclass
from hashlib import sha256
from weakref import WeakValueDictionary

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.data_model.test_results import some_results

from tau2.data_model.outline import Outline
from tau2.data_model.simulation import Results, SimulationRun
from tau2.storage import stored_simulations
from tau2.storage.results import encode_simulation
from tau2.storage.stored_simulations import Shelf, StoredSimulations

FEW = 2


@dataclass(frozen=True)
class Kept:
    """A simulation as bytes, in place of a file."""

    id: str
    content: bytes
    outline: Outline | None = None

    @property
    def sha256(self) -> str:
        return sha256(self.content).hexdigest()


RUNS = some_results(*range(8)).simulations
SHELVED = [Kept(run.id, encode_simulation(run), Outline.of(run)) for run in RUNS]


def read(kept: Kept) -> SimulationRun:
    return SimulationRun.model_validate_json(kept.content)


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Let almost everything go at once."""
    monkeypatch.setattr(stored_simulations, "_KEPT", FEW)


def on_disk(number: int = len(RUNS)) -> StoredSimulations:
    return StoredSimulations(SHELVED[:number], Shelf(read))


def in_memory(number: int = len(RUNS)) -> list[SimulationRun]:
    return [run.model_copy(deep=True) for run in RUNS[:number]]


PLACES = st.integers(-5, 5)
ENDS = st.one_of(st.none(), PLACES)
OTHER = some_results(0, ids="other").simulations[0]
OPERATIONS = {
    "append": lambda runs, a, b: runs.append(OTHER),
    "insert": lambda runs, a, b: runs.insert(a, OTHER),
    "extend with a part": lambda runs, a, b: runs.extend(runs[a:b]),
    "pop": lambda runs, a, b: runs.pop(a),
    "delete": lambda runs, a, b: runs.__delitem__(slice(a, b)),
    "set": lambda runs, a, b: runs.__setitem__(a, OTHER),
    "set a part": lambda runs, a, b: runs.__setitem__(slice(a, b), runs[:2]),
    "reverse": lambda runs, a, b: runs.reverse(),
    "sort": lambda runs, a, b: runs.sort(key=lambda run: run.id, reverse=a > 0),
    "remove": lambda runs, a, b: runs.remove(runs[a]),
    "add": lambda runs, a, b: (runs + runs[a:])[b],
    "add in place": lambda runs, a, b: runs.__iadd__([OTHER, *runs[a:]]),
    "change": lambda runs, a, b: setattr(runs[a], "duration", float(b or 0)),
    "change a message": lambda runs, a, b: setattr(runs[a].messages[0], "content", f"{b}"),
    "read all": lambda runs, a, b: [run.id for run in runs],
    "index": lambda runs, a, b: runs.index(runs[a]),
    "contains": lambda runs, a, b: OTHER in runs,
    "count": lambda runs, a, b: runs.count(OTHER),
    "clear": lambda runs, a, b: runs.clear() if a == b else None,
    "copy": lambda runs, a, b: runs.copy() == runs,
}


def done(runs, name, a, b):
    """Return what an operation returns, or the kind of its error."""
    try:
        return OPERATIONS[name](runs, a, b)
    except (IndexError, ValueError) as problem:
        return type(problem)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(sorted(OPERATIONS)), PLACES, PLACES), max_size=8))
def test_it_is_like_a_list(operations):
    lazy, plain = on_disk(5), in_memory(5)
    for name, a, b in operations:
        if name != "add in place":
            assert done(lazy, name, a, b) == done(plain, name, a, b), name
        else:
            done(lazy, name, a, b)
            done(plain, name, a, b)
        assert len(lazy) == len(plain), name
        assert lazy == plain, name
    assert lazy.outlines() == list(map(Outline.of, plain))
    assert [run.id for run in reversed(lazy)] == [run.id for run in reversed(plain)]


def test_a_change_stays_after_others_were_read():
    runs = on_disk()
    runs[0].messages[0].content = "changed"
    runs[1].info = {"object": object()}  # which no file can hold
    for _ in range(3):
        assert len(list(runs)) == len(RUNS)
    assert runs[0].messages[0].content == "changed"
    assert runs[1].info is not None
    assert runs[2] == RUNS[2]


def test_a_simulation_is_the_same_object_while_somebody_holds_it():
    runs = on_disk()
    first = runs[0]
    for _ in runs:
        pass
    first.duration = 99.0
    for _ in runs:
        pass
    assert runs[0] is first
    held = list(runs)
    assert all(one is two for one, two in zip(held, runs, strict=True))
    assert runs[2:4][0] is held[2]


def alive_after_reading(runs: StoredSimulations) -> int:
    """Read all, and return how many are in memory then."""
    seen = WeakValueDictionary()
    for place in range(len(runs)):
        seen[place] = runs[place]
    return len(seen)


def test_what_nobody_holds_is_let_go():
    assert alive_after_reading(on_disk()) <= FEW


def test_outlines_are_read_from_where_they_are_stored():
    def never(_kept):
        raise AssertionError("it was read")

    assert StoredSimulations(SHELVED, Shelf(never)).outlines() == list(map(Outline.of, RUNS))
    older = [Kept(kept.id, kept.content) for kept in SHELVED]
    assert StoredSimulations(older, Shelf(read)).outlines() == list(map(Outline.of, RUNS))


def test_content_that_was_written_in_another_form_is_no_change():
    compact = [Kept(run.id, run.model_dump_json().encode()) for run in RUNS]
    assert alive_after_reading(StoredSimulations(compact, Shelf(read))) <= FEW


def test_it_is_pickled_whole_and_copied_deep():
    runs = on_disk()
    runs[3].duration = 7.0
    again = pickle.loads(pickle.dumps(runs))
    assert type(again) is list
    assert again == runs
    apart = copy.deepcopy(runs)
    apart[3].duration = 8.0
    apart[0].duration = 9.0
    assert (runs[3].duration, runs[0].duration) == (7.0, RUNS[0].duration)
    assert copy.copy(runs) == runs
    with pytest.raises(TypeError, match="unhashable"):
        hash(runs)


def test_results_take_it_as_a_list(tmp_path):
    plain = some_results(0).model_copy(update={"simulations": in_memory()})
    lazy = plain.model_copy(update={"simulations": on_disk()})
    assert lazy.model_dump() == plain.model_dump()
    assert lazy.model_dump_json(indent=1) == plain.model_dump_json(indent=1)
    assert lazy == plain
    again = Results(info=lazy.info, tasks=lazy.tasks, simulations=lazy.simulations)
    again.simulations.pop()
    assert len(lazy.simulations) == len(RUNS)  # as a list would be, it was copied
    assert lazy.model_copy(deep=True) == plain
    assert pickle.loads(pickle.dumps(lazy)) == plain
    for form in ("json", "dir"):
        lazy.save(tmp_path / form / "results.json", form)
        plain.save(tmp_path / f"{form}-plain" / "results.json", form)
        assert Results.load(tmp_path / form) == Results.load(tmp_path / f"{form}-plain")
    assert (lazy.average_reward(), repr(lazy)) == (plain.average_reward(), repr(plain))
    lazy.simulations = list(lazy.simulations)
    assert lazy == plain
