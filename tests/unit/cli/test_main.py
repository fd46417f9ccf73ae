from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tau2.cli import COMMANDS

HEAVY = ("pydantic", "rich", "tau2.runner", "tau2.registry", "httpx", "aiohttp")


def python(code: str, **options):
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        **options,
    )


def test_the_command_is_a_module_too():
    ended = subprocess.run(
        [sys.executable, "-m", "tau2", "--version"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ended.returncode, ended.stdout.split()[0]) == (0, "tau2")


def test_help_is_light():
    code = (
        "import json, sys, time\n"
        "from tau2.cli import main\n"
        "main(['--help'])\n"
        f"heavy = [name for name in {HEAVY} if name in sys.modules]\n"
        "print(json.dumps([heavy, time.process_time()]), file=sys.stderr)"
    )
    python(code)  # the first one may have to write bytecode
    ended = python(code)
    heavy, cpu_seconds = json.loads(ended.stderr)
    assert heavy == []
    assert cpu_seconds <= 0.4
    assert all(command in ended.stdout for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_every_command_fits_a_terminal_and_teaches(tau2, monkeypatch, command):
    monkeypatch.setenv("COLUMNS", "80")
    ended = tau2(command, "--help")
    assert ended.code == 0
    assert ended.err == ""
    assert max(map(len, ended.out.splitlines())) <= 88
    assert "usage: tau2 " + command in ended.out


def test_without_a_command_there_is_an_introduction(tau2):
    ended = tau2()
    assert ended.code == 0
    assert "tau2 run --domain mock --agent oracle_agent --user scripted_user" in ended.out


def test_help_may_be_a_command(tau2):
    assert tau2("help", "view").out == tau2("view", "--help").out
    assert tau2("help").out == tau2("--help").out


def test_the_version(tau2):
    assert tau2("--version").out.startswith("tau2 ")


def test_an_unknown_command_suggests_the_nearest(tau2):
    ended = tau2("vieww")
    assert ended.code == 2
    assert ended.err == "tau2: no command named 'vieww'; did you mean 'view'?\n"


def test_an_unknown_command_like_none_lists_them_all(tau2):
    ended = tau2("costs")
    assert ended.code == 2
    assert "did you mean" not in ended.err
    assert all(name in ended.err for name in COMMANDS)


@pytest.mark.parametrize("width", ["60", "80"])
@pytest.mark.parametrize("command", ["view", "models", "compare", "audit"])
def test_help_fits_the_terminal_and_breaks_no_command(tau2, monkeypatch, command, width):
    monkeypatch.setenv("COLUMNS", width)
    lines = tau2(command, "--help").out.splitlines()
    wide = [line for line in lines if len(line) > int(width)]
    assert all(line.startswith("  tau2 ") for line in wide)
    monkeypatch.setenv("COLUMNS", "200")
    said = " ".join(tau2(command, "--help").out.split())
    assert sorted(said) == sorted(" ".join(" ".join(lines).split())), "nothing is lost"


def test_an_unknown_option_suggests_the_nearest(tau2):
    ended = tau2("run", "--domain", "mock", "--num-trial", "3")
    assert ended.code == 2
    assert "did you mean '--num-trials'?" in ended.err
    assert "Traceback" not in ended.err


def test_a_word_that_belongs_to_no_option_is_an_error(tau2):
    ended = tau2("run", "mock")
    assert ended.code == 2
    assert "'mock'" in ended.err


def test_with_debug_logging_an_error_keeps_its_traceback(tau2):
    with pytest.raises(KeyError):
        tau2("run", "--domain", "nowhere", "--log-level", "DEBUG")


def test_output_into_a_closed_pipe_is_no_error():
    process = subprocess.Popen(
        [sys.executable, "-m", "tau2.cli", "domain", "mock"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    process.stdout.close()
    errors = process.stderr.read().decode()
    process.stderr.close()
    assert process.wait(60) == 0
    assert errors == ""


def test_a_terminal_without_unicode_shows_tables_all_the_same():
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    ended = subprocess.run(
        [sys.executable, "-m", "tau2.cli", "domain", "mock"],
        capture_output=True, text=True, timeout=60, check=False, env=environment,
    )  # fmt: skip
    assert ended.returncode == 0
    assert ended.stderr == ""


def test_of_a_missing_word_it_is_said_which_there_are(tau2):
    ended = tau2("new")
    assert ended.code == 2
    assert "kind (domain, agent, user, backend), NAME" in ended.err
