"""Speech engines by name, and the best ones where none is named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tau2.voice.cascade.cascade import TextForm
from tau2.voice.cascade.work import Engines
from tau2.voice.speech.heard import heard
from tau2.voice.speech.protocols import (
    Recognizer,
    Synthesizer,
    Voice,
    VoiceActivityDetector,
)
from tau2.voice.speech.registry import (
    BEST_DETECTORS,
    BEST_RECOGNIZERS,
    BEST_SYNTHESIZERS,
    DETECTORS,
    RECOGNIZERS,
    SYNTHESIZERS,
    EngineCatalog,
    EngineT,
)
from tau2.voice.speech.spoken import spoken

_TONE = "tone"


@dataclass(frozen=True, slots=True)
class NamedEngines:
    """What a cascade hears and speaks with."""

    recognizer: Recognizer
    synthesizer: Synthesizer
    detector: VoiceActivityDetector
    to_written: TextForm
    to_spoken: TextForm

    def engines(self, voice: Voice) -> Engines:
        """Return who recognizes, and speaks with a voice."""
        return Engines(self.recognizer, self.synthesizer, voice)


def best_engines(
    recognizer: str | None = None, synthesizer: str | None = None, detector: str | None = None
) -> NamedEngines:
    """Return engines by name.

    What is not named is the best that is installed; the tone channel where one side speaks it, or
    nothing else is installed.

    Raises:
        UnknownName: there is no engine of a name.
        MissingExtra: an engine's package is not installed.
    """
    has_tones = _TONE in (recognizer, synthesizer)
    recognizer = recognizer or _best(RECOGNIZERS, BEST_RECOGNIZERS, tones=has_tones)
    synthesizer = synthesizer or _best(SYNTHESIZERS, BEST_SYNTHESIZERS, tones=has_tones)
    detectors = ("energy",) if recognizer == _TONE else BEST_DETECTORS
    detector = detector or DETECTORS.first_usable(detectors) or "energy"
    return NamedEngines(
        RECOGNIZERS.get(recognizer),
        SYNTHESIZERS.get(synthesizer),
        DETECTORS.get(detector),
        to_written=heard,
        # Tones carry every character as it is written, and sooner.
        to_spoken=str.strip if synthesizer == _TONE else spoken,
    )


def _best(catalog: EngineCatalog[EngineT], names: Sequence[str], *, tones: bool) -> str:
    found = None if tones else catalog.first_usable(names)
    return found or _TONE
