"""What the voice engine needs of a speech engine: three small protocols.

An engine is deterministic: the same input, voice and seed give the same bytes. A failure raises
`tau2.errors.SpeechFailed`, which is a failure of infrastructure and never the agent's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from tau2.voice.audio.formats import Samples


@dataclass(frozen=True, slots=True)
class Voice:
    """Who speaks, and how. `name` is one of the engine's voices; "" is its default."""

    name: str = ""
    speed: float = 1.0
    """Above 1 is faster."""
    pitch: float = 0.0
    """In semitones; positive is higher."""


@dataclass(frozen=True, slots=True)
class SpokenWord:
    """When a word is heard, in seconds from the beginning of its utterance."""

    text: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Speech:
    """A synthesized utterance."""

    samples: Samples
    sample_rate: int
    """In Hz."""
    words: Sequence[SpokenWord] = ()
    """All words of the text in order; estimated by length where the engine gives no times."""

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return len(self.samples) / self.sample_rate


@dataclass(frozen=True, slots=True)
class Transcript:
    """What a recognizer understood."""

    text: str
    words: Sequence[SpokenWord] = ()
    """Empty where the engine gives no times."""
    flags: Sequence[str] = field(default=())
    """What was wrong with it, such as "loop": the engine repeated itself and was cut off."""


class Synthesizer(Protocol):
    """Text to speech."""

    name: str
    version: str
    """Part of every cache key: another version may sound different."""

    def synthesize(self, text: str, voice: Voice, *, seed: int = 0) -> Speech:
        """Return `text` as speech; empty text is an utterance of no samples.

        The text is in written form; an engine says ids digit by digit, as `spoken` does. Raise
        SpeechFailed.
        """

    def voices(self) -> Sequence[str]:
        """Return the names of the voices; the first is the default."""


class Recognizer(Protocol):
    """Speech to text, one utterance at a time."""

    name: str
    version: str

    def transcribe(self, samples: Samples, sample_rate: int) -> Transcript:
        """Return what is said in `samples` (any sample rate in Hz), in written form.

        Raise SpeechFailed.
        """


class SpeechProbability(Protocol):
    """The state of one stream of a voice activity detector."""

    def push(self, samples: Samples) -> Sequence[float]:
        """Return the probability of speech of each frame that became complete."""

    def reset(self) -> None:
        """Forget what was heard."""


class VoiceActivityDetector(Protocol):
    """Finds speech in a stream."""

    name: str
    version: str
    frame_seconds: float
    """How long one frame is."""

    def stream(self, sample_rate: int) -> SpeechProbability:
        """Return a new stream of that sample rate in Hz. Raise SpeechFailed."""
