"""How loud audio is. Levels are in dBov: decibels relative to an RMS of 1, full scale."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, log10
from typing import TYPE_CHECKING

from tau2.errors import needs_extra

with needs_extra("voice", "numpy"):
    import numpy as np
with needs_extra("voice", "scipy"):
    from scipy import ndimage, signal

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tau2.voice.audio.formats import Samples

NOMINAL_SPEECH_LEVEL = -26.0
"""In dBov: the active speech level at which telephone equipment is tested (ITU-T P.56, P.830)."""

_TIME_CONSTANT = 0.03  # seconds; of the envelope
_HANGOVER = 0.2  # seconds that count as speech after the envelope fell below the threshold
_ENVELOPE_RATE = 800  # Hz
_MARGIN = 15.9  # dB between the active level and the threshold that decides
_THRESHOLDS = 2.0 ** np.arange(-15, 0)  # of the envelope


@dataclass(frozen=True, slots=True)
class SpeechLevel:
    """How loud speech is while somebody speaks."""

    level: float
    """In dBov; -inf if nobody speaks."""
    activity: float
    """The share of time in which somebody speaks."""


def rms(samples: Samples) -> float:
    """Return the root of the mean square; 0 for no samples."""
    if not len(samples):
        return 0.0
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))


def decibels(amplitude: float) -> float:
    """Return an amplitude in dB; -inf for 0."""
    return 20 * log10(amplitude) if amplitude > 0 else -inf


def amplitude(level: float) -> float:
    """Return a level in dB as an amplitude."""
    return float(10 ** (level / 20))


def level(samples: Samples) -> float:
    """Return the level of all samples in dBov, pauses included."""
    return decibels(rms(samples))


def active_speech_level(samples: Samples, sample_rate: int) -> SpeechLevel:
    """Return the level of speech without its pauses, in the manner of ITU-T P.56, method B.

    Time is active while a smoothed envelope exceeds a threshold, and 0.2 s after; the threshold is
    the one that lies 15.9 dB below the level of what is active at it. Between the thresholds, which
    are 6 dB apart, the level is interpolated.
    """
    power = float(np.sum(np.square(samples, dtype=np.float64))) if len(samples) else 0.0
    if power <= 0:
        return SpeechLevel(-inf, 0.0)
    held = _held_envelope(samples, sample_rate)
    active = len(held) - np.searchsorted(np.sort(held), _THRESHOLDS)
    levels = 10 * np.log10(power / len(samples) * len(held) / np.maximum(active, 1))
    margins = levels - 20 * np.log10(_THRESHOLDS)
    # A threshold that nothing reaches decides nothing.
    margins[active == 0] = -inf
    below = int(np.argmax(margins <= _MARGIN)) if np.any(margins <= _MARGIN) else len(margins) - 1
    found = float(levels[below])
    if below and active[below]:
        share = (margins[below - 1] - _MARGIN) / (margins[below - 1] - margins[below])
        found = float(levels[below - 1] + share * (levels[below] - levels[below - 1]))
    elif below:
        found = float(levels[below - 1])
    return SpeechLevel(found, min(1.0, power / len(samples) / 10 ** (found / 10)))


def _held_envelope(samples: Samples, sample_rate: int) -> NDArray[np.float64]:
    """Return the envelope some 800 times a second, each value held for the hangover."""
    decay = float(np.exp(-1 / (sample_rate * _TIME_CONSTANT)))
    coefficients = ([(1 - decay) ** 2], [1.0, -2 * decay, decay**2])
    envelope = signal.lfilter(*coefficients, np.abs(samples.astype(np.float64)))
    # Slower than 30 ms, it needs no more points; P.56 asks for 600 a second.
    step = max(1, sample_rate // _ENVELOPE_RATE)
    envelope = envelope[::step]
    window = int(sample_rate / step * _HANGOVER) + 1
    # The window ends at its sample, so that only what came before is held.
    held: NDArray[np.float64] = ndimage.maximum_filter1d(
        envelope, window, origin=(window - 1) // 2, mode="constant"
    )
    return held


def at_level(samples: Samples, present: float, wanted: float) -> Samples:
    """Return samples of level `present` at the level `wanted`; silence stays silence."""
    if present == -inf:
        return samples
    return np.asarray(samples * np.float32(amplitude(wanted - present)), np.float32)


def snr(speech: Samples, noise: Samples, sample_rate: int) -> float:
    """Return by how many dB the active speech level lies above the level of the noise."""
    return active_speech_level(speech, sample_rate).level - level(noise)
