"""Runs larger than memory: nothing is read without need, and nothing is believed blindly."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace

import pytest
from tests.unit.data_model.test_results import some_results
from tests.unit.report.conftest import a_priced_run, a_run
from tests.unit.storage.test_store import TASKS, an_info, failed, opened

from tau2.data_model.outline import Usage
from tau2.data_model.review import ErrorSource, Review, ReviewError
from tau2.data_model.reward import ActionCheck, DBCheck, NLAssertionCheck, RewardInfo
from tau2.data_model.simulation import Results, SessionUsage
from tau2.data_model.tasks import Action
from tau2.errors import DataFileError
from tau2.metrics.figures import run_figures
from tau2.metrics.summary import summarize
from tau2.storage import inspection, on_demand, repair, single_file
from tau2.storage import results as results_module
from tau2.storage import store as store_module
from tau2.storage.journal import Stored, read_journal, write_journal
from tau2.storage.on_demand import results_on_demand
from tau2.storage.results import (
    encode_index,
    encode_results,
    encode_simulation,
    indexed,
    journal_file,
    parse_simulation,
)
from tau2.storage.store import RunStore
from tau2.storage.stored_simulations import StoredSimulations

TRIALS = 6


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Keep one simulation in memory, and take five for many."""
    monkeypatch.setattr(store_module, "_HELD", 1)
    monkeypatch.setattr(repair, "_WORTH_REWRITING", 5)


def of_task(run, **fields):
    return run.model_copy(update={"task_id": "create_task_1", **fields})


def varied():
    """Return simulations with everything that figures look at."""
    action = Action(action_id="1", name="look", arguments={})
    graded = RewardInfo(
        reward=0.0,
        db_check=DBCheck(db_match=False, db_reward=0.0),
        action_checks=[
            ActionCheck(action=action, action_match=True, action_reward=1.0, tool_type="write"),
            ActionCheck(action=action, action_match=False, action_reward=0.0, tool_type="read"),
        ],
        nl_assertions=[NLAssertionCheck(nl_assertion="kind", met=True, justification="so")],
        info={"env": {"gold_errors": ["no such order"]}},
    )
    review = Review(
        summary="", errors=[ReviewError(source=ErrorSource.AGENT, reasoning="", weight="minor")]
    )
    error = {"error": "no route", "error_type": "ModelUnavailable", "failed_after_attempts": 3}
    runs = [
        a_run(),
        a_run(reward=0.0, review=review),
        a_run(reward=0.0, reward_info=graded, info={"blame": {"side": "task", "kind": "x"}}),
        a_run(reward=None, info=error),
        a_priced_run(0.25, hallucination_retries_used=1),
        a_priced_run(None, termination_reason="max_steps"),
    ]
    return [of_task(run, id=f"run-{at}", trial=at) for at, run in enumerate(runs)]


def filled(path, runs=None) -> RunStore:
    store = opened(path, info=an_info(num_trials=TRIALS), tasks=TASKS[:1])
    for run in varied() if runs is None else runs:
        store.save(run)
    return store


def resumed(path) -> RunStore:
    return opened(path, resume=True, info=an_info(num_trials=TRIALS), tasks=TASKS[:1])


@pytest.fixture
def never_read(monkeypatch):
    """Fail when a simulation's file is read."""
    refuse_to_read(monkeypatch)


def refuse_to_read(monkeypatch) -> None:
    def refuse(*_):
        raise AssertionError("a simulation was read")

    monkeypatch.setattr(store_module, "read_stored", refuse)
    monkeypatch.setattr(inspection, "damage_of", refuse)


def later(path, seconds: float = 10.0) -> None:
    """Let the journal be written so much later than the simulations."""
    file = journal_file(path)
    when = file.stat().st_mtime_ns + int(seconds * 1e9)
    os.utime(file, ns=(when, when))


# --- figures --------------------------------------------------------------------------------------


def test_the_figures_of_outlines_are_those_of_all_simulations(tmp_path, never_read):
    results = filled(tmp_path).finish()
    assert isinstance(results.simulations, StoredSimulations)
    loaded = Results.load(tmp_path)
    assert type(loaded.simulations) is list
    assert summarize(results, tmp_path) == summarize(loaded, tmp_path)
    assert results.average_reward() == loaded.average_reward()
    assert repr(results) == repr(loaded)


def test_an_outline_has_every_count_of_tokens_and_calls():
    assert Usage._fields == tuple(SessionUsage.model_fields)


def test_so_are_the_figures_of_a_report(tmp_path):
    results, loaded = filled(tmp_path).finish(), Results.load(tmp_path)
    one, two = (run_figures(each, tmp_path, "run", resamples=50) for each in (results, loaded))
    assert one == two
    assert [rerun.attempts for rerun in one.reruns] == [3, 2]


def test_and_those_of_a_run_that_was_continued(tmp_path, never_read):
    filled(tmp_path, varied()[:4]).finish()
    later(tmp_path)
    store = resumed(tmp_path)
    for run in varied()[3:]:
        store.save(run)
    assert summarize(store.finish()) == summarize(Results.load(tmp_path))


def test_the_index_is_written_like_a_whole_results_file(tmp_path):
    results = filled(tmp_path).finish()
    assert (tmp_path / "results.json").read_bytes() == encode_results(indexed(results), "dir")
    for number in (0, 1, 3):
        part = results.model_copy(update={"simulations": results.simulations[:number]})
        assert bytes(encode_index(part)) == encode_results(indexed(part), "dir")


# --- files that were touched, or not --------------------------------------------------------------


def test_a_run_that_nobody_touched_is_continued_without_reading_it(tmp_path, never_read):
    filled(tmp_path, varied()[:2]).finish()
    later(tmp_path)
    store = resumed(tmp_path)
    assert store.has(("create_task_1", 1))
    assert len(store.finish().simulations) == 2
    assert store.damage == []


def flipped(path, *, times) -> None:
    """Change a file in place, and give it the size and the times that it had."""
    content = path.read_bytes()
    path.write_bytes(content.replace(b"Help me", b"Help us", 1))
    os.utime(path, ns=times)


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_changed_file_is_found_whatever_its_size_and_time(tmp_path, moment):
    filled(tmp_path).finish()
    file = tmp_path / "simulations" / "run-2.json"
    status = file.stat()
    if moment == "before":  # a change that the journal's time does not show
        flipped(file, times=(status.st_atime_ns, status.st_mtime_ns))
        later(tmp_path)
    else:
        later(tmp_path)
        flipped(file, times=(status.st_atime_ns, status.st_mtime_ns))
    store = resumed(tmp_path)
    assert [one.kind for one in store.damage] == ["simulation"]
    assert not store.has(("create_task_1", 2))


def test_a_change_right_after_the_end_is_found_on_a_clock_of_seconds(tmp_path):
    filled(tmp_path).finish()
    file = tmp_path / "simulations" / "run-2.json"
    flipped(file, times=(0, 0))
    stamp = inspection.stamp_of(file.stat())
    records = read_journal(journal_file(tmp_path)).records
    for record in records:
        if isinstance(record, Stored) and record.id == "run-2":
            records[records.index(record)] = replace(record, stamp=stamp)
    write_journal(journal_file(tmp_path), records)
    assert not resumed(tmp_path).has(("create_task_1", 2))


def test_a_copied_run_is_read_once(tmp_path, monkeypatch):
    filled(tmp_path / "one").finish()
    copied = shutil.copytree(tmp_path / "one", tmp_path / "two")
    seen = []
    damage_of = inspection.damage_of
    monkeypatch.setattr(
        inspection, "damage_of", lambda *given: seen.append(given) or damage_of(*given)
    )
    for expected in (TRIALS, 0):
        store = resumed(copied)
        assert (len(seen), store.damage) == (expected, [])
        store.close()
        later(copied)
        seen.clear()


def older(path) -> None:
    """Make the journal one of a version without outlines."""
    records = read_journal(journal_file(path)).records
    write_journal(
        journal_file(path),
        [replace(one, facts=None, stamp=None) if isinstance(one, Stored) else one
         for one in records],
    )  # fmt: skip


def test_an_older_run_is_read_once(tmp_path, monkeypatch):
    expected = summarize(filled(tmp_path).finish())
    older(tmp_path)
    resumed(tmp_path).close()
    later(tmp_path)
    refuse_to_read(monkeypatch)
    assert summarize(resumed(tmp_path).finish()) == expected


def test_an_older_run_that_is_large_is_renewed_when_it_ends(tmp_path, monkeypatch):
    expected = summarize(filled(tmp_path).finish())
    older(tmp_path)
    monkeypatch.setattr(inspection, "_READ_AT_ONCE", 0)
    assert summarize(resumed(tmp_path).finish()) == expected
    records = read_journal(journal_file(tmp_path)).records
    assert {record.id for record in records if isinstance(record, Stored) and record.facts} == {
        f"run-{at}" for at in range(TRIALS)
    }


def test_a_simulation_that_is_damaged_while_the_run_goes_on_is_put_aside_at_its_end(tmp_path):
    store = filled(tmp_path)
    file = tmp_path / "simulations" / "run-3.json"
    file.write_bytes(file.read_bytes()[:-5])
    assert [run.id for run in store.finish().simulations] == [
        f"run-{at}" for at in range(TRIALS) if at != 3
    ]
    assert [one.kind for one in store.damage] == ["simulation"]
    assert (tmp_path / "damaged" / "run-3.json").exists()


def test_damage_that_no_stamp_shows_is_put_aside_when_a_single_file_is_written(
    tmp_path, monkeypatch
):
    store = RunStore(tmp_path, "json")
    store.open(an_info(num_trials=TRIALS), TASKS[:1], resume=False)
    for run in varied():
        store.save(run)
    stamps = {entry.id: entry.stamp for entry in store.entries}
    file = tmp_path / "simulations" / "run-3.json"
    file.write_bytes(file.read_bytes()[:-5])
    monkeypatch.setattr(store_module, "_stamps", lambda _: stamps)  # as a disk that loses bits
    assert len(store.finish().simulations) == TRIALS - 1
    assert [one.kind for one in store.damage] == ["simulation"]
    assert len(Results.load(tmp_path).simulations) == TRIALS - 1
    assert (tmp_path / "damaged" / "run-3.json").exists()


# --- results, after the run -----------------------------------------------------------------------


def test_results_of_a_folder_that_was_taken_away_say_so(tmp_path):
    results = filled(tmp_path / "run").finish()
    shutil.rmtree(tmp_path / "run")
    assert results.simulations[0].id == "run-0"  # in memory
    with pytest.raises(DataFileError, match=r"has to stay where it is"):
        results.simulations[1]
    assert summarize(results).num_simulations == TRIALS


def test_results_of_a_simulation_that_was_changed_say_so(tmp_path):
    results = filled(tmp_path).finish()
    file = tmp_path / "simulations" / "run-4.json"
    file.write_bytes(file.read_bytes().replace(b"Help me", b"Help us", 1))
    with pytest.raises(DataFileError, match=r"run-4\.json: its content is not as it was written"):
        list(results.simulations)


def as_json(path, runs) -> Results:
    store = RunStore(path, "json")
    store.open(an_info(num_trials=TRIALS), TASKS[:1], resume=False)
    for run in runs:
        store.save(run)
    return store.finish()


def test_a_run_in_memory_holds_everything(tmp_path):
    assert type(as_json(None, varied()).simulations) is list


def test_a_single_file_is_written_and_read_one_by_one(tmp_path, monkeypatch):
    runs = varied()
    results = as_json(tmp_path / "one.json", runs)
    assert not (tmp_path / "one.simulations").exists()
    with monkeypatch.context() as unread:
        unread.setattr(on_demand, "simulation_in", lambda *_: pytest.fail("it was read"))
        assert summarize(results) == summarize(results.model_copy(update={"simulations": runs}))
    assert list(results.simulations) == runs
    assert Results.load(tmp_path / "one.json").simulations == runs
    whole = results.model_copy(update={"simulations": runs})
    assert (tmp_path / "one.json").read_bytes() == encode_results(whole, "json")
    assert resumed(tmp_path / "one.json").damage == []
    assert list(results.simulations) == runs  # of the file that was there


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("\n    }\n  ]\n}", "\n    },\n    {}\n  ]\n}"),
        lambda text: json.dumps(json.loads(text)),
        lambda text: json.dumps(json.loads(text), indent=1),
        lambda text: text[:-20],
        lambda text: text.replace('"simulations": [\n    {', '"simulations": [\n    null,\n    {'),
        lambda text: text[:-2] + ',\n  "note": [\n    {\n      "a": 1\n    }\n  ]\n}',
    ],
)
def test_a_single_file_in_another_form_is_read_as_ever(tmp_path, change):
    """What the fast way cannot take apart is as it was: the same simulations, or an error."""
    file = tmp_path / "one.json"
    as_json(file, varied())
    file.write_text(change(file.read_text()))
    try:
        expected = [
            parse_simulation(raw, file) for raw in json.loads(file.read_text())["simulations"]
        ]
    except (DataFileError, ValueError):
        with pytest.raises(DataFileError):
            list(results_on_demand(file).simulations)
        with pytest.raises(DataFileError):
            Results.load(file)
    else:
        assert list(results_on_demand(file).simulations) == expected
        assert Results.load(file).simulations == expected


def test_a_large_single_file_is_taken_apart_in_any_pieces(tmp_path, monkeypatch):
    file = tmp_path / "one.json"
    runs = varied()
    as_json(file, runs)
    for size in (1, 7, 64):
        monkeypatch.setattr(single_file, "_CHUNK", size)
        assert list(results_on_demand(file).simulations) == runs


def test_an_interrupted_run_is_looked_at_without_reading_it(tmp_path, monkeypatch):
    filled(tmp_path).close()
    later(tmp_path)
    expected = Results.load(tmp_path)
    with monkeypatch.context() as unread:
        unread.setattr(on_demand, "load_simulation", lambda *_: pytest.fail("it was read"))
        unread.setattr(on_demand, "decode_simulation", lambda *_: pytest.fail("it was read"))
        results = results_on_demand(tmp_path)
        assert summarize(results) == summarize(expected)
    assert results == expected


def test_of_several_attempts_the_one_that_counts_is_looked_at(tmp_path):
    filled(tmp_path).close()
    again = varied()[0].model_copy(update={"id": "another", "timestamp": "2020-01-01T00:00:00"})
    (tmp_path / "simulations" / "another.json").write_bytes(encode_simulation(again))
    expected = Results.load(tmp_path)
    assert "another" in [run.id for run in expected.simulations]
    assert results_on_demand(tmp_path) == expected


def test_a_failed_attempt_is_replaced_in_the_figures_too(tmp_path):
    filled(tmp_path, [failed(id="failed")]).finish()
    store = resumed(tmp_path)
    store.save(some_results(0, ids="good").simulations[0])
    summary = summarize(store.finish())
    assert (summary.num_simulations, summary.num_scored) == (1, 1)


def test_an_index_that_lists_what_is_stored_is_not_made_again(tmp_path, monkeypatch):
    filled(tmp_path).finish()
    later(tmp_path)
    before = (tmp_path / "results.json").read_bytes()
    with monkeypatch.context() as unmade:
        unmade.setattr(results_module, "index_entries", lambda _: pytest.fail("it was made"))
        results = resumed(tmp_path).finish()
    assert (tmp_path / "results.json").read_bytes() == before
    assert before == encode_results(indexed(results), "dir")


@pytest.mark.parametrize("harm", ["added", "edited", "removed", "interrupted"])
def test_an_index_is_made_again_where_what_is_stored_is_other(tmp_path, harm):
    runs = varied()
    filled(tmp_path, runs[:-1]).finish()
    later(tmp_path)
    file = tmp_path / "simulations" / "run-0.json"
    if harm == "edited":
        file.write_bytes(file.read_bytes().replace(b"Help me", b"Help us", 1))
    elif harm == "removed":
        file.unlink()
    elif harm == "interrupted":
        resumed(tmp_path).close()
    store = resumed(tmp_path)
    if harm == "added":
        store.save(runs[-1])
    results = store.finish()
    listed = [entry.id for entry in Results.load_metadata(tmp_path).simulation_index]
    assert listed == [run.id for run in results.simulations]
    assert Results.load(tmp_path).simulations == list(results.simulations)


# --- stored runs that are looked at ---------------------------------------------------------------


def test_a_stored_run_is_looked_at_without_reading_it(tmp_path, monkeypatch):
    filled(tmp_path).finish()
    later(tmp_path)
    expected = Results.load(tmp_path)
    with monkeypatch.context() as unread:
        unread.setattr(on_demand, "load_simulation", lambda *_: pytest.fail("it was read"))
        results = results_on_demand(tmp_path)
        assert summarize(results) == summarize(expected)
    assert results == expected


def test_a_file_that_was_edited_is_looked_at_as_it_is(tmp_path):
    filled(tmp_path).finish()
    later(tmp_path)
    file = tmp_path / "simulations" / "run-0.json"
    file.write_bytes(file.read_bytes().replace(b'"duration": 1.0', b'"duration": 2.0', 1))
    assert results_on_demand(tmp_path).outlines()[0].duration == 2.0


@pytest.mark.parametrize(
    "harm",
    [
        lambda path: journal_file(path).unlink(),
        lambda path: journal_file(path).write_bytes(b"nothing"),
        lambda path: None,
    ],
)
def test_a_run_whose_journal_says_nothing_is_read(tmp_path, harm):
    filled(tmp_path).finish()
    harm(tmp_path)
    assert summarize(results_on_demand(tmp_path)) == summarize(Results.load(tmp_path))


def test_what_is_missing_or_not_finished_is_read_as_ever(tmp_path):
    filled(tmp_path / "one").close()
    assert results_on_demand(tmp_path / "one") == Results.load(tmp_path / "one")
    filled(tmp_path / "two").finish()
    (tmp_path / "two" / "simulations" / "run-0.json").unlink()
    with pytest.raises(DataFileError, match="Missing simulation files: run-0"):
        results_on_demand(tmp_path / "two")


@pytest.mark.parametrize("form", ["json", "dir"])
def test_a_run_of_another_program_is_read_once(tmp_path, monkeypatch, form):
    """The public package writes no journal; the first time it is opened here makes one."""
    results = filled(tmp_path / "ours").finish()
    results.save(tmp_path / "theirs" / "results.json", form)
    resumed(tmp_path / "theirs").close()
    later(tmp_path / "theirs")
    refuse_to_read(monkeypatch)
    store = resumed(tmp_path / "theirs")
    assert store.damage == []
    assert summarize(store.finish()) == summarize(results)
