"""Rollouts: the caller plays one role; everybody else answers."""

from __future__ import annotations

import asyncio
import gc
import logging
import pickle
import threading
import weakref

import pytest
from tests.cast import (
    STOP,
    Agent,
    AsyncUser,
    HangingAgent,
    User,
    a_task,
    calls,
    create_meeting,
    mock_task,
    says,
    stage,
)

from tau2.data_model.message import AssistantMessage, ToolCall
from tau2.data_model.simulation import TerminationReason
from tau2.data_model.tasks import RewardType
from tau2.domains.mock.environment import get_environment
from tau2.errors import ConfigError, ModelUnavailable, ParticipantError, UnknownName, UserError
from tau2.evaluator.evidence import Judge
from tau2.orchestrator.episode import Role
from tau2.rollout import Rollout, RolloutSetup, RolloutSnapshot, Tokens

CALL = {"name": "create_task", "arguments": {"user_id": "user_1", "title": "Important Meeting"}}
READ = {"name": "get_users", "arguments": {}}


def scripted(*lines, **setup) -> Rollout:
    """Return a rollout against a user who says these lines."""
    return Rollout(RolloutSetup("mock", user=lambda _env, _task: User(says(*lines)), **setup))


def texts(result) -> list[str]:
    return [message.content for message in result.observation]


def test_a_task_is_solved_step_by_step():
    rollout = scripted("Add my meeting, please.", f"Thanks {STOP}")
    result = rollout.reset("create_task_1", seed=3)
    assert texts(result) == ["Add my meeting, please."]
    result = rollout.step(CALL)
    assert [message.role for message in result.observation] == ["tool"]
    assert (result.reward, result.done) == (0.0, False)
    result = rollout.step("It is on the list.")
    assert (result.reward, result.terminated, result.truncated) == (1.0, True, False)
    assert texts(result) == [f"Thanks {STOP}"]  # the last message is not lost
    assert result.reward_info.db_check.db_match
    assert rollout.run.seed == 3
    assert [step.result.done for step in rollout.steps] == [False, True]


def test_several_calls_in_one_step():
    rollout = scripted("Hi")
    rollout.reset("create_task_1")
    result = rollout.step([READ, ToolCall(name="get_users", arguments={}), CALL])
    assert len(result.observation) == 3
    ids = [call.id for call in rollout.steps[0].action.tool_calls]
    assert len(set(ids)) == 3
    assert [result.id for result in result.observation] == ids


def test_the_same_id_is_never_used_twice():
    rollout = scripted("Hi")
    rollout.reset("create_task_1")
    for _ in range(3):
        rollout.step(ToolCall(id="mine", name="get_users", arguments={}))
    ids = [
        message.tool_calls[0].id
        for message in rollout.messages
        if getattr(message, "tool_calls", None)
    ]
    assert ids[0] == "mine"
    assert len(set(ids)) == 3


def test_the_history_is_one_that_an_api_takes():
    rollout = scripted("Add my meeting, please.")
    rollout.reset("create_task_1")
    rollout.step(
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {
                    "id": "x1",
                    "type": "function",
                    "function": {"name": "create_task", "arguments": '{"user_id": "user_1"'},
                },
                {
                    "id": "x2",
                    "type": "function",
                    "function": {"name": "get_users", "arguments": "{}"},
                },
            ],
        }
    )
    history = rollout.history()
    assert [message["role"] for message in history] == [
        "system",
        "assistant",
        "user",
        "assistant",
        "tool",
        "tool",
    ]
    assert rollout.environment.get_policy() in history[0]["content"]
    assert [message["tool_call_id"] for message in history[-2:]] == ["x1", "x2"]
    assert history[-2]["content"].startswith(
        "Error"
    )  # arguments that are no JSON are an error for the model
    assert {tool["function"]["name"] for tool in rollout.openai_tools} >= {
        "create_task",
        "get_users",
    }
    assert rollout.history(system=False) == history[1:]


def test_text_that_looks_like_a_call_stays_text():
    rollout = scripted("Hi", "What?")
    rollout.reset("create_task_1")
    result = rollout.step("get_users()")
    assert texts(result) == ["What?"]


def test_reasoning_is_not_sent_to_the_user():
    rollout = scripted("Hi", "Oh")
    rollout.reset("create_task_1")
    result = rollout.step(f"<think>I could say {STOP} now</think>One moment.")
    assert not result.done
    message = rollout.steps[0].action
    assert (message.content, message.reasoning_content) == (
        "One moment.",
        f"I could say {STOP} now",
    )


@pytest.mark.parametrize("action", [f"Bye {STOP}", {"name": "done", "arguments": {}}])
def test_the_agent_may_end_the_episode(action):
    rollout = scripted("Hi")
    rollout.reset("create_task_1")
    rollout.step(CALL)
    result = rollout.step(action)
    assert (result.reason, result.reward) == (TerminationReason.AGENT_STOP, 1.0)
    assert rollout.run.messages[-1].tool_calls is None


def test_text_beside_done_is_kept():
    rollout = scripted("Hi")
    rollout.reset("create_task_1")
    wire = {"id": "x", "function": {"name": "done", "arguments": "{}"}}
    assert rollout.step(
        {"role": "assistant", "content": "Goodbye.", "tool_calls": [wire]}
    ).terminated
    assert rollout.run.messages[-1].content == f"Goodbye. {STOP}"


def test_done_beside_other_calls_ends_once_they_are_made():
    rollout = scripted("Hi")
    rollout.reset("create_task_1")
    result = rollout.step([CALL, {"name": "done", "arguments": {}}])
    assert (result.reason, result.reward) == (TerminationReason.AGENT_STOP, 1.0)
    assert [message.role for message in result.observation] == ["tool"]

    rollout.reset("create_task_1")
    result = rollout.step(
        [{"name": "create_task", "arguments": {}}, {"name": "done", "arguments": {}}]
    )
    assert not result.done  # a call failed: the agent may try again
    assert rollout.step(CALL).done is False


def test_truncation_is_not_termination():
    rollout = scripted("Hi", "And?", max_steps=3)
    rollout.reset("create_task_1")
    result = rollout.step("Hm.")
    assert (result.terminated, result.truncated, result.reason) == (
        False,
        True,
        TerminationReason.MAX_STEPS,
    )
    assert result.reward == 0.0
    assert texts(result) == ["And?"]


def test_failed_calls_and_rejections_together_end_the_episode():
    rollout = scripted("Hi", max_errors=3)
    rollout.reset("create_task_1")
    rollout.step({"name": "no_such_tool", "arguments": {}})
    result = rollout.reject("this is no JSON", '{"name"')
    assert (result.rejected, result.done) == ("this is no JSON", False)
    assert rollout.trajectory[-1].role == "tool"  # nobody else sees it
    result = rollout.reject("nor is this")
    assert (result.reason, result.rejected) == (TerminationReason.TOO_MANY_ERRORS, "nor is this")
    assert (result.terminated, result.reward, rollout.invalid_actions) == (True, 0.0, 2)
    assert rollout.run.info["invalid_actions"] == 2
    assert [step.result.rejected for step in rollout.steps] == [
        None,
        "this is no JSON",
        "nor is this",
    ]


def test_an_empty_message_is_the_agents_error():
    rollout = scripted("Hi")
    rollout.reset("create_task_1")
    result = rollout.step("  ")
    assert (result.reason, result.terminated, result.reward) == (
        TerminationReason.AGENT_ERROR,
        True,
        0.0,
    )


def test_an_infrastructure_failure_has_no_reward(caplog):
    rollout = scripted("Hi", ModelUnavailable("no answer from the endpoint"))
    rollout.reset("create_task_1")
    with caplog.at_level(logging.WARNING, logger="tau2.rollout"):
        result = rollout.step("Hello")
    assert (result.infra_failed, result.user_failed, result.reward) == (True, False, None)
    assert (result.terminated, result.truncated) == (False, True)
    assert result.reason is TerminationReason.INFRASTRUCTURE_ERROR
    assert "no answer from the endpoint" in result.error
    assert isinstance(rollout.error, ModelUnavailable)
    assert rollout.run.reward_info is None
    assert "no answer" in caplog.text


def test_a_user_failure_has_no_reward():
    rollout = scripted("Hi", UserError("lost the thread"))
    rollout.reset("create_task_1")
    result = rollout.step("Hello")
    assert (result.infra_failed, result.user_failed, result.reward, result.truncated) == (
        False,
        True,
        None,
        True,
    )
    assert "lost the thread" in result.error


def test_a_judge_that_does_not_answer_is_an_infrastructure_failure(caplog):
    def judge(**_):
        raise ConnectionError("the judge is away")

    task = a_task(basis=[RewardType.NL_ASSERTION], sentences=["The agent was kind."])
    asked = Judge("any/model", {"num_retries": 0}, judge)
    rollout = Rollout(RolloutSetup("mock", user=lambda *_: User(("Hi", STOP))), judge=asked)
    rollout.reset(task)
    result = rollout.step("Hello")
    assert (result.infra_failed, result.reward, result.reason) == (
        True,
        None,
        TerminationReason.USER_STOP,
    )


def test_a_missing_judge_is_found_before_the_episode():
    task = a_task(basis=[RewardType.NL_ASSERTION], sentences=["The agent was kind."])
    with pytest.raises(ConfigError, match="TAU2_JUDGE_LLM"):
        scripted("Hi").reset(task)


def test_a_missing_user_model_is_found_before_the_episode_and_the_error_says_what_to_do():
    with pytest.raises(ConfigError, match="user='scripted_user'"):
        Rollout(RolloutSetup("mock")).reset("create_task_1")
    with pytest.raises(ConfigError, match="agent='oracle_agent'"):
        Rollout(RolloutSetup("mock"), role="user").reset("create_task_1")


def test_it_says_whose_turn_it_is():
    rollout = scripted("Hi", "Bye", STOP)
    with pytest.raises(RuntimeError, match="reset"):
        rollout.step("Hello")
    rollout.reset("create_task_1")
    rollout.submit("Hello")
    with pytest.raises(RuntimeError, match=r"advance\(\)"):
        rollout.submit("Hello?")
    rollout.advance()
    rollout.step("So?")
    with pytest.raises(RuntimeError, match="over"):
        rollout.step("Hello?")
    rollout.close()
    with pytest.raises(RuntimeError, match="reset"):
        rollout.step("Hello")
    assert rollout.run.messages  # the record stays readable


def test_advance_returns_the_same_result_again():
    rollout = scripted("Hi")
    assert rollout.reset("create_task_1") is rollout.advance()


def test_a_task_whose_history_ends_with_a_tool_result_begins_there():
    rollout = scripted("Hi")
    result = rollout.reset("update_task_with_message_history")
    seen = rollout.messages
    own_message_end = max(n for n, message in enumerate(seen) if message.role == "assistant")
    assert list(result.observation) == seen[own_message_end + 1 :]


def test_an_episode_that_the_user_ends_at_once_is_over_at_reset():
    rollout = scripted(f"Never mind {STOP}")
    result = rollout.reset("create_task_1")
    assert (result.done, result.reward) == (True, 0.0)


def test_unknown_names_are_named_with_the_nearest_known():
    with pytest.raises(UnknownName, match="create_task_1"):
        scripted("Hi").reset("create_task")
    with pytest.raises(ConfigError, match="setup"):
        Rollout().reset("create_task_1")
    with pytest.raises(ConfigError, match="pass a Task"):
        Rollout(RolloutSetup(get_environment)).reset("create_task_1")


def test_an_environment_that_is_not_registered():
    rollout = Rollout(RolloutSetup(get_environment, user=lambda *_: User(("Hi", STOP))))
    rollout.reset(mock_task("create_task_1"))
    rollout.step(CALL)
    assert rollout.step("Done.").reward == 1.0


def test_grading_in_the_middle_changes_nothing():
    rollout = scripted("Hi", STOP)
    rollout.reset("create_task_1")
    assert rollout.grade_now().reward == 0.0
    rollout.step(CALL)
    before = rollout.environment.get_db_hash()
    assert rollout.grade_now().reward == 1.0
    assert (rollout.environment.get_db_hash(), rollout.result.done) == (before, False)


def test_the_user_may_be_played():
    rollout = Rollout(RolloutSetup("mock", agent="oracle_agent"), role="user")
    result = rollout.reset("create_task_1")
    assert [message.role for message in result.observation] == ["assistant"]
    while not result.done:
        result = rollout.step("Yes, I am user_1, go ahead." if len(rollout.steps) < 4 else STOP)
    assert (result.reward, result.reason) == (1.0, TerminationReason.USER_STOP)
    assert [message["role"] for message in rollout.history()[:3]] == ["system", "user", "assistant"]
    assert {tool.name for tool in rollout.tools} == {
        tool.name for tool in get_environment().get_user_tools()
    }


def test_solo_without_a_user():
    rollout = Rollout(RolloutSetup("mock", solo=True))
    result = rollout.reset("create_task_1")
    assert result.observation == ()
    assert mock_task("create_task_1").ticket in rollout.system_prompt
    assert {"done", "check_notifications"} <= {tool.name for tool in rollout.tools}
    rollout.step(CALL)
    assert rollout.step({"name": "done", "arguments": {}}).reward == 1.0


def test_tools_are_bound_to_the_environment_of_the_episode():
    rollout = scripted("Hi", "Ok", STOP)
    rollout.reset("create_task_1")
    tool = next(tool for tool in rollout.tools if tool.name == "create_task")
    tool(user_id="user_1", title="Important Meeting")
    assert rollout.step(f"Bye {STOP}").reward == 1.0


def test_awaited_rollouts_play_the_same_episode():
    async def play():
        rollout = Rollout(
            RolloutSetup("mock", user=lambda *_: AsyncUser(("Hi", "Ok", f"Bye {STOP}")))
        )
        await rollout.areset("create_task_1")
        await rollout.astep(CALL)
        await rollout.astep("Done.")
        return await rollout.astep("Anything else?")

    result = asyncio.run(play())
    assert (result.reward, result.terminated) == (1.0, True)


def test_two_hundred_awaited_at_once_on_one_thread():
    async def play(rollout):
        await rollout.areset("create_task_1")
        await rollout.astep(CALL)
        return (await rollout.astep("Done.")).reward

    async def group():
        rollouts = [
            Rollout(RolloutSetup("mock", user=lambda *_: AsyncUser(("Hi", STOP))))
            for _ in range(200)
        ]
        return await asyncio.gather(*map(play, rollouts)), threading.active_count()

    before = threading.active_count()
    rewards, threads = asyncio.run(group())
    assert (sum(rewards), threads) == (200.0, before)


def test_a_cancelled_step_goes_on_where_it_stood():
    class SlowUser(User):
        async def agenerate_next_message(self, message, state):
            await asyncio.sleep(0.05 if state.at else 0)
            return User.generate_next_message(self, message, state)

    async def play():
        rollout = Rollout(RolloutSetup("mock", user=lambda *_: SlowUser(("Hi", "Ok"))))
        await rollout.areset("create_task_1")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(rollout.astep("Hello"), 0.01)
        return await rollout.aadvance()

    assert texts(asyncio.run(play())) == ["Ok"]


def test_the_timeout_ends_an_episode_whose_agent_hangs():
    async def play():
        rollout = Rollout(
            RolloutSetup("mock", agent=lambda *_: HangingAgent(), timeout=0.05), role="user"
        )
        await rollout.areset("create_task_1")
        return await rollout.astep("Hello")

    result = asyncio.run(play())
    assert (result.truncated, result.reason) == (True, TerminationReason.TIMEOUT)


def test_a_user_that_must_be_awaited_is_named_in_the_error():
    class Awaited(User):
        async def generate_next_message(self, message, state):
            return User.generate_next_message(self, message, state)

    async def play():
        rollout = Rollout(RolloutSetup("mock", user=lambda *_: Awaited(("Hi",))))
        with pytest.raises(ParticipantError, match="arun"):
            rollout.reset("create_task_1")
        return await rollout.aadvance()

    assert texts(asyncio.run(play())) == ["Hi"]


def test_forks_share_their_history_and_nothing_else():
    rollout = scripted("Hi", "Ok", f"Bye {STOP}")
    rollout.reset("create_task_1")
    rollout.step("Let me see.")
    one, other = rollout.fork(2)
    assert one.step(CALL).observation[0].error is False
    assert one.step("Done.").reward == 1.0
    assert (other.result, len(other.steps), len(rollout.steps)) == (rollout.result, 1, 1)
    assert other.step("I will not do it.").reward == 0.0
    rollout.step(CALL)
    assert rollout.step("Done.").reward == 1.0
    ids = {fork.run.id for fork in (rollout, one, other)}
    assert len(ids) == 3


def test_a_fork_shares_no_message():
    rollout = scripted("Hi", "Ok")
    rollout.reset("create_task_1")
    rollout.step(CALL)
    (child,) = rollout.fork()
    for message in child.trajectory:
        message.content = "changed"
    assert "changed" not in [message.content for message in rollout.trajectory]
    assert child.orchestrator.pending.observation is child.trajectory[-1]


def test_a_fork_between_submit_and_advance():
    rollout = scripted("Hi", "Ok")
    rollout.reset("create_task_1")
    rollout.submit(CALL)
    (child,) = rollout.fork()
    assert child.advance().observation == rollout.advance().observation


def test_an_episode_that_is_over_cannot_be_forked():
    rollout = scripted(STOP)
    rollout.reset("create_task_1")
    with pytest.raises(RuntimeError):
        rollout.fork(2)
    with pytest.raises(RuntimeError):
        rollout.snapshot()


def test_a_snapshot_goes_on_in_another_process():
    rollout = Rollout(RolloutSetup("mock", user="scripted_user"), keep_snapshots=True)
    rollout.reset("create_task_1", seed=5)
    rollout.step(CALL)
    said = texts(rollout.step("It is on the list. Is there anything else?"))
    first, second = pickle.loads(pickle.dumps(rollout.snapshots))
    assert isinstance(first, RolloutSnapshot)
    again = Rollout(RolloutSetup("mock", user="scripted_user"))
    result = again.restore(second)
    assert result.observation == rollout.steps[0].result.observation
    assert again.environment.get_db_hash() == rollout.environment.get_db_hash()
    assert texts(again.step("It is on the list. Is there anything else?")) == said
    assert again.result.reward == 1.0
    again.restore(first)
    assert again.step(f"Bye {STOP}").reward == 0.0


def test_a_snapshot_is_not_changed_by_what_follows():
    rollout = scripted("Hi", "Ok")
    rollout.reset("create_task_1")
    snapshot = rollout.snapshot()
    rollout.step(CALL)
    assert len(snapshot.moment.messages) == 2
    assert snapshot.history.steps == []


def test_tokens_are_kept_with_their_actions():
    rollout = scripted("Hi", "Ok")
    rollout.reset("create_task_1")
    rollout.step("One moment.", Tokens([1, 2], [3, 4], [-0.5, -0.25]))
    rollout.step(CALL)
    rollout.reject("no JSON", "{", Tokens([1, 2, 3, 4, 5], [6], [-1.0], [False]))
    (sample,) = rollout.samples()
    assert sample.ids == [1, 2, 3, 4, 5, 6]
    assert sample.loss_mask == [False, False, True, True, False, False]
    assert sample.steps == [0, 2]


def test_an_abandoned_episode_leaves_nothing_behind():
    gc.collect()
    gc.disable()
    try:
        rollout = Rollout(RolloutSetup("mock", user="scripted_user"))
        rollout.reset("create_task_1")
        rollout.step(CALL)
        gone = [
            weakref.ref(rollout.orchestrator),
            weakref.ref(rollout.environment),
            weakref.ref(rollout),
        ]
        del rollout
        assert [one() for one in gone] == [None, None, None]  # without the garbage collector
    finally:
        gc.enable()


def test_a_failed_episode_leaves_nothing_behind(caplog):
    caplog.set_level(
        logging.CRITICAL, logger="tau2.rollout"
    )  # pytest would keep the record, and its frames
    rollout = scripted("Hi", OSError("gone"))
    rollout.reset("create_task_1")
    rollout.step("Hello")
    gone = weakref.ref(rollout.orchestrator)
    rollout.close()
    gc.collect()
    assert gone() is None


def test_an_episode_wired_elsewhere():
    rollout = Rollout()
    rollout.begin(stage("create_task_1", Agent(), User(("Hi", STOP))))
    assert texts(rollout.advance()) == ["Hi"]
    rollout.step(
        AssistantMessage(
            tool_calls=[ToolCall(name=c.name, arguments=c.arguments) for c in [create_meeting()]]
        )
    )
    assert rollout.step("Done").reward == 1.0
    assert rollout.role is Role.AGENT


def test_a_message_of_the_caller_is_not_changed():
    rollout = scripted("Hi")
    rollout.reset("create_task_1")
    message = AssistantMessage(tool_calls=[ToolCall(name="get_users", arguments={})])
    rollout.step(message)
    rollout.step(message)
    assert message.tool_calls[0].id == ""


def test_the_agent_does_not_observe_the_users_tool_calls():
    rollout = scripted(calls("check_notifications"), "I have looked.")
    result = rollout.reset("update_task_with_user_tools")
    assert texts(result) == ["I have looked."]
    assert [message.role for message in rollout.trajectory] == ["assistant", "user", "tool", "user"]
