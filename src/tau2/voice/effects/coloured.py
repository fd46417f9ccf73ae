"""Noise of a given spectrum, and slow random movements; both repeat without a seam.

They are shaped in the frequency domain, so that their end continues in their beginning and they
can be played in a loop.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from tau2.errors import needs_extra

with needs_extra("voice", "numpy"):
    import numpy as np
with needs_extra("voice", "scipy"):
    from scipy import fft

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tau2.voice.audio.formats import Samples

Wave: TypeAlias = "NDArray[np.floating[Any]]"
"""Numbers in a row: of a sound, or of its spectrum."""
Spectrum: TypeAlias = Callable[[Wave], Wave]
"""Amplitudes of frequencies in Hz."""

_LOWEST = 20.0  # Hz; nothing below it is heard
_POINTS_OF_A_PERIOD = 16
_OCTAVE = 6.02  # dB by which an amplitude changes that follows the frequency


def white(frequencies: Wave) -> Wave:
    """The same power in every hertz."""
    return np.ones_like(frequencies)


def pink(frequencies: Wave) -> Wave:
    """3 dB less an octave."""
    return np.maximum(frequencies, _LOWEST) ** -0.5


def brown(frequencies: Wave) -> Wave:
    """6 dB less an octave."""
    return 1.0 / np.maximum(frequencies, _LOWEST)


def speech_shaped(frequencies: Wave) -> Wave:
    """The average spectrum of speech: even from 100 to 500 Hz, then 9 dB less an octave.

    A rough form of the long-term average that Byrne and others measured in 13 languages (1994).
    """
    high = np.maximum(frequencies / 500.0, 1.0) ** -1.5
    low = np.minimum(frequencies / 100.0, 1.0) ** 2
    return np.asarray(high * low)


def between(low: float, high: float, slope: float = 0.0) -> Spectrum:
    """Return a band in Hz with soft edges and `slope` in dB an octave."""

    def spectrum(frequencies: Wave) -> Wave:
        safe = np.maximum(frequencies, 1.0)
        edges = 1.0 / np.sqrt(1.0 + (low / safe) ** 8) / np.sqrt(1.0 + (safe / high) ** 8)
        return np.asarray(edges * (safe / low) ** (slope / _OCTAVE))

    return spectrum


def noise(spectrum: Spectrum, count: int, sample_rate: int, rng: np.random.Generator) -> Samples:
    """Return `count` samples of noise with an RMS of 1."""
    frequencies = np.fft.rfftfreq(count, 1 / sample_rate)
    # In single precision: a loop has some hundred thousand samples.
    bins = rng.standard_normal(2 * len(frequencies), np.float32).view(np.complex64)
    bins *= spectrum(frequencies).astype(np.float32)
    return _at_unit_rms(fft.irfft(bins, count))


def movement(
    count: int, sample_rate: int, slowest: float, fastest: float, rng: np.random.Generator
) -> Samples:
    """Return a random movement with an RMS of 1 and a mean of 0, between two speeds in Hz."""
    # What moves slowly is made of few points, with straight lines between them.
    points = min(count, int(count / sample_rate * fastest * _POINTS_OF_A_PERIOD) + 2)
    frequencies = np.fft.rfftfreq(points, count / sample_rate / points)
    lowest = int(np.searchsorted(frequencies, slowest))
    # At least one frequency, also where the loop is short.
    highest = max(int(np.searchsorted(frequencies, fastest)), lowest + 1)
    bins = np.zeros(len(frequencies), np.complex128)
    size = len(bins[lowest:highest])
    bins[lowest:highest] = rng.standard_normal(size) + 1j * rng.standard_normal(size)
    coarse = np.fft.irfft(bins, points)
    places = np.linspace(0.0, points, count, endpoint=False)
    return _at_unit_rms(np.interp(places, np.arange(points), coarse, period=points))


def _at_unit_rms(wave: Wave) -> Samples:
    """Return a wave without its mean, with an RMS of 1."""
    centred = wave - np.mean(wave)
    return np.asarray(centred / np.sqrt(np.mean(centred**2)), np.float32)


def add_around(loop: Samples, part: Samples, start: int) -> None:
    """Add `part` to a loop from `start` on; what goes beyond the end goes on at the beginning."""
    places = (start + np.arange(len(part))) % len(loop)
    np.add.at(loop, places, part)


def in_a_room(
    loop: Samples, sample_rate: int, rng: np.random.Generator, *, decay_seconds: float = 0.5
) -> Samples:
    """Return a loop as it is heard from across a room that echoes. `decay_seconds`: to -60 dB."""
    count = len(loop)
    seconds = np.arange(min(count, int(decay_seconds * sample_rate))) / sample_rate
    echo = np.zeros(count, np.float32)
    tail = rng.standard_normal(len(seconds)) * 10 ** (-3.0 * seconds / decay_seconds)
    # As much of the sound comes straight as by way of the walls.
    echo[: len(seconds)] = tail / np.sqrt(np.sum(tail**2))
    echo[0] += 1.0
    # Around the loop: the echo of its end is heard at its beginning.
    return np.asarray(fft.irfft(fft.rfft(loop) * fft.rfft(echo), count), np.float32)
