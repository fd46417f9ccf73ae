"""Levels are those of P.56; filters remember where a stream was cut."""

from __future__ import annotations

from math import inf

import numpy as np
import pytest

from tau2.voice.audio.filters import band_pass, high_pass, low_pass, muffled, muffled_between
from tau2.voice.audio.levels import active_speech_level, at_level, decibels, level, rms, snr

RATE = 16000


def hiss(seconds, amplitude=0.05, seed=0):
    rng = np.random.default_rng(seed)
    return (amplitude * rng.standard_normal(int(seconds * RATE))).astype(np.float32)


def tone(frequency, seconds=1.0):
    return np.sin(2 * np.pi * frequency * np.arange(int(seconds * RATE)) / RATE).astype(np.float32)


def with_pauses(samples, on=2.0, off=2.0):
    seconds = np.arange(len(samples)) / RATE
    return samples * ((seconds % (on + off)) < on).astype(np.float32)


def test_a_full_sine_has_minus_three_decibels():
    assert level(tone(1000)) == pytest.approx(-3.01, abs=0.01)


def test_without_pauses_the_active_level_is_the_level():
    found = active_speech_level(hiss(10), RATE)
    assert found.level == pytest.approx(level(hiss(10)), abs=0.05)
    assert found.activity == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize("gain", [1.0, 0.1, 0.01])
def test_pauses_do_not_lower_the_active_level(gain):
    loud = hiss(20, 0.05 * gain)
    found = active_speech_level(with_pauses(loud), RATE)
    # The hangover counts 0.2 s after each of the five sounds.
    assert found.activity == pytest.approx(0.55, abs=0.03)
    assert found.level == pytest.approx(level(loud), abs=0.8)
    assert level(with_pauses(loud)) < found.level - 2


def test_soft_noise_in_the_pauses_changes_little():
    speech = with_pauses(hiss(20))
    noisy = speech + hiss(20, 0.005, seed=1)
    clean = active_speech_level(speech, RATE).level
    assert active_speech_level(noisy, RATE).level == pytest.approx(clean, abs=0.3)


def test_silence_has_no_level():
    for silence in (np.zeros(0, np.float32), np.zeros(RATE, np.float32)):
        assert active_speech_level(silence, RATE).level == -inf
        assert rms(silence) == 0
        assert (at_level(silence, -inf, -26) == silence).all()


def test_the_ratio_is_that_of_the_levels():
    assert snr(hiss(10, 0.1), hiss(10, 0.01, seed=1), RATE) == pytest.approx(20, abs=0.2)


def test_the_telephone_band_keeps_speech_and_removes_the_rest():
    def gain(frequency):
        heard = band_pass(RATE).process(tone(frequency, 2.0))[RATE:]
        return decibels(rms(heard) / rms(tone(frequency)))

    assert gain(1000) == pytest.approx(0, abs=0.1)
    assert gain(300) == pytest.approx(-3, abs=0.2)
    assert gain(3400) == pytest.approx(-3, abs=0.2)
    assert gain(100) < -30
    assert gain(6000) < -30


@pytest.mark.parametrize("make", [band_pass, lambda rate: low_pass(rate, 1500.0)])
def test_a_stream_in_pieces_is_filtered_as_a_whole(make):
    samples = hiss(2)
    in_one = make(RATE)
    whole = in_one.process(samples)
    in_many = make(RATE)
    parts = [in_many.process(samples[place : place + 333]) for place in range(0, 2 * RATE, 333)]
    assert np.abs(np.concatenate(parts) - whole).max() == 0
    in_many.reset()
    assert (in_many.process(samples) == whole).all()
    assert len(in_many.process(samples[:0])) == 0


def test_a_high_pass_removes_a_hum():
    assert rms(high_pass(RATE, 300.0).process(tone(50, 2.0))[RATE:]) < 0.03


def test_muffling_takes_the_high_tones_of_its_segment_alone():
    both = 0.5 * (tone(500, 3.0) + tone(4000, 3.0))
    heard = muffled_between(both, RATE, 1500.0, start_ms=1000, end_ms=2000, ramp_ms=100)
    assert (heard[: RATE - 10] == both[: RATE - 10]).all()
    assert (heard[2 * RATE + 10 :] == both[2 * RATE + 10 :]).all()
    inside = slice(int(1.15 * RATE), int(1.85 * RATE))
    assert np.abs(heard[inside] - 0.5 * tone(500, 3.0)[inside]).max() < 0.02
    # No step at the borders: the ramps blend.
    assert np.abs(np.diff(heard - both)).max() < 0.6


def test_muffling_takes_what_is_too_short_to_filter():
    for size in (0, 1, 2, 5):
        assert len(muffled(hiss(1)[:size], RATE, 1000.0)) == size
