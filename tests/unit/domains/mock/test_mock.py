"""The mock domain: a task list and an inbox."""

from __future__ import annotations

import pytest

from tau2.domains.mock import utils
from tau2.domains.mock.environment import get_environment, get_tasks, get_tasks_split
from tau2.errors import ToolError, UnknownName

PUBLISHED_IDS = {
    "create_task_1",
    "create_task_1_with_env_assertions",
    "create_task_1_nl_eval",
    "update_task_1",
    "update_task_with_message_history",
    "update_task_with_initialization_data",
    "update_task_with_initialization_actions",
    "update_task_with_history_and_env_assertions",
    "update_task_with_user_tools",
    "impossible_task_1",
}


@pytest.fixture
def env():
    return get_environment()


def test_tasks_have_the_published_ids():
    assert {task.id for task in get_tasks()} == PUBLISHED_IDS == set(get_tasks_split()["base"])
    assert len(get_tasks("base")) == 10
    with pytest.raises(UnknownName, match="no task split named 'trian'"):
        get_tasks("trian")


def test_a_task_is_created_and_completed(env):
    made = env.use_tool("create_task", user_id="user_1", title="Tea")
    assert (made.task_id, made.status) == ("task_2", "pending")
    assert env.tools.db.users["user_1"].tasks == ["task_1", "task_2"]
    env.use_tool("update_task_status", task_id="task_2", status="completed")
    assert env.tools.assert_task_status("task_2", "completed")
    assert env.tools.assert_number_of_tasks("user_1", 2)
    assert [user.name for user in env.use_tool("get_users")] == ["Robin Vale"]


def test_the_inbox(env):
    env.user_tools.add_notification("n", "Hi", task_id="task_1")
    assert [note.status for note in env.use_user_tool("check_notifications")] == ["unread"]
    assert (
        env.use_user_tool("dismiss_notification", notification_id="n") == "Notification n dismissed"
    )
    assert env.user_tools.assert_notification_status("n", "read")


@pytest.mark.parametrize(
    "wrong",
    [
        lambda env: env.use_tool("create_task", user_id="x", title="T"),
        lambda env: env.use_tool("update_task_status", task_id="x", status="pending"),
        lambda env: env.use_user_tool("dismiss_notification", notification_id="x"),
        lambda env: env.tools.assert_number_of_tasks("x", 1),
    ],
)
def test_what_is_not_there_is_refused(env, wrong):
    with pytest.raises(ToolError, match="x not found"):
        wrong(env)


def test_a_handover_changes_nothing(env):
    assert env.use_tool("transfer_to_human_agents", summary="Help") == "Transfer successful"
    assert env.is_pristine()


def test_alone_the_policy_is_another():
    assert get_environment(solo_mode=True).policy != get_environment().policy


def test_files_are_where_the_data_is(tmp_path, monkeypatch):
    assert utils.MOCK_DB_PATH.exists()
    monkeypatch.setenv("TAU2_DATA_DIR", str(tmp_path))
    assert tmp_path / "tau2" / "domains" / "mock" / "db.json" == utils.MOCK_DB_PATH
    with pytest.raises(AttributeError):
        utils.MOCK_NOTHING  # noqa: B018  -- reading is the test
