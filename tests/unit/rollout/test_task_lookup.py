"""Any task by its id, quickly, and always the one in the file."""

from __future__ import annotations

import json

import pytest
from tests.cast import mock_task

from tau2 import config
from tau2.errors import UnknownName
from tau2.registry import registry
from tau2.rollout import find_task


def test_a_task_is_the_callers_own():
    task = find_task("mock", "create_task_1")
    task.user_scenario.instructions = "changed"
    assert find_task("mock", "create_task_1") == mock_task("create_task_1")


def test_tasks_of_all_splits_are_found():
    everything = {task.id for task in registry.get_tasks_loader("retail")(None)}
    base = {task.id for task in registry.get_tasks_loader("retail")()}
    hidden = sorted(everything - base) or sorted(everything)
    assert find_task("retail", hidden[0]).id == hidden[0]


def test_a_domain_that_composes_its_tasks_makes_one_alone():
    task = registry.get_tasks_loader("telecom")("small")[0]
    assert find_task("telecom", task.id) == task


@pytest.mark.parametrize("task_set", ["telecom_full", "telecom_small", "retail"])
def test_no_other_task_is_made(task_set, monkeypatch):
    loader = registry.get_tasks_loader(task_set)
    wanted = loader()[-1]
    asked = []

    def watched(split=None, task_ids=None):
        asked.append(task_ids)
        return loader(split, task_ids=task_ids)

    monkeypatch.setitem(registry._tasks, task_set, watched)
    assert find_task(task_set, wanted.id) == wanted
    assert asked == [[wanted.id]]


def test_an_unknown_id_names_the_nearest():
    with pytest.raises(UnknownName, match="did you mean 'create_task_1'"):
        find_task("mock", "create_task_l")


def test_a_loader_that_knows_no_splits(monkeypatch):
    monkeypatch.setitem(registry._tasks, "mine", lambda: [mock_task("create_task_1")])
    assert find_task("mine", "create_task_1").id == "create_task_1"


def test_a_replaced_loader_is_asked_each_time(monkeypatch):
    found = []
    monkeypatch.setitem(
        registry._tasks,
        "mock",
        lambda split=None: found.append(split) or [mock_task("create_task_1")],
    )
    find_task("mock", "create_task_1")
    find_task("mock", "create_task_1")
    assert found == [None, None]


def test_a_file_that_was_written_again_is_read_again(monkeypatch, tmp_path):
    folder = tmp_path / "tau2" / "domains" / "mock"
    folder.mkdir(parents=True)
    for name in ("tasks.json", "split_tasks.json"):
        text = (config.domain_dir("mock") / name).read_text(encoding="utf-8")
        (folder / name).write_text(text, encoding="utf-8")
    monkeypatch.setenv("TAU2_DATA_DIR", str(tmp_path))
    task = find_task("mock", "create_task_1")
    raw = json.loads((folder / "tasks.json").read_text(encoding="utf-8"))
    raw[0]["ticket"] = "another ticket altogether"
    (folder / "tasks.json").write_text(json.dumps(raw), encoding="utf-8")
    again = find_task("mock", raw[0]["id"])
    assert again.ticket == "another ticket altogether"
    assert task is not again
