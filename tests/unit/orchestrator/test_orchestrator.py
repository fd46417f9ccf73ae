"""Episodes: beginnings, drivers, limits, endings, and what is recorded."""

from __future__ import annotations

import asyncio
import logging
import threading
import time

import pytest
from tests.cast import (
    STOP,
    Agent,
    AsyncAgent,
    AsyncUser,
    HangingAgent,
    SlowAgent,
    User,
    a_task,
    calls,
    create_meeting,
    play,
    said,
    says,
    stage,
    ticking,
)

from tau2.data_model.message import (
    AssistantMessage,
    MultiToolMessage,
    ToolCall,
    ToolMessage,
    UserMessage,
)
from tau2.data_model.tasks import InitialState
from tau2.domains.mock.environment import get_environment
from tau2.environment.environment import Environment
from tau2.environment.toolkit import ToolKitBase
from tau2.errors import (
    AgentError,
    ConfigError,
    ContextWindowExceeded,
    DeadlineExceeded,
    EmptyCompletion,
    ModelUnavailable,
    ParticipantError,
    UserError,
)
from tau2.llm.deadline import deadline
from tau2.orchestrator.episode import Role
from tau2.orchestrator.orchestrator import DEFAULT_FIRST_AGENT_MESSAGE
from tau2.participant.base import HalfDuplexParticipant
from tau2.runner.simulation import grade_live


class Counting(Environment):
    """Counts how often both sides are brought into agreement."""

    synced = 0

    def sync_tools(self):
        self.synced += 1


class Answering(Counting):
    """Answers calls in a way of its own, and leaves the agreement to the episode."""

    def get_response(self, message):
        return ToolMessage(id=message.id, content="ok", requestor=message.requestor)


@pytest.mark.parametrize(
    ("kind", "name", "times"),
    [(Counting, "get_users", 1), (Counting, "no_such_tool", 1), (Answering, "get_users", 1)],
)
def test_both_sides_agree_after_every_step_and_once_is_enough(kind, name, times):
    world = get_environment()
    environment = kind("mock", world.policy, world.tools, world.user_tools)
    episode = stage("create_task_1", says(calls(name)), says("Hi", STOP), environment=environment)
    episode.initialize()
    while episode.pending.to is not Role.ENV:
        episode.step()
    before = environment.synced
    episode.step()
    assert environment.synced - before == times


def test_the_agent_greets_and_the_user_begins():
    run = play("create_task_1", agent=says("Done."), user=says("Hello", STOP))
    assert said(run) == [
        f"assistant: {DEFAULT_FIRST_AGENT_MESSAGE.content}",
        "user: Hello",
        "assistant: Done.",
        f"user: {STOP}",
    ]
    assert run.termination_reason == "user_stop"
    assert [message.turn_idx for message in run.messages] == [0, 1, 2, 3]


def test_the_greeting_is_never_shared():
    first, second = play("create_task_1"), play("create_task_1")
    first.messages[0].content = "changed"
    assert second.messages[0].content == DEFAULT_FIRST_AGENT_MESSAGE.content


def test_the_user_never_hears_of_the_agents_tools():
    episode = stage(
        "create_task_1",
        agent=says(create_meeting(), "Done."),
        user=says("Hi", calls("check_notifications"), STOP),
    )
    episode.run()
    heard = [getattr(message, "content", message) for message in episode.user_state.heard]
    assert heard == [DEFAULT_FIRST_AGENT_MESSAGE.content, "Done.", "[]"]
    assert [message.role for message in episode.agent_state.heard] == ["user", "tool"]


def test_several_calls_in_one_message():
    episode = stage(
        "create_task_1",
        agent=says([create_meeting(), calls("get_users")], "Done."),
        user=says("Hi"),
    )
    run = episode.run()
    assert isinstance(episode.agent_state.heard[1], MultiToolMessage)
    assert [message.id for message in run.messages if message.role == "tool"] == [
        "call00200",
        "call00201",
    ]
    assert not any(isinstance(message, MultiToolMessage) for message in run.messages)


def test_alone_the_agent_opens_with_a_tool():
    run = play("create_task_1", agent=says(create_meeting(), STOP), solo_mode=True)
    assert said(run)[0] == "assistant: create_task()"
    assert (run.termination_reason, run.reward_info.reward) == ("agent_stop", 1.0)
    assert (
        play("create_task_1", agent=says("Hello?"), solo_mode=True).termination_reason
        == "agent_error"
    )


# --- the record -----------------------------------------------------------------------------------


def test_costs_are_known_or_unknown():
    free = play(
        "create_task_1", agent=says(AssistantMessage(content="Hi", cost=0.25)), user=says("Hi")
    )
    assert (free.agent_cost, free.user_cost) == (0.25, 0.0)
    unknown = play("create_task_1", agent=says(AssistantMessage(content="Hi")), user=says("Hi"))
    assert unknown.agent_cost is None


def test_tokens_are_added_up():
    usage = {
        "prompt_tokens": 10, "completion_tokens": 2, "malformed_tool_calls": 1, "cached_tokens": 7,
    }  # fmt: skip
    line = AssistantMessage(content="Hi", usage=usage)
    run = play("create_task_1", agent=says(line, line), user=says("Hi", "Hi"))
    assert run.agent_usage.model_dump() == {
        "prompt_tokens": 20, "completion_tokens": 4, "model_calls": 2, "malformed_tool_calls": 2,
        "cut_off": 0, "content_filtered": 0, "cached_tokens": 14, "cache_write_tokens": 0,
    }  # fmt: skip


def test_a_message_said_twice_is_two_messages():
    class Parrot(Agent):
        line = AssistantMessage(content="Hello", cost=0.0)

        def generate_next_message(self, message, state):
            return self.line, state

    run = play("create_task_1", agent=Parrot(), user=says("a", "b", STOP))
    assert [message.turn_idx for message in run.messages] == list(range(6))


def test_the_record_says_who_failed_and_why():
    run = play("create_task_1", agent=says(AgentError("out of words")), user=says("Hi"))
    assert run.termination_reason == "agent_error"
    assert run.info == {"error": "agent: out of words"}


def test_participants_learn_that_it_is_over(caplog):
    agent, user = Agent(says("Hi")), User(says("Hi"))
    user.stop = lambda message, state: 1 / 0
    with caplog.at_level(logging.WARNING):
        stage("create_task_1", agent, user).run()
    assert len(agent.farewells) == 1
    assert "user.stop failed" in caplog.text


def test_the_seed_reaches_both_sides():
    agent, user = Agent(), User()
    stage("create_task_1", agent, user, seed=7).run()
    assert (agent.seed, user.seed) == (7, 7)
    stage("create_task_1", agent, user, seed=None).run()
    assert agent.seed == 7


# --- beginnings from a history --------------------------------------------------------------------


def history_task(*messages):
    return a_task(create_meeting(), state=InitialState(message_history=list(messages)))


LOOK = ToolCall(id="1", name="get_users", arguments={})
MAKE = ToolCall(id="2", name="create_task", arguments=create_meeting().arguments)
USERS = '[{"user_id": "user_1", "name": "Robin Vale", "tasks": ["task_1"]}]'


def test_a_history_goes_on_where_it_ended():
    task = history_task(
        AssistantMessage(content="Hello"),
        UserMessage(content="A meeting, please.", turn_idx=9, timestamp="old"),
    )
    episode = stage(task, agent=says(create_meeting(), "Done."), now=ticking())
    run = episode.run()
    assert episode.agent_state.heard[0].content == "A meeting, please."
    assert [message.content for message in episode.agent_state.history] == ["Hello"]
    assert run.messages[1].turn_idx == 1
    assert run.messages[1].timestamp.startswith("2026-")
    assert task.initial_state.message_history[1].timestamp == "old"


def test_what_a_history_cost_is_not_counted_again():
    task = history_task(
        AssistantMessage(content="Hello", cost=8.0, usage={"prompt_tokens": 500}),
        UserMessage(content="A meeting, please.", cost=4.0, usage={"prompt_tokens": 300}),
    )
    reply = AssistantMessage(content="Done.", cost=0.5, usage={"prompt_tokens": 7})
    run = stage(task, agent=says(reply), user=says(UserMessage(content=STOP, cost=0.25))).run()
    assert [message.content for message in run.messages[:2]] == ["Hello", "A meeting, please."]
    assert (run.agent_cost, run.user_cost) == (0.5, 0.25)
    assert (run.agent_usage.prompt_tokens, run.agent_usage.model_calls) == (7, 1)
    assert run.user_usage.model_calls == 0


def test_several_results_at_the_end_are_all_heard():
    task = history_task(
        UserMessage(content="Hi"),
        AssistantMessage(tool_calls=[LOOK, LOOK.model_copy(update={"id": "b"})]),
        ToolMessage(id="1", content=USERS),
        ToolMessage(id="b", content=USERS),
    )
    episode = stage(task, agent=says("I see."), user=says(STOP))
    episode.run()
    assert len(episode.agent_state.heard[0].tool_messages) == 2
    assert len(episode.agent_state.history) == 2
    assert [message.role for message in episode.user_state.history] == ["user"]


def test_a_call_at_the_end_is_carried_out_first():
    task = history_task(
        UserMessage(content="A meeting, please."), AssistantMessage(tool_calls=[MAKE])
    )
    task.evaluation_criteria.actions = []
    episode = stage(task, agent=says("Done."))
    episode.initialize()
    assert episode.pending.to is Role.ENV
    run = episode.run()
    assert run.messages[2].id == "2"
    assert grade_live(run, episode, "all").reward == 1.0


def test_a_history_that_is_over_is_not_continued():
    for last, reason in (
        (UserMessage(content=f"Bye {STOP}"), "user_stop"),
        (AssistantMessage(content=f"Bye {STOP}"), "agent_stop"),
    ):
        run = play(history_task(AssistantMessage(content="Hello"), last))
        assert run.termination_reason == reason
        assert len(run.messages) == 2


def test_what_was_done_before_counts_against_no_limit():
    task = history_task(*[AssistantMessage(content="Hello"), UserMessage(content="Hi")] * 10)
    assert (
        play(task, agent=says("x", "y"), user=says("a", STOP), max_steps=5).termination_reason
        == "user_stop"
    )


# --- limits ---------------------------------------------------------------------------------------


def test_limits_end_an_endless_talk():
    many = ["more"] * 100
    assert (
        play("create_task_1", says(*many), says(*many), max_steps=10).termination_reason
        == "max_steps"
    )
    failing = [calls("nothing")] * 20
    run = play("create_task_1", says(*failing), says("Hi"), max_errors=3)
    assert run.termination_reason == "too_many_errors"
    assert sum(message.role == "tool" for message in run.messages) == 3


def test_a_stop_on_the_last_step_earns_its_reward():
    run = play(
        "create_task_1", agent=says(create_meeting(), "Done."), user=says("Hi", STOP), max_steps=5
    )
    assert (run.termination_reason, run.reward_info.reward) == ("user_stop", 1.0)


def test_time_bounds_a_hanging_call_on_a_loop():
    run = asyncio.run(stage("create_task_1", HangingAgent(), says("Hi"), timeout=0.1).arun())
    assert run.termination_reason == "timeout"
    assert "agent" in run.info["error"]


def test_time_bounds_a_hanging_awaited_participant_of_a_plain_run():
    class Hanging(Agent):
        async def generate_next_message(self, message, state):
            await asyncio.Event().wait()

    assert (
        stage("create_task_1", Hanging(), says("Hi"), timeout=0.1).run().termination_reason
        == "timeout"
    )


def test_time_bounds_a_thread_that_blocks():
    episode = stage("create_task_1", SlowAgent(says("late"), seconds=0.5), says("Hi"), timeout=0.05)
    assert asyncio.run(episode.arun()).termination_reason == "timeout"


@pytest.mark.parametrize("driver", ["run", "arun", "step"])
def test_a_model_call_knows_when_time_is_out(driver):
    moments = []

    class Asks(Agent):
        def generate_next_message(self, message, state):
            moments.append(deadline.get())
            raise DeadlineExceeded("the model call was cut off")

    episode = stage("create_task_1", Asks(), says("Hi"), timeout=60)
    if driver == "step":
        while not episode.done:
            episode.step()
        run = episode.finalize()
    else:
        run = episode.run() if driver == "run" else asyncio.run(episode.arun())
    assert run.termination_reason == "timeout"
    assert 0 < moments[0] - time.monotonic() < 60
    assert deadline.get() is None


def test_without_a_limit_an_outer_one_stays():
    moments = []

    class Asks(Agent):
        def generate_next_message(self, message, state):
            moments.append(deadline.get())
            return super().generate_next_message(message, state)

    token = deadline.set(123.0)
    try:
        stage("create_task_1", Asks(), says("Hi")).run()
    finally:
        deadline.reset(token)
    assert moments == [123.0]


def test_a_participants_own_timeout_is_not_the_episodes():
    episode = stage("create_task_1", AsyncAgent(says(TimeoutError("mine"))), says("Hi"), timeout=60)
    with pytest.raises(TimeoutError, match="mine"):
        asyncio.run(episode.arun())


# --- failures -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("problem", "by_agent", "by_user"),
    [
        (AgentError("x"), "agent_error", "agent_error"),
        (UserError("x"), "user_error", "user_error"),
        (EmptyCompletion("x"), "agent_error", "user_error"),
        (ContextWindowExceeded("x"), "context_window_exceeded", "user_error"),
        (DeadlineExceeded("x"), "timeout", "timeout"),
    ],
)
@pytest.mark.parametrize("now", [None, ticking()])
def test_known_failures_end_the_episode(problem, by_agent, by_user, now):
    assert play("create_task_1", says(problem), says("Hi"), now=now).termination_reason == by_agent
    assert play("create_task_1", says(), says(problem), now=now).termination_reason == by_user


@pytest.mark.parametrize(
    "problem", [ModelUnavailable("down"), ZeroDivisionError("bug"), OSError("net")]
)
def test_other_failures_are_the_surroundings_and_propagate(problem):
    with pytest.raises(type(problem)):
        play("create_task_1", says(problem), says("Hi"))
    episode = stage("create_task_1", AsyncAgent(says(problem)), AsyncUser(says("Hi")))
    with pytest.raises(type(problem)):
        asyncio.run(episode.arun())
    assert episode.pending is None


def test_an_empty_message_is_its_speakers_fault():
    run = play("create_task_1", says(None), says("Hi"))
    assert run.termination_reason == "agent_error"
    assert run.messages[-1].role == "assistant"
    assert play("create_task_1", says(), says("")).termination_reason == "user_error"


def test_what_cannot_take_turns_is_refused():
    class Mute:
        pass

    with pytest.raises(
        ConfigError, match=r"the agent \(Mute\) must have generate_next_message, get_init_state"
    ):
        stage("create_task_1", Mute(), says())
    with pytest.raises(ConfigError, match="environment in solo mode"):
        stage("create_task_1", says(), says(), solo_mode=True, environment=get_environment())


def test_a_participant_needs_nothing_but_turns():
    class Plain:
        def get_init_state(self, message_history=None):
            return None

        def generate_next_message(self, message, state):
            return AssistantMessage(content=STOP), state

        def is_stop(self, message):
            return True

    assert (
        stage("create_task_1", Plain(), says("Hi"), seed=1).run().termination_reason == "agent_stop"
    )


# --- drivers --------------------------------------------------------------------------------------


def test_step_by_step():
    episode = stage("create_task_1", agent=says(create_meeting(), "Done."), user=says("Hi", STOP))
    roles = []
    while not episode.done:
        episode.step()
        roles.append(str(episode.to_role))
    assert roles == ["user", "agent", "env", "agent", "user", "user"]
    assert (episode.step_count, episode.num_errors, len(episode.get_trajectory())) == (5, 0, 6)
    episode.step()
    assert episode.finalize().termination_reason == "user_stop"


def test_an_answer_needs_a_question():
    episode = stage("create_task_1")
    with pytest.raises(RuntimeError, match="nothing is pending"):
        episode.answer(UserMessage(content="Hi"))
    with pytest.raises(RuntimeError, match="not over"):
        episode.finalize()
    episode.run()
    with pytest.raises(RuntimeError, match="nothing is pending"):
        episode.answer(UserMessage(content="Hi"))


def test_an_asynchronous_method_alone_is_enough():
    class OnlyAsync(AsyncAgent):
        generate_next_message = HalfDuplexParticipant.generate_next_message

    assert (
        stage("create_task_1", OnlyAsync(says("Hi")), says(STOP)).run().termination_reason
        == "user_stop"
    )


def test_a_loop_that_runs_already_wants_arun():
    class Coroutine(Agent):
        async def generate_next_message(self, message, state):
            return super().generate_next_message(message, state)

    async def inside():
        stage("create_task_1", Coroutine(says("Hi")), says("Hi")).run()

    with pytest.raises(ParticipantError, match="await arun"):
        asyncio.run(inside())


def test_blocking_participants_do_not_hold_up_the_loop():
    together = threading.Barrier(3, timeout=5)

    async def three():
        episodes = [
            stage("create_task_1", SlowAgent(says("Hi"), before=together.wait), says("Hi"))
            for _ in range(3)
        ]
        return await asyncio.gather(*(episode.arun() for episode in episodes))

    assert [run.termination_reason for run in asyncio.run(three())] == ["user_stop"] * 3


def test_a_cancelled_episode_leaves_nothing_behind():
    episode = stage("create_task_1", HangingAgent(), says("Hi"))

    async def cancelled():
        task = asyncio.create_task(episode.arun())
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
    assert episode.pending is None


def test_an_environment_that_cannot_be_copied_needs_a_factory():
    class Uncopyable:
        def __reduce_ex__(self, protocol):
            raise TypeError("no")

    def fresh() -> Environment:
        return Environment("x", "", ToolKitBase(Uncopyable()))

    with pytest.raises(ConfigError, match="environment_factory"):
        stage(a_task(), environment=fresh())
    run = play(a_task(), user=says("Hi"), environment=fresh(), environment_factory=fresh)
    assert run.termination_reason == "agent_stop"
