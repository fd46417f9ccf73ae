"""How a Live session begins: what `session.start` says, and what is told back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from tau2.data_model.message import AssistantMessage, Message, UserMessage
from tau2.utils.json_types import JsonObject
from tau2.voice.audio.formats import AudioFormat, Encoding
from tau2.voice.wire.reading import MOST_ID, MOST_TOOLS, Reader, WireError, read_tool

Target = Literal["own", "client", "responses"]
"""Who answers the user: the server's own text agent, the client, or a text agent that works as a
Responses model with tools."""

_ENCODINGS = {
    "audio/pcm": Encoding.PCM16,
    "audio/pcmu": Encoding.MULAW,
    "audio/pcma": Encoding.ALAW,
}
_PCM_RATES = (16000, 24000)
_TELEPHONE_RATE = 8000
_MOST_HISTORY = 128
_SESSION_FIELDS = (
    *("model", "audio", "client", "delegation", "input", "instructions", "safety_identifier"),
    *("store", "triggers"),
)
_KINDS_OF_TEXT = {
    "developer": ("input_text",),
    "user": ("input_text",),
    "assistant": ("text", "output_text"),
}


@dataclass(frozen=True, slots=True)
class LiveSettings:
    """The configuration of a session."""

    model: str
    instructions: str = ""
    audio_format: AudioFormat = field(default_factory=lambda: AudioFormat(Encoding.PCM16, 24000))
    voice: JsonObject | str = "marin"
    target: Target = "own"
    backend_model: str = ""
    backend_instructions: str = ""
    tools: list[JsonObject] = field(default_factory=list)
    """Of the Responses model, in the form of chat completions."""
    input: Sequence[tuple[str, str]] = ()
    """Roles and texts of what was said before."""

    @property
    def history(self) -> list[Message]:
        """What was said before, as the agent sees it."""
        return [
            UserMessage(content=text) if role == "user" else AssistantMessage(content=text)
            for role, text in self.input
            if role != "developer"
        ]

    @property
    def prompt(self) -> str:
        """The instructions of the text agent."""
        own = self.backend_instructions if self.target == "responses" else ""
        developer = [text for role, text in self.input if role == "developer"]
        return "\n\n".join(part for part in (own or self.instructions, *developer) if part)

    def as_session(self, identifier: str, expires_at: int) -> JsonObject:
        """Return the session as the protocol writes it."""
        return {
            "id": identifier,
            "status": "active",
            "expires_at": expires_at,
            "model": self.model,
            "instructions": self.instructions or None,
            "audio": {"format": self._format_data(), "output": {"voice": self.voice}},
            "delegation": self._delegation_data(),
            "input": [_message_data(role, text) for role, text in self.input],
            "store": False,
        }

    def _format_data(self) -> JsonObject:
        kinds = {encoding: kind for kind, encoding in _ENCODINGS.items()}
        return {
            "type": kinds[self.audio_format.encoding],
            "rate": self.audio_format.sample_rate,
        }

    def _delegation_data(self) -> JsonObject | None:
        if self.target == "own":
            return None
        if self.target == "client":
            return {"type": "client"}
        responses = {
            "model": self.backend_model,
            "instructions": self.backend_instructions or None,
            "tools": [{"type": "function", **tool["function"]} for tool in self.tools],
        }
        return {"type": "responses", "responses": responses}


def _message_data(role: str, text: str) -> JsonObject:
    kind = "output_text" if role == "assistant" else "input_text"
    return {"type": "message", "role": role, "content": [{"type": kind, "text": text}]}


def started(session: Reader) -> LiveSettings:
    """Return the settings of `session.start`. Raise WireError for what cannot be served."""
    session.known(_SESSION_FIELDS)
    if session.raw("triggers"):
        raise session.wrong("triggers", "are not served here")
    audio = session.object("audio")
    audio.known(("format", "output"))
    settings = LiveSettings(
        model=session.text("model", most=MOST_ID),
        instructions=session.text("instructions", ""),
        audio_format=_read_format(audio),
        voice=_read_voice(audio.object("output")),
        input=session.list("input", _read_message, _MOST_HISTORY),
    )
    return _with_delegation(settings, session)


def updated(settings: LiveSettings, session: Reader) -> LiveSettings:
    """Return the settings after `session.update`: only the delegation's own can change."""
    session.known(("delegation", "triggers"))
    if session.raw("triggers"):
        raise session.wrong("triggers", "are not served here")
    if "delegation" not in session:
        return settings
    delegation = session.object("delegation")
    if delegation.one_of("type", ("client", "responses")) != settings.target:
        raise delegation.wrong("type", "cannot change in a session")
    return _with_delegation(settings, session, is_update=True)


def _with_delegation(
    settings: LiveSettings, session: Reader, *, is_update: bool = False
) -> LiveSettings:
    if "delegation" not in session:
        return settings
    delegation = session.object("delegation")
    delegation.known(("type", "responses", "acknowledgement_delay_ms"))
    kind = delegation.one_of("type", ("client", "responses"))
    delegation.number("acknowledgement_delay_ms", 0)
    if kind == "client":
        return replace(settings, target="client")
    responses = delegation.object("responses")
    return replace(
        settings,
        target="responses",
        backend_model=responses.text("model", settings.backend_model if is_update else None),
        backend_instructions=responses.text("instructions", settings.backend_instructions),
        tools=(
            responses.list("tools", read_tool, MOST_TOOLS)
            if "tools" in responses
            else settings.tools
        ),
    )


def _read_format(audio: Reader) -> AudioFormat:
    if "format" not in audio:
        return AudioFormat(Encoding.PCM16, 24000)
    given = audio.object("format")
    kind = given.one_of("type", _ENCODINGS)
    rates = _PCM_RATES if kind == "audio/pcm" else (_TELEPHONE_RATE,)
    rate = given.integer("rate")
    if rate not in rates:
        raise given.wrong("rate", f"must be {' or '.join(map(str, rates))}")
    return AudioFormat(_ENCODINGS[kind], rate)


def _read_voice(output: Reader) -> JsonObject | str:
    """Return the voice that is asked for; the server's own synthesizer speaks with its own."""
    output.known(("voice",))
    value = output.raw("voice")
    if value is None or isinstance(value, str):
        return output.text("voice", "marin", MOST_ID)
    return {"id": Reader(value, output.path("voice")).text("id", most=MOST_ID)}


def _read_message(message: Reader) -> tuple[str, str]:
    if message.text("type", "message") != "message":
        raise message.wrong("type", "must be message")
    role = message.one_of("role", _KINDS_OF_TEXT)
    texts = message.list("content", lambda part: _read_text(part, role), 1)
    if not texts or not texts[0]:
        raise WireError("invalid_value", "a message has exactly one text", message.path("content"))
    return role, texts[0]


def _read_text(part: Reader, role: str) -> str:
    kinds = _KINDS_OF_TEXT[role]
    part.one_of("type", kinds, kinds[0])
    return part.text("text")
