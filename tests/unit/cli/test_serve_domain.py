"""`tau2 serve-domain`: what it refuses before anything is served."""

from __future__ import annotations

import importlib.util

import pytest

SCRIPTED = ("--user", "scripted_user")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["mok"], "did you mean 'mock'?"),
        (["mock", "--port", "70000"], "--port must be between 0 and 65535, not 70000"),
        (["mock", "--session-timeout", "0"], "--session-timeout is in seconds and above 0, not 0"),
        (["mock", "--stdio", "--num-trials", "2"], "--stdio plays one episode"),
        (["mock", "--stdio", "--num-tasks", "2"], "--stdio plays one episode"),
        (["mock", "--stdio", "--task-ids", "a", "b"], "--stdio plays one episode"),
        (["mock", "--workers", "2"], "no option of `tau2 serve-domain` named '--workers'"),
        (["mock", "--agent", "llm_agent"], "no option of `tau2 serve-domain` named '--agent'"),
    ],
)
def test_what_cannot_be_served_is_refused_first(tau2, arguments, problem):
    ended = tau2("serve-domain", *arguments, *SCRIPTED)
    assert ended.code == 2
    assert problem in ended.err
    assert ended.out == ""


@pytest.mark.skipif(importlib.util.find_spec("mcp") is not None, reason="mcp is installed here")
def test_without_the_package_it_says_what_to_install(tau2):
    ended = tau2("serve-domain", "mock", *SCRIPTED)
    assert ended.code == 2
    assert "pip install 'tau2-bench[mcp]'" in ended.err


@pytest.mark.skipif(importlib.util.find_spec("mcp") is not None, reason="mcp is installed here")
def test_a_run_that_starts_a_program_says_it_too(tau2):
    ended = tau2("run", "--domain", "mock", "--agent-command", "true", *SCRIPTED)
    assert ended.code == 2
    assert "pip install 'tau2-bench[mcp]'" in ended.err


def test_a_run_over_mcp_names_what_it_needs(tau2):
    ended = tau2("run", "--domain", "mock", "--agent-protocol", "mcp", *SCRIPTED)
    assert ended.code == 2
    assert "--agent-command 'python my_agent.py'" in ended.err
    ended = tau2("run", "--domain", "mock", "--agent", "program_agent", *SCRIPTED)
    assert ended.code == 2
    assert "name what starts it, --agent-command" in ended.err


def test_another_command_says_which_one_has_such_agents(tau2):
    ended = tau2("run", "--domain", "mock", "--agent", "mcp_agent", *SCRIPTED)
    assert ended.code == 2
    assert "play, or continue, with `tau2 serve-domain`" in ended.err
