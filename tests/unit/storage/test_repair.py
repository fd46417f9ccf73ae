"""Runs that were killed, cut, edited or mixed up.

What is whole is kept, what is not is named and played again.
"""

from __future__ import annotations

import json
import logging
from contextlib import suppress

import pytest
from tests.faults.disk import disk
from tests.unit.data_model.test_results import some_results
from tests.unit.storage.test_store import FORMATS, TASKS, a_run, an_info, failed, ids, opened

from tau2.data_model.simulation import Results
from tau2.errors import ConfigError, DataFileError
from tau2.storage import store as store_module
from tau2.storage.results import missing_units, save_simulation
from tau2.storage.store import RunStore

FIRST, SECOND = ("create_task_1", 0), ("update_task_1", 0)


@pytest.fixture
def stored(tmp_path):
    """Return the folder of a run with two simulations."""
    store = opened(tmp_path)
    store.save(a_run())
    store.save(a_run("update_task_1"))
    store.finish()
    return tmp_path


def kinds(store: RunStore) -> list[str]:
    return [one.kind for one in store.damage]


def flip(path, at: int = -40) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 4
    path.write_bytes(content)


def aside(folder) -> list[str]:
    return sorted(path.name for path in (folder / "damaged").iterdir())


# --- simulations ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (
            lambda path: path.write_bytes(path.read_bytes()[:-9]),
            "it has .* bytes, where .* were written",
        ),
        (flip, "its content is not as it was written"),
        (lambda path: path.write_bytes(b""), "it has 0 bytes"),
    ],
)
def test_a_damaged_simulation_is_put_aside_and_its_unit_is_open(stored, harm, words, caplog):
    file = stored / "simulations" / "update_task_1-0.json"
    harm(file)
    damaged = file.read_bytes()
    store = opened(stored, resume=True)
    assert (store.has(FIRST), store.has(SECOND)) == (True, False)
    assert kinds(store) == ["simulation"]
    assert f"simulations/{file.name}: " in caplog.text
    assert (stored / "damaged" / file.name).read_bytes() == damaged
    store.save(a_run("update_task_1", id="again"))
    store.finish()
    assert ids(stored) == ["create_task_1-0", "again"]
    assert opened(stored, resume=True).damage == []


def test_a_simulation_that_is_gone_is_played_again(stored):
    (stored / "simulations" / "create_task_1-0.json").unlink()
    store = opened(stored, resume=True)
    assert [str(one) for one in store.damage] == [
        "simulations/create_task_1-0.json: it is missing; its unit is played again"
    ]
    assert not store.has(FIRST)


def test_damage_after_the_opening_is_found_when_it_is_looked_for(stored):
    store = opened(stored, resume=True)
    assert store.verify() == []
    flip(stored / "simulations" / "create_task_1-0.json")
    assert store.verify() == [FIRST]
    assert not store.has(FIRST)
    assert store.save(a_run(id="again"))
    store.close()
    assert sorted(run.id for run in opened(stored, resume=True).finish().simulations) == [
        "again",
        "update_task_1-0",
    ]


def test_damage_is_found_at_the_end_at_the_latest(stored):
    store = opened(stored, resume=True)
    flip(stored / "simulations" / "create_task_1-0.json")
    assert [run.id for run in store.finish().simulations] == ["update_task_1-0"]
    assert kinds(store) == ["simulation"]
    assert ids(stored) == ["update_task_1-0"]


def test_a_second_damaged_file_of_the_same_name_does_not_replace_the_first(stored):
    for _ in range(2):
        flip(stored / "simulations" / "create_task_1-0.json")
        store = opened(stored, resume=True)
        store.save(a_run())
        store.finish()
    assert aside(stored) == ["create_task_1-0-2.json", "create_task_1-0.json"]


def test_one_changed_simulation_in_a_single_file_is_one_that_is_played_again(tmp_path):
    store = opened(tmp_path, "json")
    store.save(a_run())
    store.save(a_run("update_task_1"))
    store.finish()
    path = tmp_path / "results.json"
    path.write_text(
        path.read_text().replace('"task_id": "update_task_1"', '"task_id" "update_task_1"')
    )
    store = opened(tmp_path, "json", resume=True)
    assert (store.has(FIRST), store.has(SECOND)) == (True, False)
    assert aside(tmp_path) == ["results.json.damaged"]
    store.save(a_run("update_task_1", id="again"))
    store.finish()
    assert ids(tmp_path) == ["create_task_1-0", "again"]


def test_a_changed_id_in_a_single_file_is_not_taken_for_another_simulation(tmp_path):
    store = opened(tmp_path, "json")
    store.save(a_run())
    store.finish()
    path = tmp_path / "results.json"
    path.write_text(path.read_text().replace('"id": "create_task_1-0"', '"id": "create_task_1-1"'))
    store = opened(tmp_path, "json", resume=True)
    assert not store.has(FIRST)
    assert "create_task_1-1.json" in aside(tmp_path)


# --- files and lines that do not agree ------------------------------------------------------------


def test_a_file_without_its_line_is_taken(stored):
    save_simulation(a_run(trial=1), stored / "simulations")
    store = opened(stored, resume=True)
    assert store.has(("create_task_1", 1))
    assert kinds(store) == ["unlisted"]
    store.close()
    assert opened(stored, resume=True).damage == []


def test_a_file_that_is_no_simulation_is_put_aside(stored):
    (stored / "simulations" / "notes.json").write_text('{"mine": true}')
    store = opened(stored, resume=True)
    assert kinds(store) == ["simulation"]
    assert aside(stored) == ["notes.json"]


@pytest.mark.parametrize("order", [("a", "b"), ("b", "a")])
def test_of_two_files_of_one_unit_the_earlier_is_taken(tmp_path, order):
    some_results().save(tmp_path, "dir")
    for name in order:
        save_simulation(
            a_run(id=name, timestamp=f"2025-01-0{1 + 'ba'.index(name)}"), tmp_path / "simulations"
        )
    assert ids_of_folder(tmp_path) == ["b"]
    store = opened(tmp_path, resume=True)
    assert kinds(store) == ["journal", "duplicate"]
    assert [run.id for run in store.finish().simulations] == ["b"]
    assert aside(tmp_path) == ["a.json"]


def ids_of_folder(path) -> list[str]:
    raw = json.loads((path / "results.json").read_text())
    del raw["simulation_index"]
    (path / "results.json").write_text(json.dumps(raw))
    return ids(path)


def test_the_outcome_of_a_failed_attempt_is_taken_though_its_line_is_missing(tmp_path):
    first = opened(tmp_path)
    first.save(failed(id="failed"))
    first.close()
    save_simulation(a_run(id="good"), tmp_path / "simulations")
    store = opened(tmp_path, resume=True)
    assert kinds(store) == ["unlisted"]
    store.finish()
    assert ids(tmp_path) == ["good"]
    assert not (tmp_path / "damaged").exists()


def test_half_written_files_of_a_crash_go(stored):
    litter = [stored / "simulations" / ".x.json.1.part", stored / ".results.json.1.part"]
    for file in litter:
        file.write_text("{")
    opened(stored, resume=True)
    assert not any(file.exists() for file in litter)


# --- the journal and the results file -------------------------------------------------------------


def test_a_run_of_other_software_gets_a_journal(stored):
    (stored / "journal.jsonl").unlink()
    store = opened(stored, resume=True)
    assert [str(one) for one in store.damage] == [
        "journal.jsonl: there is none; it is written anew from the files"
    ]
    assert store.has(FIRST)
    store.close()
    assert opened(stored, resume=True).damage == []


def test_saving_results_by_hand_is_no_damage(stored):
    results = Results.load(stored)
    results.simulations[0].reward_info.reward = 0.5
    results.save(stored, "dir")
    store = opened(stored, resume=True)
    assert kinds(store) == ["journal"]
    assert sorted(run.reward_info.reward for run in store.finish().simulations) == [0.5, 1.0]


def test_a_damaged_journal_is_kept_and_written_anew(stored):
    journal = stored / "journal.jsonl"
    journal.write_bytes(b"\0" * 3 + journal.read_bytes()[3:-30])
    damaged = journal.read_bytes()
    store = opened(stored, resume=True)
    assert store.has(FIRST)
    assert store.has(SECOND)
    assert (stored / "damaged" / "journal.jsonl").read_bytes() == damaged
    store.finish()
    assert opened(stored, resume=True).damage == []


@pytest.mark.parametrize(
    "harm", [lambda path: path.unlink(), lambda path: path.write_text("{"), flip]
)
def test_the_journal_knows_what_the_run_was(stored, harm):
    harm(stored / "results.json")
    store = opened(stored, resume=True)
    assert kinds(store) == ["results"]
    results = store.finish()
    assert (results.info, results.tasks) == (an_info(), TASKS)
    assert len(ids(stored)) == 2


def test_a_changed_results_file_does_not_change_what_is_compared(stored):
    path = stored / "results.json"
    path.write_text(path.read_text().replace('"max_steps": 100', '"max_steps": 101'))
    assert kinds(opened(stored, resume=True)) == ["results"]


def test_a_task_that_nobody_has_any_more_is_named(stored):
    (stored / "results.json").write_text("{")
    store = opened(stored, resume=True, tasks=TASKS[:1])
    assert "task 'update_task_1' is lost; its simulations are kept" in [
        one.what for one in store.damage
    ]
    assert len(store.finish().simulations) == 2


def test_a_run_that_nothing_describes_is_refused(stored):
    (stored / "journal.jsonl").unlink()
    (stored / "results.json").write_text("{")
    with pytest.raises(DataFileError, match=r"results\.json: .*not valid JSON"):
        opened(stored, resume=True)
    assert len(list((stored / "simulations").iterdir())) == 2


def test_simulations_that_do_not_say_their_trial_are_not_mixed_up(tmp_path):
    results = some_results(0, 1)
    for run in results.simulations:
        run.trial = None
    results.save(tmp_path, "dir")
    with pytest.raises(
        ConfigError, match="2 simulations of task 'create_task_1' do not say which trial"
    ):
        opened(tmp_path, resume=True)
    assert len(Results.load(tmp_path).simulations) == 2


# --- grades ---------------------------------------------------------------------------------------


@FORMATS
def test_a_conversation_without_its_grade_waits_for_it(tmp_path, form):
    first = opened(tmp_path, form)
    first.save(a_run(reward_info=None, info={"error": "not graded: the judge is away"}))
    first.finish()
    second = opened(tmp_path, form, resume=True)
    (waiting,) = second.ungraded()
    assert not second.has(FIRST)
    graded = waiting.model_copy(update={"reward_info": a_run().reward_info})
    assert second.save(graded)
    assert second.has(FIRST)
    assert second.ungraded() == []
    assert [run.reward_info.reward for run in second.finish().simulations] == [1.0]
    assert opened(tmp_path, form, resume=True).damage == []


@pytest.mark.parametrize("at", range(1, 9))
def test_no_crash_while_a_grade_is_written_costs_the_conversation(tmp_path, at):
    store = opened(tmp_path)
    store.save(a_run(reward_info=None))
    with disk(at), suppress(OSError):
        store.save(a_run())
    store.close()
    again = opened(tmp_path, resume=True)
    assert (again.damage, again.has(FIRST) or len(again.ungraded()) == 1) == ([], True)


def test_a_unit_keeps_its_first_grade(tmp_path):
    store = opened(tmp_path)
    assert store.save(a_run(id="first"))
    assert not store.save(a_run(id="second"))
    assert not store.save(failed(id="third"))
    store.finish()
    assert ids(tmp_path) == ["first"]
    assert len(list((tmp_path / "simulations").iterdir())) == 1


def test_a_failure_never_replaces_a_conversation(tmp_path):
    store = opened(tmp_path)
    store.save(a_run(id="talk", reward_info=None))
    assert not store.save(failed(id="failed"))
    assert [run.id for run in store.ungraded()] == ["talk"]


# --- settings -------------------------------------------------------------------------------------


def with_settings(path, **settings) -> RunStore:
    store = RunStore(path)
    store.open(an_info(), TASKS, resume=store.exists(), settings=settings)
    return store


def test_settings_that_info_does_not_carry_are_compared_too(tmp_path):
    with_settings(tmp_path, llm_args_judge={"temperature": 0.0}, **{"data.db": "a"}).finish()
    with pytest.raises(ConfigError) as problem:
        with_settings(tmp_path, llm_args_judge={"temperature": 1.0}, **{"data.db": "b"})
    assert "llm_args_judge (how the judge model is called): stored {'temperature': 0.0}" in str(
        problem.value
    )
    assert "data.db (the domain's database): stored 'a', now 'b'" in str(problem.value)
    with_settings(
        tmp_path, llm_args_judge={"temperature": 0.0}, another="new in this version"
    ).finish()
    with pytest.raises(ConfigError, match="another: stored"):
        with_settings(tmp_path, another="changed")
    with pytest.raises(ConfigError, match=r"data\.db"):
        with_settings(tmp_path, **{"data.db": "b"})


def test_long_texts_are_shown_from_where_they_part(tmp_path):
    opened(tmp_path).finish()
    policy = "Be kind. " * 40
    info = an_info(
        environment_info=an_info().environment_info.model_copy(update={"policy": policy})
    )
    opened(tmp_path / "long", info=info).finish()
    other = an_info(
        environment_info=info.environment_info.model_copy(update={"policy": policy + "Always."})
    )
    with pytest.raises(ConfigError, match=r"from character \d+ stored .*, now .*Always"):
        opened(tmp_path / "long", resume=True, info=other)


# --- reading a run that is not finished -----------------------------------------------------------


def test_a_run_under_way_is_read_and_what_is_missing_is_said(tmp_path, caplog):
    store = opened(tmp_path, info=an_info(num_trials=2))
    store.save(a_run())
    with caplog.at_level(logging.WARNING):
        results = Results.load(tmp_path)
    assert [run.id for run in results.simulations] == ["create_task_1-0"]
    assert missing_units(results) == [SECOND, ("create_task_1", 1), ("update_task_1", 1)]
    assert "3 of 4 missing: update_task_1 trial 0, create_task_1 trial 1" in caplog.text
    store.finish()
    caplog.clear()
    Results.load(tmp_path)
    assert caplog.text == ""


def test_a_run_under_way_is_read_without_its_failed_attempts_that_have_an_outcome(tmp_path):
    opened(tmp_path).close()
    save_simulation(failed(id="failed"), tmp_path / "simulations")
    save_simulation(a_run(id="good"), tmp_path / "simulations")
    assert ids(tmp_path) == ["good"]


def test_a_run_larger_than_memory_for_it_is_read_back(tmp_path, monkeypatch):
    monkeypatch.setattr("tau2.storage.store._HELD", 1)
    store = opened(tmp_path)
    store.save(a_run())
    store.save(a_run("update_task_1"))
    assert [entry.id for entry in store.entries] == ["create_task_1-0", "update_task_1-0"]
    assert len(store.finish().simulations) == 2
    with pytest.raises(ConfigError, match="not open"):
        store.save(a_run(trial=1))


def test_a_crash_between_the_record_of_a_run_and_its_results_file_is_no_damage(stored, monkeypatch):
    before = (stored / "results.json").read_bytes()

    def crash(*_):
        raise OSError("the power is gone")

    monkeypatch.setattr(store_module, "write_atomically", crash)
    with pytest.raises(OSError, match="the power is gone"):
        opened(stored, resume=True, info=an_info(num_trials=5))
    monkeypatch.undo()

    assert (stored / "results.json").read_bytes() == before
    store = opened(stored, resume=True)
    assert store.damage == []
    assert len(store.entries) == 2
