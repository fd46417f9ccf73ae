"""Gemini Live, by the package `google-genai`.

Detection of turns is the provider's. Sessions are resumed when the provider announces the end of a
connection. Tested with a scripted stand-in of the package's client; no server of Google was
reached.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from functools import partial
from importlib import import_module
from typing import Any

from tau2.utils.json_types import JsonMapping, JsonObject, JsonValue
from tau2.voice.adapters.events import (
    AdapterEvent,
    AgentAudio,
    AgentTranscript,
    SessionEvent,
    Usage,
    UserActivity,
)
from tau2.voice.adapters.protocol import AgentSetup, Truncation
from tau2.voice.adapters.registry import AdapterContext, providers
from tau2.voice.adapters.sdk import READY, Sdk, SdkTransport, needs_package, until_first_ends
from tau2.voice.adapters.session import WireAdapter
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
from tau2.voice.audio.formats import AudioFormat, Encoding

KEYS = ("GEMINI_API_KEY", "GOOGLE_API_KEY")

_LONGEST_TRANSCRIPT = 100_000


class GeminiTranslator:
    """One Live session of Gemini. It names no items: each turn of the model is one of ours."""

    wire_input = AudioFormat(Encoding.PCM16, 16000)
    wire_output = AudioFormat(Encoding.PCM16, 24000)

    def __init__(self, voice: str, reasoning_effort: str | None = None) -> None:
        """Translate for a session with that voice."""
        self._voice = voice
        self._effort = reasoning_effort
        self.outbox: list[JsonObject] = []
        self.is_ready = False
        self._turn = 0
        self._open_calls: dict[str, str] = {}
        self._results: list[JsonObject] = []
        self._owes = False
        self._greeting: str | None = None
        self._user_words = 0

    @property
    def is_expecting(self) -> bool:
        """Whether the model has results of calls that it did not react to."""
        return self._owes

    @property
    def _item(self) -> str:
        return f"turn_{self._turn}"

    def open(self, setup: AgentSetup) -> None:
        """Begin the session."""
        tools = [
            {
                "name": tool["name"],
                "description": tool["description"],
                "parameters_json_schema": tool["parameters"],
            }
            for tool in function_tools(setup.tools)
        ]
        config: JsonObject = {
            "response_modalities": ["AUDIO"],
            "system_instruction": setup.system_prompt,
            "tools": [{"function_declarations": tools}] if tools else [],
            "input_audio_transcription": {},
            "output_audio_transcription": {},
            "session_resumption": {},
            "context_window_compression": {"sliding_window": {}},
        }
        if self._voice:
            voice = {"prebuilt_voice_config": {"voice_name": self._voice}}
            config["speech_config"] = {"voice_config": voice}
        if self._effort:
            config["thinking_config"] = {"thinking_level": self._effort.upper()}
        self.outbox.append({"type": "setup", "config": config})
        if setup.greeting is not None:
            self.outbox.append({"type": "text", "text": f"Say exactly this: {setup.greeting}"})

    def send_audio(self, data: bytes) -> None:
        """Send audio of the user."""
        self.outbox.append({"type": "audio", "audio": encoded_audio(data)})

    def commit(self) -> None:
        """Nothing: the provider detects turns."""

    def interrupt(self) -> None:
        """Nothing: the provider detects interruptions."""

    def truncate(self, truncation: Truncation) -> None:
        """Nothing: the protocol has no message for it."""

    def answer(self, call_id: str, result: str, *, is_error: bool) -> None:
        """Send the results of a batch of calls once all of them are there.

        Nobody waits for the result of a call that the provider has cancelled.
        """
        name = self._open_calls.pop(call_id, None)
        if name is not None:
            response = {"error" if is_error else "output": result}
            self._results.append({"id": call_id, "name": name, "response": response})
        if self._results and not self._open_calls:
            self.outbox.append({"type": "results", "results": self._results})
            self._results = []
            self._owes = True

    def receive(self, frame: JsonMapping) -> list[AdapterEvent]:
        """Return what a message of the server says."""
        if frame.get("type") == "ready":
            self.is_ready = True
        events = [
            *self._content(object_in(frame, "server_content")),
            *self._calls(object_in(frame, "tool_call")),
            *self._usage(object_in(frame, "usage_metadata")),
        ]
        for cancelled in list_in(object_in(frame, "tool_call_cancellation"), "ids"):
            if isinstance(cancelled, str):
                self._open_calls.pop(cancelled, None)
        left = text_in(object_in(frame, "go_away"), "time_left")
        if left:
            events.append(SessionEvent("warning", f"the connection ends in {quoted(left)}"))
        return events

    def _content(self, content: JsonMapping) -> list[AdapterEvent]:
        events: list[AdapterEvent] = []
        heard = text_in(object_in(content, "input_transcription"), "text")
        if heard:
            events.append(UserActivity("transcript", heard))
        if content.get("interrupted") is True:
            events += [
                UserActivity("speech_started"),
                SessionEvent("cancelled", "interrupted", self._item),
            ]
            self._turn += 1
        for part in list_in(object_in(content, "model_turn"), "parts"):
            inline = object_in(part, "inline_data")
            if "data" in inline:
                self._owes = False
                events.append(self._audio(inline["data"]))
        said = text_in(object_in(content, "output_transcription"), "text")
        if said:
            events.append(AgentTranscript(said, self._item))
        if content.get("generation_complete") is True:
            events.append(SessionEvent("item_done", item_id=self._item))
        if content.get("turn_complete") is True:
            self._owes = False
            events.append(SessionEvent("item_done", item_id=self._item))
            self._turn += 1
        return events

    def _audio(self, data: JsonValue) -> AdapterEvent:
        if isinstance(data, bytes):
            return AgentAudio(data, self._item)
        return audio_event(data if isinstance(data, str) else "", self._item)

    def _calls(self, batch: JsonMapping) -> list[AdapterEvent]:
        requests: list[AdapterEvent] = []
        for call in list_in(batch, "function_calls"):
            if isinstance(call, Mapping):
                name = text_in(call, "name")
                request = tool_request(id_in(call, "id"), name, call.get("args"))
                self._open_calls[request.call.id] = name
                requests.append(request)
                self._owes = False
        return requests

    def _usage(self, usage: JsonMapping) -> list[AdapterEvent]:
        if not usage:
            return []
        prompt = _by_modality(list_in(usage, "prompt_tokens_details"))
        answer = _by_modality(list_in(usage, "response_tokens_details"))
        thoughts = number_in(usage, "thoughts_token_count") or 0
        response = number_in(usage, "response_token_count")
        meters = {
            "input_tokens": number_in(usage, "prompt_token_count"),
            "output_tokens": None if response is None else response + thoughts,
            "input_text_tokens": prompt.get("TEXT"),
            "input_audio_tokens": prompt.get("AUDIO"),
            "input_cached_tokens": number_in(usage, "cached_content_token_count"),
            # Thoughts are charged as text.
            "output_text_tokens": answer.get("TEXT", 0) + thoughts if answer or thoughts else None,
            "output_audio_tokens": answer.get("AUDIO"),
        }
        told = {name: int(value) for name, value in meters.items() if value is not None}
        return [Usage(told)]


def _by_modality(details: Any) -> dict[str, float]:
    counts: dict[str, float] = {}
    for entry in details:
        name = text_in(entry, "modality").upper().rpartition(".")[2]
        counts[name] = counts.get(name, 0) + (number_in(entry, "token_count") or 0)
    return counts


class GeminiTransport(SdkTransport):
    """A session by `google.genai`."""

    def __init__(self, model: str, key: str, base_url: str | None) -> None:
        """Prepare a session with a model."""
        super().__init__("gemini", [key])
        self._model = model
        self._key = key
        self._base_url = base_url
        self._handle: str | None = None

    def load(self) -> None:
        """Import the package. Raise MissingExtra."""
        with needs_package("google-genai"):
            self._genai: Sdk = import_module("google.genai")

    async def run(self) -> None:
        """Play the session, over as many connections as it takes."""
        first = await self.take()
        if first is None:
            return
        config = first["config"]
        options = {"base_url": self._base_url} if self._base_url else None
        # Without a key, the package finds the credentials of a service account.
        client = self._genai.Client(api_key=self._key or None, http_options=options)
        is_resumed = False
        while True:
            if is_resumed:
                config = {**config, "session_resumption": {"handle": self._handle}}
            async with client.aio.live.connect(model=self._model, config=config) as session:
                if not is_resumed:
                    self.put(READY)
                self._is_leaving = False
                self._is_over = False
                await until_first_ends(self._deliver(session), self._collect(session))
            if self._is_over or not (self._is_leaving and self._handle):
                return
            is_resumed = True

    async def _deliver(self, session: Sdk) -> None:
        while (frame := await self.take()) is not None:
            match frame["type"]:
                case "audio":
                    blob = {
                        "data": base64.b64decode(frame["audio"]),
                        "mime_type": "audio/pcm;rate=16000",
                    }
                    await session.send_realtime_input(audio=blob)
                case "text":
                    await session.send_realtime_input(text=frame["text"])
                case "results":
                    await session.send_tool_response(function_responses=frame["results"])
        self._is_over = True

    async def _collect(self, session: Sdk) -> None:
        while not self._is_leaving:
            # The package ends this loop with every turn of the model.
            async for message in session.receive():
                frame = message.model_dump(exclude_none=True)
                self.put(frame)
                update = object_in(frame, "session_resumption_update")
                self._handle = text_in(update, "new_handle") or self._handle
                if "go_away" in frame and self._handle:
                    self._is_leaving = True
                    break


def make_adapter(context: AdapterContext) -> WireAdapter:
    """Return an adapter of Gemini Live. Raise MissingExtra without its package."""
    config = context.config
    provider = providers.get(config.provider)
    key = next((key for name in KEYS if (key := context.environ.get(name, "").strip())), "")
    model = config.model or provider.default_model
    made = partial(GeminiTransport, model, key, config.base_url)
    made().load()
    return WireAdapter(
        made,
        lambda: GeminiTranslator(provider.default_voice, config.effective_reasoning_effort),
        sends_at_once=config.send_audio_instant,
    )
