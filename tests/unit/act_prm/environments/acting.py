"""What a model says in these tests, and worlds in which nobody has to be asked."""

from __future__ import annotations

from typing import Any

from tests.cast import ON_THE_LIST, User, says

from act_prm.environments import Tau2BenchEnv
from act_prm.environments.tau2bench_messages import respond_user
from act_prm.llm_handlers import ActionFromLLM


def call(name: str, call_id: str | None = None, **arguments: Any) -> ActionFromLLM:
    """Return a call of a tool."""
    return ActionFromLLM(
        role="assistant", type="function_call", name=name, arguments=arguments, call_id=call_id
    )


def text(said: str, kind: str = "message") -> ActionFromLLM:
    """Return a text that is no call."""
    return ActionFromLLM(role="assistant", type=kind, text=said)


def respond(said: str, call_id: str | None = None) -> ActionFromLLM:
    """Return a call that speaks to the customer."""
    return respond_user(said, call_id)


def create_meeting() -> ActionFromLLM:
    """Return the call that solves `create_task_1`."""
    return call("create_task", "call_0", **ON_THE_LIST)


def mock_env(*lines: Any, kind: type[Tau2BenchEnv] = Tau2BenchEnv, **settings: Any) -> Any:
    """Return an environment over `create_task_1`, with a customer that says these lines."""
    script = says(*(lines or ("Please add a task.", "Thank you. ###STOP###")))
    chosen = {"task_ids": ["create_task_1"], "num_train_tasks": 1, "num_test_tasks": 0}
    return kind("mock", user=lambda *_: User(script), **{**chosen, **settings})
