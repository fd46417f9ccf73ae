"""The energy detector: speech is what is louder than the background."""

from __future__ import annotations

import numpy as np
import pytest

from tau2.errors import SpeechFailed
from tau2.voice.audio.formats import Samples
from tau2.voice.speech.engines.energy import EnergyDetector
from tau2.voice.speech.engines.tone import ToneSynthesizer
from tau2.voice.speech.protocols import Voice

RATE = 8000


def noise(seconds: float, decibels: float) -> Samples:
    samples = np.random.default_rng(0).standard_normal(round(seconds * RATE))
    return (samples * 10 ** (decibels / 20)).astype(np.float32)


def tones(text: str) -> Samples:
    return ToneSynthesizer().synthesize(text, Voice()).samples


def test_silence_is_no_speech_and_tones_are() -> None:
    stream = EnergyDetector().stream(RATE)
    silent = stream.push(np.zeros(RATE, np.float32))
    assert len(silent) == 50
    assert max(silent) < 0.1
    assert min(stream.push(tones("Good morning"))[1:-1]) > 0.7


def test_a_long_utterance_without_a_pause_remains_speech() -> None:
    stream = EnergyDetector().stream(RATE)
    assert np.mean(stream.push(tones("a long sentence " * 20))) > 0.8


def test_steady_noise_is_background_and_speech_above_it_is_found() -> None:
    stream = EnergyDetector().stream(RATE)
    assert np.mean(stream.push(noise(4, -32))[10:]) < 0.3
    said = tones("Where is my order?")
    assert np.mean(stream.push(said + noise(len(said) / RATE, -32)[: len(said)])) > 0.8


def test_chunks_may_have_any_length() -> None:
    samples = np.concatenate([noise(1, -50), tones("Hello"), noise(1, -50)])
    whole = EnergyDetector().stream(RATE).push(samples)
    stream = EnergyDetector().stream(RATE)
    parts = [p for at in range(0, len(samples), 77) for p in stream.push(samples[at : at + 77])]
    assert parts == list(whole)


def test_reset_forgets() -> None:
    stream = EnergyDetector().stream(RATE)
    first = stream.push(tones("Hello"))
    stream.reset()
    assert stream.push(tones("Hello")) == first


def test_a_sample_rate_without_speech_is_refused() -> None:
    with pytest.raises(SpeechFailed, match="10 samples per second"):
        EnergyDetector().stream(10)
