"""Environments: calls are always answered, state is replayed, and forks are independent."""

from __future__ import annotations

import json
from datetime import date, datetime
from enum import Enum

import pytest
from pydantic import BaseModel

from tau2.data_model.message import AssistantMessage, ToolCall, ToolMessage, UserMessage
from tau2.data_model.tasks import EnvAssertion, EnvFunctionCall, InitializationData
from tau2.domains.mock.data_model import MockDB
from tau2.domains.mock.environment import get_environment
from tau2.environment.environment import Environment
from tau2.environment.toolkit import ToolKitBase, ToolType, is_tool
from tau2.errors import ReplayMismatch, ToolError, UnknownName


@pytest.fixture
def env():
    return get_environment()


def call(name: str, requestor: str = "assistant", **arguments) -> ToolCall:
    return ToolCall(id="c", name=name, arguments=arguments, requestor=requestor)


# --- answering calls ------------------------------------------------------------------------------


def test_a_result_is_json_text(env):
    answer = env.get_response(call("create_task", user_id="user_1", title="Tea"))
    assert (answer.id, answer.requestor, answer.error, answer.role) == (
        "c",
        "assistant",
        False,
        "tool",
    )
    assert json.loads(answer.content)["title"] == "Tea"


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (call("create_task", user_id="nobody", title="Tea"), "User nobody not found"),
        (call("create_task", user_id="user_1"), "title: field required"),
        (call("create_task", user_id="user_1", title="Tea", extra=1), "extra: extra inputs"),
        (call("make_tea"), "Tool 'make_tea' not found"),
        (call("get_users", requestor="user"), "Tool 'get_users' not found"),
        (call("update_task_status", task_id="task_1", status="paused"), "status: input should be"),
        (call("create_task", user_id="user_1", title="Tea", tool_name="x"), "Error: "),
        (call("_task", task_id="task_1"), "not found"),
    ],
)
def test_every_failure_of_a_call_is_an_error_result(env, wrong, words):
    before = env.get_db_hash()
    answer = env.get_response(wrong)
    assert answer.error
    assert answer.content.startswith("Error: ")
    assert words in answer.content
    assert env.get_db_hash() == before


def test_arguments_are_coerced_in_one_place(env):
    answer = env.get_response(call("create_task", user_id="user_1", title=7))
    assert json.loads(answer.content)["title"] == "7"


def test_strict_compat_passes_arguments_as_they_are(env):
    env.strict_compat = True
    answer = env.get_response(call("create_task", user_id="user_1"))
    assert answer.error
    assert "missing 1 required positional argument" in answer.content


def test_a_tool_that_crashes_is_an_error_result():
    class Kit(ToolKitBase):
        @is_tool()
        def crash(self) -> str:
            """Crash."""
            return {}["nothing"]

        @is_tool()
        def odd(self) -> object:
            """Return something odd."""
            return object()

    env = Environment("x", "", Kit())
    assert env.get_response(call("crash")).content == "Error: KeyError: 'nothing'"
    assert "Unsupported type" in env.get_response(call("odd")).content
    assert Environment("x", "").get_response(call("crash")).content == "Error: Tools not available"


def test_a_tool_that_keeps_its_arguments_does_not_share_them_with_the_record():
    class Kit(ToolKitBase):
        @is_tool(ToolType.WRITE)
        def keep(self, things: dict) -> str:
            """Keep."""
            self.db = things
            return "kept"

        @is_tool(ToolType.WRITE)
        def add(self) -> str:
            """Add."""
            self.db["list"].append(2)
            return "added"

    for strict in (False, True):
        env = Environment("x", "", Kit(), strict_compat=strict)
        recorded = call("keep", things={"list": [1]})
        env.get_response(recorded)
        env.get_response(call("add"))
        assert env.tools.db == {"list": [1, 2]}
        assert recorded.arguments == {"things": {"list": [1]}}


# --- results as text ------------------------------------------------------------------------------


class Price(BaseModel):
    amount: float
    since: date
    free: bool = False


class Colour(Enum):
    RED = "red"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("as it is", "as it is"),
        (None, "null"),
        (5, '"5"'),
        (True, '"True"'),
        (2.50, '"2.5"'),
        ({"a": 1, "b": True, "c": None}, '{"a": "1", "b": "True", "c": null}'),
        ([1, "x", (2.0, None)], '["1", "x", ["2.0", null]]'),
        (
            Price(amount=1, since=date(2026, 1, 2)),
            '{"amount": 1.0, "since": "2026-01-02", "free": false}',
        ),
        (
            [Price(amount=1.5, since=date(2026, 1, 2))],
            '[{"amount": 1.5, "since": "2026-01-02", "free": false}]',
        ),
        ({"at": datetime.fromisoformat("2026-01-02T03")}, '{"at": "2026-01-02T03:00:00"}'),
        ({"c": Colour.RED}, '{"c": "red"}'),
    ],
)
def test_results_have_the_text_of_published_trajectories(value, text):
    assert Environment.to_json_str(value) == text


@pytest.mark.parametrize("value", [{1, 2}, object(), b"x", 1j])
def test_a_result_of_another_type_is_refused(value):
    with pytest.raises(ToolError, match="Unsupported type"):
        Environment.to_json_str([value])


# --- tools ----------------------------------------------------------------------------------------


def test_tools_of_both_sides(env):
    assert [tool.name for tool in env.get_tools()] == [
        "create_task", "get_users", "update_task_status", "transfer_to_human_agents",
    ]  # fmt: skip
    assert [tool.name for tool in env.get_user_tools(include=["check_notifications"])] == [
        "check_notifications"
    ]
    assert env.get_user_tools(include=[]) == []
    with pytest.raises(ValueError, match="did you mean"):
        env.get_user_tools(include=["check_notification"])
    bare = Environment("x", "")
    for ask in (bare.get_tools, bare.get_user_tools):
        with pytest.raises(ValueError, match="not available"):
            ask()


def test_descriptions_and_info(env):
    assert env.get_tools_description("assistant").startswith("1. create_task")
    assert Environment("x", "").get_tools_description("user") is None
    assert env.get_info().tool_defs is None
    assert "create_task" in env.get_info(include_tool_info=True).tool_defs


def test_tools_work_on_their_own_environment(env):
    other = get_environment()
    tool = next(tool for tool in env.get_tools() if tool.name == "create_task")
    tool(user_id="user_1", title="Tea")
    assert len(env.tools.db.tasks) == 2
    assert len(other.tools.db.tasks) == 1


# --- solo mode ------------------------------------------------------------------------------------


def test_in_solo_mode_the_agent_has_the_users_tools_too():
    env = get_environment(solo_mode=True)
    assert not env.get_response(call("check_notifications")).error
    assert not env.get_response(call("get_users")).error
    refused = env.get_response(call("check_notifications", requestor="user"))
    assert "not allowed in solo mode" in refused.content
    with pytest.raises(ReplayMismatch, match="no user in solo mode"):
        env.set_state(None, None, [UserMessage(content="Hi")])


def test_in_solo_mode_tool_names_must_not_overlap():
    class Kit(ToolKitBase):
        @is_tool()
        def look(self) -> str:
            """Look."""
            return ""

    with pytest.raises(ValueError, match="Tool names overlap: look"):
        Environment("x", "", Kit(), Kit(), solo_mode=True)


# --- functions and assertions of the engine -------------------------------------------------------


def test_the_engine_calls_any_function(env):
    made = EnvFunctionCall(
        env_type="user",
        func_name="add_notification",
        arguments={"notification_id": "n", "message": "Hi"},
    )
    env.run_env_function_calls([made])
    assert env.user_tools.db.notifications["n"].message == "Hi"
    for name in ("add_notificaton", "_notification", "db"):
        with pytest.raises(UnknownName):
            env.run_env_function_call(EnvFunctionCall(env_type="user", func_name=name))


def test_assertions(env):
    pending = {"task_id": "task_1", "expected_status": "pending"}
    holds = EnvAssertion(env_type="assistant", func_name="assert_task_status", arguments=pending)
    assert env.run_env_assertion(holds)
    fails = holds.model_copy(update={"assert_value": False, "message": "it is pending"})
    assert not env.run_env_assertion(fails, raise_assertion_error=False)
    with pytest.raises(AssertionError, match="it is pending"):
        env.run_env_assertion(fails)
    no_assertion = EnvAssertion(env_type="assistant", func_name="get_users")
    with pytest.raises(ToolError, match="returned list, not bool"):
        env.run_env_assertion(no_assertion)


# --- replay ---------------------------------------------------------------------------------------


def turn(
    name: str, content: str, *, error: bool = False, requestor: str = "assistant", **arguments
):
    kind = AssistantMessage if requestor == "assistant" else UserMessage
    made = ToolCall(id="c", name=name, arguments=arguments, requestor=requestor)
    return [
        kind(tool_calls=[made]),
        ToolMessage(id="c", content=content, requestor=requestor, error=error),
    ]


TEA = '{"task_id": "task_2", "title": "Tea", "description": null, "status": "pending"}'


def test_recorded_writes_are_executed_again(env):
    env.set_state(None, None, turn("create_task", TEA, user_id="user_1", title="Tea"))
    assert env.tools.db.tasks["task_2"].title == "Tea"


def test_recorded_results_are_compared_as_json(env):
    reordered = json.dumps(dict(reversed(json.loads(TEA).items())), indent=1)
    env.set_state(None, None, turn("create_task", reordered, user_id="user_1", title="Tea"))
    assert "task_2" in env.tools.db.tasks


def test_recorded_reads_and_unknown_tools_are_not_executed(env):
    history = [
        *turn("get_users", "something else entirely"),
        *turn("gone_tool", "ok"),
        *turn("check_notifications", "[]", requestor="user"),
    ]
    env.set_state(None, None, history)
    assert env.is_pristine()


def test_another_result_is_a_mismatch(env):
    history = turn("create_task", TEA.replace("Tea", "Coffee"), user_id="user_1", title="Tea")
    with pytest.raises(ReplayMismatch, match=r"create_task.*was recorded"):
        env.set_state(None, None, history)
    env = get_environment()
    env.set_state(None, None, history, strict=False)
    assert "task_2" in env.tools.db.tasks


def test_the_text_of_an_error_may_differ_on_replay_but_not_the_flag(env):
    wrong = {"user_id": "nobody", "title": "Tea"}
    env.set_state(None, None, turn("create_task", "Error: who?", error=True, **wrong))
    with pytest.raises(ReplayMismatch):
        env.set_state(None, None, turn("create_task", "Error: User nobody not found", **wrong))


def test_set_state_applies_data_then_actions_then_history(env):
    data = InitializationData(
        agent_data={"tasks": {"task_2": {"task_id": "task_2", "title": "A", "status": "pending"}}},
        user_data={"notifications": {"n": {"notification_id": "n", "message": "Hi"}}},
    )
    action = EnvFunctionCall(
        env_type="assistant", func_name="create_task", arguments={"user_id": "user_1", "title": "B"}
    )
    third = TEA.replace("task_2", "task_4").replace("Tea", "C")
    env.set_state(data, [action], turn("create_task", third, user_id="user_1", title="C"))
    assert [task.title for task in env.tools.db.tasks.values()] == [
        "Water the office plants",
        "A",
        "B",
        "C",
    ]
    assert set(env.user_tools.db.notifications) == {"n"}


def test_agent_data_leaves_the_users_side_alone(env):
    env.set_state(InitializationData(agent_data={"tasks": {}}), None, [])
    assert type(env.user_tools.db).__name__ == "MockUserDB"
    assert not env.get_response(call("check_notifications", requestor="user")).error


def test_data_for_a_side_without_tools_is_an_error():
    with pytest.raises(ToolError, match="user_data, but the environment has no user tools"):
        Environment("x", "").set_state(InitializationData(user_data={"a": 1}), None, [])


# --- forks and comparison -------------------------------------------------------------------------


def test_a_fork_is_independent(env):
    env.get_response(call("create_task", user_id="user_1", title="Both"))
    child = env.fork()
    sibling = env.fork()
    child.get_response(call("create_task", user_id="user_1", title="Child"))
    child.user_tools.add_notification("n", "Hi")
    assert env.same_state(sibling)
    assert not env.same_state(child)
    assert len(child.tools.db.tasks) == 3
    assert len(env.tools.db.tasks) == 2
    assert child.tools is not env.tools
    assert child.policy == env.policy


def test_a_fork_shares_what_the_parent_shares():
    class Shared(Environment):
        def __init__(self) -> None:
            self.db = MockDB(users={})
            super().__init__("x", "", ToolKitBase(self.db), ToolKitBase(self.db))

    parent = Shared()
    child = parent.fork()
    assert child.db is child.tools.db is child.user_tools.db
    assert child.db is not parent.db

    both = ToolKitBase({"a": [1]})
    env = Environment("x", "", both, both)
    twin = env.fork()
    assert twin.tools is twin.user_tools
    assert twin.tools.db is not both.db


def test_a_database_of_two_toolkits_is_forked_once_and_a_toolkit_may_fork_in_its_own_way():
    forks = []

    class Counted(MockDB):
        def fork(self):
            forks.append(self)
            return super().fork()

    class Mine(ToolKitBase):
        def fork(self):
            child = super().fork()
            child.forked = True
            return child

    db = Counted(users={})
    Environment("x", "", ToolKitBase(db), ToolKitBase(db)).fork()
    assert len(forks) == 1
    child = Environment("x", "", ToolKitBase(db), Mine(db)).fork()
    assert child.user_tools.forked
    assert child.user_tools.db is child.tools.db


def test_a_fork_keeps_its_class_and_settings():
    class Mine(Environment):
        pass

    parent = Mine("x", "p", strict_compat=True, world_id=("x",))
    parent.log = ["a"]
    child = parent.fork()
    child.log.append("b")
    assert type(child) is Mine
    assert (child.strict_compat, child.world_id, parent.log) == (True, ("x",), ["a"])


def test_database_hashes_and_checks(env):
    assert env.get_db_hash() == get_environment().get_db_hash()
    assert env.check_db(get_environment().tools.db)
    assert not env.check_user_db(MockDB())
    assert Environment("x", "").get_user_db_hash() is None
    assert Environment("x", "").same_state(Environment("y", ""))
    assert not Environment("x", "").same_state(env)


def test_pristine_means_as_in_the_files(env):
    assert env.is_pristine()
    env.get_response(call("create_task", user_id="user_1", title="Tea"))
    assert not env.is_pristine()
    assert not get_environment(db=MockDB()).is_pristine()
