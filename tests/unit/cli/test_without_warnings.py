"""Every command in Python's development mode, where a warning is an error: it leaves nothing open.

What is asked of the garbage collector cannot raise; it is printed, and looked for here.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys

import pytest
from tests.stub import StubServer

from tau2.cli.commands import COMMANDS

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

TAU2 = [sys.executable, "-X", "dev", "-W", "error", "-m", "tau2.cli"]
SCRIPTED = ("--domain", "mock", "--agent", "oracle_agent", "--user", "scripted_user")
TWO = ("run", *SCRIPTED, "--num-tasks", "2")


def tau2(folder, *arguments):
    """Run a command in a folder; return its exit code after a look at what it printed.

    What it printed goes to the test's own output, for a test that fails.
    """
    ended = subprocess.run(
        [*TAU2, *arguments],
        cwd=folder,
        env={**os.environ, "TAU2_SIMULATIONS_DIR": str(folder / "data" / "simulations")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    sys.stdout.write(ended.stdout + ended.stderr)
    assert_quiet(ended.stdout + ended.stderr)
    return ended.returncode


def assert_quiet(text):
    loud = re.findall(r"^.*(?:Warning|Exception ignored|Traceback).*$", text, re.MULTILINE)
    assert loud == [], text[-3000:]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with two runs, `one` and `two`."""
    folder = tmp_path_factory.mktemp("commands")
    assert tau2(folder, *TWO, "--save-to", "one") == 0
    assert tau2(folder, *TWO, "--save-to", "two", "--seed", "7") == 0
    return folder


PLAIN = {
    "view": ["view", "one"],
    "play": ["play", "--domain", "mock"],  # which needs a terminal
    "report": ["report", "one", "two", "--output", "report.html"],
    "export": ["export", "one", "--output", "table.jsonl"],
    "compare": ["compare", "one", "two"],
    "evaluate-trajs": ["evaluate-trajs", "one"],
    "leaderboard": ["leaderboard"],
    "submit": ["submit", "prepare", "one", "--output-dir", "submission"],
    "replay": ["replay", "one"],
    "blame": ["blame", "one"],
    "users": ["users", "certify", "--domain", "mock", "--user", "scripted_user", "-o", "card.html"],
    "domain": ["domain", "mock"],
    "check-data": ["check-data"],
    "audit": ["audit", "--domain", "mock", "--task-ids", "create_task_1"],
    "completion": ["completion", "bash"],
    "intro": ["intro"],
    "models": ["models", "list"],
    "new": ["new", "domain", "bakery"],
    "protocols": ["protocols"],
}
ELSEWHERE = {
    *("convert-results", "run", "review", "serve-domain", "serve-model", "start", "tasks", "voice"),
}


def test_no_command_is_left_out():
    assert set(PLAIN) | ELSEWHERE == set(COMMANDS)


@pytest.mark.parametrize("name", PLAIN)
def test_a_command_warns_of_nothing(place, name):
    assert tau2(place, *PLAIN[name]) == (2 if name == "play" else 0)


def test_workers_warn_of_nothing(place):
    assert tau2(place, *TWO, "--save-to", "workers", "--workers", "2") == 0


def test_tasks_warn_of_nothing(place):
    arguments = ("--domain", "retail", "--n", "2", "--seed", "1", "--out", "tasks.json")
    assert tau2(place, "tasks", "generate", *arguments) == 0


def test_converting_warns_of_nothing(place):
    shutil.copytree(place / "data" / "simulations" / "one", place / "copied")
    assert tau2(place, "convert-results", "copied") == 0


def test_models_and_reviews_warn_of_nothing(place):
    report = {"summary": "Nothing.", "errors": []}
    with StubServer(["Hello. ###STOP###", json.dumps(report)]) as server:
        args = json.dumps({"api_base": server.base_url, "api_key": "key", "num_retries": 0})
        model = ("--agent-llm", "openai/stub", "--agent-llm-args", args)
        user = ("--user", "scripted_user", "--num-tasks", "1", "--save-to", "asked")
        assert tau2(place, "run", "--domain", "mock", *model, *user) in {0, 1}
        review = ("--review-model", "openai/stub", "--review-args", args)
        assert tau2(place, "review", "asked", *review) in {0, 1}


def test_a_server_warns_of_nothing(place):
    server = subprocess.Popen(
        [*TAU2, "start", "mock"],
        cwd=place,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert server.stdout is not None
        address = next(line for line in server.stdout if "http://127.0.0.1" in line)
        assert "/" in address
        server.send_signal(signal.SIGINT)
        rest = server.stdout.read()
        server.wait(30)
    finally:
        server.kill()
        server.wait()
        server.stdout.close()
    assert_quiet(rest)
