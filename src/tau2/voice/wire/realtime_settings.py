"""The configuration of a Realtime session: defaults, and what `session.update` changes."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field, replace

from tau2.utils.json_types import JsonObject
from tau2.voice.audio.formats import AudioFormat, Encoding
from tau2.voice.cascade.settings import SpeechDetection
from tau2.voice.wire.reading import MOST_ID, MOST_TOOLS, Reader, read_tool

FORMATS = {
    "audio/pcm": AudioFormat(Encoding.PCM16, 24000),
    "audio/pcmu": AudioFormat(Encoding.MULAW, 8000),
    "audio/pcma": AudioFormat(Encoding.ALAW, 8000),
}

_SEMANTIC_SILENCE_MS = {"low": 1200.0, "medium": 700.0, "high": 400.0, "auto": 700.0}
"""How long a pause ends a turn, for detection by meaning: an approximation by silence."""
_NEARNESS = {"near_field": 14.0, "far_field": 20.0}
"""What noise reduction leaves out, in dB below the user's own level."""
_LONGEST_SEGMENT = 60.0  # seconds that are recognized at once
_MOST_MS = 60_000.0
_CHOICES = ("auto", "none", "required")
_MODALITIES = ("text", "audio")


@dataclass(frozen=True, slots=True)
class TurnDetection:
    """How the server finds the user's turns."""

    detection: SpeechDetection
    creates_response: bool
    interrupts_response: bool
    data: JsonObject
    """As the client is told."""


def _default_detection() -> TurnDetection:
    return _read_server_vad(Reader({"type": "server_vad"}))


@dataclass(frozen=True, slots=True)
class RealtimeSettings:
    """The configuration of a session."""

    model: str
    instructions: str = ""
    output_modality: str = "audio"
    tools: list[JsonObject] = field(default_factory=list)
    """In the form of chat completions."""
    tool_choice: str | JsonObject = "auto"
    max_output_tokens: int | str = "inf"
    input_format: str = "audio/pcm"
    output_format: str = "audio/pcm"
    transcription: JsonObject | None = None
    noise_reduction: JsonObject | None = None
    turn_detection: TurnDetection | None = field(default_factory=_default_detection)
    """None: the client commits its audio and asks for responses."""
    voice: str | JsonObject = "marin"
    speed: float = 1.0

    @property
    def hearing(self) -> tuple[object, ...]:
        """Everything that decides how audio is heard."""
        return self.input_format, self.turn_detection, self.noise_reduction

    @property
    def nearness_db(self) -> float | None:
        """How far below the user's level people in the background are left out, if they are."""
        kind = (self.noise_reduction or {}).get("type")
        return _NEARNESS.get(kind) if isinstance(kind, str) else None

    def as_session(self, identifier: str) -> JsonObject:
        """Return what `session.created` and `session.updated` show."""
        detection = self.turn_detection
        return {
            "type": "realtime",
            "object": "realtime.session",
            "id": identifier,
            "model": self.model,
            "output_modalities": [self.output_modality],
            "instructions": self.instructions,
            "tools": [flat_tool(tool) for tool in self.tools],
            "tool_choice": self.tool_choice,
            "max_output_tokens": self.max_output_tokens,
            "audio": {
                "input": {
                    "format": format_data(self.input_format),
                    "transcription": self.transcription,
                    "noise_reduction": self.noise_reduction,
                    "turn_detection": copy.deepcopy(detection.data) if detection else None,
                },
                "output": {
                    "format": format_data(self.output_format),
                    "voice": self.voice,
                    "speed": self.speed,
                },
            },
        }


def format_data(name: str) -> JsonObject:
    """Return an audio format as the protocol writes it."""
    return {"type": name, "rate": 24000} if name == "audio/pcm" else {"type": name}


def flat_tool(tool: JsonObject) -> JsonObject:
    """Return a tool as the protocol writes it."""
    return {"type": "function", **tool["function"]}


def updated(settings: RealtimeSettings, session: Reader) -> RealtimeSettings:
    """Return the settings after a `session.update`; fields that are not given stay.

    Raise WireError for one that cannot be accepted; nothing has changed then.
    """
    if session.text("type", "realtime") != "realtime":
        raise session.wrong("type", "must be realtime; other sessions are not served here")
    session.known(
        (
            *("type", "object", "id", "model", "output_modalities", "instructions", "tools"),
            *("tool_choice", "max_output_tokens", "audio", "include", "tracing", "truncation"),
            *("prompt", "reasoning", "parallel_tool_calls", "expires_at"),
        )
    )
    model = session.text("model", settings.model, MOST_ID)
    if model != settings.model:
        raise session.wrong("model", "cannot be changed in a session")
    if "prompt" in session:
        raise session.wrong("prompt", "is not served here: send instructions")
    settings = replace(
        settings,
        instructions=session.text("instructions", settings.instructions),
        output_modality=read_modality(session, settings.output_modality),
        tools=read_tools(session) if "tools" in session else settings.tools,
        tool_choice=read_tool_choice(session, settings.tool_choice),
        max_output_tokens=read_max_tokens(session, settings.max_output_tokens),
    )
    audio = session.object("audio")
    audio.known(("input", "output"))
    return _with_input(_with_output(settings, audio.object("output")), audio.object("input"))


def read_modality(reader: Reader, default: str) -> str:
    """Return `text` or `audio`. Raise WireError for both together, or others."""
    value = reader.raw("output_modalities")
    if value is None:
        return default
    if not isinstance(value, list) or len(value) != 1 or value[0] not in _MODALITIES:
        raise reader.wrong("output_modalities", 'must be ["audio"] or ["text"]')
    return str(value[0])


def read_tools(reader: Reader) -> list[JsonObject]:
    """Return the tools of a session or a response."""
    return reader.list("tools", read_tool, MOST_TOOLS)


def read_tool_choice(reader: Reader, default: str | JsonObject) -> str | JsonObject:
    """Return which tools the agent may or must call; it is told back, and left to the agent."""
    value = reader.raw("tool_choice")
    if value is None:
        return default
    if isinstance(value, str) and value in _CHOICES:
        return value
    choice = Reader(value, reader.path("tool_choice"))
    choice.one_of("type", ("function",))
    return {"type": "function", "name": choice.text("name", most=MOST_ID)}


def read_max_tokens(reader: Reader, default: int | str) -> int | str:
    """Return the most tokens of a response: a number, or `inf`."""
    value = reader.raw("max_output_tokens")
    if value is None or value == "inf":
        return default if value is None else "inf"
    tokens = reader.integer("max_output_tokens")
    if not 1 <= tokens <= 4096:  # noqa: PLR2004  -- the documented range
        raise reader.wrong("max_output_tokens", "must be between 1 and 4096, or inf")
    return tokens


def _with_output(settings: RealtimeSettings, output: Reader) -> RealtimeSettings:
    output.known(("format", "voice", "speed"))
    return replace(
        settings,
        output_format=_read_format(output, settings.output_format),
        voice=_read_voice(output, settings.voice),
        speed=output.number("speed", settings.speed, 0.25, 1.5),
    )


def _with_input(settings: RealtimeSettings, audio: Reader) -> RealtimeSettings:
    audio.known(("format", "transcription", "noise_reduction", "turn_detection"))
    settings = replace(settings, input_format=_read_format(audio, settings.input_format))
    if audio.has("transcription"):
        settings = replace(settings, transcription=_read_transcription(audio))
    if audio.has("noise_reduction"):
        settings = replace(settings, noise_reduction=_read_noise_reduction(audio))
    if audio.has("turn_detection"):
        settings = replace(settings, turn_detection=_read_detection(audio))
    return settings


def _read_format(reader: Reader, default: str) -> str:
    if "format" not in reader:
        return default
    given = reader.object("format")
    name = given.one_of("type", FORMATS)
    rate = FORMATS[name].sample_rate
    if given.integer("rate", rate) != rate:
        raise given.wrong("rate", f"must be {rate}")
    return name


def _read_voice(output: Reader, default: str | JsonObject) -> str | JsonObject:
    """Return the voice that is asked for; the server's own synthesizer speaks with its own."""
    value = output.raw("voice")
    if value is None:
        return default
    if isinstance(value, str):
        return output.text("voice", most=MOST_ID)
    return {"id": Reader(value, output.path("voice")).text("id", most=MOST_ID)}


def _read_transcription(audio: Reader) -> JsonObject | None:
    if "transcription" not in audio:
        return None
    given = audio.object("transcription")
    fields = {name: given.text(name, "") for name in ("model", "language", "prompt")}
    return {name: value for name, value in fields.items() if value}


def _read_noise_reduction(audio: Reader) -> JsonObject | None:
    if "noise_reduction" not in audio:
        return None
    given = audio.object("noise_reduction")
    return {"type": given.one_of("type", _NEARNESS)}


def _read_detection(audio: Reader) -> TurnDetection | None:
    if "turn_detection" not in audio:
        return None
    given = audio.object("turn_detection")
    if given.one_of("type", ("server_vad", "semantic_vad")) == "semantic_vad":
        return _read_semantic_vad(given)
    return _read_server_vad(given)


def _read_server_vad(given: Reader) -> TurnDetection:
    given.known(
        (
            *("type", "threshold", "prefix_padding_ms", "silence_duration_ms", "create_response"),
            *("interrupt_response", "idle_timeout_ms"),
        )
    )
    if "idle_timeout_ms" in given:
        raise given.wrong("idle_timeout_ms", "is not served here")
    detection = SpeechDetection(
        threshold=given.number("threshold", 0.5, 0.0, 1.0),
        prefix_ms=given.number("prefix_padding_ms", 300, 0, _MOST_MS),
        silence_ms=given.number("silence_duration_ms", 500, 0, _MOST_MS),
        longest_seconds=_LONGEST_SEGMENT,
    )
    data: JsonObject = {
        "type": "server_vad",
        "threshold": detection.threshold,
        "prefix_padding_ms": round(detection.prefix_ms),
        "silence_duration_ms": round(detection.silence_ms),
        "idle_timeout_ms": None,
    }
    return _detection(given, detection, data)


def _read_semantic_vad(given: Reader) -> TurnDetection:
    given.known(("type", "eagerness", "create_response", "interrupt_response"))
    eagerness = given.one_of("eagerness", _SEMANTIC_SILENCE_MS, "auto")
    detection = SpeechDetection(
        silence_ms=_SEMANTIC_SILENCE_MS[eagerness], longest_seconds=_LONGEST_SEGMENT
    )
    return _detection(given, detection, {"type": "semantic_vad", "eagerness": eagerness})


def _detection(given: Reader, detection: SpeechDetection, data: JsonObject) -> TurnDetection:
    creates = given.flag("create_response", default=True)
    interrupts = given.flag("interrupt_response", default=True)
    data = {**data, "create_response": creates, "interrupt_response": interrupts}
    return TurnDetection(detection, creates, interrupts, data)
