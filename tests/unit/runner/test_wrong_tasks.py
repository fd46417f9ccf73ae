"""A task that is wrong never runs, wherever it comes from."""

from __future__ import annotations

import json
import shutil

import pytest
from tests.cast import a_task, create_meeting, mock_task

from tau2 import config
from tau2.cli import main
from tau2.data_model.run_config import TextRunConfig
from tau2.data_model.tasks import Task
from tau2.errors import ConfigError, DataFileError
from tau2.gym import AgentGymEnv
from tau2.registry import registry
from tau2.rollout import find_task
from tau2.runner import get_tasks, run_single_task, run_tasks
from tau2.runner.batch import run_domain

NOTHING = TextRunConfig(domain="mock", agent="lazy_agent", user="scripted_user")


def raw_task(**changes) -> dict:
    return mock_task("create_task_1").model_dump(mode="json", exclude_unset=True) | changes


def with_wrong_tool() -> Task:
    task = a_task(create_meeting())
    task.evaluation_criteria.actions[0].name = "create_tsk"
    return task


@pytest.fixture
def tasks_file(tmp_path):
    def write(*tasks: dict):
        file = tmp_path / "mine.json"
        file.write_text(json.dumps(tasks))
        return file

    return write


def test_a_misspelt_field_of_a_tasks_file_is_refused_before_anything_is_played(
    tasks_file, capsys, tmp_path
):
    raw = raw_task()
    raw["evaluation_criterea"] = raw.pop("evaluation_criteria")
    wrong = raw_task(id="other")
    wrong["evaluation_criteria"]["actions"][0]["name"] = "create_tsk"
    file = tasks_file(raw)
    options = ["--domain", "mock", "--agent", "oracle_agent", "--user", "scripted_user"]
    saved = ["--save-to", str(tmp_path / "run")]
    assert main(["run", *options, "--tasks-file", str(file), *saved]) == 2
    told = capsys.readouterr().err
    assert f"{file}: task create_task_1: evaluation_criterea: no field named" in told
    assert "did you mean 'evaluation_criteria'?" in told
    file = tasks_file(wrong)
    assert main(["run", *options, "--tasks-file", str(file), *saved]) == 2
    told = capsys.readouterr().err
    assert f"{file}: task other: evaluation_criteria.actions.0.name: no tool of the agent" in told
    assert not (tmp_path / "run").exists()


def test_tasks_of_a_program_are_refused_too():
    with pytest.raises(DataFileError, match=r"task a_task: evaluation_criteria\.actions\.0\.name"):
        run_tasks(NOTHING, [with_wrong_tool()], console_display=False)
    with pytest.raises(DataFileError, match="colour: no field named 'colour'"):
        run_single_task(NOTHING, Task(**raw_task(colour="red")))
    with pytest.raises(ConfigError, match="given twice: 'create_task_1'"):
        run_tasks(NOTHING, [mock_task("create_task_1")] * 2, console_display=False)


@pytest.fixture
def plug_in():
    """Register a domain like the mock domain with tasks of its own."""
    tasks: list[Task] = []
    splits = {"base": ["create_task_1"]}

    def load(task_split_name: str | None = None) -> list[Task]:
        wanted = splits.get(task_split_name or "", [task.id for task in tasks])
        return [task for task in tasks if task.id in wanted]

    registry.register_domain(registry.get_env_constructor("mock"), "shop_of_mine")
    registry.register_tasks(load, "shop_of_mine", lambda: splits)
    yield tasks, splits
    for table in (registry._domains, registry._tasks, registry._task_splits):
        table.own.pop("shop_of_mine")


def test_tasks_of_a_plug_in_are_refused_too(plug_in):
    tasks, splits = plug_in
    shop = NOTHING.model_copy(update={"domain": "shop_of_mine", "task_split_name": "base"})
    tasks[:] = [Task.model_validate(raw_task(evaluation_criterea={}))]
    with pytest.raises(DataFileError, match="tasks of domain shop_of_mine: task create_task_1"):
        run_domain(shop, console_display=False)
    tasks[:] = [mock_task("create_task_1")]
    splits["base"].append("create_task_9")
    with pytest.raises(DataFileError, match="split base: no task named 'create_task_9'"):
        get_tasks("shop_of_mine", "base")


def test_a_rollout_does_not_begin_with_a_wrong_task(plug_in):
    tasks, _ = plug_in
    tasks[:] = [Task.model_validate(raw_task(colour="red"))]
    with pytest.raises(DataFileError, match="colour: no field named 'colour'"):
        find_task("shop_of_mine", "create_task_1")
    tasks[:] = [with_wrong_tool()]
    env = AgentGymEnv("shop_of_mine", "a_task", user="scripted_user")
    with pytest.raises(DataFileError, match="no tool of the agent named 'create_tsk'"):
        env.reset()
    tasks[:] = [mock_task("create_task_1")]
    assert find_task("shop_of_mine", "create_task_1") == mock_task("create_task_1")


def test_somebody_elses_data_is_played_with_one_warning(tmp_path, monkeypatch, caplog):
    folder = tmp_path / "tau2" / "domains" / "mock"
    shutil.copytree(config.domain_dir("mock"), folder)
    raw = json.loads((folder / "tasks.json").read_text())
    raw[0]["colour"] = "red"
    raw[0]["evaluation_criteria"]["actions"][0]["name"] = "create_tsk"
    (folder / "tasks.json").write_text(json.dumps(raw))
    monkeypatch.setenv("TAU2_DATA_DIR", str(tmp_path))
    for _ in range(2):
        tasks = get_tasks("mock", task_ids=[raw[0]["id"]])
        assert len(run_tasks(NOTHING, tasks, console_display=False).simulations) == 1
    warned = [
        record.getMessage() for record in caplog.records if str(folder) in record.getMessage()
    ]
    assert [text.partition("1 × ")[2].partition(":")[0] for text in warned] == [
        "colour",
        "evaluation_criteria.actions.*.name",
    ]
