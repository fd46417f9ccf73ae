"""OpenAI's Realtime protocol (general availability) from the server's side.

A session hears audio, finds turns in it, has each recognized, asks a text agent for a reply, and
sends its speech ahead of time, as the real server does. The conversation is the protocol's own list
of items: what a client adds, deletes or truncates is what the agent sees.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property

from tau2.errors import Tau2Error, needs_extra
from tau2.utils.json_types import JsonObject
from tau2.voice.audio.codec import decode
from tau2.voice.audio.formats import Samples
from tau2.voice.audio.resample import resample
from tau2.voice.cascade.cascade import spoken_part
from tau2.voice.cascade.listener import Listener, SpeechStarted, SpeechStopped
from tau2.voice.cascade.utterance import utterance_of
from tau2.voice.cascade.work import JobResult, Recognize, Synthesize, Think, Thought, Work
from tau2.voice.speech.protocols import Speech, Transcript
from tau2.voice.wire.reading import MOST_ID, MOST_ITEMS, Reader, WireError
from tau2.voice.wire.realtime_items import (
    Conversation,
    Item,
    messages_of,
    read_item,
    split_last,
    system_texts,
)
from tau2.voice.wire.realtime_response import CancelReason, Response
from tau2.voice.wire.realtime_settings import (
    FORMATS,
    RealtimeSettings,
    read_max_tokens,
    read_modality,
    read_tool_choice,
    read_tools,
    updated,
)
from tau2.voice.wire.session import WireSession, WireSetup, WorkList, check_jobs

with needs_extra("voice", "numpy"):
    import numpy as np

_LONGEST_BUFFER_SECONDS = 600.0
_SHORTEST_COMMIT_SECONDS = 0.1
_MOST_METADATA = 16


class RealtimeSession(WireSession):
    """One client's session of the Realtime protocol."""

    def __init__(self, setup: WireSetup, identifier: str, model: str) -> None:
        """Prepare a session; `model` is what the client asked for, and is told back."""
        super().__init__(setup, identifier)
        self._settings = RealtimeSettings(model[:MOST_ID] or "tau2")
        self._conversation = Conversation()
        self._work = WorkList()
        self._response: Response | None = None
        self._awaited: list[Item] = []
        self._begins_reply = False
        self._instructions = ""
        self._tools: list[JsonObject] = []
        self._input: list[Item] | None = None
        self._turn: Item | None = None
        self._unread: Samples = np.zeros(0, np.float32)
        self._rest = b""
        self._heard_before = 0.0
        self._buffer_start = 0.0
        self._listener: Listener | None = None
        self._listen_anew()

    def open(self) -> list[JsonObject]:
        """Return `session.created`."""
        self._send("session.created", session=self._settings.as_session(self.id))
        return self._sent()

    def take_work(self) -> Sequence[Work]:
        """Return what is to be done and was not returned before."""
        return self._work.take()

    def finish(self, work_id: int, result: JobResult) -> list[JsonObject]:
        """Hand in the result of a job."""
        self._work.finish(work_id, result)
        return self._sent()

    def fail(self, work_id: int, problem: str) -> list[JsonObject]:
        """Report that a job failed, in a sentence that the client may read."""
        self._work.fail(work_id, problem)
        return self._sent()

    def _pass(self, seconds: float) -> None:
        if self._response is not None:
            self._response.release(seconds * 1000 * self._setup.generation_speed)

    def _expire(self) -> None:
        self._refuse(
            WireError("session_expired", "the session has reached its longest duration"), None
        )

    def _refuse(self, problem: WireError, event_id: str | None) -> None:
        self._send(
            "error",
            error={
                "type": "invalid_request_error",
                "code": problem.code,
                "message": problem.message,
                "param": problem.param,
                "event_id": event_id,
            },
        )

    def _handle(self, kind: str, event: Reader) -> None:
        handler = self._handlers.get(kind)
        if handler is None:
            raise WireError("invalid_value", "there is no such event", "type")
        handler(event)

    @cached_property
    def _handlers(self) -> dict[str, Callable[[Reader], None]]:
        return {
            "session.update": self._update,
            "input_audio_buffer.append": self._append,
            "input_audio_buffer.commit": self._commit_by_client,
            "input_audio_buffer.clear": self._clear,
            "conversation.item.create": self._create_item,
            "conversation.item.retrieve": self._retrieve_item,
            "conversation.item.delete": self._delete_item,
            "conversation.item.truncate": self._truncate,
            "response.create": self._create_response,
            "response.cancel": self._cancel_by_client,
            "output_audio_buffer.clear": self._clear_output,
        }

    def _clear_output(self, _event: Reader) -> None:
        raise WireError("invalid_event", "over a WebSocket, what plays is the client's own affair")

    def _update(self, event: Reader) -> None:
        before = self._settings
        self._settings = updated(before, event.object("session"))
        self._send("session.updated", session=self._settings.as_session(self.id))
        if before.hearing != self._settings.hearing:
            self._listen_anew()

    def _new_id(self, kind: str) -> str:
        """Return an id that no item has: clients may name theirs as we do."""
        identifier = super()._new_id(kind)
        while self._conversation.has(identifier):
            identifier = super()._new_id(kind)
        return identifier

    # Hearing

    @property
    def _rate(self) -> int:
        return FORMATS[self._settings.input_format].sample_rate

    @property
    def _heard_seconds(self) -> float:
        """How much audio has arrived since the session began."""
        return self._heard_before + (self._listener.now if self._listener is not None else 0.0)

    def _listen_anew(self) -> None:
        """Forget the audio that is not committed; times go on."""
        self._heard_before = self._heard_seconds
        self._buffer_start = self._heard_before
        self._unread = np.zeros(0, np.float32)
        self._rest = b""
        self._turn = None
        detection = self._settings.turn_detection
        self._listener = None
        if detection is not None:
            nearness = self._settings.nearness_db
            how = replace(detection.detection, nearness_db=nearness)
            self._listener = Listener(self._setup.detector, self._rate, how)

    def _append(self, event: Reader) -> None:
        check_jobs(len(self._work))
        audio_format = FORMATS[self._settings.input_format]
        data = self._rest + event.audio("audio")
        whole = len(data) - len(data) % audio_format.bytes_per_sample
        self._rest = data[whole:]
        samples = decode(data[:whole], audio_format)
        self._keep(samples)
        if self._listener is None:
            self._heard_before += len(samples) / self._rate
            return
        for found in self._listener.push(samples):
            if isinstance(found, SpeechStarted):
                self._speech_started(found)
            else:
                self._speech_stopped(found)

    def _keep(self, samples: Samples) -> None:
        """Keep what a client may still commit."""
        most = round(_LONGEST_BUFFER_SECONDS * self._rate)
        if self._listener is None and len(self._unread) + len(samples) > most:
            raise WireError("input_audio_buffer_full", "commit or clear the buffer", "audio")
        kept = np.concatenate([self._unread, samples])
        self._unread = kept if self._listener is None else kept[-10 * self._rate :]

    def _speech_started(self, event: SpeechStarted) -> None:
        self._turn = Item(self._new_id("item"), "message", role="user", is_audio=True)
        self._send(
            "input_audio_buffer.speech_started",
            audio_start_ms=self._ms(event.at),
            item_id=self._turn.id,
        )
        detection = self._settings.turn_detection
        if detection is not None and detection.interrupts_response:
            self._cancel("turn_detected")

    def _speech_stopped(self, event: SpeechStopped) -> None:
        item = self._turn
        if item is None:
            return
        self._recognize(item, event.samples)
        if event.goes_on:
            return
        self._turn = None
        self._unread = np.zeros(0, np.float32)
        self._send(
            "input_audio_buffer.speech_stopped",
            audio_end_ms=self._ms(event.end),
            item_id=item.id,
        )
        self._commit(item)
        detection = self._settings.turn_detection
        if detection is not None and detection.creates_response:
            self._begin_response(self._new_response(self._settings.output_modality))

    def _ms(self, seconds: float) -> int:
        return round((self._buffer_start + seconds) * 1000)

    def _commit_by_client(self, _event: Reader) -> None:
        check_jobs(len(self._work))
        seconds = len(self._unread) / self._rate
        if seconds < _SHORTEST_COMMIT_SECONDS:
            raise WireError(
                "input_audio_buffer_commit_empty", "the buffer holds less than 100 ms of audio"
            )
        item = self._turn or Item(self._new_id("item"), "message", role="user", is_audio=True)
        self._recognize(item, self._unread)
        self._listen_anew()
        self._commit(item)

    def _clear(self, _event: Reader) -> None:
        self._listen_anew()
        self._send("input_audio_buffer.cleared")

    def _commit(self, item: Item) -> None:
        self._check_room()
        before = self._conversation.add(item)
        self._send("input_audio_buffer.committed", item_id=item.id, previous_item_id=before)
        self._say_added(item, before)

    def _say_added(self, item: Item, before: str | None) -> None:
        for kind in ("added", "done"):
            self._send(f"conversation.item.{kind}", item=item.as_data(), previous_item_id=before)

    def _check_room(self) -> None:
        if len(self._conversation) >= MOST_ITEMS:
            raise WireError("conversation_full", f"a conversation has at most {MOST_ITEMS:,} items")

    def _recognize(self, item: Item, samples: Samples) -> None:
        seconds = round(len(samples) / self._rate, 3)
        item.unrecognized += 1

        def heard(transcript: Transcript) -> None:
            item.text = f"{item.text} {self._setup.to_written(transcript.text)}".strip()
            item.unrecognized -= 1
            self._tell_transcript(item, seconds)
            self._go_on()

        def failed(problem: str) -> None:
            item.unrecognized -= 1
            error = {"type": "server_error", "code": "server_error", "message": problem}
            self._send(
                "conversation.item.input_audio_transcription.failed",
                item_id=item.id,
                content_index=0,
                error=error,
            )
            self._fail_response(problem)

        self._work.add(Recognize(samples, self._rate), heard, failed)

    def _tell_transcript(self, item: Item, seconds: float) -> None:
        if self._settings.transcription is None or item.unrecognized or item is self._turn:
            return
        about = {"item_id": item.id, "content_index": 0}
        kind = "conversation.item.input_audio_transcription"
        self._send(f"{kind}.delta", delta=item.text, **about)
        usage = {"type": "duration", "seconds": seconds}
        self._send(f"{kind}.completed", transcript=item.text, usage=usage, **about)

    # The conversation

    def _create_item(self, event: Reader) -> None:
        self._check_room()
        item, audio = read_item(event.object("item"), self._new_id("item"))
        if item.kind == "function_call_output" and not self._conversation.has_call(item.call_id):
            raise WireError(
                "invalid_tool_call_id", "no call of this id awaits a result", "item.call_id"
            )
        if self._turn is not None and item.id == self._turn.id:
            raise WireError("item_id_already_exists", "an item has this id already", "item.id")
        if audio:
            check_jobs(len(self._work), len(audio))
        previous = event.text("previous_item_id", "", MOST_ID) or None
        before = self._conversation.add(item, previous)
        audio_format = FORMATS[self._settings.input_format]
        for data in audio:
            whole = len(data) - len(data) % audio_format.bytes_per_sample
            self._recognize(item, decode(data[:whole], audio_format))
        self._say_added(item, before)

    def _retrieve_item(self, event: Reader) -> None:
        item = self._conversation.get(event.text("item_id", most=MOST_ID))
        self._send("conversation.item.retrieved", item=item.as_data())

    def _delete_item(self, event: Reader) -> None:
        item = self._conversation.get(event.text("item_id", most=MOST_ID))
        if item.status == "in_progress":
            raise WireError("invalid_value", "the item is being made; cancel the response first")
        self._conversation.remove(item)
        self._send("conversation.item.deleted", item_id=item.id)

    def _truncate(self, event: Reader) -> None:
        item = self._conversation.get(event.text("item_id", most=MOST_ID))
        if item.role != "assistant" or not item.is_audio:
            raise event.wrong("item_id", "is no spoken message of the assistant")
        if event.integer("content_index") != 0:
            raise event.wrong("content_index", "must be 0")
        end = event.integer("audio_end_ms")
        if not 0 <= end <= item.audio_ms:
            raise event.wrong(
                "audio_end_ms", f"is not within the audio, which lasts {round(item.audio_ms)} ms"
            )
        if item.status == "in_progress":
            self._cancel("client_cancelled")
        item.audio_ms = float(end)
        if item.utterance is not None:
            item.text = item.utterance.said_between(0.0, end / 1000).rstrip() if end else ""
        self._send(
            "conversation.item.truncated", item_id=item.id, content_index=0, audio_end_ms=end
        )

    # Responses

    def _new_response(self, modality: str) -> Response:
        self._instructions = self._settings.instructions
        self._tools = self._settings.tools
        self._input = None
        return Response(
            self._new_id("resp"),
            modality,
            FORMATS[self._settings.output_format],
            self._send,
            add_item=self._conversation.add,
        )

    def _create_response(self, event: Reader) -> None:
        given = event.object("response")
        if self._response is not None:
            raise WireError(
                "conversation_already_has_active_response",
                "a response is in progress: wait for response.done, or cancel it",
            )
        self._check_room()
        # A response that is cancelled leaves its job under way.
        check_jobs(len(self._work))
        read_tool_choice(given, "auto")
        read_max_tokens(given, "inf")
        beside = given.one_of("conversation", ("auto", "none"), "auto") == "none"
        instructions = given.text("instructions", self._settings.instructions)
        tools = read_tools(given) if "tools" in given else self._settings.tools
        modality = read_modality(given, self._settings.output_modality)
        metadata = _read_metadata(given)
        items = self._read_input(given) if given.has("input") else None
        response = self._new_response(modality)
        response.metadata = metadata
        response.is_in_conversation = not beside
        self._instructions = instructions
        self._tools = tools
        self._input = items
        self._begin_response(response)

    def _read_input(self, given: Reader) -> list[Item]:
        def read(reader: Reader) -> Item:
            if reader.raw("type") == "item_reference":
                return self._conversation.get(reader.text("id", most=MOST_ID), reader.path("id"))
            item, audio = read_item(reader, self._new_id("item"))
            if audio:
                raise reader.wrong("content", "holds audio: create an item of it, and refer to it")
            return item

        return given.list("input", read, MOST_ITEMS)

    def _begin_response(self, response: Response) -> None:
        if self._response is not None:
            return
        self._response = response
        response.begin()
        self._begins_reply = True
        self._go_on()

    def _go_on(self) -> None:
        """Ask the agent, once everything that was said is recognized."""
        response = self._response
        items = self._conversation if self._input is None else self._input
        if response is None or not self._begins_reply:
            return
        if any(item.unrecognized for item in items):
            return
        self._begins_reply = False
        self._ask(response, list(items))

    def _ask(self, response: Response, items: list[Item]) -> None:
        messages = messages_of(items)
        history, last = split_last(messages)
        if last is None and items and items[-1].role == "user":
            response.complete()  # nothing but noise was heard
            self._response = None
            return
        instructions = "\n\n".join([self._instructions, *system_texts(items)]).strip()
        characters = len(instructions) + sum(len(item.text) + len(item.output) for item in items)
        response.input_tokens = -(-characters // 4)
        try:
            agent = self._setup.make_agent(instructions, self._tools)
            state = agent.get_init_state(message_history=history)
        except Tau2Error as problem:
            self._fail_response(str(problem))
            return

        def replied(thought: Thought) -> None:
            if self._response is response:
                self._replied(response, thought)

        def failed(problem: str) -> None:
            if self._response is response:
                self._fail_response(problem)

        self._work.add(Think(agent, last, state), replied, failed)

    def _replied(self, response: Response, thought: Thought) -> None:
        text = spoken_part(thought.message)

        def finish() -> None:
            for call in thought.message.calls:
                response.call(
                    Item(
                        self._new_id("item"),
                        "function_call",
                        call_id=self._new_id("call"),
                        name=call.name,
                        arguments=json.dumps(call.arguments),
                    )
                )
            response.complete()
            if self._response is response:
                self._response = None

        if not text:
            finish()
            return
        item = Item(self._new_id("item"), "message", role="assistant", text=text)
        if response.modality == "text":
            response.write(item)
            finish()
            return
        response.on_spoken = finish
        response.announce(item)
        self._say(response, text)

    def _say(self, response: Response, text: str) -> None:
        def synthesized(speech: Speech) -> None:
            if self._response is not response:
                return
            rate = response.audio_format.sample_rate
            samples = resample(speech.samples, speech.sample_rate, rate)
            response.speak(utterance_of(response.id, text, speech, samples, rate))

        def failed(problem: str) -> None:
            if self._response is response:
                self._fail_response(problem)

        self._work.add(Synthesize(self._setup.to_spoken(text)), synthesized, failed)

    def _cancel_by_client(self, event: Reader) -> None:
        asked = event.text("response_id", "", MOST_ID)
        if self._response is None or asked not in {"", self._response.id}:
            raise WireError("response_cancel_not_active", "no such response is in progress")
        self._cancel("client_cancelled")

    def _cancel(self, reason: CancelReason) -> None:
        response = self._response
        if response is not None:
            self._response = None
            self._begins_reply = False
            response.cancel(reason)

    def _fail_response(self, problem: str) -> None:
        response = self._response
        self._response = None
        self._begins_reply = False
        if response is not None:
            response.fail(problem)


def _read_metadata(given: Reader) -> JsonObject | None:
    value = given.raw("metadata")
    if value is None:
        return None
    is_texts = isinstance(value, dict) and all(isinstance(text, str) for text in value.values())
    if not is_texts or len(value) > _MOST_METADATA:
        raise given.wrong("metadata", f"must be an object of at most {_MOST_METADATA} strings")
    return dict(value)
