"""The OpenAI Realtime protocol (GA) as events, and its dialects of other providers.

Sources: the event types of the `openai` package (`openai.types.realtime`); for xAI and Qwen their
public documentation. Frames of the beta version of the protocol, which dialects still send, are
read too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from tau2.errors import VoiceSessionFailed
from tau2.utils.json_types import JsonMapping, JsonObject
from tau2.voice.adapters.events import (
    AdapterEvent,
    AgentTranscript,
    SessionEvent,
    Usage,
    UserActivity,
)
from tau2.voice.adapters.protocol import AgentSetup, Truncation
from tau2.voice.adapters.wire import (
    audio_event,
    encoded_audio,
    function_tools,
    id_in,
    list_in,
    number_in,
    object_in,
    quoted,
    text_in,
    tool_request,
)
from tau2.voice.audio.formats import TELEPHONE, AudioFormat, Encoding

_MOST_ITEMS_KEPT = 10_000

FATAL_TYPES = frozenset(
    {"authentication_error", "permission_error", "insufficient_quota", "tokens_exhausted"}
)
"""Errors that another attempt does not mend."""

RETRYABLE_TYPES = frozenset(
    {"server_error", "rate_limit_error", "rate_limit_exceeded", "session_expired", "overloaded"}
)
"""Errors after which the session is of no use, but another one may be."""

_ALREADY_ANSWERING = "conversation_already_has_active_response"

FATAL_CODES = frozenset({"invalid_api_key", "insufficient_quota", "model_not_found"})


@dataclass(frozen=True, slots=True)
class TurnDetection:
    """Who decides that a turn is over."""

    kind: Literal["server_vad", "semantic_vad", "manual"] = "server_vad"
    threshold: float = 0.5
    prefix_padding_ms: int = 300
    silence_duration_ms: int = 500
    eagerness: Literal["low", "medium", "high", "auto"] = "auto"

    def as_frame(self) -> JsonObject | None:
        """Return it as the protocol has it; None is manual."""
        match self.kind:
            case "server_vad":
                return {
                    "type": "server_vad",
                    "threshold": self.threshold,
                    "prefix_padding_ms": self.prefix_padding_ms,
                    "silence_duration_ms": self.silence_duration_ms,
                }
            case "semantic_vad":
                return {"type": "semantic_vad", "eagerness": self.eagerness}
            case "manual":
                return None


@dataclass(frozen=True, slots=True)
class RealtimeOptions:
    """What a session is asked for beside prompt and tools."""

    model: str
    voice: str = ""
    reasoning_effort: str | None = None
    turn_detection: TurnDetection = TurnDetection()
    transcription_model: str | None = "gpt-4o-transcribe"
    noise_reduction: Literal["near_field", "far_field"] | None = "near_field"


MakeSession = Callable[["RealtimeOptions", AgentSetup], JsonObject]


@dataclass(frozen=True, slots=True)
class Dialect:
    """In what a provider differs from OpenAI."""

    name: str
    session: MakeSession
    """Returns the `session` of `session.update`."""
    wire_input: AudioFormat = TELEPHONE
    wire_output: AudioFormat = TELEPHONE
    truncates: bool = True
    """Whether it can be told what the user heard of an utterance."""
    answers_every_turn: bool = True
    """Whether a turn of the user that it detects always begins a response."""
    charges_tokens: bool = True
    """Whether token counts are what it charges for."""


def wire_format(audio_format: AudioFormat) -> JsonObject:
    """Return an audio format as the GA protocol names it."""
    match audio_format.encoding:
        case Encoding.MULAW:
            return {"type": "audio/pcmu"}
        case Encoding.ALAW:
            return {"type": "audio/pcma"}
        case Encoding.PCM16:
            return {"type": "audio/pcm", "rate": audio_format.sample_rate}


def _openai_session(options: RealtimeOptions, setup: AgentSetup) -> JsonObject:
    audio_input: JsonObject = {
        "format": wire_format(TELEPHONE),
        "turn_detection": options.turn_detection.as_frame(),
    }
    if options.transcription_model is not None:
        audio_input["transcription"] = {"model": options.transcription_model}
    if options.noise_reduction is not None:
        audio_input["noise_reduction"] = {"type": options.noise_reduction}
    audio_output: JsonObject = {"format": wire_format(TELEPHONE)}
    if options.voice:
        audio_output["voice"] = options.voice
    session: JsonObject = {
        "type": "realtime",
        "output_modalities": ["audio"],
        "instructions": setup.system_prompt,
        "tools": function_tools(setup.tools),
        "tool_choice": "auto",
        "audio": {"input": audio_input, "output": audio_output},
    }
    if options.reasoning_effort:
        session["reasoning"] = {"effort": options.reasoning_effort}
    return session


def _xai_session(options: RealtimeOptions, setup: AgentSetup) -> JsonObject:
    session: JsonObject = {
        "instructions": setup.system_prompt,
        "turn_detection": options.turn_detection.as_frame(),
        "tools": function_tools(setup.tools),
        "audio": {
            "input": {"format": wire_format(TELEPHONE)},
            "output": {"format": wire_format(TELEPHONE)},
        },
    }
    if options.voice:
        session["voice"] = options.voice
    if options.reasoning_effort:
        session["reasoning"] = {"effort": options.reasoning_effort}
    return session


def _qwen_session(options: RealtimeOptions, setup: AgentSetup) -> JsonObject:
    session: JsonObject = {
        "modalities": ["text", "audio"],
        "instructions": setup.system_prompt,
        "input_audio_format": "pcm",
        "output_audio_format": "pcm",
        "turn_detection": options.turn_detection.as_frame(),
        # Here a function stands in an object of its own, as in chat completions.
        "tools": [
            {
                "type": "function",
                "function": {name: value for name, value in tool.items() if name != "type"},
            }
            for tool in function_tools(setup.tools)
        ],
    }
    if options.voice:
        session["voice"] = options.voice
    return session


OPENAI = Dialect("openai", _openai_session)
XAI = Dialect("xai", _xai_session, truncates=False, answers_every_turn=False, charges_tokens=False)
QWEN = Dialect(
    "qwen",
    _qwen_session,
    wire_input=AudioFormat(Encoding.PCM16, 16000),
    wire_output=AudioFormat(Encoding.PCM16, 24000),
    truncates=False,
    answers_every_turn=False,
)


class RealtimeTranslator:
    """One session of the Realtime protocol.

    Results are sent as they come; `response.create` follows once for each batch: when every open
    call has its result and the response that made them is over.
    """

    def __init__(self, options: RealtimeOptions, dialect: Dialect = OPENAI) -> None:
        """Translate for a provider."""
        self.options = options
        self.dialect = dialect
        self.wire_input = dialect.wire_input
        self.wire_output = dialect.wire_output
        self.outbox: list[JsonObject] = []
        self.is_ready = False
        self._open_calls: set[str] = set()
        self._calls_seen: set[str] = set()
        self._active: set[str] = set()
        """Responses that were begun and are not over."""
        self._is_turn_open = False
        """Whether the user's turn is over and no response has begun."""
        self._has_asked = False
        """Whether a response was asked for and none has begun."""
        self._has_results = False
        self._names: dict[str, str] = {}
        """The tools that call items name."""
        self._spoken: set[str] = set()
        """Items of which words have come."""

    @property
    def is_expecting(self) -> bool:
        """Whether the provider owes an answer."""
        return bool(self._active) or self._is_turn_open or self._has_asked

    # -- what is sent ---------------------------------------------------------------------------

    def open(self, setup: AgentSetup) -> None:
        """Configure the session, and have the agent greet if it begins."""
        session = self.dialect.session(self.options, setup)
        self.outbox.append({"type": "session.update", "session": session})
        if setup.greeting is not None:
            response: JsonObject = {"instructions": f"Say exactly this: {setup.greeting}"}
            self._create_response({"type": "response.create", "response": response})

    def send_audio(self, data: bytes) -> None:
        """Append audio to the provider's input buffer."""
        self.outbox.append({"type": "input_audio_buffer.append", "audio": encoded_audio(data)})

    def commit(self) -> None:
        """Say that the user's turn is over, in a session without detection of turns."""
        self.outbox.append({"type": "input_audio_buffer.commit"})
        self._create_response({"type": "response.create"})

    def interrupt(self) -> None:
        """Say that the user has begun to speak, in a session without detection of turns."""
        if self._active:
            self.outbox.append({"type": "response.cancel"})

    def truncate(self, truncation: Truncation) -> None:
        """Tell the provider how many milliseconds of an utterance were played."""
        if not self.dialect.truncates or truncation.item_id is None:
            return
        self.outbox.append(
            {
                "type": "conversation.item.truncate",
                "item_id": truncation.item_id,
                "content_index": 0,
                "audio_end_ms": int(truncation.played_ms),
            }
        )

    def answer(self, call_id: str, result: str, *, is_error: bool) -> None:
        """Send the result of a call; the model goes on when all open calls have one."""
        # The protocol has no mark for errors; the result says it in words.
        item = {"type": "function_call_output", "call_id": call_id, "output": result}
        self.outbox.append({"type": "conversation.item.create", "item": item})
        self._open_calls.discard(call_id)
        self._has_results = True
        self._go_on()

    def _go_on(self) -> None:
        if self._has_results and not self._open_calls and not self._active:
            self._has_results = False
            self._create_response({"type": "response.create"})

    def _create_response(self, frame: JsonObject) -> None:
        self.outbox.append(frame)
        self._has_asked = True

    # -- what is received -----------------------------------------------------------------------

    def receive(self, frame: JsonMapping) -> list[AdapterEvent]:
        """Return what a frame says; kinds that say nothing to us are left out."""
        handle = _HANDLERS.get(text_in(frame, "type"))
        return [] if handle is None else handle(self, frame)

    def _session_updated(self, frame: JsonMapping) -> list[AdapterEvent]:
        self.is_ready = True
        return []

    def _audio(self, frame: JsonMapping) -> list[AdapterEvent]:
        return [audio_event(text_in(frame, "delta"), id_in(frame, "item_id"))]

    def _words(self, frame: JsonMapping) -> list[AdapterEvent]:
        item = id_in(frame, "item_id")
        self._note_words(item)
        return [AgentTranscript(text_in(frame, "delta"), item)]

    def _all_words(self, frame: JsonMapping) -> list[AdapterEvent]:
        """Return the whole transcript of an item of which nothing came piece by piece."""
        item = id_in(frame, "item_id")
        if item is None or item in self._spoken:
            return []
        self._note_words(item)
        return [AgentTranscript(text_in(frame, "transcript") or text_in(frame, "text"), item)]

    def _note_words(self, item: str | None) -> None:
        if item is not None and len(self._spoken) < _MOST_ITEMS_KEPT:
            self._spoken.add(item)

    def _audio_done(self, frame: JsonMapping) -> list[AdapterEvent]:
        item = id_in(frame, "item_id")
        return [] if item is None else [SessionEvent("item_done", item_id=item)]

    def _item_added(self, frame: JsonMapping) -> list[AdapterEvent]:
        item = object_in(frame, "item")
        name = text_in(item, "name")
        identifier = id_in(item, "id")
        if identifier is not None and name and len(self._names) < _MOST_ITEMS_KEPT:
            self._names[identifier] = name
        return []

    def _item_done(self, frame: JsonMapping) -> list[AdapterEvent]:
        item = object_in(frame, "item")
        if text_in(item, "type") == "function_call":
            return self._call(item, id_in(item, "call_id"), text_in(item, "name"))
        identifier = id_in(item, "id")
        if text_in(item, "type") != "message" or identifier is None:
            return []
        return [SessionEvent("item_done", item_id=identifier)]

    def _arguments_done(self, frame: JsonMapping) -> list[AdapterEvent]:
        name = text_in(frame, "name") or self._names.get(id_in(frame, "item_id") or "", "")
        call_id = id_in(frame, "call_id")
        # Without a name the call is read from its item, which follows.
        return self._call(frame, call_id, name) if name and call_id else []

    def _call(self, source: JsonMapping, call_id: str | None, name: str) -> list[AdapterEvent]:
        request = tool_request(call_id, name, source.get("arguments"))
        identifier = request.call.id
        # A call is announced twice, and may have its result before the second time.
        if identifier not in self._calls_seen:
            if len(self._calls_seen) >= _MOST_ITEMS_KEPT:
                raise VoiceSessionFailed("the provider made more calls than a session can have")
            self._calls_seen.add(identifier)
            self._open_calls.add(identifier)
        return [request]

    def _speech_started(self, frame: JsonMapping) -> list[AdapterEvent]:
        # The turn goes on: it is answered when the user falls silent again.
        self._is_turn_open = False
        at_ms = number_in(frame, "audio_start_ms")
        return [UserActivity("speech_started", at_ms=at_ms, item_id=id_in(frame, "item_id"))]

    def _speech_stopped(self, frame: JsonMapping) -> list[AdapterEvent]:
        is_detected = self.options.turn_detection.kind == "server_vad"
        self._is_turn_open = is_detected and self.dialect.answers_every_turn
        at_ms = number_in(frame, "audio_end_ms")
        return [UserActivity("speech_stopped", at_ms=at_ms, item_id=id_in(frame, "item_id"))]

    def _heard(self, frame: JsonMapping) -> list[AdapterEvent]:
        text = text_in(frame, "transcript")
        return [UserActivity("transcript", text, item_id=id_in(frame, "item_id"))]

    def _not_heard(self, frame: JsonMapping) -> list[AdapterEvent]:
        reason = quoted(text_in(object_in(frame, "error"), "message"))
        return [SessionEvent("warning", f"the user's speech was not transcribed: {reason}")]

    def _response_created(self, frame: JsonMapping) -> list[AdapterEvent]:
        self._active.add(id_in(object_in(frame, "response"), "id") or "")
        self._is_turn_open = False
        self._has_asked = False
        return []

    def _response_done(self, frame: JsonMapping) -> list[AdapterEvent]:
        response = object_in(frame, "response")
        identifier = id_in(response, "id")
        if identifier in self._active:
            self._active.discard(identifier)
        else:
            self._active.clear()
        self._is_turn_open = False
        self._has_asked = False
        events = [*self._usage(response, identifier), *self._ending(response)]
        self._go_on()
        return events

    def _usage(self, response: JsonMapping, scope: str | None) -> list[AdapterEvent]:
        usage = object_in(response, "usage")
        if not usage:
            return []
        meters = meters_of_usage(usage)
        return [Usage(meters, scope_id=scope, is_billable=self.dialect.charges_tokens)]

    def _ending(self, response: JsonMapping) -> list[AdapterEvent]:
        details = object_in(response, "status_details")
        reason = text_in(details, "reason")
        match text_in(response, "status"):
            case "cancelled":
                items = [id_in(item, "id") for item in list_in(response, "output")]
                return [SessionEvent("cancelled", reason, item) for item in items if item]
            case "failed":
                return [response_failure(object_in(details, "error"))]
            case "incomplete":
                return [SessionEvent("warning", f"a response is not whole: {quoted(reason)}")]
        return []

    def _error(self, frame: JsonMapping) -> list[AdapterEvent]:
        error = object_in(frame, "error")
        # Nothing comes of what was refused.
        self._is_turn_open = False
        self._has_asked = False
        if text_in(error, "code") == _ALREADY_ANSWERING:
            # The user's turn was faster; the results are taken up once that response is over.
            self._has_results = True
        return [error_event(error, has_begun=self.is_ready)]


Handler = Callable[[RealtimeTranslator, JsonMapping], list[AdapterEvent]]

# ruff: noqa: SLF001  -- the table belongs to the class
_HANDLERS: Mapping[str, Handler] = {
    "session.updated": RealtimeTranslator._session_updated,
    "response.output_audio.delta": RealtimeTranslator._audio,
    "response.audio.delta": RealtimeTranslator._audio,
    "response.output_audio.done": RealtimeTranslator._audio_done,
    "response.audio.done": RealtimeTranslator._audio_done,
    "response.output_audio_transcript.delta": RealtimeTranslator._words,
    "response.audio_transcript.delta": RealtimeTranslator._words,
    "response.output_text.delta": RealtimeTranslator._words,
    "response.text.delta": RealtimeTranslator._words,
    "response.output_audio_transcript.done": RealtimeTranslator._all_words,
    "response.audio_transcript.done": RealtimeTranslator._all_words,
    "response.output_text.done": RealtimeTranslator._all_words,
    "response.text.done": RealtimeTranslator._all_words,
    "response.output_item.added": RealtimeTranslator._item_added,
    "response.output_item.done": RealtimeTranslator._item_done,
    "response.function_call_arguments.done": RealtimeTranslator._arguments_done,
    "input_audio_buffer.speech_started": RealtimeTranslator._speech_started,
    "input_audio_buffer.speech_stopped": RealtimeTranslator._speech_stopped,
    "conversation.item.input_audio_transcription.completed": RealtimeTranslator._heard,
    "conversation.item.input_audio_transcription.failed": RealtimeTranslator._not_heard,
    "response.created": RealtimeTranslator._response_created,
    "response.done": RealtimeTranslator._response_done,
    "error": RealtimeTranslator._error,
}


def error_event(error: JsonMapping, *, has_begun: bool = True) -> SessionEvent:
    """Return what an error object means for the session: its end, or a warning.

    Most errors of the protocol concern one message of the client, and the session goes on. Before
    it has begun, what is refused is its configuration: then every error is its end.
    """
    kind = text_in(error, "type")
    code = text_in(error, "code")
    parts = [part for part in (code or kind, quoted(text_in(error, "message"))) if part]
    text = ": ".join(parts) or "an error without a description"
    if kind in FATAL_TYPES or code in FATAL_CODES:
        return SessionEvent("error", text)
    if kind in RETRYABLE_TYPES or code in RETRYABLE_TYPES:
        return SessionEvent("error", text, is_retryable=True)
    return SessionEvent("warning" if has_begun else "error", text)


def response_failure(error: JsonMapping) -> SessionEvent:
    """Return the end of a session in which a response failed.

    The agent has fallen silent, and nothing asks for the response again. Another session may do
    better, unless the error says that it will not.
    """
    event = error_event(error)
    is_retryable = event.kind == "warning" or event.is_retryable
    return SessionEvent("error", event.text, is_retryable=is_retryable)


def meters_of_usage(usage: JsonMapping) -> JsonObject:
    """Return token counts of the Realtime protocol under our names; both spellings of details."""
    given = object_in(usage, "input_token_details") or object_in(usage, "input_tokens_details")
    made = object_in(usage, "output_token_details") or object_in(usage, "output_tokens_details")
    cached = object_in(given, "cached_tokens_details")
    counts = {
        "input_tokens": number_in(usage, "input_tokens"),
        "output_tokens": number_in(usage, "output_tokens"),
        "input_text_tokens": number_in(given, "text_tokens"),
        "input_audio_tokens": number_in(given, "audio_tokens"),
        "input_cached_tokens": number_in(given, "cached_tokens"),
        "input_cached_text_tokens": number_in(cached, "text_tokens"),
        "input_cached_audio_tokens": number_in(cached, "audio_tokens"),
        "output_text_tokens": number_in(made, "text_tokens"),
        "output_audio_tokens": number_in(made, "audio_tokens"),
    }
    return {name: int(count) for name, count in counts.items() if count is not None}
