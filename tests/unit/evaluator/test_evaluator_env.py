"""The world at the end: as the reference leaves it, and as the assertions say."""

from __future__ import annotations

import pytest
from tests.cast import Agent, a_task, calls, create_meeting, mock_task, play, says

from tau2.data_model.message import AssistantMessage, ToolCall, ToolMessage, UserMessage
from tau2.data_model.tasks import Action, EnvAssertion, EvaluationCriteria, InitialState, RewardType
from tau2.domains.mock.data_model import MockDB, User
from tau2.domains.mock.environment import get_environment
from tau2.environment.environment import Environment
from tau2.environment.task_setup import TaskSetup
from tau2.evaluator import evidence
from tau2.evaluator.evaluator_env import EnvironmentEvaluator
from tau2.evaluator.evidence import Evidence, make_gold

TWO_TASKS = EnvAssertion(
    env_type="assistant",
    func_name="assert_number_of_tasks",
    arguments={"user_id": "user_1", "expected_number": 2},
)


def assertion(name: str, **arguments) -> EnvAssertion:
    return EnvAssertion(env_type="assistant", func_name=name, arguments=arguments)


def test_the_database_must_end_as_the_reference_leaves_it():
    task = a_task(create_meeting())
    assert play(task, agent=says(create_meeting()), user=says("Hi")).reward_info.db_check.db_match
    assert not play(task, agent=says(), user=says("Hi")).reward_info.db_check.db_match
    too_much = says(create_meeting(), create_meeting())
    assert play(task, agent=too_much, user=says("Hi")).reward_info.reward == 0.0


def test_read_tools_do_not_change_the_reward():
    task = a_task(create_meeting())
    run = play(
        task, agent=says(calls("get_users"), create_meeting(), calls("get_users")), user=says("Hi")
    )
    assert run.reward_info.reward == 1.0


def test_both_sides_databases_count():
    task = mock_task("update_task_with_user_tools")
    done = calls("update_task_status", task_id="task_1", status="completed")
    agent, dismissed = (
        says("Hi", done, "Done."),
        calls("dismiss_notification", notification_id="notif_1"),
    )
    run = play(
        task, agent=agent, user=says(calls("check_notifications"), "Please.", dismissed, "Bye")
    )
    assert run.reward_info.reward == 1.0
    run = play(task, agent=agent, user=says(calls("check_notifications"), "Please.", "Bye"))
    assert (run.reward_info.reward, run.reward_info.db_check.db_match) == (0.0, False)


def test_assertions_are_all_asked_and_only_count_in_the_basis():
    task = a_task(
        create_meeting(),
        basis=[RewardType.ENV_ASSERTION],
        assertions=[
            assertion("assert_task_status", task_id="task_1", expected_status="completed"),
            TWO_TASKS,
        ],
    )
    run = play(task, agent=says(create_meeting()), user=says("Hi"))
    assert [check.met for check in run.reward_info.env_assertions] == [False, True]
    assert run.reward_info.reward == 0.0
    assert run.reward_info.db_check.db_match
    task.evaluation_criteria.reward_basis = [RewardType.DB]
    assert play(task, agent=says(create_meeting()), user=says("Hi")).reward_info.reward == 1.0


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (
            assertion("assert_task_status", task_id="task_9", expected_status="pending"),
            "Task task_9 not found",
        ),
        (assertion("assert_task_statu"), "did you mean 'assert_task_status'"),
        (assertion("get_users"), "returned list, not bool"),
        (assertion("assert_task_status"), "missing 2 required"),
    ],
)
def test_an_assertion_that_raises_is_not_met_and_says_why(broken, reason):
    task = a_task(
        create_meeting(), basis=[RewardType.ENV_ASSERTION], assertions=[broken, TWO_TASKS]
    )
    info = play(task, agent=says(create_meeting()), user=says("Hi")).reward_info
    assert [check.met for check in info.env_assertions] == [False, True]
    assert reason in info.env_assertions[0].justification
    assert info.reward == 0.0


def test_neither_actions_nor_assertions_leave_nothing_to_check():
    task = a_task()
    task.evaluation_criteria = EvaluationCriteria(reward_basis=[RewardType.DB])
    assert play(task, agent=says(create_meeting()), user=says("Hi")).reward_info.reward == 1.0


def test_a_check_that_crashes_is_a_reward_of_zero_with_its_reason():
    class Moody(MockDB):
        def same_as(self, other):
            raise RuntimeError("not today")

    env = get_environment(db=Moody(users={"user_1": User(user_id="user_1", name="U")}))
    run = play(
        a_task(create_meeting()), agent=says(create_meeting()), user=says("Hi"), environment=env
    )
    assert (run.reward_info.reward, run.reward_info.info["env"]["error"]) == (0.0, "not today")


def test_a_reference_that_fails_is_reported():
    wrong = calls("create_task", user_id="nobody", title="x")
    info = play(a_task(wrong), agent=says("No."), user=says("Hi")).reward_info
    assert info.info["env"] == {
        "gold_errors": ["create_task(user_id=nobody, title=x): User nobody not found"]
    }


# --- the gold world -------------------------------------------------------------------------------


def gold_of(task, env=None):
    start = env if env is not None else get_environment()
    return Evidence(TaskSetup(task, start.fork), []).gold


def test_a_gold_environment_is_computed_once():
    task = a_task(create_meeting(), task_id="cached")
    assert gold_of(task) is gold_of(task.model_copy(deep=True))
    assert gold_of(task) is gold_of(task.model_copy(update={"id": "another", "description": None}))


def test_an_edited_task_has_another_gold_environment():
    task = a_task(create_meeting())
    first = gold_of(task)
    task.evaluation_criteria.actions[0].arguments["title"] = "Another"
    assert gold_of(task) is not first
    later = a_task(
        create_meeting(), state=InitialState(initialization_data={"agent_data": {"tasks": {}}})
    )
    assert gold_of(later) is not first


class Logging(Environment):
    """Keeps a note of every required document; what it keeps is outside of the reference."""

    def prepare(self, task):
        self.noted = list(task.required_documents or ())


def test_what_an_environment_was_prepared_for_has_another_gold_environment():
    start = get_environment()
    env = Logging("mock", "", start.tools, start.user_tools, world_id=start.world_id)
    task = a_task(create_meeting())
    reading = task.model_copy(update={"required_documents": ["doc_1"]})
    assert gold_of(task, env).environment.noted == []
    assert gold_of(reading, env).environment.noted == ["doc_1"]
    assert gold_of(reading, env) is gold_of(reading.model_copy(deep=True), env)


def test_another_initial_state_has_another_gold_environment():
    task = a_task(create_meeting())
    first = gold_of(task)
    changed = get_environment()
    changed.tools.create_task(user_id="user_1", title="Before")
    assert len(gold_of(task, changed).environment.tools.db.tasks) == 3
    assert gold_of(task) is first
    assert gold_of(task, get_environment(db=get_environment().tools.db.fork())) is not first


def test_data_that_was_read_again_has_another_gold_environment(tmp_path, monkeypatch):
    from tau2.config import PACKAGE_ROOT

    source, folder = (
        PACKAGE_ROOT / "tau2" / "domains" / "mock",
        tmp_path / "tau2" / "domains" / "mock",
    )
    folder.mkdir(parents=True)
    for name in ("db.json", "user_db.json", "policy.md"):
        (folder / name).write_text((source / name).read_text())
    monkeypatch.setenv("TAU2_DATA_DIR", str(tmp_path))
    task = a_task(calls("update_task_status", task_id="task_1", status="completed"))
    before = gold_of(task)
    text = (folder / "db.json").read_text()
    (folder / "db.json").write_text(text.replace("Water the office plants", "Water the plants"))
    assert gold_of(task) is not before
    script = says(calls("update_task_status", task_id="task_1", status="completed"))
    assert play(task, agent=script, user=says("Hi")).reward_info.reward == 1.0


def test_the_cache_is_bounded(monkeypatch):
    monkeypatch.setattr(evidence, "_MOST_GOLD", 2)
    monkeypatch.setattr(evidence, "_gold_cache", type(evidence._gold_cache)())
    for title in "abc":
        gold_of(a_task(calls("create_task", user_id="user_1", title=title)))
    assert len(evidence._gold_cache) == 2


def test_pending_calls_of_the_history_are_part_of_the_gold_environment():
    call = ToolCall(id="1", name="create_task", arguments=create_meeting().arguments)
    state = InitialState(
        message_history=[UserMessage(content="Hi"), AssistantMessage(tool_calls=[call])]
    )
    task = a_task(calls("update_task_status", task_id="task_2", status="completed"), state=state)
    run = play(task, agent=says(calls("update_task_status", task_id="task_2", status="completed")))
    assert run.reward_info.reward == 1.0


def test_a_solo_history_is_replayed_with_both_toolkits():
    call = ToolCall(id="1", name="dismiss_notification", arguments={"notification_id": "n"})
    state = InitialState(
        initialization_data={"user_data": {"notifications": {"n": {"notification_id": "n",
                                                                   "message": "Hi"}}}},
        message_history=[
            AssistantMessage(tool_calls=[call]),
            ToolMessage(id="1", content="Notification n dismissed"),
        ],
    )  # fmt: skip
    task = a_task(create_meeting(), state=state)
    env = make_gold(TaskSetup(task, lambda: get_environment(solo_mode=True))).environment
    assert env.user_tools.db.notifications["n"].status == "read"
    run = play(task, agent=says(create_meeting()), solo_mode=True)
    assert run.reward_info.reward == 1.0


# --- stored trajectories --------------------------------------------------------------------------


def grade_stored(task, messages, **options):
    return EnvironmentEvaluator.calculate_reward(get_environment, task, messages, **options)


def test_a_stored_trajectory_is_replayed():
    task = a_task(create_meeting())
    run = play(task, agent=says(create_meeting()), user=says("Hi"))
    assert grade_stored(task, run.messages).reward == 1.0
    assert grade_stored(task, run.messages[:2]).reward == 0.0


def test_a_call_without_a_result_at_the_end_is_not_executed():
    class Stops(Agent):
        @classmethod
        def is_stop(cls, message):
            return message.is_tool_call() and message.tool_calls[0].name == "done"

    task = a_task(create_meeting())
    run = play(task, agent=Stops(says(create_meeting(), calls("done"))), user=says("Hi"))
    assert run.messages[-1].is_tool_call()
    assert (run.termination_reason, run.reward_info.reward) == ("agent_stop", 1.0)
    assert grade_stored(task, run.messages).reward == 1.0


def test_a_trajectory_that_does_not_replay_earns_nothing():
    task = a_task(create_meeting())
    run = play(task, agent=says(create_meeting()), user=says("Hi"))
    tampered = [message.model_copy(deep=True) for message in run.messages]
    tampered[3].content = tampered[3].content.replace("pending", "completed")
    info = grade_stored(task, tampered)
    assert info.reward == 0.0
    assert "was recorded" in info.info["error"]
    assert grade_stored(task, tampered, strict_replay=False).reward == 1.0


def test_user_actions_belong_to_the_user():
    dismissed = {"notification_id": "n"}
    state = InitialState(
        initialization_data={
            "user_data": {"notifications": {"n": {"notification_id": "n", "message": "Hi"}}}
        }
    )
    task = a_task(state=state)
    task.evaluation_criteria.actions = [
        Action(action_id="1", requestor="user", name="dismiss_notification", arguments=dismissed)
    ]
    run = play(
        task, agent=says("ok", "ok"), user=says(calls("dismiss_notification", **dismissed), "Bye")
    )
    assert run.reward_info.reward == 1.0
