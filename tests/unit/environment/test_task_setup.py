"""Worlds: the same start twice, with the task's history."""

from __future__ import annotations

import pytest
from tests.cast import a_task, mock_task

from tau2.data_model.message import AssistantMessage, ToolCall, UserMessage
from tau2.data_model.tasks import InitialState
from tau2.domains.mock.environment import get_environment, get_tasks
from tau2.environment.environment import Environment
from tau2.environment.task_setup import TaskSetup


@pytest.mark.parametrize("task", get_tasks(), ids=lambda task: task.id)
def test_start_returns_equal_independent_environments(task):
    setup = TaskSetup(task, get_environment)
    assert setup.start().same_state(setup.start())


def test_start_replays_the_history():
    env = TaskSetup(mock_task("update_task_with_message_history"), get_environment).start()
    assert "task_2" in env.tools.db.tasks


def test_calls_that_end_the_history_are_pending():
    call = ToolCall(id="1", name="create_task", arguments={"user_id": "user_1", "title": "Tea"})
    history = [UserMessage(content="Tea, please."), AssistantMessage(tool_calls=[call])]
    setup = TaskSetup(a_task(state=InitialState(message_history=history)), get_environment)
    assert setup.start().is_pristine()
    assert setup.pending_calls == [call]


class Noticing(Environment):
    """Shows the ids of the documents that a task requires in its policy."""

    def prepare(self, task):
        self.policy = f"Read {', '.join(task.required_documents or ['nothing'])}."


def test_an_environment_is_prepared_for_the_task_before_its_state_is_set():
    task = mock_task("create_task_1").model_copy(update={"required_documents": ["doc_1"]})
    start = get_environment()
    env = Noticing("mock", "", start.tools)
    assert TaskSetup(task, env.fork).start().policy == "Read doc_1."
    assert env.policy == ""
