"""`tau2 submit`, as a user types it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.calls import a_call
from tests.unit.report.conftest import a_run, some_results

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


# --- interaction metrics --------------------------------------------------------------------------


def store(name: str, domain: str, *calls: tuple[str, str]) -> None:
    """Store a spoken run of one domain."""
    results = some_results(
        *(a_run(f"task{place}", ticks=a_call(*call)) for place, call in enumerate(calls))
    )
    results.info.environment_info.domain_name = domain
    results.save(Path("data/simulations") / name / "results.json")


ANSWERED = ("uu...." * 12, "...aa." * 12)


def test_the_interaction_metrics_of_a_spoken_run_are_shown(tau2, monkeypatch):
    store("call", "mock", ANSWERED, ANSWERED)
    monkeypatch.setenv("COLUMNS", "80")  # in a pipe, lines are as long as they are

    ended = tau2("submit", "interaction-metrics", "call")

    assert ended.code == 0
    assert "mock: 2 spoken simulations" in ended.out
    (latency,) = [line for line in ended.out.splitlines() if line.startswith("response latency")]
    assert latency.split()[2:4] == ["0.20", "s"]
    (yielding,) = [line for line in ended.out.splitlines() if line.startswith("yield rate")]
    assert "–" in yielding
    assert max(map(len, ended.out.splitlines())) <= 80


def test_they_are_written_in_the_form_of_a_submission(tau2):
    store("one", "mock", ANSWERED)
    store("two", "shop", ("uu...." * 12, "....aa" * 12))

    ended = tau2("submit", "interaction-metrics", "one", "two", "--output", "m.json", "--json")

    data = json.loads(ended.out)
    assert data == json.loads(Path("m.json").read_text())
    assert list(data["domains"]) == ["mock", "shop"]
    assert data["overall"]["response_latency_mean"] == pytest.approx(0.3)
    assert data["overall"]["counts"]["response_total"] == 24
    assert data["config"]["tick_duration_sec"] == 0.2
    assert data["config"]["no_yield_window_sec"] == 2.0


def test_a_text_run_has_no_interaction_metrics(tau2, run):
    ended = tau2("submit", "interaction-metrics", "first")

    assert ended.code == 2
    assert "no spoken simulation" in ended.err
    assert "--audio-native" in ended.err


def test_two_runs_of_one_domain_are_not_mixed(tau2):
    store("one", "mock", ANSWERED)

    ended = tau2("submit", "interaction-metrics", "one", "one")

    assert ended.code == 2
    assert "one run per domain" in ended.err
