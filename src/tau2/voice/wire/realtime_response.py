"""One response of a Realtime session, from `response.created` to `response.done`."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from tau2.utils.json_types import JsonObject
from tau2.voice.audio.codec import encode
from tau2.voice.audio.formats import AudioFormat
from tau2.voice.cascade.utterance import Utterance
from tau2.voice.wire.realtime_items import Item

CancelReason = Literal["turn_detected", "client_cancelled"]

_FIRST_MS = 200.0  # of audio that are sent at once
_PIECE_MS = 200.0  # of audio in one event
_AUDIO_TOKEN_MS = 50.0  # of audio that the agent speaks
_CHARACTERS_PER_TOKEN = 4


@dataclass(slots=True)
class Response:
    """A response in progress."""

    id: str
    modality: str
    audio_format: AudioFormat
    send: Callable[..., None]
    metadata: JsonObject | None = None
    is_in_conversation: bool = True
    """False for one that is asked for beside the conversation."""
    add_item: Callable[[Item], str | None] = lambda _: None
    """Adds an item to the conversation, and returns the id before it."""
    items: list[Item] = field(default_factory=list)
    speaking: Item | None = None
    """The message whose audio is being sent."""
    sent_words: str = ""
    input_tokens: int = 0
    _released_ms: float = 0.0
    on_spoken: Callable[[], None] | None = None

    def as_data(
        self, status: str, details: JsonObject | None = None, usage: JsonObject | None = None
    ) -> JsonObject:
        """Return the response as the protocol writes it."""
        return {
            "object": "realtime.response",
            "id": self.id,
            "status": status,
            "status_details": details,
            "output": [item.as_data() for item in self.items],
            "output_modalities": [self.modality],
            "metadata": self.metadata,
            "usage": usage,
        }

    def begin(self) -> None:
        """Say that there is a response."""
        self.send("response.created", response=self.as_data("in_progress"))

    def _add(self, item: Item) -> None:
        self.items.append(item)
        item.status = "in_progress"
        index = len(self.items) - 1
        self._about("response.output_item.added", output_index=index, item=item.as_data())
        if self.is_in_conversation:
            before = self.add_item(item)
            self.send("conversation.item.added", previous_item_id=before, item=item.as_data())

    def _end(self, item: Item, status: Literal["completed", "incomplete"]) -> None:
        item.status = status
        index = self.items.index(item)
        self._about("response.output_item.done", output_index=index, item=item.as_data())
        if self.is_in_conversation:
            self.send("conversation.item.done", previous_item_id=None, item=item.as_data())

    def _about(self, kind: str, **fields: Any) -> None:
        self.send(kind, response_id=self.id, **fields)

    def _about_part(self, kind: str, item: Item, **fields: Any) -> None:
        index = self.items.index(item)
        self._about(kind, item_id=item.id, output_index=index, content_index=0, **fields)

    def call(self, item: Item) -> None:
        """Send a call of a tool."""
        arguments = item.arguments
        item.arguments = ""
        self._add(item)
        item.arguments = arguments
        index = len(self.items) - 1
        about = {"item_id": item.id, "output_index": index, "call_id": item.call_id}
        self._about("response.function_call_arguments.delta", delta=arguments, **about)
        self._about(
            "response.function_call_arguments.done", arguments=arguments, name=item.name, **about
        )
        self._end(item, "completed")

    def write(self, item: Item) -> None:
        """Send a message as text."""
        text = item.text
        item.text = ""
        self._add(item)
        part = {"type": "text", "text": ""}
        self._about_part("response.content_part.added", item, part=part)
        self._about_part("response.output_text.delta", item, delta=text)
        item.text = text
        self._about_part("response.output_text.done", item, text=text)
        self._about_part("response.content_part.done", item, part={**part, "text": text})
        self._end(item, "completed")

    def announce(self, item: Item) -> None:
        """Say that a spoken message follows."""
        item.is_audio = True
        item.text = ""
        self._add(item)
        part = {"type": "audio", "transcript": ""}
        self._about_part("response.content_part.added", item, part=part)
        self.speaking = item

    def speak(self, utterance: Utterance) -> None:
        """Begin to send the announced message."""
        assert self.speaking is not None, "a message is announced before it is spoken"
        self.speaking.utterance = utterance
        self._released_ms = _FIRST_MS
        self._release()

    def release(self, milliseconds: float) -> None:
        """Send as much audio as became available."""
        self._released_ms += milliseconds
        self._release()

    def _release(self) -> None:
        item = self.speaking
        if item is None or item.utterance is None:
            return
        utterance = item.utterance
        whole_ms = utterance.seconds * 1000
        while item.audio_ms < whole_ms:
            end = min(item.audio_ms + _PIECE_MS, whole_ms)
            if end > max(self._released_ms, _FIRST_MS):
                return
            self._send_piece(item, utterance, item.audio_ms, end)
        self._finish_speech(item, "completed")

    def _send_piece(self, item: Item, utterance: Utterance, start: float, end: float) -> None:
        rate = utterance.sample_rate
        samples = utterance.samples[round(start * rate / 1000) : round(end * rate / 1000)]
        is_last = end >= utterance.seconds * 1000
        words = utterance.said_between(start / 1000, float("inf") if is_last else end / 1000)
        if words:
            self._about_part("response.output_audio_transcript.delta", item, delta=words)
            item.text += words
        audio = base64.b64encode(encode(samples, self.audio_format)).decode()
        self._about_part("response.output_audio.delta", item, delta=audio)
        item.audio_ms = end

    def _finish_speech(self, item: Item, status: Literal["completed", "incomplete"]) -> None:
        self.speaking = None
        if status == "completed" and item.utterance is not None:
            item.text = item.utterance.text
        item.text = item.text.rstrip()
        self._about_part("response.output_audio.done", item)
        self._about_part("response.output_audio_transcript.done", item, transcript=item.text)
        part = {"type": "audio", "transcript": item.text}
        self._about_part("response.content_part.done", item, part=part)
        self._end(item, status)
        if status == "completed" and self.on_spoken is not None:
            self.on_spoken()

    def cancel(self, reason: CancelReason) -> None:
        """End the response before its end."""
        if self.speaking is not None:
            self._finish_speech(self.speaking, "incomplete")
        details = {"type": "cancelled", "reason": reason}
        self.send("response.done", response=self.as_data("cancelled", details, self._usage()))

    def complete(self) -> None:
        """End the response."""
        self.send("response.done", response=self.as_data("completed", None, self._usage()))

    def fail(self, problem: str) -> None:
        """End the response without a result."""
        if self.speaking is not None:
            self._finish_speech(self.speaking, "incomplete")
        error = {"type": "server_error", "code": "server_error", "message": problem}
        details = {"type": "failed", "error": error}
        self.send("response.done", response=self.as_data("failed", details, self._usage()))

    def _usage(self) -> JsonObject:
        """Return token counts: estimates, as a cascade has no tokens of audio."""
        audio = round(sum(item.audio_ms for item in self.items) / _AUDIO_TOKEN_MS)
        characters = sum(len(item.text) + len(item.arguments) for item in self.items)
        text = -(-characters // _CHARACTERS_PER_TOKEN)
        return {
            "input_tokens": self.input_tokens,
            "output_tokens": audio + text,
            "total_tokens": self.input_tokens + audio + text,
            "input_token_details": {
                "text_tokens": self.input_tokens,
                "audio_tokens": 0,
                "cached_tokens": 0,
            },
            "output_token_details": {"text_tokens": text, "audio_tokens": audio},
        }
