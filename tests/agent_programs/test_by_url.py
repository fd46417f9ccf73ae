"""The example programs of agents by URL, each started and played with.

`make test-agents` plays the A2A server with the package of either version, in environments of
their own. Elsewhere, tests whose package is missing are skipped.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.cast import mock_task

from tau2 import TextRunConfig
from tau2.errors import ConfigError
from tau2.runner import run_tasks

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "agent_programs"

needs_a2a = pytest.mark.skipif(
    importlib.util.find_spec("a2a") is None,
    reason="needs a2a-sdk in an environment of its own: make test-agents",
)


@contextmanager
def started(program: str, **variables: str) -> Iterator[str]:
    """Start an example program on a free port; yield its address."""
    process = subprocess.Popen(
        [sys.executable, str(EXAMPLES / program), "--port", "0"],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **variables},
    )
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def rewards(url: str, protocol: str) -> list[float]:
    config = TextRunConfig(
        domain="mock", user="scripted_user", agent_url=url, agent_protocol=protocol
    )
    results = run_tasks(config, [mock_task("create_task_1")], console_display=False)
    return [run.reward_info.reward for run in results.simulations]


def test_the_chat_program_plays_a_task():
    with started("chat_agent.py") as url:
        assert rewards(url, "chat") == [1.0]


def test_the_chat_program_wants_its_key(monkeypatch):
    with started("chat_agent.py", MY_AGENT_KEY="the-key-of-the-desk") as url:
        monkeypatch.setenv("TAU2_AGENT_KEY", "the-key-of-the-desk")
        assert rewards(url, "chat") == [1.0]


@needs_a2a
def test_the_a2a_server_plays_a_task():
    with started("a2a_agent.py") as url:
        assert rewards(url, "a2a") == [1.0]


@needs_a2a
def test_conversations_at_once_are_contexts_of_their_own():
    with started("a2a_agent.py") as url:
        config = TextRunConfig(
            domain="mock",
            user="scripted_user",
            agent_url=url,
            agent_protocol="a2a",
            num_trials=4,
            max_concurrency=4,
        )
        results = run_tasks(config, [mock_task("create_task_1")], console_display=False)
    assert [run.reward_info.reward for run in results.simulations] == [1.0] * 4


@needs_a2a
def test_an_a2a_server_is_no_chat_program():
    with started("a2a_agent.py") as url:
        config = TextRunConfig(
            domain="mock",
            user="scripted_user",
            agent_url=url,
            num_trials=2,
            llm_args_agent={"num_retries": 0},
        )
        with pytest.raises(ConfigError, match="does not speak the protocol 'chat'"):
            run_tasks(config, [mock_task("create_task_1")], console_display=False)
