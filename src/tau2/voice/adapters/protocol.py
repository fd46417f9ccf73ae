"""What the full-duplex agent needs of a provider, whoever it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from tau2.data_model.message import ToolCall
from tau2.environment.tool import Tool
from tau2.voice.adapters.events import Usage, UserActivity
from tau2.voice.audio.formats import AudioFormat


@dataclass(frozen=True, slots=True)
class AgentSetup:
    """What a session begins with."""

    system_prompt: str
    tools: Sequence[Tool]
    tick_ms: int
    audio_format: AudioFormat
    """Of both directions, between adapter and orchestrator."""
    seed: int | None = None
    greeting: str | None = None
    """What the agent says first, if the agent begins."""


@dataclass(frozen=True, slots=True)
class Truncation:
    """An utterance that the user cut off."""

    item_id: str | None
    played_ms: float
    """How much of the utterance was really played, over all ticks."""
    dropped_ms: float
    """How much had been received and was never played."""


@dataclass(slots=True)
class TickResult:
    """What the agent did in one tick."""

    audio: bytes
    """Exactly one tick, padded with silence."""
    contains_speech: bool = False
    transcript: str = ""
    """The part of the agent's words that belongs to the audio of this tick."""
    item_ids: list[str] = field(default_factory=list)
    """The utterances that were heard in this tick."""
    tool_calls: list[ToolCall] = field(default_factory=list)
    activity: list[UserActivity] = field(default_factory=list)
    usage: list[Usage] = field(default_factory=list)
    truncations: list[Truncation] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


class VoiceAdapter(Protocol):
    """A speaking agent, asked once a tick.

    Failures of the provider (errors, stalls, a closed connection) raise `VoiceSessionFailed`: a
    failure of infrastructure.
    """

    def connect(self, setup: AgentSetup) -> None:
        """Open a session. Raise VoiceSessionFailed."""

    def run_tick(self, user_audio: bytes, tick: int) -> TickResult:
        """Send one tick of the user's audio and return one tick of the agent's."""

    def send_tool_result(self, call_id: str, result: str, *, is_error: bool = False) -> None:
        """Hand over the result of a call; the agent goes on once all calls of a batch have one."""

    def disconnect(self) -> None:
        """Close the session. Twice is once."""
