"""Reference actions: found among the calls, in any order, as the tools take them."""

from __future__ import annotations

from tests.cast import STOP, a_task, calls, create_meeting, play, says

from tau2.data_model.message import AssistantMessage, ToolCall
from tau2.data_model.tasks import RewardType
from tau2.evaluator.evaluator import EvaluationType
from tau2.evaluator.evaluator_action import ActionEvaluator

ACTIONS = (RewardType.ACTION,)


def test_every_reference_action_must_be_made():
    task = a_task(create_meeting(), calls("get_users"), basis=ACTIONS)
    both = play(task, agent=says(calls("get_users"), create_meeting()), user=says("Hi"))
    one = play(task, agent=says(create_meeting()), user=says("Hi"))
    assert (both.reward_info.reward, one.reward_info.reward) == (1.0, 0.0)
    assert [check.action_match for check in one.reward_info.action_checks] == [True, False]
    assert [check.tool_type for check in one.reward_info.action_checks] == ["write", "read"]


def test_arguments_count_as_the_tool_takes_them():
    task = a_task(
        calls("create_task", user_id="user_1", title="7", description=None), basis=ACTIONS
    )
    run = play(task, agent=says(calls("create_task", user_id="user_1", title=7)), user=says("Hi"))
    assert run.reward_info.reward == 1.0


def test_the_recorded_action_is_the_tasks_own():
    task = a_task(calls("create_task", user_id="user_1", title=7), basis=ACTIONS)
    run = play(task, agent=says(), user=says("Hi"))
    assert run.reward_info.action_checks[0].action.arguments["title"] == 7


def test_an_empty_call_matches_nothing_unless_strictly_compatible(monkeypatch):
    task = a_task(create_meeting(), basis=ACTIONS)
    script = says(calls("create_task"))
    assert play(task, agent=script, user=says("Hi")).reward_info.reward == 0.0
    monkeypatch.setenv("TAU2_STRICT_COMPAT", "1")
    assert play(task, agent=script, user=says("Hi")).reward_info.reward == 1.0


def test_an_action_of_an_unknown_tool_has_no_type():
    run = play(a_task(calls("fly"), basis=ACTIONS), agent=says(calls("fly")), user=says("Hi"))
    assert run.reward_info.action_checks[0].tool_type is None
    assert run.reward_info.reward == 1.0


def test_without_reference_actions_there_is_nothing_to_miss():
    run = play(a_task(basis=ACTIONS), user=says("Hi"), grade=EvaluationType.ACTION)
    assert run.reward_info.reward == 1.0
    assert "no reference actions" in run.reward_info.info["note"]


def test_in_solo_mode_the_agent_may_execute_the_users_actions():
    task = a_task(calls("check_notifications"), basis=ACTIONS)
    task.evaluation_criteria.actions[0].requestor = "user"
    run = play(task, agent=says(calls("check_notifications"), STOP), solo_mode=True)
    assert run.reward_info.reward == 1.0
    assert (
        play(task, agent=says(calls("check_notifications")), user=says("Hi")).reward_info.reward
        == 0.0
    )


def test_the_public_form():
    call = ToolCall(id="1", name="create_task", arguments=create_meeting().arguments)
    made = AssistantMessage(tool_calls=[call])
    info = ActionEvaluator.calculate_reward(
        a_task(create_meeting()), [made], {"create_task": "write"}
    )
    assert (info.reward, info.action_checks[0].tool_type) == (1.0, "write")
