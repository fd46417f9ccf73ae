"""`tau2 compare` and `tau2 evaluate-trajs`, as a user types them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

ORACLE = (
    "--domain",
    "mock",
    "--agent",
    "oracle_agent",
    "--user",
    "scripted_user",
    "--num-trials",
    "2",
)
LAZY = ("--domain", "mock", "--agent", "lazy_agent", "--user", "scripted_user", "--num-trials", "2")
TASKS = ("--task-ids", "create_task_1", "update_task_1")


@pytest.fixture
def runs(tau2):
    tau2("run", *ORACLE, *TASKS, "--save-to", "good")
    tau2("run", *LAZY, *TASKS, "--save-to", "bad")


def stored(name: str) -> Path:
    return Path("data/simulations") / name / "results.json"


def rewrite_criteria(name: str) -> None:
    """Let the first stored task of a run ask for another title."""
    data = json.loads(stored(name).read_text())
    task = next(task for task in data["tasks"] if task["id"] == "create_task_1")
    task["evaluation_criteria"]["actions"][0]["arguments"]["title"] = "Another"
    stored(name).write_text(json.dumps(data))


def test_the_table_says_who_is_better_and_by_how_much(tau2, runs):
    ended = tau2("compare", "bad", "good")
    assert ended.code == 0
    assert "4 pairs of simulations of 2 tasks; with the same seed: 4" in ended.out
    assert "pass^2  0.000  1.000      +1.000" in ended.out
    assert "only B passed (4): create_task_1 ×2, update_task_1 ×2" in ended.out


def test_two_tasks_are_too_few_for_a_verdict(tau2, runs):
    assert "no significant difference in pass^1" in tau2("compare", "bad", "good").out


def test_the_comparison_as_json(tau2, runs):
    data = json.loads(tau2("compare", "bad", "good", "--json").out)
    assert data["pass_hat_k"][0]["difference"] == 1.0
    assert data["flips"]["gained"] == {"create_task_1": 2, "update_task_1": 2}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--confidence", "95"), "--confidence is a share between 0.5 and 1"),
        (("--margin", "0"), "--margin is a share between 0 and 1"),
        (("--resamples", "0"), "--resamples must be at least 1"),
    ],
)
def test_wrong_shares_are_explained(tau2, runs, arguments, said):
    ended = tau2("compare", "bad", "good", *arguments)
    assert ended.code == 2
    assert said in ended.err


def test_an_unknown_run_is_named_with_those_that_exist(tau2, runs):
    ended = tau2("compare", "bad", "goood")
    assert ended.code == 2
    assert "good" in ended.err


def test_a_stored_reward_holds(tau2, runs):
    ended = tau2("evaluate-trajs", "good", "bad")
    assert ended.code == 0
    assert ended.out.count("4 simulations graded: 0 flips, 0 changed rewards") == 2


def test_a_changed_criterion_flips_and_fresh_tasks_flip_back(tau2, runs):
    rewrite_criteria("good")
    data = json.loads(tau2("evaluate-trajs", "good", "--json").out)["runs"][0]
    assert (data["num_flips"], data["average_before"], data["average_after"]) == (2, 1.0, 0.5)
    assert {change["reason"] for change in data["changes"]} == {"lost on DB"}
    assert "0 flips" in tau2("evaluate-trajs", "good", "--fresh-tasks").out


def test_graded_runs_are_written_beside_and_never_over(tau2, runs):
    rewrite_criteria("good")
    before = stored("good").read_text()
    assert tau2("evaluate-trajs", "good", "-o", "graded").code == 0
    assert stored("good").read_text() == before
    assert (
        json.loads(tau2("evaluate-trajs", "graded/good", "--json").out)["runs"][0]["num_flips"] == 0
    )
    again = tau2("evaluate-trajs", "good", "-o", "graded")
    assert again.code == 2
    assert "exists already" in again.err


def test_a_flip_is_shown_with_its_reason(tau2, runs):
    rewrite_criteria("good")
    out = tau2("evaluate-trajs", "good").out
    assert "2 flips, 2 changed rewards" in out
    assert "lost on DB" in out


def test_of_one_run_named_twice_it_is_said_that_nothing_can_differ(tau2, runs):
    ended = tau2("compare", "latest", "bad")
    assert (ended.code, ended.err) == (0, "")
    assert "both are the same run, bad: nothing can differ" in ended.out
    assert "same run" in tau2("compare", "latest", "bad", "--json").err
    assert "same run" not in tau2("compare", "good", "bad").out
