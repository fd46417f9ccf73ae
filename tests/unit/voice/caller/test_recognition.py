"""A caller that hears by recognition understands what was audible, not what was meant."""

from __future__ import annotations

from typing import Any

import pytest
from tests.voice_cast import TICK, Phone, words_of

from tau2.errors import SpeechFailed
from tau2.voice.caller.recognition import RecognitionEar
from tau2.voice.speech.engines.energy import EnergyDetector
from tau2.voice.speech.engines.tone import ToneRecognizer
from tau2.voice.speech.protocols import Transcript
from tau2.voice.turn_taking.decisions import Verdict
from tau2.voice.turn_taking.policy import Thresholds, TurnTakingPolicy

QUICK = TurnTakingPolicy(Thresholds(wait_self=0.2))


def listening(lines: list[Any], recognizer: Any = None, **options: Any) -> Phone:
    def ear() -> RecognitionEar:
        return RecognitionEar(recognizer or ToneRecognizer(), EnergyDetector())

    return Phone(lines, policy=options.pop("policy", QUICK), make_ear=ear, **options)


def test_what_is_said_is_understood_by_its_sound_alone() -> None:
    phone = listening(["It is W12."])
    phone.agent_speaks("Which order is it?", words="Which water is it?")
    spoken = phone.caller_speaks()
    assert words_of(spoken) == "It is W12."
    assert phone.text_user.received == ["Which order is it?"]
    assert (spoken[0].raw_data or {})["heard"] == {
        "text": "Which order is it?",
        "word_error_rate": 0.25,
        "transcript": "Which water is it?",
        "start_tick": 0,
        "end_tick": 6,
    }


def test_two_sentences_with_a_pause_are_one_turn() -> None:
    phone = listening(["Yes."])
    phone.agent_speaks("It costs five dollars.")
    phone.wait(3)
    phone.agent_speaks("Is that fine?")
    phone.caller_speaks()
    assert phone.text_user.received == ["It costs five dollars. Is that fine?"]


def test_the_caller_waits_a_second_after_the_last_sound() -> None:
    phone = listening(["Yes."])
    phone.agent_speaks("Is that fine?")
    silent = phone.wait(until=lambda chunk: chunk.contains_speech)
    assert len(silent) in {5, 6}  # the sound ends within a tick


def test_a_caller_who_understands_nothing_asks_again() -> None:
    class Deaf:
        name = "deaf"
        version = "1"

        def transcribe(self, samples: Any, sample_rate: int) -> Transcript:
            return Transcript("")

    phone = listening(["It is W12."], Deaf())
    phone.agent_speaks("Which order is it?")
    assert words_of(phone.caller_speaks()) in phone.user.pack.not_understood
    assert phone.text_user.received == []
    assert phone.state.heard[-1]["transcript"] == "Which order is it?"


def test_silence_is_not_heard() -> None:
    phone = listening(["Hello."])
    for _ in range(10):
        phone.tick("", TICK)
    assert not phone.state.ear.has_heard
    assert phone.state.activity.other_silence is None


def test_an_agent_that_is_broken_in_on_has_been_understood_so_far() -> None:
    class Yes:
        is_model = False

        def answer(self, question: Any, scene: Any) -> Any:
            return Verdict(yes=question.value == "interrupt")

    breaks_in = TurnTakingPolicy(interrupts=True)
    phone = listening(["Stop."], policy=breaks_in, decider=Yes())
    phone.agent_speaks("Your parcel is late. It is now in another town, and it")
    phone.wait(8)
    assert len(phone.text_user.received) == 1
    assert phone.text_user.received[0].startswith("Your parcel is late.")
    assert not phone.text_user.received[0].endswith("town, and it")


def test_a_recognizer_that_fails_is_no_silence() -> None:
    class Broken:
        name = "broken"
        version = "1"

        def transcribe(self, samples: Any, sample_rate: int) -> Transcript:
            raise SpeechFailed("the model file is damaged")

    phone = listening(["It is W12."], Broken())
    phone.agent_speaks("Which order is it?")
    with pytest.raises(SpeechFailed, match="damaged"):
        phone.wait(10)
