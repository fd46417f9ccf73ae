"""One call: who is asked when, what is heard, how tool calls run, and how it ends."""

from __future__ import annotations

import asyncio
import time

import pytest
from tests.call_cast import CallAgent, CallUser, call, staged_call
from tests.cast import ON_THE_LIST, calls, create_meeting, mock_task, said

from tau2.data_model.conventions import STOP
from tau2.data_model.message import AssistantMessage, UserMessage
from tau2.data_model.simulation import SimulationRun, TerminationReason
from tau2.domains.mock.environment import get_environment
from tau2.errors import AgentError, ConfigError, DeadlineExceeded, SpeechFailed, UserError
from tau2.orchestrator.full_duplex_orchestrator import FullDuplexOrchestrator
from tau2.utils.sizes import LONGEST_MESSAGE, LONGEST_RESULT

TASK = "create_task_1"


def heard_by(orchestrator, side):
    return getattr(orchestrator, side).ear.heard


# --- who hears what -------------------------------------------------------------------------------


def test_each_hears_the_other_one_tick_later():
    episode = staged_call(TASK, {1: "Hello."}, {0: "Hi.", 3: STOP})
    episode.run()
    assert heard_by(episode, "user") == [None, None, "Hello.", None]
    assert heard_by(episode, "agent") == [None, "Hi.", None]


def test_both_may_speak_in_one_tick():
    run = call(TASK, {1: "Hello?", 2: " Are you there?"}, {1: "Good morning,", 2: " I", 9: STOP})
    tick = run.ticks[2]
    assert (tick.agent_chunk.content, tick.user_chunk.content) == (" Are you there?", " I")
    assert said(run) == [
        "user: Good morning, I",
        "assistant: Hello? Are you there?",
        f"user: {STOP}",
    ]


def test_whoever_ends_the_call_has_the_last_word():
    ended = call(TASK, {1: "Hello.", 2: STOP}, {})
    assert ended.termination_reason == "agent_stop"
    ended = call(TASK, {2: "Hello?"}, {2: STOP})
    assert ended.termination_reason == "user_stop"
    assert ended.ticks[-1].agent_chunk is None  # the line was dead


# --- tool calls -----------------------------------------------------------------------------------


def test_tools_run_within_the_tick_and_results_come_with_the_next():
    episode = staged_call(TASK, {2: create_meeting(), 4: "Done."}, {0: "Please.", 6: STOP})
    run = episode.run()
    assert [len(results) for results in episode.agent.ear.results] == [0, 0, 0, 1, 0, 0]
    tick = run.ticks[2]
    assert [made.name for made in tick.agent_tool_calls] == ["create_task"]
    assert tick.agent_chunk.tool_calls is None
    assert [result.id for result in tick.agent_tool_results] == [tick.agent_tool_calls[0].id]
    assert said(run) == [
        "user: Please.",
        "assistant: create_task()",
        f"tool: {tick.agent_tool_results[0].content}",
        "assistant: Done.",
        f"user: {STOP}",
    ]


def test_a_call_is_graded_like_a_conversation():
    assert call(TASK, {2: create_meeting()}, {4: STOP}).reward_info.reward == 1.0
    assert call(TASK, {2: "I would rather not."}, {4: STOP}).reward_info.reward == 0.0


def test_both_sides_have_tools_of_their_own():
    run = call(TASK, {1: calls("get_users")}, {1: calls("check_notifications"), 3: STOP})
    tick = run.ticks[1]
    assert [made.requestor for made in tick.user_tool_calls] == ["user"]
    assert [made.requestor for made in tick.agent_tool_calls] == ["assistant"]
    assert not any(result.error for result in tick.user_tool_results + tick.agent_tool_results)


def test_a_user_cannot_call_the_tools_of_the_agent():
    run = call(TASK, {}, {1: create_meeting(), 3: STOP})
    assert run.ticks[1].user_tool_results[0].error
    assert run.reward_info.reward == 0.0


def test_calls_of_one_id_get_ids_of_their_own():
    twice = AssistantMessage(
        tool_calls=[{"id": "c", "name": "get_users", "arguments": {}}] * 2, is_audio=True
    )
    run = call(TASK, {1: twice, 2: twice}, {4: STOP})
    ids = [made.id for tick in run.ticks for made in tick.agent_tool_calls]
    assert len(set(ids)) == 4
    results = [result.id for tick in run.ticks for result in tick.agent_tool_results]
    assert results == ids


# --- limits ---------------------------------------------------------------------------------------


def test_a_call_ends_with_its_last_tick():
    run = call(TASK, max_steps=7)
    assert (run.termination_reason, len(run.ticks)) == ("max_steps", 7)
    assert run.reward_info.reward == 0.0


@pytest.mark.parametrize(("side", "reason"), [("agent", "too_many_errors"), ("user", "user_error")])
def test_failed_tool_calls_are_counted_for_who_made_them(side, reason):
    wrong = {tick: calls("no_such_tool") for tick in range(9)}
    run = call(TASK, max_errors=3, **{side: wrong})
    assert (run.termination_reason, len(run.ticks)) == (reason, 3)


def test_the_wall_clock_ends_a_call_too():
    class Slow(CallAgent):
        def get_next_chunk(self, state, participant_chunk, tool_results):
            time.sleep(0.01)
            return super().get_next_chunk(state, participant_chunk, tool_results)

    run = call(TASK, Slow(), timeout=0.05, max_steps=1000)
    assert run.termination_reason == "timeout"
    assert len(run.ticks) < 10


# --- failures -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("side", "problem", "reason"),
    [
        ("agent", AgentError("mute"), "agent_error"),
        ("user", UserError("gone"), "user_error"),
        ("agent", DeadlineExceeded("late"), "timeout"),
    ],
)
def test_what_a_participant_raises_ends_its_call(side, problem, reason):
    run = call(TASK, **{side: {2: problem}})
    assert run.termination_reason == reason
    assert str(problem) in run.info["error"]
    assert len(run.ticks) == 3


def test_a_speech_engine_that_fails_is_no_score():
    with pytest.raises(SpeechFailed):
        call(TASK, {}, {1: SpeechFailed("the synthesizer is gone")})


def test_the_wrong_kind_of_answer_is_named():
    run = call(TASK, {1: UserMessage(content="I am you.")})
    assert run.termination_reason == "agent_error"
    assert "must answer with AssistantMessage, not UserMessage" in run.info["error"]


@pytest.mark.parametrize(
    ("chunk", "problem"),
    [
        (AssistantMessage(content="a" * (LONGEST_MESSAGE + 1)), "1,000,000 characters"),
        (AssistantMessage(audio_content=b"\xff" * 1601, is_audio=True), "1,601 bytes of audio"),
    ],
)
def test_a_chunk_that_is_too_much_is_the_speakers_failure(chunk, problem):
    run = call(TASK, {1: chunk})
    assert run.termination_reason == "agent_error"
    assert problem in run.info["error"]
    assert len(run.ticks[-1].agent_chunk.content or "") < LONGEST_MESSAGE


def test_a_result_that_is_too_long_is_nobodys_failure(monkeypatch):
    episode = staged_call(TASK, {1: calls("get_users")})
    respond = episode.environment.get_response

    def endless(made):
        return respond(made).model_copy(update={"content": "a" * (LONGEST_RESULT + 1)})

    monkeypatch.setattr(episode.environment, "get_response", endless)
    run = episode.run()
    assert run.termination_reason == TerminationReason.INFRASTRUCTURE_ERROR


class Nobody:
    is_stop = get_init_state = None


def test_a_participant_that_cannot_call_is_refused():
    with pytest.raises(ConfigError, match=r"the agent \(Nobody\) must have get_next_chunk"):
        FullDuplexOrchestrator("mock", Nobody(), CallUser(), get_environment(), mock_task(TASK))
    history = mock_task("update_task_with_message_history")
    with pytest.raises(ConfigError, match="begins in the middle of a conversation"):
        staged_call(history)


# --- drivers --------------------------------------------------------------------------------------


AGENT = {2: create_meeting(), 4: "It is", 5: " on the list."}
USER = {0: "Please add", 1: " a meeting.", 8: STOP}


def test_a_side_that_cannot_begin_leaves_no_session_of_the_other_open():
    class Mute(CallUser):
        def get_init_state(self, message_history=None):
            raise SpeechFailed("no weights")

    agent = CallAgent({})
    user = Mute({})
    episode = FullDuplexOrchestrator("mock", agent, user, get_environment(), mock_task(TASK))
    with pytest.raises(SpeechFailed):
        episode.run()
    assert (agent.farewells, user.farewells) == ([None], [None])


def record(run: SimulationRun) -> str:
    return run.model_dump_json(include={"ticks", "messages", "termination_reason"})


def test_every_driver_plays_the_same_call():
    class Blocking(CallAgent):
        blocking = True

    by_run = staged_call(TASK, AGENT, USER).run()
    assert record(asyncio.run(staged_call(TASK, AGENT, USER).arun())) == record(by_run)
    assert record(asyncio.run(staged_call(TASK, Blocking(AGENT), USER).arun())) == record(by_run)
    episode = staged_call(TASK, AGENT, USER)
    for played in range(1, 10):
        episode.step()
        assert episode.step_count == played
    episode.step()  # after the end it does nothing
    assert record(episode.finalize()) == record(by_run)
    assert by_run.ticks[3].timestamp == "2025-01-01T00:00:00.600"


def test_the_same_object_can_be_played_again():
    episode = staged_call(TASK, {}, {2: STOP})
    assert len(episode.run().ticks) == 3
    assert episode.agent.seed == episode.user.seed == 1
    assert len(episode.agent.farewells) == 1


def test_what_blocks_can_be_cancelled():
    began = asyncio.Event()

    class Endless(CallAgent):
        blocking = True

        def get_next_chunk(self, state, participant_chunk, tool_results):
            loop.call_soon_threadsafe(began.set)
            time.sleep(0.005)
            return super().get_next_chunk(state, participant_chunk, tool_results)

    async def cancelled() -> FullDuplexOrchestrator:
        episode = staged_call(TASK, Endless(), max_steps=10**9)
        playing = asyncio.create_task(episode.arun())
        await began.wait()
        playing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await playing
        return episode

    loop = asyncio.new_event_loop()
    try:
        episode = loop.run_until_complete(cancelled())
        for _ in range(200):
            if episode.agent.farewells:
                break
            time.sleep(0.01)
        assert episode.agent.farewells, "the thread still plays"
    finally:
        loop.close()


def test_answers_from_outside():
    episode = staged_call(TASK)
    with pytest.raises(RuntimeError, match="nothing is pending"):
        episode.answer(UserMessage(content="Hi."))
    with pytest.raises(RuntimeError, match="not over"):
        episode.finalize()
    episode.initialize()
    assert (episode.pending.to, episode.pending.heard) == ("user", None)
    episode.answer(UserMessage(content="Hi."))
    assert (episode.pending.to, episode.pending.tick) == ("agent", 0)
    episode.answer(AssistantMessage(content="Hello."))
    assert (episode.pending.to, episode.pending.tick) == ("user", 1)
    assert episode.pending.heard.content == "Hello."


def test_ticks_can_be_watched():
    seen = []
    episode = staged_call(TASK, {1: "Hello."}, {3: STOP})
    episode.on_tick = lambda tick: seen.append((tick.tick_id, tick.agent_chunk is not None))
    episode.run()
    assert seen == [(0, True), (1, True), (2, True), (3, False)]


def test_costs_are_those_of_the_chunks_that_called_a_model():
    paid = AssistantMessage(content="Hi.", cost=0.25, usage={"prompt_tokens": 7})
    run = call(TASK, {1: paid, 3: paid.model_copy()}, {5: STOP})
    assert (run.agent_cost, run.user_cost) == (0.5, 0.0)
    assert run.agent_usage.prompt_tokens == 14
    unknown = AssistantMessage(content="Hi.", usage={"prompt_tokens": 7})
    assert call(TASK, {1: paid, 3: unknown}, {5: STOP}).agent_cost is None


def test_arguments_reach_the_tool_as_they_are():
    run = call(TASK, {1: calls("create_task", **ON_THE_LIST)}, {3: STOP})
    assert run.messages[0].tool_calls[0].arguments == ON_THE_LIST


def test_a_user_hears_nothing_before_the_first_tick():
    user = CallUser({1: STOP})
    staged_call(TASK, {}, user).run()
    assert user.ear.heard == [None, None]
