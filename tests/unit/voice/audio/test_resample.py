"""The resampler: no aliases, exact time, and no seams."""

from __future__ import annotations

import numpy as np
import pytest

from tau2.voice.audio.levels import decibels, rms
from tau2.voice.audio.resample import Resampler, resample

RATES = [(24000, 8000), (16000, 8000), (8000, 16000), (22050, 8000), (44100, 16000), (8000, 24000)]


def tone(frequency, rate, seconds=3.0):
    return np.sin(2 * np.pi * frequency * np.arange(int(rate * seconds)) / rate).astype(np.float32)


def streamed(samples, source, target, size, **options):
    resampler = Resampler(source, target, **options)
    parts = [
        resampler.process(samples[start : start + size]) for start in range(0, len(samples), size)
    ]
    return np.concatenate([*parts, resampler.flush()])


@pytest.mark.parametrize("frequency", [5000, 7000])
@pytest.mark.parametrize("convert", [resample, lambda *given: streamed(*given, 4800)])
def test_tones_above_the_new_band_are_gone(frequency, convert):
    left = convert(tone(frequency, 24000), 24000, 8000)[4000:20000]
    assert decibels(rms(left) / rms(tone(frequency, 24000))) <= -80


@pytest.mark.parametrize("frequency", [300, 1000, 3400])
def test_tones_within_the_band_keep_their_level(frequency):
    kept = streamed(tone(frequency, 24000), 24000, 8000, 4800)[4000:20000]
    assert decibels(rms(kept) / rms(tone(frequency, 24000))) == pytest.approx(0, abs=0.05)


def test_a_tone_has_no_image_at_the_higher_rate():
    spectrum = np.abs(np.fft.rfft(streamed(tone(1000, 8000), 8000, 16000, 1600)[8000:24000]))
    assert decibels(spectrum[7000] / spectrum[1000]) <= -80


@pytest.mark.parametrize(("source", "target"), RATES)
@pytest.mark.parametrize("is_padded", [True, False])
def test_a_stream_in_pieces_is_the_whole_stream(source, target, is_padded):
    samples = np.random.default_rng(0).standard_normal(source).astype(np.float32)
    whole = streamed(samples, source, target, len(samples), is_padded=is_padded)
    for size in (37, source // 50, source // 5):
        assert (streamed(samples, source, target, size, is_padded=is_padded) == whole).all()


@pytest.mark.parametrize(("source", "target"), RATES)
def test_every_tick_has_its_exact_length_in_a_long_stream(source, target):
    resampler = Resampler(source, target)
    tick = np.zeros(source // 5, np.float32)
    assert {len(resampler.process(tick)) for _ in range(200)} == {target // 5}


@pytest.mark.parametrize(("source", "target"), RATES)
def test_the_latency_is_what_it_says(source, target):
    samples = np.random.default_rng(0).standard_normal(source // 4).astype(np.float32)
    resampler = Resampler(source, target)
    late = np.concatenate([resampler.process(samples), resampler.flush()])
    exact = resample(samples, source, target)
    assert abs(len(late) - len(exact) - resampler.latency_samples) <= 1
    agreement = np.correlate(late, exact, "full")
    delay = int(np.argmax(agreement)) - (len(exact) - 1)
    assert abs(delay - resampler.latency_samples) <= 2
    assert resampler.latency_ms < 65


def test_an_equal_rate_changes_nothing():
    samples = tone(440, 8000)
    resampler = Resampler(8000, 8000)
    assert resampler.process(samples) is samples
    assert resampler.latency_samples == 0
    assert len(resampler.flush()) == 0
