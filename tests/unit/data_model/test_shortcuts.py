"""Properties that say what several fields of a record mean together; none of them is stored."""

from __future__ import annotations

from tests.cast import mock_task
from tests.unit.data_model.test_results import some_results

from tau2.data_model.message import (
    AssistantMessage,
    MultiToolMessage,
    SystemMessage,
    ToolCall,
    ToolMessage,
)
from tau2.data_model.simulation import Unit
from tau2.data_model.tasks import InitialState

EARLIER = AssistantMessage(content="Hello.", timestamp="2025-01-01T00:00:00")


def test_a_task_without_criteria_or_history_has_none():
    task = mock_task("create_task_1")
    assert [action.name for action in task.reference_actions] == ["create_task"]
    assert task.history == []
    bare = task.model_copy(update={"evaluation_criteria": None})
    assert bare.reference_actions == []
    assert "reference_actions" not in task.model_dump()


def test_the_content_of_a_task_leaves_out_when_its_history_was_read():
    first, second = (
        mock_task("create_task_1").model_copy(
            update={"initial_state": InitialState(message_history=[message])}
        )
        for message in (EARLIER, EARLIER.model_copy(update={"timestamp": "2026-01-01T00:00:00"}))
    )
    assert first.history == [EARLIER]
    assert first.content() == second.content()
    assert first.content() != mock_task("create_task_1").content()


def test_every_kind_of_message_has_calls():
    call = ToolCall(id="1", name="look", arguments={})
    result = ToolMessage(id="1", content="done")
    assert AssistantMessage(tool_calls=[call]).calls == [call]
    for message in (
        EARLIER,
        SystemMessage(content="Be kind."),
        result,
        MultiToolMessage(tool_messages=[result]),
    ):
        assert message.calls == []
        assert "calls" not in message.model_dump()


def test_the_unit_of_a_record_that_names_no_trial_is_the_first():
    run = some_results(0).simulations[0].model_copy(update={"task_id": "a", "trial": 2})
    assert run.unit == Unit("a", 2) == ("a", 2)
    assert run.model_copy(update={"trial": None}).unit == ("a", 0)
    assert "unit" not in run.model_dump()
