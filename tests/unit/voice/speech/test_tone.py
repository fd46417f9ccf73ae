"""The tone channel: exact on a clean line, wrong where noise or loss is."""

from __future__ import annotations

import random
import time

import jiwer
import numpy as np
import pytest
import soxr
from scipy import signal

from tau2.voice.audio.formats import Samples
from tau2.voice.speech.engines.tone import (
    PERIOD,
    SAMPLE_RATE,
    ToneRecognizer,
    ToneSynthesizer,
)
from tau2.voice.speech.protocols import Voice

SPOKEN = "Hello, I'd like to return order #W9164527 — write to anna_böhm@example.com; $1,203.50!"
CHARACTERS = "abcdefghijklmnopqrstuvwxyzABCDEFG0123456789.,#@-_"


def synthesized(text: str) -> Samples:
    return ToneSynthesizer().synthesize(text, Voice()).samples


def recognized(samples: Samples, sample_rate: int = SAMPLE_RATE) -> str:
    return ToneRecognizer().transcribe(samples, sample_rate).text


def through_mu_law(samples: Samples) -> Samples:
    """Return what the curve of mu-law and its 8 bits leave."""
    curve = np.sign(samples) * np.log1p(255 * np.abs(samples)) / np.log1p(255)
    steps = np.round(curve * 127) / 127
    return (np.sign(steps) * (256.0 ** np.abs(steps) - 1) / 255).astype(np.float32)


def with_noise(samples: Samples, decibels: float) -> Samples:
    """Add noise that is so many decibels weaker than the tones."""
    noise = np.random.default_rng(0).standard_normal(len(samples)).astype(np.float32)
    noise *= np.sqrt(np.mean(samples**2) / np.mean(noise**2)) * 10 ** (-decibels / 20)
    return samples + noise


def test_a_clean_line_is_read_exactly() -> None:
    assert recognized(synthesized(SPOKEN)) == SPOKEN
    assert recognized(synthesized("aaaa 0000 aaaa")) == "aaaa 0000 aaaa"
    assert recognized(synthesized("  two \n words ")) == "two words"


def test_nothing_is_silent() -> None:
    speech = ToneSynthesizer().synthesize("  ", Voice())
    assert len(speech.samples) == 0
    assert speech.words == []
    assert recognized(speech.samples) == ""
    assert recognized(np.zeros(SAMPLE_RATE, np.float32)) == ""


def test_a_telephone_line_is_read_exactly() -> None:
    band = signal.butter(4, [300, 3400], btype="band", fs=SAMPLE_RATE, output="sos")
    generator = random.Random(0)
    for number in range(12):
        said = " ".join(
            "".join(generator.choices(CHARACTERS, k=generator.randint(1, 9))) for _ in range(8)
        )
        silence = np.zeros(generator.randint(0, 900), np.float32)
        sent = np.concatenate([silence, synthesized(said), silence])
        heard = through_mu_law(signal.sosfilt(band, sent).astype(np.float32))
        rate = (8000, 16000, 24000, 44100)[number % 4]
        assert recognized(soxr.resample(heard, SAMPLE_RATE, rate), rate) == said


def test_words_have_times_on_both_sides() -> None:
    speech = ToneSynthesizer().synthesize("one two", Voice())
    assert [word.text for word in speech.words] == ["one", "two"]
    assert speech.words[1].start == pytest.approx(4 * PERIOD)
    assert speech.words[1].end == pytest.approx(speech.seconds)

    second = np.zeros(SAMPLE_RATE, np.float32)
    heard = ToneRecognizer().transcribe(np.concatenate([second, speech.samples]), SAMPLE_RATE)
    for sent, received in zip(speech.words, heard.words, strict=True):
        assert received.start == pytest.approx(1 + sent.start, abs=0.01)
        assert received.end == pytest.approx(1 + sent.end, abs=0.01)


def test_speech_takes_about_as_long_as_a_person_does() -> None:
    said = "I would like to exchange the blue shirt for a red one in size medium please."
    assert 10 <= len(said) / ToneSynthesizer().synthesize(said, Voice()).seconds <= 20


def test_utterances_with_a_pause_between_them_are_words_of_their_own() -> None:
    pause = np.zeros(round(0.37 * SAMPLE_RATE), np.float32)
    heard = recognized(np.concatenate([synthesized("Wait."), pause, synthesized("Stop.")]))
    assert heard == "Wait. Stop."


def test_what_was_cut_off_is_not_heard() -> None:
    samples = synthesized("The total is 25 dollars")
    heard = recognized(samples[: round(13 * PERIOD * SAMPLE_RATE)])
    assert heard == "The total is"


def test_the_more_noise_the_more_words_are_wrong() -> None:
    said = " ".join([SPOKEN] * 4)
    samples = synthesized(said)
    wrong = [jiwer.wer(said, recognized(with_noise(samples, level))) for level in (20, 5, 0)]
    assert wrong[0] == 0
    assert 0 < wrong[1] < wrong[2]


def test_a_digit_in_noise_is_another_digit() -> None:
    heard = recognized(with_noise(synthesized("0123456789" * 3), 2))
    assert heard.isdigit()
    assert heard != "0123456789" * 3


def test_what_a_lost_packet_held_is_missing() -> None:
    samples = synthesized("abcdefghij").copy()
    samples[round(3 * PERIOD * SAMPLE_RATE) : round(5 * PERIOD * SAMPLE_RATE)] = 0
    assert recognized(samples) == "abcfghij"


def test_the_same_text_gives_the_same_bytes() -> None:
    assert synthesized(SPOKEN).tobytes() == synthesized(SPOKEN).tobytes()


def test_it_is_much_faster_than_a_call() -> None:
    said = " ".join([SPOKEN] * 20)
    recognized(synthesized(said[:100]))
    begin = time.process_time()
    speech = ToneSynthesizer().synthesize(said, Voice())
    heard = recognized(speech.samples)
    assert heard == said
    assert speech.seconds / (time.process_time() - begin) > 50
