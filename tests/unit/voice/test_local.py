"""The provider local: a text agent as a VoiceAdapter, tick by tick."""

from __future__ import annotations

import numpy as np
import pytest

from tau2.data_model.audio import AudioNativeConfig, LocalConfig
from tau2.data_model.message import AssistantMessage, Message, ToolMessage
from tau2.errors import AgentError, ConfigError, VoiceSessionFailed
from tau2.voice.adapters.local import LocalAdapter
from tau2.voice.adapters.protocol import AgentSetup, TickResult
from tau2.voice.adapters.registry import AdapterContext, make_adapter
from tau2.voice.audio.codec import decode, encode
from tau2.voice.audio.formats import TELEPHONE
from tau2.voice.cascade.settings import CascadeSettings, Latency
from tau2.voice.speech.engines.energy import EnergyDetector
from tau2.voice.speech.engines.tone import ToneRecognizer, ToneSynthesizer
from tau2.voice.speech.protocols import Voice

from .cascade.cast import ScriptedAgent, calls, echo

SILENCE = TELEPHONE.silence(200)
LONG_ANSWER = "Your order W9164527 has left our warehouse and will be there tomorrow at noon"


class Caller:
    """Drives an adapter."""

    def __init__(self, agent: ScriptedAgent, **options: object) -> None:
        self.adapter = LocalAdapter(
            lambda: agent,
            recognizer=ToneRecognizer(),
            synthesizer=ToneSynthesizer(),
            detector=EnergyDetector(),
            settings=CascadeSettings(latency=Latency(0.4, spread=0.3)),
        )
        fields = {"seed": 5, "greeting": None, **options}
        self.adapter.connect(AgentSetup("", [], 200, TELEPHONE, **fields))  # type: ignore[arg-type]
        self.ticks: list[TickResult] = []

    def run(self, audio: bytes) -> None:
        for start in range(0, len(audio), len(SILENCE)):
            piece = audio[start : start + len(SILENCE)]
            piece += SILENCE[len(piece) :]
            self.ticks.append(self.adapter.run_tick(piece, len(self.ticks)))

    def say(self, text: str) -> None:
        self.run(encode(ToneSynthesizer().synthesize(text, Voice()).samples, TELEPHONE))

    def silence(self, seconds: float) -> None:
        self.run(TELEPHONE.silence(seconds * 1000))

    @property
    def said(self) -> str:
        return "".join(tick.transcript for tick in self.ticks)


def test_every_tick_is_whole_and_its_words_are_those_of_its_audio() -> None:
    caller = Caller(ScriptedAgent(echo), greeting="Hi! How can I help you today?")
    caller.silence(4)
    caller.say("Where is W9164527?")
    caller.silence(6)
    assert all(len(tick.audio) == 1600 for tick in caller.ticks)
    assert caller.said == "Hi! How can I help you today? You said Where is W9164527?"
    for tick in caller.ticks:
        assert bool(tick.item_ids) == tick.contains_speech
        assert tick.contains_speech or tick.audio == SILENCE
        assert tick.contains_speech or not tick.transcript


def test_what_was_played_and_dropped_is_exact() -> None:
    agent = ScriptedAgent(lambda m: LONG_ANSWER if m.content == "Where?" else "Fine.")
    caller = Caller(agent)
    caller.say("Where?")
    caller.silence(4)
    caller.say("Stop, I know that")
    caller.silence(4)
    (truncation,) = [cut for tick in caller.ticks for cut in tick.truncations]
    # The first answer's audio, counted sample by sample in what came out.
    heard = [tick for tick in caller.ticks if truncation.item_id in tick.item_ids]
    first = decode(heard[0].audio, TELEPHONE)
    begun = int(np.flatnonzero(np.abs(first) > 0.001)[0])
    played_ms = (len(heard) * 1600 - begun) / 8
    assert truncation.played_ms == pytest.approx(played_ms, abs=3)
    assert truncation.played_ms + truncation.dropped_ms == len(LONG_ANSWER) * 64
    # The reply that remembers it is all that the agent knows of what it said.
    assert agent.asked[-1].content == "Stop, I know that"


def test_calls_and_results() -> None:
    def answer(message: Message) -> AssistantMessage | str:
        return f"It is {message.content}" if isinstance(message, ToolMessage) else calls("get")

    caller = Caller(ScriptedAgent(answer))
    caller.say("Hello")
    caller.silence(2)
    (call,) = [call for tick in caller.ticks for call in tick.tool_calls]
    caller.adapter.send_tool_result(call.id, "here")
    caller.silence(3)
    assert caller.said == "It is here"
    with pytest.raises(VoiceSessionFailed, match="no result"):
        caller.adapter.send_tool_result(call.id, "here")


def test_failed_call_reaches_the_agent_as_such() -> None:
    agent = ScriptedAgent(lambda m: "Sorry." if isinstance(m, ToolMessage) else calls("get"))
    caller = Caller(agent)
    caller.say("Hello")
    caller.silence(2)
    (call,) = [call for tick in caller.ticks for call in tick.tool_calls]
    caller.adapter.send_tool_result(call.id, "no such order", is_error=True)
    caller.silence(1)
    result = agent.asked[-1]
    assert isinstance(result, ToolMessage)
    assert result.error


def test_agent_that_ends_the_conversation_is_marked_in_the_transcript_and_not_heard() -> None:
    caller = Caller(ScriptedAgent(lambda _: "Bye. ###STOP###"))
    caller.say("Thanks, bye")
    caller.silence(3)
    assert caller.said == "Bye. ###STOP###"
    audio = np.concatenate([decode(tick.audio, TELEPHONE) for tick in caller.ticks])
    assert ToneRecognizer().transcribe(audio, 8000).text == "Bye."


def test_same_seed_same_ticks() -> None:
    def ticks(seed: int) -> list[TickResult]:
        caller = Caller(ScriptedAgent(echo), seed=seed)
        caller.say("Hello there")
        caller.silence(4)
        return caller.ticks

    assert ticks(1) == ticks(1)
    assert ticks(1) != ticks(2)


def test_speech_of_this_machine_costs_nothing() -> None:
    caller = Caller(ScriptedAgent(echo))
    caller.say("Hello")
    caller.silence(3)
    usage = [usage for tick in caller.ticks for usage in tick.usage]
    assert {use.component for use in usage} == {"stt", "tts"}
    assert not any(use.is_billable for use in usage)


def test_answer_that_nobody_could_say_is_the_agents_failure() -> None:
    caller = Caller(ScriptedAgent(lambda _: "so " * 1700))
    caller.say("Hello.")
    with pytest.raises(AgentError, match="5,099 characters at once; 5,000 can be spoken"):
        caller.silence(3)


def test_closed_session_is_a_failure_of_infrastructure() -> None:
    caller = Caller(ScriptedAgent(echo))
    caller.adapter.disconnect()
    caller.adapter.disconnect()
    with pytest.raises(VoiceSessionFailed, match="not open"):
        caller.silence(0.2)


def test_adapter_of_a_configuration() -> None:
    local = LocalConfig(
        synthesizer="tone",
        recognizer="tone",
        detector="energy",
        latency_seconds=0.2,
        latency_spread=0.0,
        end_of_turn_seconds=0.3,
    )
    config = AudioNativeConfig(provider="local", local_config=local)
    agent = ScriptedAgent(echo)
    adapter = make_adapter(AdapterContext(config, make_text_agent=lambda: agent))
    caller = Caller(agent)
    caller.adapter = adapter  # type: ignore[assignment]
    adapter.connect(AgentSetup("", [], 200, TELEPHONE, seed=1))
    caller.say("Hello")
    end = len(caller.ticks)
    caller.silence(3)
    assert caller.said == "You said Hello"
    first = next(number for number, tick in enumerate(caller.ticks) if tick.contains_speech)
    assert (first - end) * 0.2 <= 0.8


def test_adapter_needs_a_text_agent() -> None:
    config = AudioNativeConfig(provider="local")
    with pytest.raises(ConfigError, match="text agent"):
        make_adapter(AdapterContext(config))
