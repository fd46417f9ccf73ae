from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tau2 import config


@pytest.fixture
def data(tmp_path, monkeypatch):
    """A data directory of somebody else with the mock domain in it."""
    own = config.domain_dir("mock")
    folder = tmp_path / "data" / "tau2" / "domains" / "mock"
    folder.mkdir(parents=True)
    for name in (
        "db.json",
        "user_db.json",
        "policy.md",
        "policy_solo.md",
        "tasks.json",
        "split_tasks.json",
    ):
        shutil.copy(own / name, folder / name)
    monkeypatch.setenv("TAU2_DATA_DIR", str(tmp_path / "data"))
    return folder


def change(path: Path, edit) -> None:
    content = json.loads(path.read_text())
    edit(content)
    path.write_text(json.dumps(content))


def test_good_files_are_good(tau2, data):
    ended = tau2("check-data")
    assert ended.code == 0
    assert "mock" in ended.out
    assert "good" in ended.out
    assert "no files here" in ended.out  # the other domains, which this folder does not have


@pytest.mark.parametrize(
    ("file", "edit", "problem"),
    [
        (
            "tasks.json",
            lambda tasks: tasks[0]["user_scenario"].pop("instructions"),
            "task create_task_1: user_scenario",
        ),
        (
            "tasks.json",
            lambda tasks: tasks[0]["evaluation_criteria"]["actions"][0].update(name="create_tsk"),
            (
                "task create_task_1: evaluation_criteria.actions.0.name: "
                "no tool of the agent named 'create_tsk'; did"
            ),
        ),
        (
            "tasks.json",
            lambda tasks: tasks[0].update(user_tools=["phone"]),
            "user_tools.0: no tool of the user",
        ),
        (
            "tasks.json",
            lambda tasks: tasks[0].update(
                initial_state={
                    "initialization_actions": [
                        {"env_type": "user", "func_name": "_x", "arguments": {}}
                    ]
                }
            ),
            "initial_state.initialization_actions.0.func_name",
        ),
        (
            "tasks.json",
            lambda tasks: tasks[0]["evaluation_criteria"].update(
                env_assertions=[{"env_type": "assistant", "func_name": "assert_x", "arguments": {}}]
            ),
            "evaluation_criteria.env_assertions.0.func_name",
        ),
        ("tasks.json", lambda tasks: tasks.append(tasks[0]), "this id is used twice"),
        (
            "split_tasks.json",
            lambda splits: splits["base"].append("gone"),
            "split base: there is no task 'gone'",
        ),
        ("db.json", lambda db: db.update(users=[]), "users: "),
    ],
)
def test_a_problem_is_named_with_file_and_place(tau2, data, file, edit, problem):
    change(data / file, edit)
    ended = tau2("check-data", "mock")
    assert ended.code == 1
    assert str(data / file) in ended.out
    assert problem in ended.out


def test_a_missing_file_is_a_problem(tau2, data):
    (data / "policy.md").unlink()
    ended = tau2("check-data", "mock")
    assert ended.code == 1
    assert "policy.md: cannot be read" in ended.out


def test_a_file_that_is_no_json_is_a_problem(tau2, data):
    (data / "tasks.json").write_text("[{")
    ended = tau2("check-data", "mock")
    assert ended.code == 1
    assert "tasks.json: not valid json" in ended.out


def test_a_domain_without_code_is_checked_as_far_as_possible(tau2, data):
    other = data.parent / "bakery"
    other.mkdir()
    shutil.copy(data / "tasks.json", other / "tasks.json")
    (other / "split_tasks.json").write_text('{"base": ["create_task_1", "cake"]}')
    (other / "db.json").write_text("{")
    ended = tau2("check-data", "bakery")
    assert ended.code == 1
    assert "no code" not in ended.out  # the problems matter more
    assert "db.json: not valid json" in ended.out
    assert "there is no task 'cake'" in ended.out
    (other / "db.json").write_text("{}")
    (other / "split_tasks.json").write_text('{"base": ["create_task_1"]}')
    ended = tau2("check-data", "bakery")
    assert ended.code == 0
    assert "no code for it here" in " ".join(ended.out.split())


def test_an_unknown_domain_suggests_the_nearest(tau2, data):
    ended = tau2("check-data", "mok")
    assert ended.code == 1
    assert "did you mean 'mock'?" in ended.out


def test_a_folder_without_domains_is_a_problem(tau2, tmp_path, monkeypatch):
    monkeypatch.setenv("TAU2_DATA_DIR", str(tmp_path))
    ended = tau2("check-data")
    assert ended.code == 1
    assert "TAU2_DATA_DIR" in ended.err


def test_our_own_data_is_good(tau2):
    for name in ("mock", "retail"):
        assert tau2("check-data", name).code == 0
