"""Calls of a simulated caller, from the first hello to the end."""

from __future__ import annotations

import copy
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from tests.voice_cast import Phone, TextScript, actions_of, words_of

from tau2.data_model.message import AssistantMessage, ToolCall, ToolMessage, UserMessage
from tau2.errors import SpeechFailed, UserError
from tau2.voice.complexity import (
    SpeechEffectsConfig,
    SpeechEnvironment,
    sample_voice_config,
)
from tau2.voice.speech.protocols import Speech, Voice
from tau2.voice.turn_taking.decisions import Scene, Verdict
from tau2.voice.turn_taking.policy import Question, Thresholds, TurnTakingPolicy
from tau2.voice.user import VoiceStreamingUser

QUICK = TurnTakingPolicy(Thresholds(wait_self=0.2))
"""Waits a second for the agent, and not for itself."""
LIVELY = replace(QUICK, interrupts=True, backchannels=True)


@dataclass
class Says:
    """Answers the policy's questions as a test wants it."""

    yes: set[Question] = field(default_factory=set)
    cost: float | None = None
    is_model: bool = False
    scenes: list[Scene] = field(default_factory=list)

    def answer(self, question: Question, scene: Scene) -> Verdict:
        self.scenes.append(scene)
        return Verdict(question in self.yes, self.cost)


class TestACall:
    def test_question_and_answer_until_the_caller_hangs_up(self) -> None:
        phone = Phone(["I lost my card.", "Yes. ###STOP###"], policy=QUICK)
        phone.agent_says("Hello, how can I help?")
        assert words_of(phone.caller_speaks()) == "I lost my card."
        phone.agent_says("Shall I block it?")
        spoken = phone.wait(until=lambda chunk: phone.user.is_stop(chunk))
        assert words_of(spoken) == "Yes. ###STOP###"
        assert phone.text_user.received == ["Hello, how can I help?", "Shall I block it?"]
        assert phone.recognized() == "I lost my card. Yes."

    def test_every_tick_has_its_audio_also_in_silence(self) -> None:
        phone = Phone(["Good morning."])
        phone.agent_says("Hello!")
        phone.wait(30)
        assert {len(chunk.audio_content) for chunk in phone.chunks} == {1600}
        assert [chunk.chunk_id for chunk in phone.chunks] == list(range(32))

    def test_the_first_chunk_of_an_utterance_holds_all_of_it(self) -> None:
        phone = Phone(["I lost my card."])
        phone.agent_says("Hello!")
        spoken = phone.caller_speaks()[:-1]
        assert spoken[0].audio_script_gold == "I lost my card."
        assert all(chunk.audio_script_gold is None for chunk in spoken[1:])
        assert {tuple(chunk.utterance_ids or ()) for chunk in spoken} == {("user_1",)}
        assert [chunk.is_final_chunk for chunk in spoken[-2:]] == [False, True]
        assert spoken[0].cost == 0.001

    def test_what_was_heard_and_said_is_recorded(self) -> None:
        phone = Phone(["I lost my card."])
        phone.agent_says("Hello!")
        spoken = phone.caller_speaks()
        first, last = spoken[0], spoken[-2]
        assert first.raw_data == {
            "heard": {"text": "Hello!", "transcript": "Hello!", "start_tick": 0, "end_tick": 2}
        }
        said = (last.raw_data or {})["said"]
        assert said["meant"] == said["said"] == "I lost my card."
        assert said["end_tick"] - said["start_tick"] == len(spoken) - 1
        assert phone.state.records == [said]

    def test_the_token_is_not_spoken_and_the_last_words_are(self) -> None:
        phone = Phone(["Thank you, goodbye. ###STOP###"])
        phone.agent_says("Done.")
        chunks = phone.wait(until=lambda chunk: phone.user.is_stop(chunk))
        assert "STOP" not in phone.recognized()
        assert phone.recognized() == "Thank you, goodbye."
        assert not chunks[-1].contains_speech
        assert chunks[-1].utterance_ids == chunks[-2].utterance_ids

    def test_last_words_are_said_whoever_speaks_meanwhile(self) -> None:
        phone = Phone(["Thank you very much, and goodbye. ###STOP###"])
        phone.agent_says("Done.")
        phone.wait(until=lambda chunk: chunk.contains_speech)
        phone.agent_says("Is there anything else that I can do?")
        assert phone.recognized() == "Thank you very much, and goodbye."

    def test_a_token_alone_ends_the_call_at_once(self) -> None:
        phone = Phone(["###TRANSFER###"])
        phone.agent_says("I transfer you.")
        chunks = phone.wait(until=lambda chunk: phone.user.is_stop(chunk))
        assert chunks[-1].content == "###TRANSFER###"
        assert phone.recognized() == ""

    def test_a_caller_begins_where_the_agent_does_not(self) -> None:
        phone = Phone(["I lost my card."])
        assert words_of(phone.caller_speaks()) == "I lost my card."
        assert phone.text_user.received == ["Hi! How can I help you today?"]

    def test_who_is_not_answered_asks_and_then_says_it_again(self) -> None:
        phone = Phone(["I lost my card."], policy=QUICK)
        phone.agent_says("Hello!")
        phone.caller_speaks()
        once = words_of(phone.caller_speaks())
        twice = words_of(phone.caller_speaks())
        assert once in phone.user.pack.presence_checks
        assert twice.endswith("I lost my card.")
        assert phone.text_user.received == ["Hello!"]

    def test_what_the_agent_says_after_a_pause_are_words_of_their_own(self) -> None:
        phone = Phone(["Yes."], policy=QUICK)
        phone.agent_says("One moment.")
        phone.wait(2)
        phone.agent_says("Is it this one?")
        phone.caller_speaks()
        assert phone.text_user.received == ["One moment. Is it this one?"]

    def test_a_history_cannot_be_continued(self) -> None:
        with pytest.raises(UserError, match="begins a call"):
            Phone([]).user.get_init_state([AssistantMessage(content="Hello!")])


class TestInterruptions:
    LONG = "I would like to return the blue lamp and the red one too."

    def test_an_interrupted_caller_yields_after_a_second(self) -> None:
        phone = Phone([self.LONG, "Yes, please."], policy=QUICK)
        phone.agent_says("Hello!")
        phone.wait(until=lambda chunk: chunk.contains_speech)
        phone.wait(4)
        overlap = phone.agent_says("Just a moment please, I am looking.")
        assert sum(chunk.contains_speech for chunk in overlap) == 5
        stopped = next(chunk for chunk in overlap if not chunk.contains_speech)
        assert stopped.turn_taking_action is not None
        assert stopped.turn_taking_action.action == "stop_talking"
        said = (stopped.raw_data or {})["said"]
        assert said["is_cut_off"]
        assert said["meant"] == self.LONG
        assert self.LONG.startswith(said["said"])
        assert said["said"] != self.LONG

    def test_what_was_not_said_is_not_remembered(self) -> None:
        phone = Phone([self.LONG, "Yes, please."], policy=QUICK)
        phone.agent_says("Hello!")
        phone.wait(until=lambda chunk: chunk.contains_speech)
        phone.wait(4)
        phone.agent_says("Just a moment please, I am looking.")
        remembered = phone.state.text_state.messages[-1].content
        assert remembered == words_of(phone.chunks).strip()
        assert remembered == phone.state.records[-1]["said"]

    def test_a_text_user_without_messages_hears_the_question_again(self) -> None:
        phone = Phone(Counter(), policy=QUICK)
        phone.agent_says("Which lamp?")
        phone.wait(until=lambda chunk: chunk.contains_speech)
        phone.agent_says("Sorry, I did not hear you.")
        assert phone.state.text_state == {"turns": 0}
        phone.caller_speaks()
        assert phone.text_user.received == [
            "Which lamp?",
            "Which lamp? Sorry, I did not hear you.",
        ]

    def test_what_was_nearly_said_counts_as_said(self) -> None:
        phone = Phone(Counter(), policy=QUICK)
        phone.agent_says("Which lamp?")
        phone.wait(
            until=lambda chunk: len(words_of([chunk])) and phone.state.speaking.share_said > 0.4
        )
        phone.agent_says("Sorry, I did not hear you.")
        assert phone.state.text_state == {"turns": 1}

    def test_a_short_sound_of_the_agent_stops_nobody(self) -> None:
        phone = Phone([self.LONG], policy=QUICK)
        phone.agent_says("Hello!")
        phone.wait(until=lambda chunk: chunk.contains_speech)
        phone.agent_says("Mm-hmm.")
        phone.wait(until=lambda chunk: not chunk.contains_speech)
        assert phone.recognized() == self.LONG

    def test_a_caller_breaks_in_and_holds_out(self) -> None:
        says = Says({Question.INTERRUPT})
        phone = Phone([self.LONG], policy=LIVELY, decider=says)
        talk = phone.agent_says("Your parcel is late. It is now in another town, and tomorrow it")
        begun = next(place for place, chunk in enumerate(talk) if chunk.contains_speech)
        assert talk[begun].turn_taking_action.action == "interrupt"
        assert begun == 10  # two seconds of talk were heard
        assert phone.text_user.received == ["Your parcel is late. It is now"]
        assert phone.state.speaking is not None  # ten ticks later it still talks
        assert says.scenes[0].heard == "Your parcel is late. It is now"
        assert "agent: Your parcel is late." in says.scenes[0].conversation

    def test_a_backchannel_is_no_turn(self) -> None:
        phone = Phone(["Fine."], policy=LIVELY, decider=Says({Question.BACKCHANNEL}, cost=0.01))
        talk = phone.agent_says("Your parcel is late. It is now in another town, and tomorrow it ")
        sound = [chunk for chunk in talk if chunk.contains_speech]
        assert words_of(sound) in phone.user.backchannels
        assert sound[0].turn_taking_action.action == "backchannel"
        assert sound[0].turn_taking_action.backchannel_cost == 0.01
        assert sound[0].cost == 0.01
        assert not phone.text_user.received
        talk += phone.agent_says("comes.")
        phone.caller_speaks()
        assert len(phone.text_user.received) == 1
        assert phone.text_user.received[0].endswith("tomorrow it comes.")

    def test_only_a_service_can_say_mm_hmm(self) -> None:
        user = Phone([]).user
        assert "mm-hmm" not in user.backchannels
        user.synthesizer.name = "elevenlabs"  # of this object only
        assert "mm-hmm" in user.backchannels

    def test_a_backchannel_delays_no_answer(self) -> None:
        patient = TurnTakingPolicy(backchannels=True)
        phone = Phone(["Fine."], policy=patient, decider=Says({Question.BACKCHANNEL}))
        phone.agent_says("Your parcel is late. It is now in another town, you know")
        assert "backchannel" in actions_of(phone.chunks[-4:])
        phone.wait(6)
        assert phone.text_user.received

    def test_a_backchannel_is_said_to_its_end(self) -> None:
        phone = Phone(["Fine."], policy=LIVELY, decider=Says({Question.BACKCHANNEL}))
        phone.agent_says("Your parcel is late. It is now in another town, and tomorrow it is not.")
        assert "stop_talking" not in actions_of(phone.chunks)
        assert phone.recognized() in phone.user.backchannels


class TestTools:
    RESTART = ToolCall(id="call_1", name="restart_phone", arguments={}, requestor="user")

    def test_a_tool_is_called_in_one_tick_and_told_in_the_next(self) -> None:
        phone = Phone([self.RESTART, "It works now."])
        phone.agent_says("Please restart it.")
        called = phone.wait(until=lambda chunk: chunk.is_tool_call())[-1]
        assert called.tool_calls == [self.RESTART]
        assert not called.contains_speech
        assert not phone.tick().contains_speech  # it waits
        phone.results = [ToolMessage(id="call_1", content="Restarted.", requestor="user")]
        told = phone.tick()
        assert told.contains_speech
        assert told.turn_taking_action.info == "has the result of a tool"
        assert phone.text_user.received == ["Please restart it.", "Restarted."]
        phone.wait(until=lambda chunk: not chunk.contains_speech)
        assert phone.recognized() == "It works now."

    def test_two_results_come_as_one_message(self) -> None:
        phone = Phone([self.RESTART, "It works now."])
        phone.agent_says("Please restart it.")
        phone.wait(until=lambda chunk: chunk.is_tool_call())
        phone.results = [ToolMessage(id=name, content=name, requestor="user") for name in "ab"]
        phone.text_user.generate_next_message = _both(phone.text_user)  # type: ignore[method-assign]
        assert phone.tick().contains_speech

    def test_a_result_that_was_cut_off_is_not_told_twice(self) -> None:
        phone = Phone([self.RESTART, "It works now, and everything else is as it was before."])
        phone.agent_says("Please restart it.")
        phone.wait(until=lambda chunk: chunk.is_tool_call())
        phone.results = [ToolMessage(id="call_1", content="Restarted.", requestor="user")]
        phone.tick()
        phone.agent_says("x" * 90)  # the result is held against five seconds of it
        assert phone.text_user.received == ["Please restart it.", "Restarted."]


class TestFailures:
    def test_speech_that_cannot_be_made_is_no_silence(self) -> None:
        class Mute:
            name = "mute"
            version = "1"

            def voices(self) -> list[str]:
                return []

            def synthesize(self, text: str, voice: Voice, *, seed: int = 0) -> Speech:
                raise SpeechFailed("the service answered 429")

        phone = Phone(["I lost my card."])
        phone.user.synthesizer = Mute()
        phone.state = phone.user.get_init_state()
        phone.agent_says("Hello!")
        with pytest.raises(SpeechFailed, match="429"):
            phone.wait(20)

    @pytest.mark.parametrize("message", ["", " \n"])
    def test_a_text_user_that_says_nothing_has_failed(self, message: str) -> None:
        phone = Phone([message])
        phone.agent_says("Hello!")
        with pytest.raises(UserError, match="empty message"):
            phone.wait(20)


class Later(Executor):
    """Does what it is given when the test says so."""

    def __init__(self) -> None:
        self.work: list[tuple[Future[Any], Any]] = []
        self.is_shut_down = False

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        self.work.append((future, lambda: fn(*args, **kwargs)))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        self.is_shut_down = True

    def do(self) -> None:
        for future, work in self.work:
            future.set_result(work())
        self.work = []


class TestInRealTime:
    """A text user that takes its time does not hold up the call."""

    def test_ticks_go_on_while_it_thinks(self) -> None:
        later = Later()
        phone = Phone(["I lost my card."], policy=QUICK, background=later)
        phone.agent_says("Hello!")
        phone.wait(20)
        assert not any(chunk.contains_speech for chunk in phone.chunks)
        assert phone.chunks[-1].turn_taking_action.info == "thinks of an answer"
        later.do()
        assert phone.tick().contains_speech
        phone.wait(until=lambda chunk: not chunk.contains_speech)
        assert phone.recognized() == "I lost my card."

    def test_an_answer_that_comes_too_late_is_thought_of_again(self) -> None:
        later = Later()
        phone = Phone(["I lost my card."], policy=QUICK, background=later)
        phone.agent_says("Hello!")
        phone.wait(8)
        phone.agent_says("Are you")
        later.do()
        phone.agent_says(" there?")
        phone.wait(8)
        later.do()
        phone.wait(10)
        assert phone.text_user.received == ["Hello!", "Hello! Are you there?"]
        assert phone.recognized() == "I lost my card."

    def test_it_is_shut_down_with_the_call(self) -> None:
        later = Later()
        phone = Phone(["I lost my card."], background=later)
        phone.user.stop(None, phone.state)
        assert later.is_shut_down


class TestDeterminism:
    def test_the_same_call_twice_is_the_same_bytes(self) -> None:
        def played() -> list[tuple[Any, ...]]:
            environment = SpeechEnvironment(
                speech_effects_config=SpeechEffectsConfig(speech_insert_events_per_minute=30)
            )
            phone = Phone(
                ["I lost my card.", "Yes."], policy=LIVELY, environment=environment, seed=4
            )
            phone.agent_says("Hello! What can I do for you today, and how are you?")
            phone.wait(60)
            return [(chunk.audio_content, chunk.model_dump_json()) for chunk in phone.chunks]

        assert played() == played()

    def test_a_copied_state_continues_the_call_on_its_own(self) -> None:
        environment = sample_voice_config(1).to_speech_environment(1)
        phone = Phone(
            ["I would like to return the blue lamp.", "Yes."],
            policy=LIVELY,
            environment=environment,
        )
        phone.agent_says("Hello! What can I do for you today?")
        phone.wait(until=lambda chunk: chunk.contains_speech)
        phone.agent_says("Just a moment please, I am looking.")
        twin = copy.copy(phone)
        twin.state = copy.deepcopy(phone.state)
        twin.chunks = []
        phone.chunks = []
        for one in (phone, twin):
            one.agent_says("Now, which lamp is it?")
            one.wait(60)
        assert phone.chunks == twin.chunks
        assert len(phone.text_user.received) == 3

    def test_one_caller_may_have_two_calls_at_once(self) -> None:
        user: VoiceStreamingUser = Phone(["I lost my card."]).user
        one, two = user.get_init_state(), user.get_init_state()
        for _ in range(20):
            first, one = user.get_next_chunk(one, None)
            second, two = user.get_next_chunk(two, None)
            assert first == second


class Counter:
    """A text user with a state of its own."""

    tools = None

    def __init__(self) -> None:
        self.received: list[str] = []

    def get_init_state(self, message_history: Any = None) -> dict[str, int]:
        return {"turns": 0}

    def generate_next_message(self, message: Any, state: Any) -> tuple[UserMessage, Any]:
        self.received.append(message.content)
        state["turns"] += 1
        return UserMessage(content="The blue one, and the red one."), state

    @classmethod
    def is_stop(cls, message: UserMessage) -> bool:
        return False


def _both(script: TextScript) -> Any:
    def generate(message: Any, state: Any) -> Any:
        assert [result.content for result in message.tool_messages] == ["a", "b"]
        return UserMessage(content="Both work."), state

    return generate
