"""`make run`: what it plays when a model can be had, and what when not."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PLAYED = {"tasks": [{"task_id": "create_task_1"}, {"task_id": "update_task_1"}]}


@pytest.fixture
def first_run() -> ModuleType:
    spec = importlib.util.spec_from_file_location("first_run", ROOT / "tools" / "first_run.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Machine:
    """Commands that are not started, and how they end."""

    def __init__(self) -> None:
        self.commands: list[str] = []
        self.codes: dict[str, int] = {}
        self.is_there = True
        self.interrupted: str | None = None

    def bounded(self, command: list[str], *_: Any, **__: Any) -> int:
        """Stand in for `_run`."""
        return self.run(command).returncode

    def run(self, command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        """Stand in for `subprocess.run`."""
        line = " ".join(command[1:])
        self.commands.append(line)
        if self.interrupted is not None and self.interrupted in line:
            raise KeyboardInterrupt
        code = next((code for part, code in self.codes.items() if part in line), 0)
        row = {"name": "qwen-0.5b", "bytes": 491_400_064, "is_there": self.is_there}
        output = {"models": [row]} if "models list" in line else PLAYED
        return subprocess.CompletedProcess(command, code, json.dumps(output))

    def played(self, what: str) -> bool:
        return any(what in command for command in self.commands)


@pytest.fixture
def machine(first_run: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Machine:
    machine = Machine()
    monkeypatch.setattr(first_run, "_run", machine.bounded)
    monkeypatch.setattr(first_run.subprocess, "run", machine.run)
    monkeypatch.setattr(first_run.importlib.util, "find_spec", lambda _name: None)
    return machine


@pytest.fixture
def make_run(
    first_run: ModuleType, machine: Machine, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> Callable[..., tuple[int, str]]:
    def make_run(*arguments: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["first_run.py", *arguments])
        return first_run.main(), capsys.readouterr().out

    return make_run


def test_a_model_is_announced_fetched_and_shown(machine: Machine, make_run: Any) -> None:
    machine.is_there = False
    code, said = make_run()
    assert code == 0
    assert "downloading 491 MB, once" in said
    assert machine.played("pip --quiet --disable-pip-version-check install --editable .[local]")
    assert machine.played("models get qwen-0.5b")
    assert machine.played("--agent-llm local/qwen-0.5b --user scripted_user")
    assert machine.played("--task-id create_task_1")
    assert "not worth comparing" in said
    assert not machine.played("oracle_agent")


def test_weights_that_are_here_are_not_announced(machine: Machine, make_run: Any) -> None:
    assert "downloading" not in make_run()[1]


@pytest.mark.parametrize(
    ("fails", "code", "reason"),
    [
        ("install", 1, "llama.cpp cannot be installed here"),
        ("models get", 1, "the weights cannot be had"),
        ("models get", -1, "the download takes too long (the next `make run` continues it)"),
        ("run --domain mock", 2, "the model cannot play here"),
        ("view", 2, "no conversation was finished"),
    ],
)
def test_without_the_model_the_scripted_pair_plays(
    machine: Machine, make_run: Any, fails: str, code: int, reason: str
) -> None:
    machine.codes[fails] = code
    ended, said = make_run()
    assert ended == 0
    assert reason in said
    assert "its score says nothing about any model" in said
    assert machine.played("run --domain retail --num-tasks 12 --agent oracle_agent")


def test_no_model_means_no_download(machine: Machine, make_run: Any) -> None:
    _, said = make_run("--model", "none")
    assert "no model is wanted" in said
    assert not machine.played("models")
    assert not machine.played("pip")


def test_ctrl_c_skips_the_download_and_ends_the_rest(machine: Machine, make_run: Any) -> None:
    machine.interrupted = "models get"
    code, said = make_run()
    assert (code, machine.played("oracle_agent")) == (0, True)
    assert "the download was stopped" in said
    machine.interrupted = "run --domain mock"
    machine.commands.clear()
    assert make_run()[0] == 130
    assert not machine.played("oracle_agent")


def test_a_command_whose_time_is_over_is_interrupted_or_killed(
    first_run: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(first_run, "_GRACE_SECONDS", 0.2)
    stubborn = "import signal, time; signal.signal(signal.SIGINT, signal.SIG_IGN); time.sleep(60)"
    for code in ("import time; time.sleep(60)", stubborn):
        started = [sys.executable, "-c", code]
        ended = first_run._run(started, 1.0, stdout=subprocess.DEVNULL)
        assert ended == first_run._TIME_IS_OVER
    assert first_run._run([sys.executable, "-c", "raise SystemExit(3)"], 30.0) == 3


def test_the_three_steps_take_less_than_ten_minutes(first_run: ModuleType) -> None:
    steps = first_run._INSTALL_SECONDS + first_run._FETCH_SECONDS + first_run._PLAY_SECONDS
    assert steps + 2 * first_run._GRACE_SECONDS < 600
