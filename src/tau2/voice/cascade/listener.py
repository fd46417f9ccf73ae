"""Finds the user's speech in a stream of audio."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import TypeAlias

from tau2.errors import needs_extra
from tau2.voice.audio.formats import Samples
from tau2.voice.cascade.settings import SpeechDetection
from tau2.voice.speech.protocols import VoiceActivityDetector

with needs_extra("voice", "numpy"):
    import numpy as np

_HYSTERESIS = 0.15  # how far the probability must fall below the threshold to end speech
_USUAL_LEVEL = -22.0  # dBFS of the louder syllables of speech on a telephone line
_LOWEST_LEVEL = -60.0
_LEVEL_SECONDS = 0.25  # over which a level is taken: about a syllable
_FADING = 1.0  # dB per second of speech by which the loudest is forgotten
_TAIL_SECONDS = 0.2  # of the silence after speech: final consonants are soft


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """The user speaks. Times are in seconds of the stream."""

    at: float


@dataclass(frozen=True, slots=True)
class SpeechStopped:
    """The user spoke."""

    start: float
    end: float
    """Of the last sound; it is noticed later."""
    samples: Samples
    """What is to be recognized: with audio before and silence after it."""
    goes_on: bool = False
    """Whether the user still speaks: this part was cut off because it was too long."""


SpeechEvent: TypeAlias = SpeechStarted | SpeechStopped


class Nearness:
    """Tells the user from people in the background, by the level.

    The loudest speech so far sets the scale. Until any speech was near enough, the scale is that of
    a usual telephone line, and falls while speech is heard that is not: for a quiet line.
    """

    def __init__(self, range_db: float | None, frame_seconds: float) -> None:
        """Accept speech up to `range_db` below the loudest; None accepts all."""
        self._range = range_db
        self._fading = _FADING * frame_seconds
        self._powers: deque[float] = deque(maxlen=max(1, round(_LEVEL_SECONDS / frame_seconds)))
        self._loudest = _USUAL_LEVEL
        self._has_accepted = False

    def hear(self, frame: Samples) -> None:
        """Take in the next frame, speech or not."""
        power = float(np.mean(np.square(frame, dtype=np.float64))) if len(frame) else 0.0
        self._powers.append(power)

    def accepts(self) -> bool:
        """Return whether the speech in the last frame is the user's."""
        if self._range is None:
            return True
        power = sum(self._powers) / len(self._powers)
        level = 10 * math.log10(power) if power > 0 else _LOWEST_LEVEL
        is_near = level >= self._loudest - self._range
        if is_near or not self._has_accepted:
            self._loudest = max(level, self._loudest - self._fading, _LOWEST_LEVEL)
        self._has_accepted |= is_near
        return is_near


class Listener:
    """The beginnings and ends of speech in one stream."""

    def __init__(
        self, detector: VoiceActivityDetector, sample_rate: int, detection: SpeechDetection
    ) -> None:
        """Listen to a stream of `sample_rate` Hz."""
        self._probabilities = detector.stream(sample_rate)
        self._frame = detector.frame_seconds
        self._rate = sample_rate
        self._detection = detection
        self._nearness = Nearness(detection.nearness_db, self._frame)
        self._audio: Samples = np.zeros(0, np.float32)
        self._audio_start = 0
        self._frames = 0
        self._run_start: float | None = None
        self._speech_start: float | None = None
        self._segment_start = 0.0
        self._last_sound = 0.0

    @property
    def now(self) -> float:
        """How many seconds were heard."""
        return (self._audio_start + len(self._audio)) / self._rate

    @property
    def is_speaking(self) -> bool:
        """Whether the user speaks, or has just paused."""
        return self._speech_start is not None

    @property
    def speech_seconds(self) -> float:
        """How long the user has been speaking, up to the last sound."""
        return 0.0 if self._speech_start is None else self._last_sound - self._speech_start

    def push(self, samples: Samples) -> list[SpeechEvent]:
        """Hear a piece of the stream, and return what began and ended."""
        self._audio = np.concatenate([self._audio, samples])
        events: list[SpeechEvent] = []
        for probability in self._probabilities.push(samples):
            events.extend(self._frame_heard(probability))
        self._forget()
        return events

    def segment(self) -> Samples:
        """Return the speech up to now, with what was heard before it."""
        return self._cut(self._segment_start, self.now)

    def finish(self) -> list[SpeechEvent]:
        """End speech that goes on, and return it: nothing further will be heard."""
        return [self._stop()] if self.is_speaking else []

    def _frame_heard(self, probability: float) -> list[SpeechEvent]:
        start = self._frames * self._frame
        end = start + self._frame
        self._frames += 1
        threshold = self._detection.threshold
        if self._speech_start is not None:
            threshold -= _HYSTERESIS
        self._nearness.hear(self._cut(start, end))
        is_sound = probability >= threshold and self._nearness.accepts()
        if self._speech_start is None:
            return self._in_silence(is_sound, start, end)
        if is_sound:
            self._last_sound = end
            if end - self._segment_start >= self._detection.longest_seconds:
                return [self._split(end)]
            return []
        silence = (end - self._last_sound) * 1000
        return [self._stop()] if silence >= self._detection.silence_ms else []

    def _in_silence(self, is_sound: bool, start: float, end: float) -> list[SpeechEvent]:
        if not is_sound:
            self._run_start = None
            return []
        if self._run_start is None:
            self._run_start = start
        if (end - self._run_start) * 1000 < self._detection.onset_ms:
            return []
        self._speech_start = self._run_start
        self._segment_start = max(0.0, self._run_start - self._detection.prefix_ms / 1000)
        self._last_sound = end
        self._run_start = None
        return [SpeechStarted(self._speech_start)]

    def _stop(self) -> SpeechStopped:
        assert self._speech_start is not None, "only speech stops"
        end = min(self._last_sound + _TAIL_SECONDS, self.now)
        stopped = SpeechStopped(
            self._speech_start, self._last_sound, self._cut(self._segment_start, end)
        )
        self._speech_start = None
        return stopped

    def _split(self, end: float) -> SpeechStopped:
        assert self._speech_start is not None, "only speech is split"
        samples = self._cut(self._segment_start, end)
        part = SpeechStopped(self._speech_start, end, samples, goes_on=True)
        self._segment_start = end
        return part

    def _cut(self, start: float, end: float) -> Samples:
        first = max(0, round(start * self._rate) - self._audio_start)
        return self._audio[first : round(end * self._rate) - self._audio_start].copy()

    def _forget(self) -> None:
        """Keep only what may still be recognized."""
        oldest = self._segment_start
        if not self.is_speaking:
            reach = (self._detection.prefix_ms + self._detection.onset_ms) / 1000 + self._frame
            oldest = self.now - reach - self._frame
        drop = round(oldest * self._rate) - self._audio_start
        if drop > 0:
            self._audio = self._audio[drop:]
            self._audio_start += drop
