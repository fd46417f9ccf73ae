"""OpenAI's Live protocol from the server's side: one continuous stream in each direction.

There are no items, no events of turns and no truncation: a session hears, and its stream says what
the cascade says. Who replies depends on the delegation of `session.start`: without one, a text
agent with the session's instructions; with `responses`, a text agent with the tools, whose calls
appear as events of a Responses model; with `client`, the client: it is told that it is its turn,
and what it appends as commentary is spoken.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

from tau2.data_model.message import AssistantMessage, ToolCall, ToolMessage
from tau2.errors import Tau2Error, needs_extra
from tau2.participant.protocols import AgentProtocol
from tau2.utils.json_types import JsonObject
from tau2.voice.adapters.events import UserActivity
from tau2.voice.audio.codec import decode, encode
from tau2.voice.audio.formats import Samples
from tau2.voice.cascade.cascade import Cascade, spoken_part
from tau2.voice.cascade.work import Job, JobResult, Recognize, Think, Thought, Work
from tau2.voice.wire.live_settings import LiveSettings, started, updated
from tau2.voice.wire.reading import MOST_ID, Reader, WireError
from tau2.voice.wire.responses_events import call_events, lifecycle_event, text_events
from tau2.voice.wire.session import WireSession, WireSetup, check_jobs

with needs_extra("voice", "numpy"):
    import numpy as np

_MOST_APPENDED = 4000  # characters of appended context: about 500 tokens and more
_MOST_NOTES = 100
_LATE_SECONDS = 0.5  # without audio, until silence takes its place
_PIECE_SECONDS = 0.1  # of silence in its place
_USAGE_SECONDS = 10.0  # between two reports


class LiveSession(WireSession):
    """One client's session of the Live protocol."""

    def __init__(self, setup: WireSetup, identifier: str, expires_at: int) -> None:
        """Prepare a session that lasts until `expires_at`, in Unix time, as the client is told."""
        super().__init__(setup, identifier)
        self._expires_at = expires_at
        self._settings: LiveSettings | None = None
        self._call: Cascade | None = None
        self._rest = b""
        self._owed = 0.0
        self._is_muted = False
        self._speech_start_ms = 0
        self._reported = 0.0
        self._notes: list[str] = []
        self._work: list[Work] = []
        self._jobs: dict[int, Job] = {}
        self._asked: Work | None = None
        self._delegations = 0
        self._delegation_id: str | None = None
        self._response_id: str | None = None
        self._nested = 0
        self._calls: list[ToolCall] = []
        self._results: list[ToolMessage] = []

    @property
    def _cascade(self) -> Cascade:
        if self._call is None:
            raise WireError("session_not_started", "send session.start first")
        return self._call

    @property
    def _now_ms(self) -> int:
        return round(self._call.now * 1000) if self._call is not None else 0

    # What the driver does

    def take_work(self) -> Sequence[Work]:
        """Return what is to be done and was not returned before."""
        work = self._work
        self._work = []
        return work

    def _sent(self) -> list[JsonObject]:
        is_client = self._settings is not None and self._settings.target == "client"
        for item in self._call.take_work() if self._call is not None else ():
            if is_client and isinstance(item.job, Think):
                self._ask_client(item)
            else:
                self._work.append(item)
                self._jobs[item.id] = item.job
        return super()._sent()

    def finish(self, work_id: int, result: JobResult) -> list[JsonObject]:
        """Hand in the result of a job."""
        if self._call is not None:
            self._jobs.pop(work_id, None)
            self._call.finish(work_id, result)
        return self._sent()

    def fail(self, work_id: int, problem: str) -> list[JsonObject]:
        """Report that a job failed, in a sentence that the client may read."""
        if self._call is not None:
            self._call.fail(work_id)
            is_heard = isinstance(self._jobs.pop(work_id, None), Recognize)
            if self._response_id is not None and not is_heard:
                self._nest(lifecycle_event("failed", self._response_id))
                self._response_id = None
            self._send_error("server_error", "server_error", problem, None, None)
        return self._sent()

    def _pass(self, seconds: float) -> None:
        """Hear silence where the client's audio is late."""
        if self._call is None:
            return
        self._owed += seconds
        while self._owed > _LATE_SECONDS:
            self._owed -= _PIECE_SECONDS
            self._hear(np.zeros(round(_PIECE_SECONDS * self._rate), np.float32))

    @property
    def _rate(self) -> int:
        assert self._settings is not None, "a session that has started has settings"
        return self._settings.audio_format.sample_rate

    # Events of the client

    def _handle(self, kind: str, event: Reader) -> None:
        handler = self._handlers.get(kind)
        if handler is None:
            raise WireError("unknown_event", "there is no such event", "type")
        given = event.raw("event_id")
        if given is not None and (not isinstance(given, str) or len(given) > MOST_ID):
            raise event.wrong("event_id", f"must be a string of at most {MOST_ID} characters")
        if kind != "session.start":
            _ = self._cascade  # raises where the session has not started
        handler(event)

    @cached_property
    def _handlers(self) -> dict[str, Callable[[Reader], None]]:
        return {
            "session.start": self._start,
            "session.update": self._update,
            "session.input_audio.append": self._append,
            "session.input_audio.mute": self._mute,
            "session.input_audio.unmute": self._unmute,
            "session.output_audio_fixture.play": self._not_served,
            "session.instructions.append": self._append_instructions,
            "session.thinking.append": self._append_thinking,
            "session.commentary.append": self._append_commentary,
            "decision.create": self._not_served,
            "decision.item.create": self._not_served,
            "decision.item.delete": self._not_served,
            "response.item.create": self._create_item,
            "response.create": self._create_response,
            "session.close": self._close,
        }

    def _not_served(self, _event: Reader) -> None:
        raise WireError("not_supported", "this event is not served here", "type")

    def _start(self, event: Reader) -> None:
        if self._call is not None:
            raise WireError("session_already_started", "the session has started already")
        settings = started(event.object("session"))
        agent = self._agent_of(settings)
        self._call = Cascade(
            agent,
            self._setup.detector,
            self._setup.settings,
            settings.audio_format.sample_rate,
            history=settings.history,
            to_written=self._setup.to_written,
            to_spoken=self._setup.to_spoken,
        )
        self._settings = settings
        self._acknowledge("session.started", event, session=self._session_data())

    def _agent_of(self, settings: LiveSettings) -> AgentProtocol:
        """Return the text agent. Raise WireError where there is none for these instructions."""
        if settings.target == "client":
            return _Client()
        prompt = "\n\n".join([settings.prompt, *self._notes])
        try:
            return self._setup.make_agent(prompt, settings.tools)
        except Tau2Error as problem:
            raise WireError("invalid_value", str(problem), "session") from problem

    def _session_data(self) -> JsonObject:
        assert self._settings is not None, "a session that has started has settings"
        return self._settings.as_session(self.id, self._expires_at)

    def _update(self, event: Reader) -> None:
        assert self._settings is not None, "a session that has started has settings"
        settings = updated(self._settings, event.object("session"))
        if settings != self._settings:
            self._cascade.replace_agent(self._agent_of(settings))
        self._settings = settings
        self._acknowledge("session.updated", event, session=self._session_data())

    def _append(self, event: Reader) -> None:
        check_jobs(len(self._jobs))
        assert self._settings is not None, "a session that has started has settings"
        audio_format = self._settings.audio_format
        data = self._rest + event.audio("audio")
        whole = len(data) - len(data) % audio_format.bytes_per_sample
        self._rest = data[whole:]
        samples = decode(data[:whole], audio_format)
        self._owed = max(0.0, self._owed - len(samples) / audio_format.sample_rate)
        if self._is_muted:
            samples = np.zeros_like(samples)
        if len(samples):
            self._hear(samples)

    def _mute(self, event: Reader) -> None:
        self._is_muted = True
        self._acknowledge("session.input_audio.muted", event)

    def _unmute(self, event: Reader) -> None:
        self._is_muted = False
        self._acknowledge("session.input_audio.unmuted", event)

    def _append_instructions(self, event: Reader) -> None:
        self._note(self._appended(event))
        self._acknowledge_appended("session.instructions.appended", event)

    def _append_thinking(self, event: Reader) -> None:
        self._note(self._appended(event))
        self._acknowledge_appended("session.thinking.appended", event)

    def _note(self, text: str) -> None:
        """Have the text agent know something from now on."""
        assert self._settings is not None, "a session that has started has settings"
        if len(self._notes) >= _MOST_NOTES:
            raise WireError("too_many_notes", "no further context is taken", "content")
        self._notes.append(text)
        self._cascade.replace_agent(self._agent_of(self._settings))

    def _append_commentary(self, event: Reader) -> None:
        check_jobs(len(self._jobs))
        text = self._appended(event)
        asked = self._asked
        if asked is not None and event.raw("delegation_id") == self._delegation_id:
            assert isinstance(asked.job, Think), "the client is asked for replies"
            self._asked = None
            reply = AssistantMessage(content=text, cost=0.0)
            self._cascade.finish(asked.id, Thought(reply, asked.job.state))
        else:
            self._cascade.say(text)
        self._acknowledge_appended("session.commentary.appended", event)

    def _appended(self, event: Reader) -> str:
        """Return the text of an appended context, whose delegation must be one of the client."""
        text = event.text("content", most=_MOST_APPENDED).strip()
        if not text:
            raise event.wrong("content", "must not be empty")
        if "delegation_id" in event:
            given = event.text("delegation_id", most=MOST_ID)
            known = {f"delegation_{number + 1}" for number in range(self._delegations)}
            is_client = self._settings is not None and self._settings.target == "client"
            if given not in known or not is_client:
                raise event.wrong("delegation_id", "is no delegation to the client")
        return text

    def _close(self, event: Reader) -> None:
        self._acknowledge("session.closed", event, **self._end("close_requested"))
        self.is_closed = True

    def _expire(self) -> None:
        if self._call is not None:
            self._send("session.closed", **self._end("expired"))

    def _end(self, reason: str) -> JsonObject:
        return {"reason": reason, "session": self._session_data(), "usage": self._usage()}

    # Hearing and speaking

    def _hear(self, samples: Samples) -> None:
        assert self._settings is not None, "a session that has started has settings"
        cascade = self._cascade
        start_ms = self._now_ms
        cascade.hear(samples)
        played = cascade.speak(len(samples))
        audio = encode(played.samples, self._settings.audio_format)
        # This kind of event has no id.
        self._events.append(
            {
                "type": "session.output_audio.delta",
                "delta": base64.b64encode(audio).decode(),
            }
        )
        if played.words:
            self._send(
                "session.output_transcript.delta",
                delta=played.words,
                start_ms=start_ms,
                end_ms=self._now_ms,
            )
        happened = cascade.happened()
        for activity in happened.activity:
            self._tell_activity(activity)
        for reply in happened.replies:
            self._tell_reply(reply)
        if cascade.now - self._reported >= _USAGE_SECONDS:
            self._reported = cascade.now
            self._send("session.usage.updated", usage=self._usage())

    def _tell_activity(self, activity: UserActivity) -> None:
        at = round(activity.at_ms or 0)
        if activity.kind == "speech_started":
            self._speech_start_ms = at
        elif activity.kind == "transcript":
            start = min(self._speech_start_ms, at)
            self._send(
                "session.input_transcript.delta",
                delta=f"{activity.text} ",
                start_ms=start,
                end_ms=at,
            )

    def _usage(self) -> JsonObject:
        return {"seconds": float(int(self._now_ms / 1000))}

    # Delegation

    def _delegate(self, target: str, **fields: Any) -> str:
        self._delegations += 1
        identifier = f"delegation_{self._delegations}"
        self._delegation_id = identifier
        delegation = {"id": identifier, "type": "delegation", "target": target, **fields}
        self._send("session.delegation.created", delegation=delegation, offset_ms=self._now_ms)
        return identifier

    def _ask_client(self, work: Work) -> None:
        self._asked = work
        self._delegate("client")

    def _tell_reply(self, message: AssistantMessage) -> None:
        """Send a reply of the Responses model: one with calls, or one that follows results."""
        if self._settings is None or self._settings.target != "responses":
            return
        if not message.is_tool_call() and self._response_id is None:
            return  # nothing was delegated
        if self._response_id is None:
            self._response_id = self._new_id("resp")
            self._delegate("responses", response_id=self._response_id)
            self._nest(lifecycle_event("created", self._response_id))
        self._calls = list(message.calls)
        self._results = []
        text = spoken_part(message)
        place = 0
        if text:
            self._nest(*text_events(self._new_id("msg"), place, text))
            place = 1
        for number, call in enumerate(message.calls, place):
            self._nest(*call_events(self._new_id("fc"), number, call))
        self._nest(lifecycle_event("completed", self._response_id))
        self._response_id = None

    def _nest(self, *events: JsonObject) -> None:
        for event in events:
            self._nested += 1
            self._send(
                "response.event",
                event={**event, "sequence_number": self._nested},
                delegation_id=self._delegation_id,
            )

    def _create_item(self, event: Reader) -> None:
        self._check_responses(event)
        item = event.object("item")
        item.one_of("type", ("function_call_output",))
        call_id = item.text("call_id", most=MOST_ID)
        is_awaited = any(call.id == call_id for call in self._calls)
        if not is_awaited or any(result.id == call_id for result in self._results):
            raise item.wrong("call_id", "is no call that awaits a result")
        output = item.text("output")
        self._results.append(ToolMessage(id=call_id, content=output, requestor="assistant"))

    def _create_response(self, event: Reader) -> None:
        self._check_responses(event)
        if not self._calls or len(self._results) < len(self._calls):
            raise WireError("invalid_value", "not every call has a result")
        results = self._results
        self._calls = []
        self._results = []
        self._response_id = self._new_id("resp")
        self._nest(lifecycle_event("created", self._response_id))
        self._cascade.give_results(results)

    def _check_responses(self, event: Reader) -> None:
        if self._settings is None or self._settings.target != "responses":
            raise event.wrong("type", "needs a session with the delegation `responses`")

    # Answers

    def _acknowledge(self, kind: str, event: Reader, **fields: Any) -> None:
        given = event.raw("event_id")
        if given is not None:
            fields["client_event_id"] = given
        self._send(kind, **fields)

    def _acknowledge_appended(self, kind: str, event: Reader) -> None:
        self._acknowledge(kind, event, start_ms=self._now_ms, end_ms=self._now_ms)

    def _refuse(self, problem: WireError, event_id: str | None) -> None:
        self._send_error(
            "invalid_request_error", problem.code, problem.message, problem.param, event_id
        )

    def _send_error(
        self, kind: str, code: str, message: str, param: str | None, event_id: str | None
    ) -> None:
        error: JsonObject = {"type": kind, "code": code, "message": message, "param": param}
        if event_id is not None:
            error["client_event_id"] = event_id
        self._send("error", error=error)


class _Client:
    """Stands for the client, who replies by commentary."""

    def get_init_state(self, message_history: Any = None) -> list[Any]:
        return list(message_history or [])

    def is_stop(self, message: Any, /) -> bool:
        return False
