"""Tasks: their text for the user, and what counts as carrying out a reference action."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from tau2.data_model.message import ToolCall
from tau2.data_model.tasks import (
    Action,
    EnvFunctionCall,
    EvaluationCriteria,
    InitializationData,
    RewardType,
    StructuredUserInstructions,
    Task,
    UserScenario,
    make_task,
)

REFUND = Action(action_id="1", name="refund", arguments={"order": "#1", "amount": 25})


def call(name: str = "refund", requestor: str = "assistant", **arguments) -> ToolCall:
    return ToolCall(name=name, arguments=arguments, requestor=requestor)


def test_a_call_with_equal_arguments_matches_an_action():
    assert REFUND.compare_with_tool_call(call(order="#1", amount=25))
    assert REFUND.compare_with_tool_call(call(order="#1", amount=25.0))
    assert not REFUND.compare_with_tool_call(call("credit", order="#1", amount=25))
    assert not REFUND.compare_with_tool_call(call(order="#2", amount=25))


def test_a_call_with_other_arguments_does_not_match():
    assert not REFUND.compare_with_tool_call(call())
    assert not REFUND.compare_with_tool_call(call(order="#1"))
    assert not REFUND.compare_with_tool_call(call(order="#1", amount=25, note="x"))
    assert REFUND.compare_with_tool_call(call(order="#1", amount=25, note=None))


def test_a_call_of_another_requestor_does_not_match():
    assert not REFUND.compare_with_tool_call(call(requestor="user", order="#1", amount=25))


def test_compare_args_says_which_arguments_count():
    by_order = REFUND.model_copy(update={"compare_args": ["order"]})
    assert by_order.compare_with_tool_call(call(order="#1", amount=99))
    assert not by_order.compare_with_tool_call(call(amount=25))
    assert REFUND.model_copy(update={"compare_args": []}).compare_with_tool_call(call())


def test_strict_compat_compares_like_the_original():
    assert REFUND.compare_with_tool_call(call(), strict_compat=True)
    assert REFUND.compare_with_tool_call(call(order="#1"), strict_compat=True)
    assert REFUND.compare_with_tool_call(call(requestor="user", amount=25), strict_compat=True)
    assert not REFUND.compare_with_tool_call(call(note="x"), strict_compat=True)


def test_an_action_prints_as_a_call():
    assert REFUND.get_func_format() == "refund(order=#1, amount=25)"


def test_a_scenario_prints_as_the_prompt():
    structured = StructuredUserInstructions(
        domain="retail",
        reason_for_call="A refund.\nSoon.",
        known_info="Order #1",
        task_instructions="Be brief.",
    )
    text = str(UserScenario(persona="Calm", instructions=structured))
    assert text.startswith(
        "Persona:\n\tCalm\nInstructions:\n\tDomain: retail\n\tReason for call:\n\t\tA refund."
    )
    assert "\t\tSoon." in text
    assert "Unknown info" not in text
    assert str(UserScenario(instructions="Ask.")) == "Instructions:\n\tAsk."


def test_only_id_and_instructions_are_needed():
    task = Task.model_validate(
        {"id": "1", "user_scenario": {"instructions": "Ask."}, "annotations": ["x"]}
    )
    assert task.user_tools is None
    assert task.evaluation_criteria is None
    with pytest.raises(ValidationError):
        Task.model_validate({"id": "1"})


def test_the_default_reward_basis_is_db_and_communicate():
    criteria = EvaluationCriteria(actions=[REFUND, REFUND.model_copy(update={"requestor": "user"})])
    assert criteria.reward_basis == [RewardType.DB, RewardType.COMMUNICATE]
    assert criteria.info() == {
        "num_agent_actions": 1,
        "num_user_actions": 1,
        "num_env_assertions": 0,
        "num_nl_assertions": 0,
    }


def test_make_task_keeps_every_part_of_the_start():
    data = InitializationData(agent_data={"orders": {}})
    action = EnvFunctionCall(env_type="user", func_name="ring")
    task = make_task(
        "Ask.", EvaluationCriteria(), initialization_data=data, initialization_actions=[action]
    )
    assert task.initial_state is not None
    assert task.initial_state.initialization_data == data
    assert task.initial_state.initialization_actions == [action]
    assert make_task("Ask.", EvaluationCriteria()).initial_state is None
    assert make_task("Ask.", EvaluationCriteria()).id != task.id
