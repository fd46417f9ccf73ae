"""Amazon Nova Sonic, by the package `aws_sdk_bedrock_runtime` (Python 3.12 or newer).

Credentials and region come from the chain of the AWS package. A session of this service lasts eight
minutes at most. Tested with a scripted stand-in of the package's client; no server of AWS was
reached.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from importlib import import_module

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
from tau2.voice.adapters.registry import AdapterContext, providers
from tau2.voice.adapters.sdk import READY, Sdk, SdkTransport, needs_package, until_first_ends
from tau2.voice.adapters.session import WireAdapter
from tau2.voice.adapters.wire import (
    audio_event,
    encoded_audio,
    function_tools,
    id_in,
    number_in,
    object_in,
    text_in,
    tool_request,
)
from tau2.voice.audio.formats import AudioFormat, Encoding

REGION = "us-east-1"

_PROMPT = "prompt"
_AUDIO = "audio"
_MOST_CONTENTS = 10_000


class NovaTranslator:
    """One session of Nova Sonic.

    Words and audio of an utterance have different content ids: the words of an answer come first,
    marked as speculative, and belong to the audio content that follows them.
    """

    wire_input = AudioFormat(Encoding.PCM16, 16000)
    wire_output = AudioFormat(Encoding.PCM16, 24000)

    def __init__(self, voice: str) -> None:
        """Translate for a session with that voice."""
        self._voice = voice
        self.outbox: list[JsonObject] = []
        self.is_ready = False
        self._results = 0
        self._open_calls: set[str] = set()
        self._owes = False
        self._stages: dict[str, str] = {}
        """Contents of the assistant: audio, or the stage of text."""
        self._waiting: list[str] = []
        """Words whose audio has not begun."""
        self._speaking: str | None = None

    @property
    def is_expecting(self) -> bool:
        """Whether the model has results of calls that it did not react to."""
        return self._owes

    # -- what is sent ---------------------------------------------------------------------------

    def _send(self, kind: str, **fields: object) -> None:
        self.outbox.append({"event": {kind: {"promptName": _PROMPT, **fields}}})

    def open(self, setup: AgentSetup) -> None:
        """Begin the session, with its prompt, and the audio of the user."""
        limits = {"maxTokens": 1024, "topP": 0.9, "temperature": 0.7}
        self.outbox.append({"event": {"sessionStart": {"inferenceConfiguration": limits}}})
        tools = [
            {
                "toolSpec": {
                    "name": tool["name"],
                    "description": tool["description"],
                    "inputSchema": {"json": json.dumps(tool["parameters"])},
                }
            }
            for tool in function_tools(setup.tools)
        ]
        self._send(
            "promptStart",
            textOutputConfiguration={"mediaType": "text/plain"},
            audioOutputConfiguration={
                **_pcm(self.wire_output),
                "voiceId": self._voice,
            },
            **(
                {
                    "toolUseOutputConfiguration": {"mediaType": "application/json"},
                    "toolConfiguration": {"tools": tools},
                }
                if tools
                else {}
            ),
        )
        prompt = setup.system_prompt
        if setup.greeting is not None:
            prompt = f"{prompt}\n\nBegin the call with these words: {setup.greeting}"
        self._text("system", "SYSTEM", prompt)
        self._send(
            "contentStart",
            contentName=_AUDIO,
            type="AUDIO",
            interactive=True,
            role="USER",
            audioInputConfiguration=_pcm(self.wire_input),
        )

    def _text(self, name: str, role: str, text: str) -> None:
        self._send(
            "contentStart",
            contentName=name,
            type="TEXT",
            interactive=False,
            role=role,
            textInputConfiguration={"mediaType": "text/plain"},
        )
        self._send("textInput", contentName=name, content=text)
        self._send("contentEnd", contentName=name)

    def send_audio(self, data: bytes) -> None:
        """Send audio of the user."""
        self._send("audioInput", contentName=_AUDIO, content=encoded_audio(data))

    def commit(self) -> None:
        """Nothing: the provider detects turns."""

    def interrupt(self) -> None:
        """Nothing: the provider detects interruptions."""

    def truncate(self, truncation: Truncation) -> None:
        """Nothing: the protocol has no message for it."""

    def answer(self, call_id: str, result: str, *, is_error: bool) -> None:
        """Send the result of a call."""
        self._results += 1
        name = f"result_{self._results}"
        self._send(
            "contentStart",
            contentName=name,
            type="TOOL",
            interactive=False,
            role="TOOL",
            toolResultInputConfiguration={
                "toolUseId": call_id,
                "type": "TEXT",
                "textInputConfiguration": {"mediaType": "text/plain"},
            },
        )
        told = {"error" if is_error else "result": result}
        self._send("toolResult", contentName=name, content=json.dumps(told))
        self._send("contentEnd", contentName=name)
        self._open_calls.discard(call_id)
        self._owes = not self._open_calls

    # -- what is received -----------------------------------------------------------------------

    def receive(self, frame: JsonMapping) -> list[AdapterEvent]:
        """Return what an event of the service says."""
        if frame.get("type") == "ready":
            self.is_ready = True
            return []
        event = object_in(frame, "event")
        for kind, handle in (
            ("contentStart", self._content_start),
            ("textOutput", self._text_output),
            ("audioOutput", self._audio_output),
            ("toolUse", self._tool_use),
            ("contentEnd", self._content_end),
            ("usageEvent", self._usage),
        ):
            fields = event.get(kind)
            if isinstance(fields, Mapping):
                return handle(fields)
        return []

    def _content_start(self, fields: JsonMapping) -> list[AdapterEvent]:
        content = id_in(fields, "contentId")
        if content is None or text_in(fields, "role") != "ASSISTANT":
            return []
        if len(self._stages) >= _MOST_CONTENTS:
            raise VoiceSessionFailed("the provider sent more contents than a call can have")
        if text_in(fields, "type") == "AUDIO":
            self._stages[content] = "AUDIO"
            self._speaking = content
            self._owes = False
            return self._words_of(content)
        more = text_in(fields, "additionalModelFields")
        self._stages[content] = "SPECULATIVE" if "SPECULATIVE" in more else "FINAL"
        return []

    def _words_of(self, content: str) -> list[AdapterEvent]:
        words = self._waiting
        self._waiting = []
        return [AgentTranscript(text, content) for text in words]

    def _text_output(self, fields: JsonMapping) -> list[AdapterEvent]:
        text = text_in(fields, "content")
        if text_in(fields, "role") == "USER":
            return [UserActivity("transcript", text)]
        if _says_interrupted(text):
            return self._interrupted()
        stage = self._stages.get(id_in(fields, "contentId") or "")
        if stage == "SPECULATIVE" and len(self._waiting) < _MOST_CONTENTS:
            self._waiting.append(text)
        # What was really said is told once more, as final, after it was spoken.
        return []

    def _audio_output(self, fields: JsonMapping) -> list[AdapterEvent]:
        return [audio_event(text_in(fields, "content"), id_in(fields, "contentId"))]

    def _tool_use(self, fields: JsonMapping) -> list[AdapterEvent]:
        name = text_in(fields, "toolName")
        request = tool_request(id_in(fields, "toolUseId"), name, fields.get("content"))
        self._open_calls.add(request.call.id)
        self._owes = False
        return [request]

    def _content_end(self, fields: JsonMapping) -> list[AdapterEvent]:
        content = id_in(fields, "contentId")
        if text_in(fields, "stopReason") == "INTERRUPTED":
            return self._interrupted()
        if content is not None and self._stages.get(content) == "AUDIO":
            return [SessionEvent("item_done", item_id=content)]
        return []

    def _interrupted(self) -> list[AdapterEvent]:
        self._waiting = []
        speaking = self._speaking
        self._speaking = None
        if speaking is None:
            return []
        return [
            UserActivity("speech_started"),
            SessionEvent("cancelled", "interrupted", speaking),
        ]

    def _usage(self, fields: JsonMapping) -> list[AdapterEvent]:
        total = object_in(object_in(fields, "details"), "total")
        given = object_in(total, "input")
        made = object_in(total, "output")
        meters = {
            "input_tokens": number_in(fields, "totalInputTokens"),
            "output_tokens": number_in(fields, "totalOutputTokens"),
            "input_text_tokens": number_in(given, "textTokens"),
            "input_audio_tokens": number_in(given, "speechTokens"),
            "output_text_tokens": number_in(made, "textTokens"),
            "output_audio_tokens": number_in(made, "speechTokens"),
        }
        told = {name: int(value) for name, value in meters.items() if value is not None}
        scope = id_in(fields, "completionId") or "session"
        return [Usage(told, is_cumulative=True, scope_id=scope)]


def _pcm(audio_format: AudioFormat) -> JsonObject:
    return {
        "mediaType": "audio/lpcm",
        "sampleRateHertz": audio_format.sample_rate,
        "sampleSizeBits": 16,
        "channelCount": 1,
        "encoding": "base64",
        "audioType": "SPEECH",
    }


def _says_interrupted(text: str) -> bool:
    """Return whether a text is the mark of an interruption, which comes as a JSON object."""
    return '"interrupted"' in text and text.strip().startswith("{") and "true" in text


class NovaTransport(SdkTransport):
    """A bidirectional stream by `aws_sdk_bedrock_runtime`."""

    def __init__(self, model: str, region: str, base_url: str | None) -> None:
        """Prepare a session with a model in a region."""
        super().__init__("nova")
        self._model = model
        self._region = region
        self._base_url = base_url

    def load(self) -> None:
        """Import the package. Raise MissingExtra."""
        with needs_package("aws_sdk_bedrock_runtime", "it needs Python 3.12"):
            self._client: Sdk = import_module("aws_sdk_bedrock_runtime.client")
            self._config: Sdk = import_module("aws_sdk_bedrock_runtime.config")
            self._models: Sdk = import_module("aws_sdk_bedrock_runtime.models")

    async def run(self) -> None:
        """Play the session."""
        endpoint = {"endpoint_uri": self._base_url} if self._base_url else {}
        config = await self._config.AsyncBedrockRuntimeConfig.resolve(
            region=self._region, **endpoint
        )
        client = self._client.AsyncBedrockRuntimeClient(config)
        asked = self._models.InvokeModelWithBidirectionalStreamOperationInput(model_id=self._model)
        stream = await client.invoke_model_with_bidirectional_stream(asked)
        self.put(READY)
        try:
            await until_first_ends(self._deliver(stream), self._collect(stream))
        finally:
            await stream.close()

    async def _deliver(self, stream: Sdk) -> None:
        while (frame := await self.take()) is not None:
            await self._send(stream, frame)
        for kind, fields in (
            ("contentEnd", {"promptName": _PROMPT, "contentName": _AUDIO}),
            ("promptEnd", {"promptName": _PROMPT}),
            ("sessionEnd", {}),
        ):
            await self._send(stream, {"event": {kind: fields}})

    async def _send(self, stream: Sdk, frame: JsonObject) -> None:
        part = self._models.BidirectionalInputPayloadPart(bytes_=json.dumps(frame).encode())
        chunk = self._models.InvokeModelWithBidirectionalStreamInputChunk(value=part)
        await stream.input_stream.send(chunk)

    async def _collect(self, stream: Sdk) -> None:
        _, output = await stream.await_output()
        async for event in output:
            value = getattr(event, "value", None)
            data = getattr(value, "bytes_", None)
            if data:
                self.put(json.loads(data))
            elif isinstance(value, Exception):
                raise value


def make_adapter(context: AdapterContext) -> WireAdapter:
    """Return an adapter of Nova Sonic. Raise MissingExtra without its package."""
    config = context.config
    provider = providers.get(config.provider)
    region = context.environ.get("AWS_REGION") or context.environ.get("AWS_DEFAULT_REGION")
    model = config.model or provider.default_model
    made = partial(NovaTransport, model, region or REGION, config.base_url)
    made().load()
    return WireAdapter(
        made,
        lambda: NovaTranslator(provider.default_voice),
        sends_at_once=config.send_audio_instant,
    )
