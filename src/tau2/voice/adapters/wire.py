"""What all translators share: reading frames of a provider that may send anything.

A translator is pure: it turns frames into events and calls into frames, and sends nothing itself.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections.abc import Mapping, Sequence
from typing import Protocol

from tau2.actions.tool_calls import parse_arguments
from tau2.data_model.malformed import MALFORMED_KEY
from tau2.data_model.message import ToolCall
from tau2.environment.tool import Tool
from tau2.errors import VoiceSessionFailed
from tau2.seeds import made_call_id
from tau2.utils.json_types import JsonMapping, JsonObject, JsonValue
from tau2.utils.sizes import LARGEST_ANSWER
from tau2.utils.text import clean_text, shortened
from tau2.voice.adapters.events import AdapterEvent, AgentAudio, SessionEvent, ToolRequest
from tau2.voice.adapters.protocol import AgentSetup, Truncation
from tau2.voice.audio.formats import AudioFormat

CONNECT_SECONDS = 30.0
DISCONNECT_SECONDS = 5.0

LARGEST_FRAME = LARGEST_ANSWER
"""Bytes of one message of a provider; the longest audio delta has a few hundred thousand."""

_QUOTED = 300  # characters of a provider's message that are repeated
_LONGEST_ID = 256
_LONGEST_NAME = 256


class Transport(Protocol):
    """Carries frames to a provider and back."""

    def connect(self) -> None:
        """Open the connection. Raise VoiceSessionFailed."""

    def send(self, frame: JsonObject) -> None:
        """Send a frame. Raise VoiceSessionFailed."""

    def receive(self, seconds: float) -> JsonMapping | None:
        """Return the next frame; None if none comes in that time. Raise VoiceSessionFailed."""

    def close(self) -> None:
        """Close the connection; twice is once, and nothing is raised."""


class Translator(Protocol):
    """Turns a provider's frames into events, and what the agent does into frames.

    Frames to be sent are put into `outbox`; whoever owns the connection sends and clears them.
    """

    outbox: list[JsonObject]
    wire_input: AudioFormat
    """Of the user's audio on the wire."""
    wire_output: AudioFormat
    """Of the agent's audio on the wire."""
    is_ready: bool
    """Whether the provider has accepted the session."""

    @property
    def is_expecting(self) -> bool:
        """Whether the provider owes an answer, so that silence of it is a failure."""

    def open(self, setup: AgentSetup) -> None:
        """Begin the session, after the connection was made."""

    def receive(self, frame: JsonMapping) -> list[AdapterEvent]:
        """Return what a frame says. Never raise anything but VoiceSessionFailed."""

    def send_audio(self, data: bytes) -> None:
        """Send audio of the user, in `wire_input`."""

    def commit(self) -> None:
        """Say that the user's turn is over, to a provider that does not detect it."""

    def interrupt(self) -> None:
        """Say that the user has begun to speak, to a provider that does not detect it."""

    def truncate(self, truncation: Truncation) -> None:
        """Tell the provider what the user heard of an utterance."""

    def answer(self, call_id: str, result: str, *, is_error: bool) -> None:
        """Send the result of a call; the model goes on once all open calls have one."""


def frame_of(data: str | bytes) -> JsonMapping:
    """Return a frame as a JSON object. Raise VoiceSessionFailed for anything else."""
    if len(data) > LARGEST_FRAME:
        raise VoiceSessionFailed(f"the provider sent a frame of {len(data):,} bytes")
    try:
        frame = json.loads(data)
    except (ValueError, RecursionError) as error:
        shown = shortened(repr(data[:_QUOTED]), _QUOTED)
        raise VoiceSessionFailed(f"the provider sent a frame that is not JSON: {shown}") from error
    if not isinstance(frame, Mapping):
        raise VoiceSessionFailed(
            f"the provider sent a frame that is a JSON {type(frame).__name__}, not an object"
        )
    return frame


def text_in(value: JsonValue, name: str) -> str:
    """Return a text field of an object; "" if there is none."""
    field = value.get(name) if isinstance(value, Mapping) else None
    return clean_text(field) if isinstance(field, str) else ""


def id_in(value: JsonValue, name: str) -> str | None:
    """Return an id of an object; None if there is none."""
    return text_in(value, name)[:_LONGEST_ID] or None


def number_in(value: JsonValue, name: str) -> float | None:
    """Return a finite number of an object; None if there is none."""
    field = value.get(name) if isinstance(value, Mapping) else None
    if isinstance(field, bool) or not isinstance(field, int | float):
        return None
    try:
        number = float(field)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def object_in(value: JsonValue, name: str) -> JsonMapping:
    """Return an object in an object; an empty one if there is none."""
    field = value.get(name) if isinstance(value, Mapping) else None
    return field if isinstance(field, Mapping) else {}


def list_in(value: JsonValue, name: str) -> Sequence[JsonValue]:
    """Return a list in an object; an empty one if there is none."""
    field = value.get(name) if isinstance(value, Mapping) else None
    return field if isinstance(field, list) else []


def audio_event(encoded: str, item_id: str | None) -> AdapterEvent:
    """Return base64-encoded audio as an event; a warning if it is not base64."""
    try:
        return AgentAudio(base64.b64decode(encoded, validate=True), item_id)
    except (binascii.Error, ValueError):
        return SessionEvent("warning", "audio that is not base64 was left out", item_id)


def encoded_audio(data: bytes) -> str:
    """Return audio as base64."""
    return base64.b64encode(data).decode("ascii")


def tool_request(call_id: str | None, name: str, arguments: JsonValue) -> ToolRequest:
    """Return a call with its arguments, given as an object or as JSON text."""
    read = parse_arguments(arguments)
    spelled = read.get(MALFORMED_KEY)
    problem = None
    if spelled is not None:
        problem = f"its arguments are not a JSON object: {shortened(str(spelled), _QUOTED)}"
        read = {}
    if not name:
        problem = "it names no tool"
    identifier = call_id or made_call_id(name, json.dumps(read, sort_keys=True, default=str))
    return ToolRequest(
        ToolCall(id=identifier, name=name[:_LONGEST_NAME], arguments=read), problem=problem
    )


def function_tools(tools: Sequence[Tool]) -> list[JsonObject]:
    """Return tools as the Realtime protocol describes them."""
    return [
        {
            "type": "function",
            "name": tool.name,
            "description": tool.description,
            "parameters": tool.parameters,
        }
        for tool in tools
    ]


def quoted(text: str) -> str:
    """Return what a provider said, short enough for an error message."""
    return shortened(" ".join(clean_text(text[: 2 * _QUOTED]).split()), _QUOTED)
