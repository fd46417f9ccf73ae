"""Metrics: what a run says about the agent, and nothing that it does not say."""

from __future__ import annotations

import math
from math import comb

import pytest
from tests.unit.data_model.test_results import some_results

from tau2.data_model.simulation import Results, TerminationReason
from tau2.metrics.agent_metrics import (
    AgentMetrics,
    compute_metrics,
    is_successful,
    pass_hat_by_task,
    pass_hat_k,
    shown_ks,
    successes_by_task,
)
from tau2.metrics.break_down_metrics import result_reward_actions_analysis, result_reward_analysis

FAILED, STOPPED = TerminationReason.INFRASTRUCTURE_ERROR, TerminationReason.USER_STOP


def results(rewards: dict[str, list[float | None]]) -> Results:
    """Make results with these rewards per task; None is a failure of the surroundings."""
    base = some_results(0)
    run = base.simulations[0]
    base.info.num_trials = max(len(trials) for trials in rewards.values())
    base.tasks = [base.tasks[0].model_copy(update={"id": task}) for task in rewards]
    base.simulations = [
        run.model_copy(
            update={
                "id": f"{task}-{trial}",
                "task_id": task,
                "trial": trial,
                "reward_info": None
                if reward is None
                else run.reward_info.model_copy(update={"reward": reward}),
                "termination_reason": FAILED if reward is None else STOPPED,
            }
        )
        for task, trials in rewards.items()
        for trial, reward in enumerate(trials)
    ]
    return Results.model_validate(base.model_dump())


@pytest.mark.parametrize(("n", "c", "k"), [(4, 2, 1), (4, 2, 2), (4, 4, 3), (4, 1, 2), (1, 0, 1)])
def test_pass_hat_k_is_the_published_estimator(n, c, k):
    assert pass_hat_k(n, c, k) == comb(c, k) / comb(n, k)
    with pytest.raises(ValueError, match="at least 5 trials"):
        pass_hat_k(4, 2, 5)


def test_success_is_full_credit():
    assert is_successful(1.0 - 1e-9)
    assert not is_successful(0.999)


def test_a_run_in_figures():
    metrics = compute_metrics(results({"a": [1.0, 1.0], "b": [1.0, 0.0]}))
    assert metrics.avg_reward == 0.75
    assert metrics.pass_hat_ks == {1: 0.75, 2: 0.5}
    assert (metrics.num_tasks, metrics.num_simulations, metrics.num_scored) == (2, 4, 4)
    assert (metrics.write_actions, metrics.correct_write_actions, metrics.db_matches) == (4, 4, 4)
    assert metrics.terminations == {"user_stop": 4}
    assert metrics.as_dict() == {
        "avg_reward": 0.75,
        "avg_agent_cost": 0.0,
        "pass_hat_1": 0.75,
        "pass_hat_2": 0.5,
    }


def test_failures_of_the_surroundings_are_no_trials():
    metrics = compute_metrics(results({"a": [1.0, None], "b": [1.0, 0.0], "c": [None, None]}))
    assert metrics.pass_hat_ks == {1: 0.75}
    assert (metrics.num_scored, metrics.num_unscored) == (3, 3)
    assert metrics.avg_reward == pytest.approx(2 / 3)


def test_a_run_of_failures_has_no_figures():
    metrics = compute_metrics(results({"a": [None]}))
    assert (metrics.pass_hat_ks, metrics.avg_agent_cost) == ({}, None)
    assert math.isnan(metrics.avg_reward)
    assert metrics.as_dict() == {"avg_reward": None, "avg_agent_cost": None}
    stored = metrics.model_dump_json()
    assert '"avg_reward":null' in stored
    assert math.isnan(AgentMetrics.model_validate_json(stored).avg_reward)


def test_k_goes_as_far_as_every_task_does():
    assert set(pass_hat_by_task({"a": [True] * 3, "b": [True] * 2}, most_trials=8)) == {1, 2}
    assert set(pass_hat_by_task({"a": [True] * 3}, most_trials=1)) == {1}
    assert successes_by_task(results({"a": [1.0, None, 0.0]}).simulations) == {"a": [True, False]}


def test_an_unknown_price_makes_the_mean_unknown():
    run = results({"a": [1.0, 1.0]})
    run.simulations[0].agent_cost = None
    assert compute_metrics(run).avg_agent_cost is None


def test_where_rewards_are_lost():
    rows = result_reward_analysis(results({"a": [1.0, None, 0.0]}))
    assert [(row["trial"], row["success"], row["DB"]) for row in rows] == [
        (0, True, 1.0),
        (2, False, 1.0),
    ]
    actions = result_reward_actions_analysis(results({"a": [1.0]}))
    assert [(row["action_name"], row["action_match"], row["tool_type"]) for row in actions] == [
        ("create_task", True, "write")
    ]


def test_pass_hat_of_many_trials_is_that_of_each_k():
    successes = {"a": [True] * 37 + [False] * 13, "b": [False] * 50, "c": [True] * 50}
    by_k = pass_hat_by_task(successes, 50)
    assert by_k == {k: [pass_hat_k(50, c, k) for c in (37, 0, 50)] for k in range(1, 51)}


def test_of_many_trials_some_k_are_shown():
    assert shown_ks(range(1, 17)) == list(range(1, 17))
    assert shown_ks(range(1, 101)) == [*range(1, 17), 32, 64, 100]
    assert shown_ks(()) == []
