"""Scripts and notebooks whose participants live in one process, played by workers in others."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

HEAD = """
import sys, threading
from tau2 import TextRunConfig
from tau2.agent.base_agent import HalfDuplexAgent
from tau2.data_model.message import AssistantMessage, UserMessage
from tau2.registry import registry
from tau2.runner import get_tasks, run_tasks
from tau2.user.base_user import HalfDuplexUser

class Hasty(HalfDuplexAgent):
    def get_init_state(self, message_history=None):
        return list(message_history or [])

    def generate_next_message(self, message, state):
        return AssistantMessage(role="assistant", content="Hasty was here. ###STOP###"), state

class Brief(HalfDuplexUser):
    def get_init_state(self, message_history=None):
        return list(message_history or [])

    def generate_next_message(self, message, state):
        return UserMessage(role="user", content="Brief was here. ###STOP###"), state

def hasty(tools, domain_policy, **options):
    return Hasty(tools, domain_policy)

def play(**options):
    given = {"domain": "mock", "agent": "oracle_agent", "user": "scripted_user", "workers": 2}
    config = TextRunConfig(**given | options)
    tasks = get_tasks("mock", num_tasks=2)
    results = run_tasks(config, tasks, console_display=False)
    for run in results.simulations:
        print(run.termination_reason.value, [message.content for message in run.messages][:3])
"""


def run_script(folder: Path, body: str) -> subprocess.CompletedProcess[str]:
    script = folder / "mine.py"
    script.write_text(HEAD + textwrap.dedent(body))
    return subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, check=False, timeout=100
    )


def run_as_notebook(body: str) -> subprocess.CompletedProcess[str]:
    """Run code that lies in no file, as the cells of a notebook do."""
    code = HEAD + textwrap.dedent(body)
    return subprocess.run(
        [sys.executable, "-"], input=code, capture_output=True, text=True, check=False, timeout=100
    )


@pytest.mark.parametrize("body", ["play()", "play(workers=0)\nplay()"])
def test_a_script_without_a_guard_is_told_what_to_write(tmp_path, body):
    ended = run_script(tmp_path, body)
    assert ended.returncode == 1
    assert 'below the line `if __name__ == "__main__":`' in ended.stderr.splitlines()[-1]
    assert ended.stderr.count("Traceback") == 1
    if body == "play()":
        assert ended.stdout == ""


def test_another_process_that_imports_the_script_is_told_too(tmp_path):
    ended = run_script(
        tmp_path,
        """
        import multiprocessing
        if __name__ != "__main__":
            play(workers=0)
        else:
            other = multiprocessing.get_context("spawn").Process(target=print, name="mine")
            other.start()
            other.join()
            sys.exit(other.exitcode)
        """,
    )
    assert ended.returncode == 1
    assert "still importing the script" in ended.stderr


def test_what_a_script_registers_below_its_guard_is_played_by_workers(tmp_path):
    ended = run_script(
        tmp_path,
        """
        if __name__ == "__main__":
            registry.register_agent_factory(hasty, "hasty")
            registry.register_user(Brief, "brief")
            registry.register_domain(registry.get_env_constructor("mock"), "mock_again")
            play(agent="hasty")
            play(user="brief", domain="mock_again")
        """,
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.count("Hasty was here") == 2
    assert ended.stdout.count("Brief was here") == 2


def test_what_a_notebook_registers_is_played_by_workers():
    ended = run_as_notebook(
        """
        registry.register_agent_factory(
            lambda tools, domain_policy: Hasty(tools, domain_policy), "hasty"
        )
        registry._users["scripted_user"] = Brief
        play(agent="hasty")
        """
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.count("Brief was here") + ended.stdout.count("Hasty was here") >= 2


def test_what_cannot_be_sent_is_named_with_the_reason():
    ended = run_as_notebook(
        """
        lock = threading.Lock()
        registry.register_agent_factory(
            lambda tools, domain_policy: lock and hasty(tools, domain_policy), "locked"
        )
        play(agent="locked")
        """
    )
    assert ended.returncode == 1
    last = ended.stderr.splitlines()[-1]
    assert "agent 'locked' was registered while the program runs and cannot be sent" in last
    assert "cannot pickle '_thread.lock' object" in last
    assert ended.stderr.count("Traceback") == 1


def test_a_worker_that_breaks_while_it_starts_ends_the_run_at_once(tmp_path):
    ended = run_script(
        tmp_path,
        """
        if __name__ != "__main__":
            raise OSError("no such disk")
        play()
        """,
    )
    assert ended.returncode == 1
    assert "no such disk" in ended.stderr
    assert "ended while it started (exit code 1)" in ended.stderr.splitlines()[-1]


def test_a_notebooks_agent_on_ray():
    pytest.importorskip("ray", reason="ray is not installed (extra: ray)")
    ended = run_as_notebook(
        """
        registry.register_agent_factory(hasty, "hasty")
        play(agent="hasty", executor="ray")
        lock = threading.Lock()
        registry.register_agent_factory(
            lambda tools, domain_policy: lock and hasty(tools, domain_policy), "locked"
        )
        play(agent="locked", executor="ray")
        """
    )
    assert ended.stdout.count("Hasty was here") == 2
    assert "agent 'locked' was registered while" in ended.stderr.splitlines()[-1]
