from __future__ import annotations

import shutil
import subprocess

import pytest

from tau2.cli import COMMANDS
from tau2.cli.completion import candidates, unquoted


def test_commands_and_options_are_completed():
    assert candidates(["che"]) == ["check-data"]
    assert candidates(["help", "interactive"]) == []
    assert candidates(["run", "--task-i"]) == ["--task-ids"]
    assert candidates(["nothing", ""]) == []
    assert set(COMMANDS) <= set(candidates([]))


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (["run", "--domain", "ret"], ["retail"]),
        (["run", "--domain", "=", "ret"], ["retail"]),
        (["run", "--agent", "oracle_agent_"], ["oracle_agent_solo"]),
        (["run", "--user", "scr"], ["scripted_user"]),
        (["run", "-d", "mock", "--task-ids", "create_task_1", "update_task_1"], ["update_task_1"]),
        (["run", "-d", "mock", "--task-split-name", "zzz"], []),
        (["run", "--results-format", ""], ["dir", "json"]),
        (["run", "--seed", ""], []),
        (["run", "--quiet", "x"], []),
        (["play", "--as", ""], ["agent", "user"]),
        (["domain", "moc"], ["mock"]),
        (["domain", "mock", ""], []),
        (["start", "mock", "ret"], ["retail"]),
        (["convert-results", ""], [":files"]),
        (["completion", ""], ["bash", "zsh", "fish"]),
        (["run", "-d", "nowhere", "--task-ids", ""], []),
    ],
)
def test_values_are_completed(line, found):
    assert candidates(line) == found


def test_runs_and_their_tasks_are_completed(tau2):
    tau2("run", "--domain", "mock", "--agent", "oracle_agent", "--user", "scripted_user",
         "--task-ids", "create_task_1", "--save-to", "first")  # fmt: skip
    assert candidates(["view", "fi"]) == ["first"]
    assert candidates(["compare", "first", ""]) == ["first"]
    assert candidates(["view", "first", "--task-id", ""]) == ["create_task_1"]


def test_a_broken_run_completes_to_nothing(tau2, workplace):
    folder = workplace / "data" / "simulations" / "broken"
    folder.mkdir(parents=True)
    (folder / "results.json").write_text("{")
    assert candidates(["view", "broken", "--task-id", ""]) == []


@pytest.mark.parametrize(
    ("word", "plain"),
    [("a\\[b", "a[b"), ("'a b", "a b"), ('"x', "x"), ("plain", "plain"), ("", "")],
)
def test_what_the_shell_quoted_is_read_as_it_means(word, plain):
    assert unquoted(word) == plain


def test_words_are_printed_one_per_line(tau2):
    assert tau2("completion", "words", "--", "play", "--as", "").out == "agent\nuser\n"
    assert tau2("completion", "words", "quoted", "--", "domain", "mo\\c").out == "mock\n"
    assert tau2("completion", "csh").code == 2


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_scripts_are_sound(tau2, shell):
    script = tau2("completion", shell).out
    assert all(command in script for command in COMMANDS)
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    subprocess.run([shell, "-n"], input=script, text=True, check=True, capture_output=True)


def test_bash_never_evaluates_a_name(tau2, workplace):
    if shutil.which("bash") is None:
        pytest.skip("bash is not installed")
    hostile = "$(touch pwned) `touch pwned`;x"
    tools = workplace / "tau2"
    tools.write_text(f"#!/bin/sh\ncat <<'E'\n{hostile}\nE\n")
    tools.chmod(0o755)
    script = tau2("completion", "bash").out
    ask = f'COMP_WORDS=({tools} view ""); COMP_CWORD=2; _tau2; printf "%s\\n" "${{COMPREPLY[@]}}"'
    done = subprocess.run(
        ["bash", "-c", f"{script}\n{ask}"],
        text=True,
        capture_output=True,
        check=True,
        cwd=workplace,
    )
    assert unquoted(done.stdout.strip()) == hostile
    assert not (workplace / "pwned").exists()
