"""OpenAI's Live protocol as events: one continuous stream, and work that is delegated.

A Live session has no items, no detection of turns and no truncation. A speaking front end
delegates what needs records or decisions to a back end: to a Responses model inside of the session,
whose events arrive wrapped, or to this client. Source: the event types of the `openai` package
(`openai.types.live`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from tau2.utils.json_types import JsonMapping, JsonObject
from tau2.voice.adapters.events import (
    AdapterEvent,
    AgentTranscript,
    SessionEvent,
    Usage,
    UserActivity,
)
from tau2.voice.adapters.protocol import AgentSetup, Truncation
from tau2.voice.adapters.realtime import error_event, meters_of_usage, response_failure
from tau2.voice.adapters.wire import (
    audio_event,
    encoded_audio,
    function_tools,
    id_in,
    number_in,
    object_in,
    quoted,
    text_in,
    tool_request,
)
from tau2.voice.audio.formats import TELEPHONE

FRONT_END = """\
You are the voice of a company's customer service on the telephone. You speak and listen; another
part of the same service looks up records, decides and makes changes.

- Delegate every request that concerns an account, an order or any other record, every question
  about rules, and every change. Delegate once you have heard all that the customer wants to say.
- Say the results in your own short spoken sentences, with every id, number, date and amount
  exactly as you received it. Never invent a result, and never promise one.
- While you wait, say briefly that you are looking, and then listen.
- Read ids and names back to the customer before you delegate them."""

BACK_END = """\
You work behind a speaking front end, which heard the customer and will say your answer aloud.
Answer in a few short sentences without any formatting. What you read is recognized speech: an id
that is not found was probably misheard, so ask to have it spelled."""

_LONGEST_COMMENTARY = 1500
"""Characters; the protocol allows 500 tokens."""

_PAUSE_MS = 1000.0
"""The user has begun to speak again if a transcript continues after such a gap."""

_BENIGN_ENDINGS = frozenset({"response.completed", "response.incomplete", "response.cancelled"})


@dataclass(frozen=True, slots=True)
class LiveOptions:
    """What a session is asked for."""

    model: str
    backend_model: str | None
    """The Responses model; None with a client as the back end."""
    voice: str = "marin"
    delegation: Literal["responses", "client"] = "responses"
    append_system_prompt: bool = True
    """Whether the front end is told the policy too."""
    frontend_prompt: str | None = None
    backend_prompt: str | None = None
    reasoning_effort: str | None = None


class Delegation(NamedTuple):
    """Work that the front end gave to the client; what it is about says the transcript."""

    id: str | None
    offset_ms: float


class LiveTranslator:
    """One Live session."""

    wire_input = TELEPHONE
    wire_output = TELEPHONE

    def __init__(self, options: LiveOptions) -> None:
        """Translate for a session with these options."""
        self.options = options
        self.outbox: list[JsonObject] = []
        self.is_ready = False
        self.delegated: list[Delegation] = []
        """What the client is to do, for the adapter to take and to clear."""
        self._greeting: str | None = None
        self._open_calls: set[str] = set()
        self._is_backend_active = False
        self._has_results = False
        self._user_until_ms: float | None = None

    @property
    def is_expecting(self) -> bool:
        """Whether the back end of the session owes an answer."""
        return self._is_backend_active

    # -- what is sent ---------------------------------------------------------------------------

    def open(self, setup: AgentSetup) -> None:
        """Start the session."""
        session: JsonObject = {
            "model": self.options.model,
            "instructions": self._frontend_instructions(setup),
            "audio": {
                "format": {"type": "audio/pcmu", "rate": TELEPHONE.sample_rate},
                "output": {"voice": self.options.voice},
            },
            "delegation": self._delegation(setup),
        }
        self.outbox.append({"type": "session.start", "session": session})
        self._greeting = setup.greeting

    def _frontend_instructions(self, setup: AgentSetup) -> str:
        own = self.options.frontend_prompt or FRONT_END
        return f"{own}\n\n{setup.system_prompt}" if self.options.append_system_prompt else own

    def _delegation(self, setup: AgentSetup) -> JsonObject:
        if self.options.delegation == "client":
            return {"type": "client"}
        own = self.options.backend_prompt or BACK_END
        responses: JsonObject = {
            "model": self.options.backend_model,
            "instructions": f"{own}\n\n{setup.system_prompt}",
            "tools": function_tools(setup.tools),
            "parallel_tool_calls": False,
        }
        if self.options.reasoning_effort:
            responses["reasoning"] = {"effort": self.options.reasoning_effort}
        return {"type": "responses", "responses": responses}

    def send_audio(self, data: bytes) -> None:
        """Send audio of the user."""
        self.outbox.append({"type": "session.input_audio.append", "audio": encoded_audio(data)})

    def commit(self) -> None:
        """Nothing: the model decides when a turn is over."""

    def interrupt(self) -> None:
        """Nothing: the model hears that it is interrupted."""

    def truncate(self, truncation: Truncation) -> None:
        """Nothing: a stream has no utterances that could be truncated."""

    def answer(self, call_id: str, result: str, *, is_error: bool) -> None:
        """Send the result of a call of the back end, which goes on when all calls have one."""
        item = {"type": "function_call_output", "call_id": call_id, "output": result}
        self.outbox.append({"type": "response.item.create", "item": item})
        self._open_calls.discard(call_id)
        self._has_results = True
        self._go_on()

    def _go_on(self) -> None:
        if self._has_results and not self._open_calls and not self._is_backend_active:
            self._has_results = False
            self._is_backend_active = True
            self.outbox.append({"type": "response.create"})

    def comment(self, text: str, delegation_id: str | None) -> None:
        """Give the front end something to say, in answer to a delegation."""
        for begin in range(0, len(text), _LONGEST_COMMENTARY):
            self.outbox.append(
                {
                    "type": "session.commentary.append",
                    "content": text[begin : begin + _LONGEST_COMMENTARY],
                    "delegation_id": delegation_id,
                }
            )

    # -- what is received -----------------------------------------------------------------------

    def receive(self, frame: JsonMapping) -> list[AdapterEvent]:
        """Return what a frame says; kinds that say nothing to us are left out."""
        handle = _HANDLERS.get(text_in(frame, "type"))
        return [] if handle is None else handle(self, frame)

    def _started(self, frame: JsonMapping) -> list[AdapterEvent]:
        self.is_ready = True
        if self._greeting is not None:
            self.comment(self._greeting, None)
            self._greeting = None
        return []

    def _audio(self, frame: JsonMapping) -> list[AdapterEvent]:
        return [audio_event(text_in(frame, "delta"), None)]

    def _words(self, frame: JsonMapping) -> list[AdapterEvent]:
        start = number_in(frame, "start_ms")
        end = number_in(frame, "end_ms")
        return [AgentTranscript(text_in(frame, "delta"), None, start, end)]

    def _user_words(self, frame: JsonMapping) -> list[AdapterEvent]:
        start = number_in(frame, "start_ms")
        end = number_in(frame, "end_ms")
        events: list[AdapterEvent] = []
        until = self._user_until_ms
        if until is None or (start is not None and start - until >= _PAUSE_MS):
            events.append(UserActivity("speech_started", at_ms=start))
        known = [time for time in (end, start) if time is not None]
        self._user_until_ms = known[0] if known else 0.0
        events.append(UserActivity("transcript", text_in(frame, "delta"), at_ms=start))
        return events

    def _delegated(self, frame: JsonMapping) -> list[AdapterEvent]:
        delegation = object_in(frame, "delegation")
        if text_in(delegation, "target") == "client":
            offset = number_in(frame, "offset_ms") or 0.0
            self.delegated.append(Delegation(id_in(delegation, "id"), offset))
        else:
            self._is_backend_active = True
        return []

    def _backend(self, frame: JsonMapping) -> list[AdapterEvent]:
        """Return what an event of the Responses model says."""
        event = object_in(frame, "event")
        kind = text_in(event, "type")
        if kind == "response.output_item.done":
            return self._backend_item(object_in(event, "item"))
        if kind == "response.created":
            self._is_backend_active = True
            return []
        response = object_in(event, "response")
        if kind in _BENIGN_ENDINGS:
            return self._backend_done(response)
        if kind in ("response.failed", "error"):
            failure = response_failure(object_in(response, "error") or event)
            return [*self._backend_done(response), failure]
        return []

    def _backend_item(self, item: JsonMapping) -> list[AdapterEvent]:
        if text_in(item, "type") != "function_call":
            return []
        name = text_in(item, "name")
        request = tool_request(id_in(item, "call_id"), name, item.get("arguments"))
        self._open_calls.add(request.call.id)
        return [request]

    def _backend_done(self, response: JsonMapping) -> list[AdapterEvent]:
        self._is_backend_active = False
        self._go_on()
        usage = object_in(response, "usage")
        if not usage:
            return []
        # A Responses model tells no modalities: all of its tokens are text.
        meters = meters_of_usage(usage)
        return [Usage(meters, "llm", model=self.options.backend_model, provider="openai")]

    def _usage(self, frame: JsonMapping) -> list[AdapterEvent]:
        usage = object_in(frame, "usage")
        active = number_in(usage, "active_seconds")
        paused = number_in(usage, "paused_seconds")
        whole = number_in(usage, "seconds")
        meters = {
            "active_seconds": whole if active is None else active,
            "standby_seconds": paused,
        }
        told = {name: value for name, value in meters.items() if value is not None}
        return [Usage(told, is_cumulative=True)] if told else []

    def _closed(self, frame: JsonMapping) -> list[AdapterEvent]:
        reason = quoted(text_in(frame, "reason")) or "no reason given"
        return [*self._usage(frame), SessionEvent("closed", reason)]

    def _error(self, frame: JsonMapping) -> list[AdapterEvent]:
        return [error_event(object_in(frame, "error"), has_begun=self.is_ready)]


Handler = Callable[[LiveTranslator, JsonMapping], list[AdapterEvent]]

# ruff: noqa: SLF001  -- the table belongs to the class
_HANDLERS: Mapping[str, Handler] = {
    "session.started": LiveTranslator._started,
    "session.output_audio.delta": LiveTranslator._audio,
    "session.output_transcript.delta": LiveTranslator._words,
    "session.input_transcript.delta": LiveTranslator._user_words,
    "session.delegation.created": LiveTranslator._delegated,
    "response.event": LiveTranslator._backend,
    "session.usage.updated": LiveTranslator._usage,
    "session.closed": LiveTranslator._closed,
    "error": LiveTranslator._error,
}
