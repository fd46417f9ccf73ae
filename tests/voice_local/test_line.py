"""What the effects of a line do to real speech: the more noise and loss, the more words are lost.

Real engines; `make test-voice` runs these tests.
"""

from __future__ import annotations

import re
from functools import cache

import pytest

pytest.importorskip("hibari", reason="hibari-tts is not installed; make test-voice brings it")
pytest.importorskip("moonshine_voice", reason="moonshine-voice is not installed")

import jiwer

from tau2.voice.audio.codec import decode
from tau2.voice.audio.formats import TELEPHONE
from tau2.voice.audio.resample import resample
from tau2.voice.effects.channel import Channel
from tau2.voice.effects.settings import EffectSettings
from tau2.voice.speech.protocols import Voice
from tau2.voice.speech.registry import RECOGNIZERS, SYNTHESIZERS

pytestmark = pytest.mark.slow

SENTENCES = (
    "Hello, I would like to return the blue jacket that I bought last week.",
    "Can you tell me when my package is going to arrive?",
    "I want to cancel my flight to Boston next Friday morning.",
    "The confirmation email went to my old address, please change it.",
    "I was charged twice for the same order and I need a refund.",
    "Please exchange the large shirt for a medium one in green.",
    "How many days do I have to send the shoes back?",
    "My phone has no signal since yesterday evening.",
    "I already restarted the router, but the internet is still very slow.",
    "Could you add one checked bag to my reservation?",
    "I would prefer to pay with my credit card instead of the gift card.",
    "That is not what I asked for, let me explain it again.",
    "Do you have the same lamp in a different color?",
    "Please send the replacement to my office on Green Avenue.",
)


def words(text):
    return " ".join(re.findall(r"[a-z']+", text.lower()))


@cache
def error_rate(**settings):
    """Return the share of words that a recognizer gets wrong behind the line."""
    synthesizer = SYNTHESIZERS.get("hibari")
    recognizer = RECOGNIZERS.get("moonshine")
    line = Channel(EffectSettings(**settings), seed=11, synthesizer=synthesizer)
    understood = []
    for number, sentence in enumerate(SENTENCES):
        speech = synthesizer.synthesize(sentence, Voice())
        spoken = resample(speech.samples, speech.sample_rate, line.sample_rate)
        said = line.utterance(spoken, utterance=number).samples
        starts = range(0, len(said) + line.tick_samples, line.tick_samples)
        audio = [line.process(said[start : start + line.tick_samples]).audio for start in starts]
        understood.append(recognizer.transcribe(decode(b"".join(audio), TELEPHONE), 8000).text)
    return jiwer.wer(list(map(words, SENTENCES)), list(map(words, understood)))


def test_a_clean_line_is_understood():
    assert error_rate() <= 0.08


def test_more_babble_loses_more_words():
    soft = error_rate(background="people_talking", background_snr=15.0)
    loud = error_rate(background="people_talking", background_snr=5.0)
    assert soft <= error_rate() + 0.05
    assert loud >= error_rate() + 0.08


def test_more_packet_loss_loses_more_words():
    little = error_rate(loss_rate=0.02)
    much = error_rate(loss_rate=0.15)
    assert little <= error_rate() + 0.06
    assert much >= error_rate() + 0.06
