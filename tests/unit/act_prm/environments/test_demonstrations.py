"""Reference episodes as a model would have played them."""

from __future__ import annotations

import pytest
from tests.unit.act_prm.environments.acting import mock_env

from act_prm.environments import Tau2BenchEnv
from act_prm.environments.demonstrations import demonstration
from tau2.errors import UnknownName
from tau2.run import get_tasks


@pytest.mark.parametrize("domain", ["mock", "airline", "retail", "telecom"])
def test_a_demonstration_solves_its_task_in_calls_alone(domain):
    env = Tau2BenchEnv(domain, num_train_tasks=1, num_test_tasks=0)
    names = {tool["name"] for tool in env.tool_descriptions}
    for task in get_tasks(domain)[:8]:
        steps = demonstration(env, task)
        assert [step.done for step in steps] == [False] * (len(steps) - 1) + [True]
        assert [step.reward for step in steps] == [0.0] * (len(steps) - 1) + [1.0]
        assert all(
            action.type == "function_call" and action.name in names
            for step in steps
            for action in step.actions
        )


def test_it_is_what_the_same_turns_lead_to_online():
    steps = demonstration("retail", get_tasks("retail")[0])
    env = Tau2BenchEnv(
        "retail", user="scripted_user", max_turns=None, num_train_tasks=1, num_test_tasks=0
    )
    state = env.begin(get_tasks("retail")[0], 0)
    for step in steps:
        assert (step.state.system_prompt, step.state.tools) == (state.system_prompt, state.tools)
        assert step.messages == state.messages
        result = env.step(step.actions, None, state)
        state = result.state
    assert (result.done, result.reward) == (True, 1.0)


def test_it_is_always_the_same():
    first, second = (
        [(step.messages, step.actions) for step in demonstration("mock", "create_task_1")]
        for _ in "ab"
    )
    assert first == second


def test_the_environment_is_used_as_it_is_and_left_as_it_was():
    env = mock_env(
        "Nobody hears me.", system_prompt="You sell tea.", max_turns=1, tool_role="ipython"
    )
    before = dict(vars(env))
    steps = demonstration(env, "create_task_1")
    assert len(steps) > 1
    assert steps[0].state.system_prompt.startswith("You sell tea.")
    assert any(message["role"] == "ipython" for message in steps[-1].messages)
    assert vars(env) == before


def test_alone_the_case_is_closed_with_done():
    env = Tau2BenchEnv("telecom", solo_mode=True, num_train_tasks=2, num_test_tasks=0)
    steps = demonstration(env, env.datasets["train"][0])
    assert steps[-1].actions[-1].name == "done"
    assert steps[-1].reward == 1.0


def test_a_task_that_there_is_not():
    with pytest.raises(UnknownName, match="create_task_1"):
        demonstration("mock", "create_task_11")
