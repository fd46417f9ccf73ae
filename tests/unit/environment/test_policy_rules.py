"""Rules over trajectories of the mock domain."""

from __future__ import annotations

import pytest

from tau2.data_model.message import AssistantMessage, Message, ToolCall, ToolMessage, UserMessage
from tau2.domains.mock.environment import get_environment
from tau2.environment.policy_rules import (
    Rule,
    Violation,
    agrees,
    check_trajectory,
    confirmed_first,
    identified_first,
)


def say(text: str) -> Message:
    return AssistantMessage(content=text)


def hear(text: str) -> Message:
    return UserMessage(content=text)


def do(name: str, **arguments: object) -> list[Message]:
    call = ToolCall(id=name, name=name, arguments=arguments)
    return [AssistantMessage(tool_calls=[call]), ToolMessage(id=name, content="...")]


CLOSE = do("update_task_status", task_id="task_1", status="completed")


@pytest.mark.parametrize(
    "text", ["Yes, please.", "Sure, go ahead", "No problem, do it", "That is correct."]
)
def test_a_customer_agrees(text: str) -> None:
    assert agrees(text)


@pytest.mark.parametrize(
    "text", ["No, that's not right.", "Wait, which one?", "Not yet, ok?", "What would it cost?", ""]
)
def test_a_customer_does_not_agree(text: str) -> None:
    assert not agrees(text)


def test_a_confirmed_write_breaks_no_rule() -> None:
    messages = [hear("Close task_1"), say("Shall I close it?"), hear("Yes"), *CLOSE]
    assert check_trajectory(get_environment(), messages, [confirmed_first()]) == []


def test_a_write_before_the_customer_agreed_is_a_violation_at_that_message() -> None:
    messages = [
        hear("Close task_1"),
        say("Shall I close it?"),
        hear("No, that's not right"),
        *CLOSE,
    ]
    found = check_trajectory(get_environment(), messages, [confirmed_first()])
    text = "update_task_status was called before the customer confirmed"
    assert found == [Violation("confirmed before writing", 3, text)]


def test_a_call_that_fails_breaks_no_rule() -> None:
    failing = do("update_task_status", task_id="task_9", status="completed")
    assert check_trajectory(get_environment(), failing, [confirmed_first()]) == []


def test_an_exempt_tool_needs_no_confirmation() -> None:
    assert (
        check_trajectory(get_environment(), CLOSE, [confirmed_first(exempt=["update_task_status"])])
        == []
    )


def test_a_lookup_comes_before_a_write() -> None:
    rule = identified_first(["get_users"])
    assert check_trajectory(get_environment(), [*do("get_users"), *CLOSE], [rule]) == []
    assert [v.rule for v in check_trajectory(get_environment(), CLOSE, [rule])] == [
        "identified before writing"
    ]


def test_a_rule_sees_the_environment_before_the_call_and_the_start_is_unchanged() -> None:
    start, seen = get_environment(), []

    def look(world: object, _call: ToolCall, _before: object) -> None:
        seen.append(world.tools.db.tasks["task_1"].status)  # type: ignore[attr-defined]  -- an environment

    check_trajectory(start, [*CLOSE, *CLOSE], [Rule("look", look)])
    assert seen == ["pending", "completed"]
    assert start.is_pristine()
