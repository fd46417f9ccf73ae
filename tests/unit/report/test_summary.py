from __future__ import annotations

from pathlib import Path

from tests.unit.report.conftest import a_priced_run, a_run, shown, some_results

from tau2.data_model.simulation import NLAssertionCheck, RewardInfo, SessionUsage
from tau2.data_model.tasks import RewardType
from tau2.metrics.outcomes import lost_on
from tau2.metrics.summary import summarize
from tau2.report.terminal.summary import summary_view


def test_the_average_says_what_it_is_over():
    summary = summarize(some_results(a_run("a", 1.0), a_run("b", 0.0), a_run("c", None)))
    assert summary.average_reward == 0.5
    assert (summary.num_scored, summary.num_simulations) == (2, 3)
    assert [(item.task_id, item.reason) for item in summary.unscored] == [
        ("c", "it was never graded")
    ]
    assert not summary.is_complete


def test_without_a_score_there_is_no_average():
    assert summarize(some_results(a_run("a", None))).average_reward is None


def test_an_error_is_the_reason_for_a_missing_score():
    failed = a_run("a", None, info={"error": "no route", "error_type": "ModelUnavailable"})
    assert summarize(some_results(failed)).unscored[0].reason == "ModelUnavailable: no route"


def test_pass_hat_k_says_over_how_many_tasks():
    runs = [a_run("a", 1.0, trial) for trial in range(2)] + [
        a_run("b", float(trial), trial) for trial in range(2)
    ]
    summary = summarize(some_results(*runs, num_trials=2))
    assert summary.pass_hat_k == {1: (0.75, 2), 2: (0.5, 2)}


def test_a_known_price_is_added_up():
    expense = summarize(
        some_results(a_priced_run(0.25, task_id="a"), a_priced_run(0.5, task_id="b"))
    ).agent_expense
    assert expense.cost == 0.75
    assert str(expense) == "$0.7500, 20 + 2 tokens"


def test_an_unknown_price_is_unknown_and_never_nothing():
    summary = summarize(some_results(a_priced_run(None)))
    assert summary.agent_expense.cost is None
    assert str(summary.agent_expense) == "cost unknown, 10 + 1 tokens"
    assert summary.as_dict()["agent_cost"] is None


def test_a_price_known_in_part_is_a_lower_bound():
    expense = summarize(
        some_results(a_priced_run(None, task_id="a"), a_priced_run(0.5, task_id="b"))
    ).agent_expense
    assert expense.cost is None
    assert str(expense).startswith("at least $0.5000 (price unknown in 1 simulation)")


def test_participants_without_a_model_are_named_without_one():
    summary = summarize(some_results(a_priced_run(0.1)))
    assert summary.agent == "llm_agent (a-model)"
    assert summary.user == "user_simulator"
    assert str(summary.user_expense) == "no model calls"


def test_what_took_the_reward():
    both = {RewardType.DB: 0.0, RewardType.COMMUNICATE: 1.0, RewardType.ACTION: 0.0}
    info = RewardInfo(reward=0.0, reward_basis=list(both), reward_breakdown=both)
    assert lost_on(a_run(reward_info=info)) == ("DB", "ACTION")
    assert lost_on(a_run(reward=0.0, termination_reason="max_steps")) == ("max_steps",)
    assert lost_on(a_run(reward=None)) == ("not scored",)
    assert lost_on(a_run(reward=1.0)) == ()
    assert lost_on(a_run(reward_info=RewardInfo(reward=0.5))) == ("reward",)


def test_the_judge_is_named_where_one_judged():
    judged = RewardInfo(
        reward=1.0,
        nl_assertions=[NLAssertionCheck(nl_assertion="kind", met=True, justification="")],
    )
    results = some_results(a_run(reward_info=judged))
    results.info.judge = "j-model"
    assert summarize(results).judge == "j-model"
    results.simulations[0].reward_info = RewardInfo(reward=1.0)
    assert summarize(results).judge is None


def test_the_rows_are_in_natural_order():
    results = some_results(a_run("task_10"), a_run("task_2"), a_run("task_1"))
    names = [row.task_id for row in summarize(results).rows]
    assert names == ["task_1", "task_2", "task_10"]


def test_the_intervals_are_those_of_a_resampling_of_tasks():
    rewards = {"a": (1.0, 1.0), "b": (0.0, 1.0), "c": (0.0, 0.0)}
    runs = [
        a_run(task, reward, trial)
        for task, of_task in rewards.items()
        for trial, reward in enumerate(of_task)
    ]
    summary = summarize(some_results(*runs, num_trials=2))
    assert summary.average_reward == 0.5
    assert summary.average_interval == summary.pass_hat_intervals[1]
    low, high = summary.average_interval
    assert 0 <= low < 0.5 < high <= 1
    assert summary.as_dict()["pass_hat_k"]["1"]["interval"] == [low, high]
    one_task = summarize(some_results(a_run()))
    assert one_task.average_interval is None
    assert one_task.pass_hat_intervals == {}


def test_no_model_calls_are_said_only_where_there_were_none():
    silent = SessionUsage()
    oracle = a_run(agent_cost=0.0, agent_usage=silent, user_cost=0.0, user_usage=silent)
    own_agent = a_run(agent_cost=None, agent_usage=silent)
    failed = a_run(reward=0.0, termination_reason="agent_error", agent_cost=0.0, agent_usage=silent)
    dead = a_run(reward=None)
    said = [
        str(summarize(some_results(*runs)).agent_expense)
        for runs in ([oracle], [own_agent], [failed], [dead], [oracle, dead])
    ]
    unknown = "no usage recorded"
    assert said == ["no model calls", unknown, unknown, unknown, "no model calls"]


def test_as_json_it_names_where_it_was_saved():
    assert (
        summarize(some_results(a_run()), Path("x"), interrupted=True).as_dict()["saved_to"] == "x"
    )
    assert summarize(some_results(a_run())).as_dict()["saved_to"] is None


def test_a_run_without_simulations_names_no_model_and_has_no_table(screen):
    summary = summarize(some_results())
    assert "(" not in summary.agent + summary.user
    assert "messages" not in shown(screen, summary_view(summary))
