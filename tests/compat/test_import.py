"""Importing the package is silent, offline and light."""

from __future__ import annotations

import subprocess
import sys

import pytest

GUARDED = """
import socket, sys
def refuse(*_args, **_kwargs):
    raise AssertionError("a socket was opened")
socket.socket.connect = refuse
socket.create_connection = refuse
"""


def run(script: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-W", "error", "-c", script]
    return subprocess.run(command, check=False, capture_output=True, text=True)


def test_the_package_loads_next_to_nothing():
    done = run("import sys; before = set(sys.modules); import tau2; print(len(set(sys.modules)))")
    assert done.stderr == ""
    assert int(done.stdout) <= 60


@pytest.mark.parametrize(
    "module", ["tau2", "tau2.run", "tau2.runner", "tau2.registry", "tau2.data_model.simulation"]
)
def test_importing_is_silent_and_offline(module):
    done = run(f"{GUARDED}\nimport {module}")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_core_loads_nothing_heavy():
    heavy = {"litellm", "openai", "gymnasium", "numpy", "pandas", "torch", "rich", "fastapi"}
    modules = (
        "tau2.environment.environment, tau2.orchestrator.orchestrator, "
        "tau2.evaluator.evaluator, tau2.runner.batch"
    )
    done = run(f"import sys, {modules}\nprint(sorted(set(sys.modules) & {heavy!r}))")
    assert done.stdout == "[]\n"
