from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tau2.agent.base_agent import HalfDuplexAgent
from tau2.data_model.simulation import Results
from tau2.errors import ModelUnavailable
from tau2.participant.spec import AgentSpec
from tau2.registry import registry
from tau2.storage import store

OFFLINE = ("--agent", "oracle_agent", "--user", "scripted_user")
ONE = ("--domain", "mock", *OFFLINE, "--task-ids", "create_task_1")


class Unreachable(HalfDuplexAgent):
    """An agent whose model cannot be reached."""

    blocking = False

    def get_init_state(self, message_history=None):
        return None

    def generate_next_message(self, message, state):
        raise ModelUnavailable("nobody answers")


@pytest.fixture
def unreachable_agent():
    spec = AgentSpec(
        "unreachable",
        make=lambda tools, domain_policy, **_: Unreachable(tools, domain_policy),
        needs_model=False,
    )
    with registry.agents.adding(spec):
        yield


def test_a_run_without_models_is_played_shown_and_saved(tau2):
    ended = tau2("run", "--domain", "mock", *OFFLINE, "--save-to", "first")
    assert ended.code == 0
    assert ended.err == ""
    assert "average reward  1.000  over 10 of 10 simulations\n" in ended.out
    assert "\nwall time " in ended.out
    assert "look at it with: tau2 view first" in ended.out
    assert len(Results.load("data/simulations/first").simulations) == 10


def test_every_finished_simulation_has_a_line_where_there_is_no_terminal(tau2):
    lines = tau2("run", "--domain", "mock", *OFFLINE).out.splitlines()
    assert lines[0] == "mock: oracle_agent x scripted_user: 10 simulations"
    assert [line for line in lines if line.startswith("[10/10] ✓ ")]


def test_json_prints_one_object_and_nothing_else(tau2):
    ended = tau2("run", *ONE, "--num-trials", "2", "--json")
    summary = json.loads(ended.out)
    assert ended.err == ""
    assert summary["average_reward"] == 1.0
    assert summary["pass_hat_k"]["2"] == {"value": 1.0, "interval": None, "num_tasks": 1}
    assert summary["wall_seconds"] > 0
    assert Path(summary["saved_to"]).is_dir()


def test_quiet_prints_the_result_on_one_line(tau2):
    ended = tau2("run", *ONE, "--quiet", "--save-to", "q")
    assert ended.out == "average reward 1.000 over 1 of 1 simulation; saved to data/simulations/q\n"


def test_all_results_in_one_file(tau2):
    tau2("run", *ONE, "--results-format", "json", "--save-to", "one")
    stored = json.loads(Path("data/simulations/one/results.json").read_text())
    assert len(stored["simulations"]) == 1


def test_without_a_domain_the_domains_are_listed(tau2):
    ended = tau2("run")
    assert ended.code == 2
    assert "--domain is required" in ended.err
    assert "mock" in ended.err


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (("--domain", "mok", *OFFLINE), "no domain named 'mok'; did you mean 'mock'?"),
        (
            ("--domain", "mock", "--agent", "oracle", "--user", "scripted_user"),
            "did you mean 'oracle_agent'?",
        ),
        (
            ("--domain", "mock", "--agent", "oracle_agent", "--user", "script"),
            "no user named 'script'",
        ),
        (
            ("--domain", "mock", *OFFLINE, "--task-ids", "create_task_2"),
            "did you mean 'create_task_1'?",
        ),
        (("--domain", "mock", *OFFLINE, "--task-split-name", "bas"), "did you mean 'base'?"),
        (("--domain", "mock", *OFFLINE, "--task-set-name", "mocks"), "did you mean 'mock'?"),
        (("--domain", "mock", *OFFLINE, "--log-level", "LOUD"), "no log level named 'LOUD'"),
        (("--domain", "mock", *OFFLINE, "--num-trials", "0"), "num_trials must be at least 1"),
        (
            ("--domain", "mock", *OFFLINE, "--timeout", "-1"),
            "timeout is in seconds and must be positive",
        ),
        (("--domain", "mock", *OFFLINE, "--user-persona", "verbosity=loud"), "verbosity='loud'"),
        (
            ("--domain", "mock", *OFFLINE, "--save-to", "/dev/null/run"),
            "/dev/null/run: Not a directory",
        ),
        (("--domain", "mock", *OFFLINE, "--save-to", "../up"), "'..'"),
        (("--domain", "mock", *OFFLINE, "--save-to", "name.json"), "without .json"),
        (("--domain", "mock", "--audio-native"), "set OPENAI_API_KEY"),
        (
            ("--domain", "mock", "--audio-native-model", "x", "--audio-taps"),
            "--audio-taps, --audio-native-model are for voice runs: add --audio-native",
        ),
        (
            ("--domain", "mock", "--tick-duration=0.2"),
            "--tick-duration is for voice runs: add --audio-native",
        ),
        (
            ("--domain", "mock", "--audio-native", "--audio-native-provider", "locl"),
            "provider 'locl' is not known; known: openai, openai_live",
        ),
        (
            ("--domain", "mock", "--audio-native", "--max-steps", "5"),
            "a call is limited by --max-steps-seconds",
        ),
        (
            ("--domain", "mock", "--audio-native", "--agent", "oracle_agent"),
            "name it with --audio-native-model",
        ),
        (
            ("--domain", "mock", "--audio-native", "--local-config", "voise=x"),
            "--local-config.voise: Extra inputs",
        ),
        (
            ("--domain", "mock", "--audio-native", "--speech-complexity", "loud"),
            "invalid choice: 'loud'",
        ),
    ],
)
def test_what_cannot_work_is_said_before_anything_is_played(tau2, arguments, hint):
    ended = tau2("run", *arguments)
    assert ended.code == 2
    assert hint in ended.err
    assert "Traceback" not in ended.err
    assert not Path("data").exists()


def test_a_model_without_a_key_comes_with_ways_forward(tau2):
    ended = tau2("run", "--domain", "mock", "--agent-llm", "gpt-4.1")
    assert ended.code == 2
    assert "OPENAI_API_KEY" in ended.err
    assert "--agent-llm openai/NAME --agent-llm-args" in ended.err
    assert "--agent oracle_agent --user scripted_user" in ended.err
    assert "tau2 models get qwen-0.5b" in ended.err


def test_an_agent_that_needs_no_user_needs_no_model_of_the_user(tau2):
    assert (
        tau2(
            "run", "--domain", "mock", "--agent", "oracle_agent_solo", "--task-ids", "create_task_1"
        ).code
        == 0
    )


def test_an_existing_run_is_not_touched(tau2):
    tau2("run", *ONE, "--save-to", "first")
    before = Path("data/simulations/first/results.json").read_bytes()
    ended = tau2("run", *ONE, "--save-to", "first")
    assert ended.code == 2
    assert "--auto-resume" in ended.err
    assert Path("data/simulations/first/results.json").read_bytes() == before


def test_on_a_terminal_one_may_agree_to_continue(tau2, monkeypatch):
    tau2("run", *ONE, "--save-to", "first")
    answers = iter(["what", "y"])
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("builtins.input", lambda _prompt: next(answers))
    assert tau2("run", *ONE, "--num-trials", "2", "--save-to", "first").code == 0
    assert len(Results.load("data/simulations/first").simulations) == 2


@pytest.mark.parametrize("answer", ["n", None])
def test_or_decline(tau2, monkeypatch, answer):
    def asked(_prompt):
        if answer is None:
            raise EOFError
        return answer

    tau2("run", *ONE, "--save-to", "first")
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("builtins.input", asked)
    assert tau2("run", *ONE, "--save-to", "first").code == 2


def test_a_simulation_without_a_score_is_named_and_can_be_played_again(tau2, unreachable_agent):
    ended = tau2(
        "run", "--domain", "mock", "--agent", "unreachable", "--user", "scripted_user",
        "--task-ids", "create_task_1", "--max-retries", "1", "--retry-delay", "0", "--save-to",
        "down",
    )  # fmt: skip
    assert ended.code == 1
    assert "not scored" in ended.out
    assert "ModelUnavailable: nobody answers" in ended.out
    assert "trying again: nobody answers" in ended.out
    assert "--save-to down --auto-resume" in ended.err


def test_an_interrupted_run_loses_nothing_and_says_how_to_go_on(workplace):
    command = [sys.executable, "-m", "tau2.cli"]
    arguments = ["run", "--domain", "mock", *OFFLINE, "--num-trials", "150", "--save-to", "long"]
    process = subprocess.Popen(
        [*command, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=dict(os.environ),
    )
    process.stdout.readline()  # what is played
    process.stdout.readline()  # the first figures
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert f"tau2 {' '.join(arguments)} --auto-resume".replace(
        " --save-to long", ""
    ) in err.replace(" --save-to long", "")
    played = len(Results.load("data/simulations/long").simulations)
    assert f"interrupted after {played} of 1,500 simulations" in err
    assert 0 < played < 1500
    assert f"over {played} of {played} simulations" in out


def test_a_unit_without_a_record_is_no_success(tau2, monkeypatch):
    """A record that was damaged before the run ended is put aside, so its unit has none."""
    monkeypatch.setattr(store, "_HELD", 0)
    oracle = registry.agents.get("oracle_agent")

    def make(**options):
        for file in Path("data/simulations/hurt/simulations").glob("*.json"):
            file.write_text("{}")
        return oracle.make(**options)

    with registry.agents.adding(replace(oracle, name="vandal", make=make)):
        command = ("run", "--domain", "mock", "--agent", "vandal", "--user", "scripted_user")
        ended = tau2(*command, "--num-tasks", "3", "--max-concurrency", "1", "--save-to", "hurt")
    assert ended.code == 1
    assert "no record: 2 simulations of 3; play the rest with:" in ended.err
