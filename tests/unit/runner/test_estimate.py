"""An estimate is made of real prompts and of the tasks' reference actions, and plays nothing."""

from __future__ import annotations

import pytest
from tests.cast import mock_task

from tau2.data_model.simulation import TextRunConfig
from tau2.llm import use_middleware
from tau2.runner.build import build_environment
from tau2.runner.estimate import PACES, estimate
from tau2.runner.tasks import get_tasks

TASKS = [mock_task("create_task_1"), mock_task("update_task_1")]


def side(found, role):
    return next(side for side in found.roles if side.role == role)


def test_low_typical_and_high_are_in_order_and_trials_multiply():
    found = estimate(TextRunConfig(domain="retail"), get_tasks("retail", num_tasks=5))
    four = estimate(TextRunConfig(domain="retail", num_trials=4), get_tasks("retail", num_tasks=5))
    costs = [found.cost(pace) for pace in PACES]
    assert 0 < costs[0] < costs[1] < costs[2]
    assert [four.cost(pace) for pace in PACES] == pytest.approx([4 * cost for cost in costs])
    assert four.simulations == 20
    assert found.cost("high") == side(found, "agent").cost("high") + side(found, "user").cost(
        "high"
    )


def test_prompts_are_measured():
    found = estimate(TextRunConfig(domain="retail"), get_tasks("retail", num_tasks=1))
    policy = len(build_environment("retail").get_policy())
    amount = side(found, "agent").amounts["low"]
    assert amount.prompt_tokens > amount.calls * policy / PACES["low"].characters_per_token


def test_who_needs_no_model_costs_nothing():
    free = estimate(TextRunConfig(domain="mock", agent="oracle_agent", user="scripted_user"), TASKS)
    assert (free.roles, free.cost("high")) == ((), 0)
    alone = estimate(TextRunConfig(domain="mock", user="scripted_user"), TASKS)
    assert [side.role for side in alone.roles] == ["agent"]
    solo = estimate(TextRunConfig(domain="mock", agent="llm_agent_solo"), TASKS[:1])
    assert [side.role for side in solo.roles] == ["agent"]


def test_an_unknown_price_is_unknown_and_a_given_one_is_used():
    config = TextRunConfig(domain="mock", user="scripted_user", llm_agent="openai/mine")
    assert estimate(config, TASKS).cost("low") is None
    priced = config.model_copy(
        update={"llm_args_agent": {"input_cost_per_token": 1.0, "output_cost_per_token": 0.0}}
    )
    found = estimate(priced, TASKS)
    assert found.cost("low") == side(found, "agent").amounts["low"].prompt_tokens


def test_the_longest_episode_bounds_the_high_end():
    short = TextRunConfig(domain="mock", user="scripted_user", max_steps=6)
    assert side(estimate(short, TASKS), "agent").amounts["high"].calls <= 2 * 3


def test_the_judge_is_counted_where_a_task_needs_one():
    from tau2.evaluator.evaluator import EvaluationType

    found = estimate(
        TextRunConfig(domain="mock"),
        [mock_task("create_task_1_nl_eval")],
        EvaluationType.ALL_WITH_NL_ASSERTIONS,
    )
    assert side(found, "judge").amounts["typical"].calls == 1


def test_nothing_is_asked():
    def refuse(_request, _send):
        raise AssertionError("a model was asked")

    with use_middleware(refuse):
        assert estimate(TextRunConfig(domain="mock"), TASKS).cost("low") > 0
