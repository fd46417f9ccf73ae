"""Consoles that show few characters (LC_ALL=C, older Windows): words, never an exception."""

from __future__ import annotations

import io
import sys
from collections import Counter

import pytest

from tau2.cli import main
from tau2.utils.output import passed_mark, standard_stream

OFFLINE = ("--domain", "mock", "--agent", "oracle_agent", "--user", "scripted_user")
COMMANDS = [
    ("intro",),
    ("view", "--list"),
    ("view", "lazy"),
    ("view", "lazy", "--task-id", "create_task_1"),
    ("leaderboard",),
    ("compare", "good", "lazy"),
    ("blame", "lazy"),
    ("evaluate-trajs", "lazy"),
    ("protocols",),
    ("models", "list"),
    ("domain", "mock"),
    ("domain", "mock", "--tasks"),
    ("audit", "mock"),
    ("tasks", "difficulty", "mock"),
    ("report", "lazy", "-o", "page.html"),
    ("run", *OFFLINE, "--num-tasks", "1", "--save-to", "another"),
    ("run", *OFFLINE, "--dry-run"),
    ("run", "--help"),
    ("view", "nowhere"),
]


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    """A folder with two runs, one of which failed."""
    folder = tmp_path_factory.mktemp("consoles")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.delenv("TAU2_SIMULATIONS_DIR", raising=False)
        for agent, name in (("oracle_agent", "good"), ("lazy_agent", "lazy")):
            offline = ("--domain", "mock", "--agent", agent, "--user", "scripted_user")
            assert main(["run", *offline, "--num-tasks", "2", "--quiet", "--save-to", name]) == 0
    return folder


def output_of(arguments, encoding, monkeypatch) -> str:
    """Return what a command prints on a console of an encoding that accepts nothing else."""
    streams = [io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="strict") for _ in "oe"]
    monkeypatch.setattr(sys, "stdout", streams[0])
    monkeypatch.setattr(sys, "stderr", streams[1])
    main(arguments)
    written = b""
    for stream in streams:
        stream.flush()
        written += stream.buffer.getvalue()
    return written.decode(encoding)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_command_prints_words_where_signs_cannot_be_shown(played, command, monkeypatch):
    monkeypatch.chdir(played)
    monkeypatch.delenv("TAU2_SIMULATIONS_DIR", raising=False)
    whole = output_of(command, "utf-8", monkeypatch)
    for encoding in ("ascii", "cp1252"):
        shown = output_of(command, encoding, monkeypatch)
        assert shown
        # A sign that nothing stands for is a question mark.
        assert Counter(shown)["?"] <= Counter(whole)["?"], shown


class Screen(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def test_in_the_c_locale_a_terminal_gets_words_and_ascii(monkeypatch):
    monkeypatch.delenv("PYTHONIOENCODING", raising=False)
    monkeypatch.delenv("PYTHONUTF8", raising=False)
    monkeypatch.setenv("LC_ALL", "C")
    monkeypatch.setattr(sys, "stdout", Screen())
    assert (passed_mark(passed=True), passed_mark(passed=False)) == ("passed", "failed")
    assert standard_stream().encoding == "ascii", "though Python itself takes UTF-8"
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    assert (passed_mark(passed=True), standard_stream().encoding) == ("✓", "utf-8")
