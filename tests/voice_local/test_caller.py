"""The seven callers speak with an offline voice, and each is understood on a clean line.

Real engines; `make test-voice` runs these tests.
"""

from __future__ import annotations

import pytest

pytest.importorskip("hibari", reason="hibari-tts is not installed; make test-voice brings it")
pytest.importorskip("moonshine_voice", reason="moonshine-voice is not installed")

from tau2.voice.audio.codec import decode
from tau2.voice.audio.formats import TELEPHONE
from tau2.voice.caller.line import CallerLine
from tau2.voice.effects.channel import Channel
from tau2.voice.effects.settings import EffectSettings
from tau2.voice.personas import PERSONAS
from tau2.voice.speech.accuracy import total_word_errors, word_errors
from tau2.voice.speech.registry import RECOGNIZERS, SYNTHESIZERS

pytestmark = pytest.mark.slow

SENTENCES = (
    "Hello, I would like to return the blue jacket that I bought last week.",
    "My order number is W9164527 and my zip code is 53210.",
    "I was charged twice for the same order and I need a refund.",
    "Please send the replacement to my office on Green Avenue.",
)


def telephoned(persona_name: str, sentence: str) -> bytes:
    """Return the audio of a sentence as the line delivers it."""
    synthesizer = SYNTHESIZERS.get("hibari")
    voice = PERSONAS[persona_name].voice(synthesizer.name)
    line = CallerLine(lambda seed: Channel(EffectSettings(), seed=seed), 1, synthesizer, voice)
    samples, _ = line.say(sentence, "user_1")
    ticks = [
        line.process(samples[start : start + line.tick_samples]).audio
        for start in range(0, len(samples), line.tick_samples)
    ]
    return b"".join([*ticks, line.process(None).audio])


@pytest.mark.parametrize("name", PERSONAS)
def test_a_caller_is_understood(name):
    recognizer = RECOGNIZERS.get("moonshine")
    errors = total_word_errors(
        word_errors(
            sentence,
            recognizer.transcribe(decode(telephoned(name, sentence), TELEPHONE), 8000).text,
        )
        for sentence in SENTENCES
    )
    assert errors.rate is not None
    assert errors.rate <= 0.12


def test_callers_sound_different():
    heard = {telephoned(name, SENTENCES[3]) for name in PERSONAS}
    assert len(heard) == len(PERSONAS)
