"""Changing the sample rate, whole or in a stream, by soxr."""

from __future__ import annotations

from functools import cache
from math import ceil
from typing import TYPE_CHECKING

from tau2.errors import needs_extra

with needs_extra("voice", "numpy"):
    import numpy as np
with needs_extra("voice", "soxr"):
    import soxr

if TYPE_CHECKING:
    from tau2.voice.audio.formats import Samples

_QUALITY = "HQ"
_MS_PER_SECOND = 1000


def resample(samples: Samples, source_rate: float, target_rate: float) -> Samples:
    """Return `samples` at another rate, without delay. Rates in Hz, or in any one unit."""
    if source_rate == target_rate or not len(samples):
        return samples
    converted: Samples = soxr.resample(samples, source_rate, target_rate, quality=_QUALITY)
    return converted


class Resampler:
    """Changes the sample rate of a stream. Rates in Hz.

    However the stream is cut, the samples are the same. Aliases and images are below -100 dB.

    Padded (the default), the stream keeps time: after n samples in all, floor(n x target / source)
    came out, so that 200 ms in are 200 ms out. The output is then late by `latency_samples`, a
    constant of the two rates (15 ms from 16 to 8 kHz, 25 ms from 24 to 8 kHz; exact to two
    samples), and the stream begins with that much silence. Not padded, the first output is shorter
    by as much instead. In both cases `flush` returns what is left.

    soxr's variable-rate mode is used at a constant rate: it filters in the time domain, and its
    latency is a fifth of that of the default mode, which works in long blocks.
    """

    def __init__(self, source_rate: int, target_rate: int, *, is_padded: bool = True) -> None:
        self.source_rate = source_rate
        self.target_rate = target_rate
        self.latency_samples = _latency(source_rate, target_rate)
        """Of the output."""
        self._is_padded = is_padded
        self._begin()

    @property
    def latency_ms(self) -> float:
        """How much later the output is, in milliseconds."""
        return self.latency_samples * _MS_PER_SECOND / self.target_rate

    def _begin(self) -> None:
        self._stream = _stream(self.source_rate, self.target_rate)
        self._taken = 0
        self._given = 0
        self._waiting = np.zeros(self.latency_samples if self._is_padded else 0, np.float32)

    def process(self, samples: Samples) -> Samples:
        """Return the next samples at the target rate."""
        if self.source_rate == self.target_rate:
            return samples
        self._taken += len(samples)
        converted = self._stream.resample_chunk(np.ascontiguousarray(samples, np.float32))
        waiting = np.concatenate((self._waiting, converted))
        due = self._taken * self.target_rate // self.source_rate - self._given
        count = due if self._is_padded else len(waiting)
        self._given += count
        self._waiting = waiting[count:]
        return waiting[:count]

    def flush(self) -> Samples:
        """Return the samples that are left; the next input begins another stream."""
        if self.source_rate == self.target_rate:
            return np.zeros(0, np.float32)
        last = self._stream.resample_chunk(np.zeros(0, np.float32), last=True)
        padding = self.latency_samples if self._is_padded else 0
        total = self._taken * self.target_rate // self.source_rate + padding
        rest = np.concatenate((self._waiting, last))[: total - self._given]
        self._begin()
        return rest


def _stream(source_rate: int, target_rate: int) -> soxr.ResampleStream:
    return soxr.ResampleStream(
        source_rate, target_rate, 1, dtype="float32", quality=_QUALITY, vr=True
    )


@cache
def _latency(source_rate: int, target_rate: int) -> int:
    """Return by how many samples soxr's output falls behind at most, measured on silence."""
    if source_rate == target_rate:
        return 0
    stream = _stream(source_rate, target_rate)
    step = max(1, source_rate // _MS_PER_SECOND)
    silence = np.zeros(step, np.float32)
    given = 0
    behind = 0.0
    for taken in range(step, source_rate // 4, step):
        given += len(stream.resample_chunk(silence))
        behind = max(behind, taken * target_rate / source_rate - given)
    # Whole samples of either rate, so that any cut of the stream is covered.
    return ceil(behind) + ceil(target_rate / source_rate)
