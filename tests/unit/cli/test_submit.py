"""`tau2 submit`, as a user types it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

RUN = (
    "--domain",
    "mock",
    "--agent",
    "oracle_agent",
    "--user",
    "scripted_user",
    "--task-ids",
    "create_task_1",
)
WHO = ("--model", "a-model", "--organization", "A Lab", "--email", "me@example.org")
STORED = Path("data/simulations/first/results.json")


@pytest.fixture
def run(tau2):
    tau2("run", *RUN, "--save-to", "first")


def forge() -> None:
    """Let the stored conversation claim what it did not do."""
    (file,) = (STORED.parent / "simulations").glob("*.json")
    data = json.loads(file.read_text())
    data["messages"] = [message for message in data["messages"] if message["role"] == "user"]
    file.write_text(json.dumps(data))


def test_prepare_validate_and_verify(tau2, run):
    ended = tau2("submit", "prepare", "first", "-o", "mine", *WHO)
    assert ended.code == 0
    assert json.loads(Path("mine/submission.json").read_text())["model_name"] == "a-model"
    checked = tau2("submit", "validate", "mine", "--replay")
    assert (checked.code, "mine: 0 errors" in checked.out) == (0, True)
    verified = tau2("submit", "verify-trajs", "mine", "first")
    assert (verified.code, verified.out.count("all rewards are earned")) == (0, 2)


def test_what_is_open_is_said(tau2, run):
    assert (
        "model_organization: it is not filled in"
        in tau2("submit", "prepare", "first", "-o", "mine").out
    )
    assert tau2("submit", "validate", "mine").code == 1


def test_a_forged_run_is_refused(tau2, run):
    forge()
    ended = tau2("submit", "prepare", "first", "-o", "mine", *WHO)
    assert ended.code == 2
    assert "nothing was written" in ended.err
    assert not Path("mine").exists()
    assert tau2("submit", "prepare", "first", "-o", "mine", "--no-verify", *WHO).code == 0
    assert "claims 1.0" in tau2("submit", "validate", "mine", "--replay").out
    assert tau2("submit", "verify-trajs", "mine").code == 1


def test_everything_as_json(tau2, run):
    assert (
        json.loads(tau2("submit", "prepare", "first", "-o", "mine", "--json", *WHO).out)["folder"]
        == "mine"
    )
    assert json.loads(tau2("submit", "validate", "mine", "--json").out)["valid"]
    assert json.loads(tau2("submit", "verify-trajs", "first", "--json").out)["verified"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("prepare", "first"), "-o DIR"),
        (("validate", "nowhere"), "no such folder"),
        (("verify-trajs", "nowhere"), "no run in"),
        (("perpare", "first"), "invalid choice"),
    ],
)
def test_mistakes_are_explained(tau2, run, arguments, said):
    ended = tau2("submit", *arguments)
    assert ended.code == 2
    assert said in ended.err
