"""A voice activity detector that compares the level with that of the background.

The background is the quietest frame of the last seconds. It is taken to be at least 10 dB below the
loudest speech that was heard, so that a long utterance without a pause does not become background.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence

from tau2.errors import SpeechFailed, needs_extra
from tau2.voice.audio.formats import Samples

with needs_extra("voice", "numpy"):
    import numpy as np

FRAME_SECONDS = 0.02

_AVERAGED = 3  # frames, so that the moments between two sounds are no pause
_MEMORY = 150  # frames in which the background is looked for: 3 s
_QUIETEST = -70.0  # dBFS; digital silence has no level
_USUAL_SPEECH = -22.0  # dBFS of speech on a telephone line, until there was some
_DISTANCE = 10.0  # dB between the loudest speech and what may be background
_MARGIN = 6.0  # dB above the background at which speech is as likely as not
_SLOPE = 2.0  # dB; the smaller, the more certain
_FADING = 0.02  # dB by which the loudest speech is forgotten in each frame: 1 dB/s
_LOWEST_RATE = 1000  # Hz; speech cannot be heard below it


class EnergyDetector:
    """Finds speech by its level alone: no model, and any sound counts as speech."""

    name = "energy"
    version = "1"
    frame_seconds = FRAME_SECONDS

    def stream(self, sample_rate: int) -> EnergyStream:
        """Return a new stream of that sample rate in Hz."""
        if sample_rate < _LOWEST_RATE:
            raise SpeechFailed(f"speech is not detected at {sample_rate} samples per second")
        return EnergyStream(round(FRAME_SECONDS * sample_rate))


class EnergyStream:
    """The state of one stream."""

    def __init__(self, frame_length: int) -> None:
        self._frame_length = frame_length
        self.reset()

    def reset(self) -> None:
        """Forget what was heard."""
        self._rest = np.zeros(0, np.float32)
        self._powers: deque[float] = deque(maxlen=_AVERAGED)
        self._levels: deque[float] = deque(maxlen=_MEMORY)
        self._loudest = _USUAL_SPEECH

    def push(self, samples: Samples) -> Sequence[float]:
        """Return the probability of speech of each frame that became complete."""
        waiting = np.concatenate([self._rest, samples])
        whole = len(waiting) // self._frame_length
        frames = waiting[: whole * self._frame_length].reshape(whole, self._frame_length)
        self._rest = waiting[whole * self._frame_length :]
        powers = np.mean(np.square(frames, dtype=np.float64), axis=1)
        return [self._probability(float(power)) for power in powers]

    def _probability(self, power: float) -> float:
        self._powers.append(power)
        average = sum(self._powers) / len(self._powers)
        level = max(_QUIETEST, 10 * math.log10(average)) if average > 0 else _QUIETEST
        self._levels.append(level)
        self._loudest = max(level, _USUAL_SPEECH, self._loudest - _FADING)
        background = min(*self._levels, self._loudest - _DISTANCE)
        return 1 / (1 + math.exp((background + _MARGIN - level) / _SLOPE))
