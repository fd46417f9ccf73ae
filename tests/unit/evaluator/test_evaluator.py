"""Grading: the product of what counts, every check reported, and nothing looked up by name."""

from __future__ import annotations

import json

import pytest
from tests.cast import a_task, calls, create_meeting, mock_task, play, says, stage
from tests.unit.evaluator.test_evaluator_nl_assertions import NO, YES, Bench, verdict

from tau2.data_model.simulation import TerminationReason
from tau2.data_model.tasks import RewardType
from tau2.domains.mock.environment import get_environment
from tau2.environment.task_setup import TaskSetup
from tau2.errors import ModelUnavailable, UnknownName
from tau2.evaluator.evaluator import EvaluationType, evaluate_simulation, grade, needs_judge
from tau2.evaluator.evidence import Judge
from tau2.runner.simulation import run_simulation

DB, ENV, NL, ACTION, COMMUNICATE = (
    RewardType.DB, RewardType.ENV_ASSERTION, RewardType.NL_ASSERTION, RewardType.ACTION,
    RewardType.COMMUNICATE,
)  # fmt: skip


def judge(*verdicts: bool) -> Judge:
    answer = verdict(*[YES if met else NO for met in verdicts])
    return Judge("scripted/unused", completion_fn=Bench(answer, answer, answer))


def graded(basis, kind=EvaluationType.ALL, *, kind_words=True, done=True, met=True):
    """Grade an episode on a task that has something of everything."""
    task = a_task(create_meeting(), basis=basis, told=["task_2"], sentences=["Kind."])
    words = "It is task_2." if kind_words else "It is done."
    script = says(create_meeting(), words) if done else says(words)
    return play(task, agent=script, user=says("Hi"), grade=kind, judge=judge(met)).reward_info


@pytest.mark.parametrize("missing", ["nothing", "done", "kind_words", "met"])
@pytest.mark.parametrize(
    "basis", [[DB], [ACTION], [COMMUNICATE], [NL], [DB, COMMUNICATE], [DB, ACTION, COMMUNICATE, NL]]
)
def test_the_reward_is_the_product_of_its_basis(basis, missing):
    spoilt = {"nothing": set(), "done": {DB, ACTION}, "kind_words": {COMMUNICATE}, "met": {NL}}[
        missing
    ]
    options = {} if missing == "nothing" else {missing: False}
    info = graded(basis, **options)
    assert info.reward == (0.0 if spoilt & set(basis) else 1.0)
    assert info.reward_breakdown == {kind: float(kind not in spoilt) for kind in basis}
    assert info.reward_basis == basis


@pytest.mark.parametrize(
    ("kind", "reward"),
    [
        (EvaluationType.ENV, 1.0),
        (EvaluationType.ACTION, 1.0),
        (EvaluationType.COMMUNICATE, 0.0),
        (EvaluationType.NL_ASSERTIONS, 0.0),
        (EvaluationType.ALL, 1.0),
        (EvaluationType.ALL_WITH_NL_ASSERTIONS, 1.0),
        (EvaluationType.ALL_IGNORE_BASIS, 0.0),
        (EvaluationType.ALL_WITH_NL_ASSERTIONS_IGNORE_BASIS, 0.0),
    ],
)
def test_kinds_of_evaluation(kind, reward):
    assert graded([DB], kind, kind_words=False, met=False).reward == reward


def test_only_evaluation_types_with_nl_assertions_call_the_judge():
    info = graded([DB], EvaluationType.ALL)
    assert info.nl_assertions is None
    assert info.info["nl"] is None
    assert graded([DB], EvaluationType.ALL_WITH_NL_ASSERTIONS).nl_assertions[0].met
    task = a_task(basis=[DB], sentences=["Kind."])
    asked = {kind for kind in EvaluationType if needs_judge(task, kind)}
    assert asked == {
        EvaluationType.NL_ASSERTIONS,
        EvaluationType.ALL_WITH_NL_ASSERTIONS,
        EvaluationType.ALL_WITH_NL_ASSERTIONS_IGNORE_BASIS,
    }
    assert needs_judge(a_task(basis=[NL], sentences=["Kind."]), EvaluationType.ALL)
    assert needs_judge(task, "nl_assertions")  # a name will do
    assert not needs_judge(a_task(basis=[NL]), EvaluationType.ALL)


def test_a_judge_that_cannot_be_reached_raises_model_error():
    def down(**_request):
        raise ModelUnavailable("down")

    task = a_task(create_meeting(), basis=[NL], sentences=["Kind."])
    judge = Judge("scripted/x", {"num_retries": 0}, completion_fn=down)
    with pytest.raises(ModelUnavailable):
        play(task, agent=says(create_meeting()), user=says("Hi"), judge=judge)


@pytest.mark.parametrize("reason", sorted(set(TerminationReason) - {"user_stop", "agent_stop"}))
def test_an_early_end_has_reward_zero_and_every_check(reason):
    task = a_task(create_meeting(), basis=[DB], told=["task_2"])
    episode = stage(task, agent=says(create_meeting(), "task_2"), user=says("Hi"))
    run = episode.run()
    run.termination_reason = reason
    info = grade(run, episode.task_setup, live=episode.environment)
    assert info.reward == 0.0
    assert info.reward_basis is None
    assert (
        info.info["note"]
        == f"Simulation terminated prematurely. Termination reason: {reason.value}"
    )
    assert info.db_check.db_match
    assert info.action_checks[0].action_match
    assert info.communicate_checks[0].met
    assert json.loads(info.model_dump_json())


def test_an_early_end_does_not_call_the_judge():
    task = a_task(basis=[NL], sentences=["Kind."])
    run = play(task, agent=says(None), user=says("Hi"), judge=Judge("nobody/there"))
    assert (run.termination_reason, run.reward_info.reward) == ("agent_error", 0.0)


def test_without_criteria_a_finished_conversation_is_a_success():
    task = a_task()
    task.evaluation_criteria = None
    assert play(task, user=says("Hi")).reward_info.reward == 1.0
    assert play(task, agent=says(None), user=says("Hi")).reward_info.reward == 0.0


def test_a_stored_simulation_is_graded_by_name():
    run = play("create_task_1", agent=says(create_meeting()), user=says("Hi"))
    options = {"task": mock_task("create_task_1"), "evaluation_type": "all", "solo_mode": False}
    assert evaluate_simulation(run, domain="mock", **options).reward == 1.0
    with pytest.raises(UnknownName, match="did you mean 'mock'"):
        evaluate_simulation(run, domain="mok", **options)


def test_grading_leaves_the_record_and_the_task_alone():
    task = a_task(create_meeting(), basis=[DB, ACTION, COMMUNICATE], told=["task_2"])
    before = task.model_dump_json()
    episode = stage(task, agent=says(create_meeting(), "task_2"), user=says("Hi"))
    run = run_simulation(episode)
    messages = [message.model_dump_json() for message in run.messages]
    again = grade(run, TaskSetup(task, get_environment))
    assert again == run.reward_info
    assert [message.model_dump_json() for message in run.messages] == messages
    assert task.model_dump_json() == before


def test_an_empty_basis_earns_the_full_reward():
    assert graded([]).reward == 1.0


def test_reads_in_the_reference_are_not_needed_for_the_database():
    task = a_task(calls("get_users"), create_meeting(), basis=[DB])
    assert play(task, agent=says(create_meeting()), user=says("Hi")).reward_info.reward == 1.0
