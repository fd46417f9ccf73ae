"""`tau2 leaderboard`, as a user types it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

RUN = (
    "--domain",
    "mock",
    "--user",
    "scripted_user",
    "--task-ids",
    "create_task_1",
    "update_task_1",
)


@pytest.fixture
def runs(tau2):
    tau2("run", *RUN, "--agent", "oracle_agent", "--save-to", "good")
    tau2("run", *RUN, "--agent", "lazy_agent", "--save-to", "bad")


def test_runs_are_ranked_with_their_denominators(tau2, runs):
    lines = tau2("leaderboard").out.splitlines()
    assert lines[0] == "mock by pass^1"
    assert ("good" in lines[2], "bad" in lines[3]) == (True, True)
    assert "2/2" in lines[2]


def test_the_board_as_json(tau2, runs):
    (board,) = json.loads(tau2("leaderboard", "-d", "mock", "-n", "1", "--json").out)["boards"]
    assert ([one["run"] for one in board["standings"]], board["hidden"]) == (["good"], 1)
    assert json.loads(tau2("leaderboard", "-d", "retail", "--json").out) == {"boards": []}


def test_a_broken_run_is_left_out_by_name(tau2, runs):
    Path("data/simulations/broken.json").write_text("{")
    ended = tau2("leaderboard")
    assert ended.code == 0
    assert "left out: broken.json" in ended.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("-d", "retail"), "no runs of domain 'retail'"),
        (("--dir", "elsewhere"), "there are no runs in elsewhere"),
        (("-n", "0"), "--limit must be at least 1"),
        (("-m", "pass_9"), "invalid choice"),
    ],
)
def test_mistakes_are_explained(tau2, runs, arguments, said):
    ended = tau2("leaderboard", *arguments)
    assert ended.code == 2
    assert said in ended.err
