"""What was done to the audio of a call, and when."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from tau2.utils.json_types import JsonObject

EffectType = Literal[
    "muffling",
    "constant_muffling",
    "vocal_tic",
    "background_noise",
    "burst_noise",
    "out_of_turn_speech",
    "telephony",
    "frame_drop",
]

SPEECH_EFFECTS = frozenset({"muffling", "constant_muffling", "vocal_tic"})
"""What happens to the voice of one utterance: `speech_effects` of a chunk."""
SOURCE_EFFECTS = frozenset({"background_noise", "burst_noise", "out_of_turn_speech"})
"""What else is heard where the speaker is: `source_effects` of a chunk."""
CHANNEL_EFFECTS = frozenset({"telephony", "frame_drop"})
"""What the line does: `channel_effects` of a chunk."""


class EffectEvent(BaseModel):
    """One effect on the audio. Times in milliseconds since the call began."""

    model_config = ConfigDict(extra="forbid")

    effect_type: str
    """One of EffectType; a stored call may name another."""
    start_ms: float = Field(ge=0)
    end_ms: float | None = None
    """None: until the call ends."""
    participant: str = "user"
    """Whose audio it is: user or agent."""
    params: JsonObject = Field(default_factory=dict)
    """What it was like: levels in dB, frequencies in Hz, the kind of a noise."""

    def overlaps(self, start_ms: float, end_ms: float) -> bool:
        """Return whether the effect is heard between two times."""
        return self.start_ms < end_ms and (self.end_ms is None or self.end_ms > start_ms)


class EffectTimeline(BaseModel):
    """All effects of a call, in the order in which they began."""

    model_config = ConfigDict(extra="forbid")

    events: list[EffectEvent] = Field(default_factory=list)

    def add(self, events: Iterable[EffectEvent]) -> None:
        """Add events; those that begin earlier come first."""
        self.events.extend(events)
        self.events.sort(key=lambda event: event.start_ms)

    def between(self, start_ms: float, end_ms: float) -> list[EffectEvent]:
        """Return the events that are heard between two times."""
        return [event for event in self.events if event.overlaps(start_ms, end_ms)]

    def of_type(self, *effect_types: str) -> list[EffectEvent]:
        """Return the events of some types."""
        return [event for event in self.events if event.effect_type in effect_types]
