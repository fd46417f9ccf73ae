"""Why episodes ended: said in words, counted, with the first cause of each early ending."""

from __future__ import annotations

from tests.unit.report.conftest import a_run

from tau2.data_model.message import AssistantMessage, ToolCall, ToolMessage
from tau2.data_model.simulation import SessionUsage, TerminationReason
from tau2.metrics.endings import early_endings, why_ended


def test_every_reason_has_words():
    for reason in TerminationReason:
        assert " " in why_ended(a_run(termination_reason=reason))


def test_the_error_of_an_agent_is_the_cause():
    run = a_run(
        reward=0.0, termination_reason="agent_error", info={"error": "agent: it said nothing"}
    )
    assert why_ended(run) == "the agent failed: it said nothing"


def test_an_exception_of_ones_own_is_told_with_its_line():
    info = {"error": "'x'", "error_type": "KeyError", "bug_place": "mine.py:7, in agent"}
    run = a_run(reward=None, termination_reason="unexpected_error", messages=[], info=info)
    assert why_ended(run).endswith("KeyError: 'x', raised at mine.py:7, in agent")


def test_of_too_many_errors_the_last_is_told():
    call = ToolCall(id="1", name="refund", arguments={})
    messages = [
        AssistantMessage(tool_calls=[call], turn_idx=0),
        ToolMessage(id="1", content="no such order", error=True, turn_idx=1),
    ]
    run = a_run(reward=0.0, termination_reason="too_many_errors", messages=messages)
    assert why_ended(run) == "too many tool calls failed: the last was refund: no such order"


def test_early_endings_are_counted_with_the_first_cause():
    cut = AssistantMessage(content="I", turn_idx=4, raw_data={"cut_short": "length"})
    runs = [
        a_run("good"),
        a_run("a", 0.0, termination_reason="max_steps"),
        a_run("b", 0.0, 1, termination_reason="max_steps"),
        a_run("c", messages=[cut], agent_usage=SessionUsage(model_calls=1, cut_off=2)),
    ]
    steps, length = early_endings(runs)
    assert (steps.reason, steps.number, steps.task_id, steps.trial) == ("max_steps", 2, "a", 0)
    assert steps.cause == "the limit of steps was reached"
    assert (length.reason, length.number, length.task_id) == ("length", 2, "c")
    assert length.cause == "message 4 of the agent was cut off at the length limit"
