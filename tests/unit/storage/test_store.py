"""Runs on disk: durable before they count, continued only with the same settings."""

from __future__ import annotations

import json

import pytest
from tests.cast import mock_task
from tests.unit.data_model.test_results import some_results

from tau2.data_model.simulation import Results, SimulationRun, TerminationReason
from tau2.errors import ConfigError
from tau2.storage import store as store_module
from tau2.storage.store import RunStore

FORMATS = pytest.mark.parametrize("form", ["dir", "json"])
TASKS = [mock_task("create_task_1"), mock_task("update_task_1")]


def a_run(task: str = "create_task_1", trial: int = 0, **fields) -> SimulationRun:
    run = some_results(0).simulations[0]
    return run.model_copy(
        update={"id": f"{task}-{trial}", "task_id": task, "trial": trial, **fields}
    )


def failed(task: str = "create_task_1", trial: int = 0, **fields) -> SimulationRun:
    infra = TerminationReason.INFRASTRUCTURE_ERROR
    return a_run(task, trial, **{"termination_reason": infra, "reward_info": None, **fields})


def an_info(**fields):
    return some_results(0).info.model_copy(update=fields)


def opened(path, form="dir", *, resume=False, info=None, tasks=None) -> RunStore:
    store = RunStore(path, form)
    store.open(info or an_info(), tasks or TASKS, resume=resume)
    return store


def ids(path) -> list[str]:
    return [run.id for run in Results.load(path).simulations]


@FORMATS
def test_a_finished_run_is_read_in_order(tmp_path, form):
    store = opened(tmp_path, form)
    for run in (a_run(trial=1), a_run("update_task_1"), a_run()):
        store.save(run)
    results = store.finish()
    expected = ["create_task_1-0", "update_task_1-0", "create_task_1-1"]
    assert [run.id for run in results.simulations] == expected == ids(tmp_path)
    assert (tmp_path / "simulations").exists() == (form == "dir")


def test_a_simulation_is_on_disk_before_it_counts(tmp_path, monkeypatch):
    store = opened(tmp_path)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store_module, "save_simulation", full)
    with pytest.raises(OSError, match="No space"):
        store.save(a_run())
    assert not store.has(("create_task_1", 0))
    monkeypatch.undo()
    store.save(a_run())
    assert ids(tmp_path) == ["create_task_1-0"]  # there is no index yet, and none is needed


@FORMATS
def test_a_run_is_continued_where_it_stopped(tmp_path, form):
    first = opened(tmp_path, form)
    first.save(a_run())
    first.finish()
    second = opened(tmp_path, form, resume=True)
    assert second.has(("create_task_1", 0))
    assert not second.has(("update_task_1", 0))
    second.save(a_run("update_task_1"))
    second.finish()
    assert ids(tmp_path) == ["create_task_1-0", "update_task_1-0"]


def test_a_run_that_was_killed_is_continued_too(tmp_path):
    opened(tmp_path).save(a_run())
    second = opened(tmp_path, resume=True)
    assert second.has(("create_task_1", 0))


def test_a_run_is_never_overwritten(tmp_path):
    opened(tmp_path).finish()
    with pytest.raises(ConfigError, match="holds a run already"):
        opened(tmp_path)


def test_simulations_without_their_results_file_are_left_alone(tmp_path):
    store = opened(tmp_path)
    store.save(a_run())
    store.finish()
    (tmp_path / "results.json").unlink()
    with pytest.raises(ConfigError, match="simulations of another run"):
        opened(tmp_path)
    assert (tmp_path / "simulations" / "create_task_1-0.json").exists()


@FORMATS
def test_two_runs_side_by_side(tmp_path, form):
    for name in "ab":
        store = opened(tmp_path / f"{name}.json", form)
        store.save(a_run(id=name))
        store.finish()
    assert (ids(tmp_path / "a.json"), ids(tmp_path / "b.json")) == (["a"], ["b"])


def test_failed_attempts_are_played_again_and_replaced(tmp_path):
    first = opened(tmp_path)
    first.save(failed(id="failed"))
    assert [run.id for run in first.finish().simulations] == ["failed"]
    second = opened(tmp_path, resume=True)
    assert not second.has(("create_task_1", 0))
    second.save(a_run(id="good"))
    second.finish()
    assert ids(tmp_path) == ["good"]
    assert not (tmp_path / "simulations" / "failed.json").exists()


@FORMATS
def test_a_failed_attempt_stays_until_it_is_replaced(tmp_path, form):
    first = opened(tmp_path, form)
    first.save(failed(id="failed"))
    first.finish()
    opened(tmp_path, form, resume=True).finish()
    assert ids(tmp_path) == ["failed"]


def test_a_users_failure_is_played_again(tmp_path):
    first = opened(tmp_path)
    first.save(a_run(termination_reason=TerminationReason.USER_ERROR))
    first.finish()
    assert not opened(tmp_path, resume=True).has(("create_task_1", 0))


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"max_steps": 7}, "max_steps: stored 100, now 7"),
        ({"seed": 7}, "seed: stored None, now 7"),
        ({"strict_compat": True}, "strict_compat: stored None, now True"),
        ({"timeout": 5.0}, "timeout: stored None, now 5.0"),
        (
            {"agent_info": {"implementation": "scripted", "llm": "gpt"}},
            "agent_info.llm: stored None, now 'gpt'",
        ),
        (
            {"user_info": {"implementation": "scripted", "llm_args": {"temperature": 1}}},
            "user_info.llm_args: stored None, now {'temperature': 1}",
        ),
        (
            {
                "user_info": {
                    "implementation": "scripted",
                    "persona_config": {"verbosity": "minimal"},
                }
            },
            "user_info.persona_config",
        ),
        (
            {"environment_info": {"domain_name": "mock", "policy": "Other."}},
            "environment_info.policy",
        ),
    ],
)
def test_another_run_is_not_continued_and_each_field_is_named(tmp_path, change, named):
    opened(tmp_path).finish()
    before = (tmp_path / "results.json").read_text()
    info = type(an_info()).model_validate({**an_info().model_dump(), **change})
    with pytest.raises(ConfigError, match="cannot be continued") as problem:
        opened(tmp_path, resume=True, info=info)
    lines = str(problem.value).splitlines()
    assert len([line for line in lines if line.startswith("  ")]) == 1
    assert named in str(problem.value)
    assert (tmp_path / "results.json").read_text() == before


def test_more_trials_and_tasks_are_the_same_run(tmp_path):
    opened(tmp_path, tasks=TASKS[:1]).finish()
    info = an_info(num_trials=3, git_commit="another", engine_version="another")
    results = opened(tmp_path, resume=True, info=info).finish()
    assert (results.info.num_trials, len(results.tasks)) == (3, 2)


def test_a_field_that_an_older_version_did_not_store_is_no_difference(tmp_path):
    opened(tmp_path).finish()
    path = tmp_path / "results.json"
    raw = json.loads(path.read_text())
    del raw["info"]["judge"]
    path.write_text(json.dumps(raw))
    (tmp_path / "journal.jsonl").unlink()  # which that version did not write either
    opened(tmp_path, resume=True, info=an_info(judge="another"))


def test_a_modified_task_is_refused(tmp_path):
    opened(tmp_path).finish()
    edited = TASKS[0].model_copy(update={"ticket": "Another story"})
    with pytest.raises(ConfigError, match=r"tasks modified: \['create_task_1'\]"):
        opened(tmp_path, resume=True, tasks=[edited])


def test_when_a_history_was_read_is_no_modification(tmp_path):
    told = "update_task_with_message_history"
    opened(tmp_path, tasks=[mock_task(told)]).finish()
    later = mock_task(told)
    for message in later.initial_state.message_history:
        message.timestamp = "another time"
    opened(tmp_path, resume=True, tasks=[later])


def test_a_run_in_memory_touches_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    store = opened(None)
    store.save(a_run())
    assert len(store.finish().simulations) == 1
    assert store.folder is None
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ConfigError, match="never opened"):
        RunStore(None).finish()
