"""A text agent on the telephone hears whole turns, answers them, and can be interrupted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tau2.data_model.message import (
    AssistantMessage,
    Message,
    MultiToolMessage,
    SystemMessage,
    ToolMessage,
)
from tau2.errors import AgentError, SpeechFailed
from tau2.voice.cascade.settings import Latency
from tau2.voice.cascade.work import Think, Work
from tau2.voice.speech.engines.tone import ToneRecognizer
from tau2.voice.speech.protocols import Speech, Transcript, Voice

from .cast import PROMPT, ScriptedAgent, calls, contents, echo, line, result

LONG_ANSWER = "Your order W9164527 has left our warehouse and will be there tomorrow at noon"


def test_agent_answers_what_it_heard() -> None:
    call = line(ScriptedAgent(echo))
    call.say("Where is order W9164527?")
    call.silence(6)
    assert call.said == "You said Where is order W9164527?"
    assert call.heard == ["Where is order W9164527?"]
    assert contents(call.cascade.history) == [
        "user: Where is order W9164527?",
        "assistant: You said Where is order W9164527?",
    ]


def test_what_is_heard_of_the_agent_is_what_it_said() -> None:
    call = line(ScriptedAgent(echo))
    call.say("Hello")
    call.silence(4)
    heard = ToneRecognizer().transcribe(np.concatenate(call.audio), 8000)
    assert heard.text == "You said Hello"


def test_greeting_is_said_first_and_remembered() -> None:
    call = line(ScriptedAgent(echo), greeting="Hi! How can I help you today?")
    call.silence(3)
    assert call.said == "Hi! How can I help you today?"
    call.say("Hello")
    call.silence(4)
    assert contents(call.cascade.history)[0] == "assistant: Hi! How can I help you today?"
    assert call.said.endswith("You said Hello")


def test_reply_begins_after_silence_and_latency() -> None:
    settings = replace(PROMPT, latency=Latency(1.0))
    call = line(ScriptedAgent(echo), settings=settings)
    call.say("Hello")
    end = call.cascade.now
    call.silence(6)
    first = next(number for number, words in enumerate(call.words) if words)
    sounding = [number for number, audio in enumerate(call.audio) if np.any(audio)]
    # 0.5 s of silence, 0.2 s in which the turn may go on, 1.0 s of latency.
    assert sounding[0] * 0.2 == pytest.approx(end + 1.7, abs=0.4)
    assert first >= sounding[0]


def test_pause_within_a_turn_gets_one_answer() -> None:
    agent = ScriptedAgent(echo)
    call = line(agent)
    call.say("My order number is")
    call.silence(1)
    call.say("W two three")
    call.silence(1)
    call.say("seven eight")
    call.silence(8)
    assert call.said == "You said My order number is W two three seven eight"


def test_turn_that_goes_on_before_the_answer_is_answered_as_one() -> None:
    """The answer to the first half is withdrawn, and nothing of what was said is lost."""
    agent = ScriptedAgent(echo)
    call = line(agent, settings=replace(PROMPT, latency=Latency(2.0)))
    call.say("Cancel my order please.")
    call.silence(1.4)
    assert len(agent.asked) == 1
    call.say("And give me my money.")
    call.silence(9)
    both = "Cancel my order please. And give me my money."
    assert call.said == f"You said {both}"
    assert contents(call.cascade.history) == [f"user: {both}", f"assistant: You said {both}"]
    assert contents(call.cascade._state) == contents(call.cascade.history)


def test_noise_before_the_answer_holds_it_back_only_as_long_as_it_lasts() -> None:
    agent = ScriptedAgent(echo)
    call = line(agent, settings=replace(PROMPT, latency=Latency(1.5)))
    call.say("Hello")
    call.silence(1)
    call.tick(np.random.default_rng(0).normal(0, 0.05, 1600).astype(np.float32))
    call.silence(6)
    assert call.said == "You said Hello"
    assert len(agent.asked) == 1


def test_interruption_stops_the_agent_and_is_answered() -> None:
    agent = ScriptedAgent(lambda m: LONG_ANSWER if "Where" in (m.content or "") else "Sure.")
    call = line(agent)
    call.say("Where is my order?")
    call.until_agent_says("warehouse")
    before = call.said
    call.say("Stop, cancel it right now")
    call.silence(4)
    said = call.said.removesuffix("Sure.").strip()
    assert said.startswith(before)
    assert LONG_ANSWER.startswith(said)
    assert said != LONG_ANSWER
    assert contents(call.cascade.history) == [
        "user: Where is my order?",
        f"assistant: {said}",
        "user: Stop, cancel it right now",
        "assistant: Sure.",
    ]


def test_cut_says_how_much_was_played() -> None:
    call = line(ScriptedAgent(lambda _: LONG_ANSWER))
    call.say("Where is my order?")
    call.until_agent_says("warehouse")
    call.say("Stop, cancel it right now")
    (cut,) = call.cuts
    sounding = [number for number, words in enumerate(call.words) if words]
    # The tick of the first sound may be the one before the first whole word.
    assert cut.played_seconds == pytest.approx((sounding[-1] - sounding[0] + 1) * 0.2, abs=0.4)
    assert cut.played_seconds + cut.dropped_seconds == pytest.approx(cut.utterance.seconds)
    words = cut.said.split()
    assert cut.utterance.ends[len(words) - 1] <= cut.played_seconds
    assert cut.utterance.ends[len(words)] > cut.played_seconds


@pytest.mark.parametrize("sign", ["uh-huh", "Mm-hmm.", "okay"])
def test_sign_of_listening_does_not_stop_the_agent(sign: str) -> None:
    agent = ScriptedAgent(lambda _: LONG_ANSWER)
    call = line(agent)
    call.say("Where is my order?")
    call.until_agent_says("order")
    call.say(sign)
    call.silence(6)
    assert call.said == LONG_ANSWER
    assert call.cuts == []
    assert len(agent.asked) == 1


def test_short_word_that_is_no_sign_of_listening_stops_the_agent() -> None:
    call = line(ScriptedAgent(lambda m: LONG_ANSWER if "Where" in (m.content or "") else "Sorry."))
    call.say("Where is my order?")
    call.until_agent_says("order")
    call.say("No!")
    call.silence(4)
    assert len(call.cuts) == 1
    assert call.said.endswith("Sorry.")


def test_okay_after_a_question_is_an_answer() -> None:
    agent = ScriptedAgent(lambda m: "Is that fine?" if "Cancel" in (m.content or "") else "Done.")
    call = line(agent)
    call.say("Cancel it")
    call.until_agent_says("fine?")
    call.silence(1)
    call.say("Okay")
    call.silence(3)
    assert call.said.endswith("Done.")


def test_several_calls_in_one_turn_are_answered_together() -> None:
    def answer(message: Message) -> AssistantMessage | str:
        if isinstance(message, MultiToolMessage):
            return " and ".join(m.content or "" for m in message.tool_messages)
        return calls("get_user", "get_order")

    call = line(ScriptedAgent(answer))
    call.answer_calls = False
    call.say("Hello")
    call.silence(2)
    assert [c.name for c in call.calls] == ["get_user", "get_order"]
    first, second = call.calls
    assert first.id
    assert first.id != second.id
    call.cascade.give_results([result(second, "the order")])
    call.silence(1)
    assert call.said == ""
    call.cascade.give_results([result(first, "the user")])
    call.silence(4)
    assert call.said == "the user and the order"


def test_words_beside_calls_are_said_while_the_tool_runs() -> None:
    def answer(message: Message) -> AssistantMessage | str:
        return "Found it." if isinstance(message, ToolMessage) else calls("get", content="Wait.")

    call = line(ScriptedAgent(answer))
    call.say("Hello")
    call.silence(5)
    assert call.said == "Wait. Found it."


def test_answer_to_a_tool_is_not_lost_when_the_user_speaks_before_it() -> None:
    """Tool calls cannot be taken back: the report on them comes before the next answer."""

    def answer(message: Message) -> AssistantMessage | str:
        if isinstance(message, ToolMessage):
            return "It is cancelled."
        return calls("cancel") if "Cancel" in (message.content or "") else "You are welcome."

    call = line(ScriptedAgent(answer), settings=replace(PROMPT, latency=Latency(1.0)))
    call.say("Cancel it please.")
    while not call.calls:
        call.silence(0.2)
    call.say("Thank you very much.")
    call.silence(8)
    assert call.said == "It is cancelled. You are welcome."
    assert [m.role for m in call.cascade.history] == [
        *("user", "assistant", "tool", "assistant"),
        *("user", "assistant"),
    ]


def test_result_of_an_unknown_call_is_refused() -> None:
    call = line(ScriptedAgent(lambda _: calls("get")))
    with pytest.raises(ValueError, match="'nothing'"):
        call.cascade.give_results([ToolMessage(id="nothing", content="", requestor="assistant")])


def test_agent_that_stops_says_its_last_words_without_the_token() -> None:
    call = line(ScriptedAgent(lambda _: "Goodbye. ###STOP###"))
    call.say("Bye")
    call.silence(1)
    assert not call.is_over
    call.silence(3)
    assert call.is_over
    assert call.said == "Goodbye."


def test_agent_that_only_stops_is_over_without_a_sound() -> None:
    call = line(ScriptedAgent(lambda _: "###STOP###"))
    call.say("Bye")
    call.silence(2)
    assert call.is_over
    assert not np.any(np.concatenate(call.audio))


def test_empty_message_is_the_agents_failure() -> None:
    call = line(ScriptedAgent(lambda _: " "))
    call.say("Hello")
    with pytest.raises(AgentError, match="empty"):
        call.silence(3)


def test_failure_of_recognition_is_passed_on() -> None:
    call = line(ScriptedAgent(echo))

    class Broken(ToneRecognizer):
        def transcribe(self, samples: np.ndarray, sample_rate: int) -> Transcript:
            raise SpeechFailed("the recognizer is gone")

    call.engines = replace(call.engines, recognizer=Broken())
    call.say("Hello")
    with pytest.raises(SpeechFailed):
        call.silence(3)


def test_results_are_remembered_when_the_reply_to_them_fails() -> None:
    agent = ScriptedAgent(
        lambda message: calls("get") if message.content == "Get it." else "I am here."
    )
    call = line(agent)
    call.say("Get it.")
    fails = iter([False, True])
    perform = call.engines.perform

    def finish(work: Work) -> None:
        if isinstance(work.job, Think) and next(fails, False):
            call.cascade.fail(work.id)
        else:
            call.cascade.finish(work.id, perform(work.job))

    call.finish = finish
    call.silence(3)
    call.say("Are you there?")
    call.until_agent_says("here.")
    seen = [message.role for message in agent.states[-1]]
    assert seen == ["user", "assistant", "tool", "user", "assistant"]


def test_state_that_cannot_be_copied_is_never_taken_back() -> None:
    """An agent whose state holds a generator answers each half of the turn."""
    agent = ScriptedAgent(echo)
    agent.get_init_state = lambda message_history=None: [(n for n in "")]
    call = line(agent, settings=replace(PROMPT, latency=Latency(2.0)))
    call.say("Cancel my order please.")
    call.silence(1.4)
    call.say("Now give me my money.")
    call.silence(14)
    said = "You said Cancel my order please. You said Now give me my money."
    assert call.said == said


def test_agent_that_is_replaced_while_it_replies_hands_its_reply_over() -> None:
    class Instructed(ScriptedAgent):
        def get_init_state(self, message_history: list[Message] | None = None) -> list[Message]:
            return [SystemMessage(content="Be brief."), *(message_history or [])]

    first = ScriptedAgent(echo)
    second = Instructed(lambda _: "Goodbye.")
    call = line(first, settings=replace(PROMPT, latency=Latency(2.0)))
    call.say("Hello there.")
    call.silence(1.4)
    call.cascade.replace_agent(second)
    call.until_agent_says("there.")
    call.say("That is all.")
    call.until_agent_says("Goodbye.")
    call.silence(1)
    assert [len(agent.asked) for agent in (first, second)] == [1, 1]
    assert contents(call.cascade._state) == [
        "system: Be brief.",
        "user: Hello there.",
        "assistant: You said Hello there.",
        "user: That is all.",
        "assistant: Goodbye.",
    ]


def test_agent_knows_of_its_remarks_when_it_replies() -> None:
    call = line(ScriptedAgent(echo))
    call.cascade.say("We close at six.")
    call.silence(3)
    call.say("Thank you.")
    call.until_agent_says("you.")
    call.silence(1)
    known = [
        "assistant: We close at six.",
        "user: Thank you.",
        "assistant: You said Thank you.",
    ]
    assert contents(call.cascade._state) == known
    assert contents(call.cascade.history) == known


def test_remark_while_a_tool_runs_does_not_part_the_call_from_its_result() -> None:
    def answer(message: Message) -> AssistantMessage | str:
        return "It is on its way." if isinstance(message, ToolMessage) else calls("look")

    call = line(ScriptedAgent(answer))
    call.answer_calls = False
    call.say("Where is it?")
    call.silence(2)
    call.cascade.say("One moment.")
    call.silence(3)
    call.cascade.give_results([result(call.calls[0])])
    call.until_agent_says("way.")
    call.silence(1)
    known = [
        "user: Where is it?",
        "assistant: None",
        "tool: done",
        "assistant: One moment.",
        "assistant: It is on its way.",
    ]
    assert contents(call.cascade._state) == known
    assert contents(call.cascade.history) == known


def test_same_seed_gives_the_same_call_and_another_one_another_latency() -> None:
    settings = replace(PROMPT, latency=Latency(1.0, spread=0.5))

    def audio_of(seed: int) -> bytes:
        call = line(ScriptedAgent(echo), settings=settings, seed=seed)
        call.say("Hello")
        call.silence(6)
        return np.concatenate(call.audio).tobytes()

    assert audio_of(1) == audio_of(1)
    assert audio_of(1) != audio_of(2)


def test_what_was_used_is_reported() -> None:
    def answer(_: Message) -> AssistantMessage:
        return AssistantMessage(content="Yes.", usage={"prompt_tokens": 7, "completion_tokens": 2})

    call = line(ScriptedAgent(answer))
    call.say("Hello")
    call.silence(3)
    meters = {usage.component: usage.meters for usage in call.usage}
    assert meters["llm"] == {"input_tokens": 7, "output_tokens": 2}
    assert meters["tts"]["characters"] == len("Yes.")
    assert meters["stt"]["audio_input_seconds"] == pytest.approx(0.55, abs=0.1)


def test_cut_remembers_written_words_of_speech_that_spells_them() -> None:
    """`W23` is spoken as three words: it counts once all three have been said."""
    call = line(ScriptedAgent(lambda _: "The order is W23 and nothing else was found there"))
    call.cascade._to_spoken = lambda text: text.replace("W23", "W, two, three,")
    call.say("Hello?")
    call.until_agent_says("W23")
    call.say("Stop, that is wrong")
    call.silence(2)
    (cut,) = call.cuts
    assert cut.said.startswith("The order is W23")


def test_speech_without_word_times_is_divided_by_length() -> None:
    call = line(ScriptedAgent(echo))

    class Untimed:
        name = version = "untimed"

        def synthesize(self, text: str, voice: Voice, *, seed: int = 0) -> Speech:
            return Speech(np.full(16000, 0.1, np.float32), 16000)

        def voices(self) -> tuple[str, ...]:
            return ("",)

    call.engines = replace(call.engines, synthesizer=Untimed())
    call.say("Hello there")
    call.silence(4)
    assert call.said == "You said Hello there"
    assert sum(bool(words) for words in call.words) >= 3
