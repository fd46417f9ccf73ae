"""The six events into which every provider's protocol is translated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from tau2.data_model.message import ToolCall
from tau2.utils.json_types import JsonObject


@dataclass(frozen=True, slots=True)
class AgentAudio:
    """Audio of the agent, in the adapter's format."""

    data: bytes
    item_id: str | None = None
    """The utterance it belongs to; None on streams that have no items."""


@dataclass(frozen=True, slots=True)
class AgentTranscript:
    """A further piece of what the agent says."""

    text: str
    item_id: str | None = None
    start_ms: float | None = None
    """When it is said, since the session began; None where the provider does not tell."""
    end_ms: float | None = None


@dataclass(frozen=True, slots=True)
class UserActivity:
    """What the provider hears of the user."""

    kind: Literal["speech_started", "speech_stopped", "transcript"]
    text: str = ""
    """Of a transcript: what was understood."""
    at_ms: float | None = None
    item_id: str | None = None


@dataclass(frozen=True, slots=True)
class ToolRequest:
    """The agent calls a tool. The adapter answers by `send_tool_result`."""

    call: ToolCall
    problem: str | None = None
    """Why the arguments could not be read, if they could not: told to the model as the result."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What was used. Seconds, tokens and characters by meter; see `tau2.voice.usage`."""

    meters: JsonObject
    component: Literal["realtime", "llm", "stt", "tts"] = "realtime"
    is_cumulative: bool = False
    """Whether the meters count since their scope began, not since the last event."""
    scope_id: str | None = None
    """What cumulative meters count in, such as a response; None is the session."""
    is_billable: bool = True
    """False for figures that the provider tells but does not charge for."""
    provider: str | None = None
    """Whose price counts, where it is not the adapter's own provider."""
    model: str | None = None
    """Likewise, where it is not the adapter's own model."""


@dataclass(frozen=True, slots=True)
class SessionEvent:
    """What happened to an utterance or to the session itself."""

    kind: Literal["item_done", "cancelled", "warning", "error", "closed"]
    text: str = ""
    item_id: str | None = None
    is_retryable: bool = False
    """Of an error: whether another attempt may succeed."""


AdapterEvent: TypeAlias = (
    AgentAudio | AgentTranscript | UserActivity | ToolRequest | Usage | SessionEvent
)
