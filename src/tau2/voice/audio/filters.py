"""Filters with a state, so that a stream cut anywhere is filtered as a whole.

Butterworth filters as second-order sections (scipy): stable at any cut-off and order used here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tau2.errors import needs_extra

with needs_extra("voice", "numpy"):
    import numpy as np
with needs_extra("voice", "scipy"):
    from scipy import signal

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tau2.voice.audio.formats import Samples

TELEPHONE_BAND = (300.0, 3400.0)
"""In Hz: what a narrow-band telephone line carries (ITU-T G.712)."""
_ORDER = 4
_MS_PER_SECOND = 1000


class StreamFilter:
    """A filter that goes on where it stopped."""

    def __init__(self, sections: NDArray[np.float64]) -> None:
        self._sections = sections
        self.reset()

    def reset(self) -> None:
        """Begin another stream."""
        self._state = np.zeros((len(self._sections), 2))

    def process(self, samples: Samples) -> Samples:
        """Return the next samples, filtered; same length."""
        if not len(samples):
            return samples
        filtered, state = signal.sosfilt(self._sections, samples, zi=self._state)
        self._state = state
        return np.asarray(filtered, np.float32)


def band_pass(
    sample_rate: int, band: tuple[float, float] = TELEPHONE_BAND, order: int = _ORDER
) -> StreamFilter:
    """Return a band-pass. Rate and band in Hz; the band ends below half of the rate."""
    sections = signal.butter(order, band, "bandpass", fs=sample_rate, output="sos")
    return StreamFilter(sections)


def low_pass(sample_rate: int, cutoff: float, order: int = _ORDER) -> StreamFilter:
    """Return a low-pass. Rate and cut-off in Hz."""
    return StreamFilter(signal.butter(order, cutoff, "lowpass", fs=sample_rate, output="sos"))


def high_pass(sample_rate: int, cutoff: float, order: int = 2) -> StreamFilter:
    """Return a high-pass. Rate and cut-off in Hz."""
    return StreamFilter(signal.butter(order, cutoff, "highpass", fs=sample_rate, output="sos"))


def muffled(samples: Samples, sample_rate: int, cutoff: float) -> Samples:
    """Return a whole utterance through a low-pass, without delay. Rate and cut-off in Hz."""
    sections = signal.butter(2, cutoff, "lowpass", fs=sample_rate, output="sos")
    # Forwards and backwards: no delay, so that it can be blended with what was not filtered.
    padding = min(len(samples) - 1, 3 * (2 * len(sections) + 1))
    if padding < 1:
        return samples
    return np.asarray(signal.sosfiltfilt(sections, samples, padlen=padding), np.float32)


def muffled_between(
    samples: Samples,
    sample_rate: int,
    cutoff: float,
    *,
    start_ms: float,
    end_ms: float,
    ramp_ms: float,
) -> Samples:
    """Return a whole utterance, muffled from `start_ms` to `end_ms`.

    Over `ramp_ms` at either end, within that time, it fades from clear to muffled and back.
    """
    times = np.arange(len(samples)) * (_MS_PER_SECOND / sample_rate)
    ramp = max(ramp_ms, _MS_PER_SECOND / sample_rate)
    share = np.clip(np.minimum(times - start_ms, end_ms - times) / ramp, 0.0, 1.0)
    wet = muffled(samples, sample_rate, cutoff)
    return np.asarray(samples + share * (wet - samples), np.float32)
