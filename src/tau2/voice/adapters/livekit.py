"""A cascade of LiveKit Agents: recognition, a text model and synthesis, by the package's plug-ins.

The cascade runs in this process, without a room: its audio input and output are ours. Tested with
a scripted stand-in of the package; neither a server of LiveKit nor one of its providers was
reached.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module

from tau2.errors import ConfigError
from tau2.utils.json_types import JsonMapping, JsonObject
from tau2.voice.adapters.engine import TickEngine
from tau2.voice.adapters.events import (
    AdapterEvent,
    AgentTranscript,
    SessionEvent,
    Usage,
    UserActivity,
)
from tau2.voice.adapters.protocol import AgentSetup, TickResult, Truncation
from tau2.voice.adapters.registry import AdapterContext
from tau2.voice.adapters.sdk import READY, Sdk, SdkTransport, needs_package, until_first_ends
from tau2.voice.adapters.session import WireAdapter
from tau2.voice.adapters.wire import (
    audio_event,
    encoded_audio,
    function_tools,
    id_in,
    object_in,
    quoted,
    text_in,
    tool_request,
)
from tau2.voice.audio.formats import AudioFormat, Encoding

_MS_PER_SECOND = 1000


@dataclass(frozen=True, slots=True)
class CascadePreset:
    """Which engines a cascade is made of: the provider and the arguments of each."""

    stt: tuple[str, JsonMapping]
    llm: tuple[str, JsonMapping]
    tts: tuple[str, JsonMapping]
    keys: tuple[str, ...] = field(default=())
    """Environment variables that its engines need."""


_DEEPGRAM_STT = (
    "deepgram",
    {
        "model": "nova-3",
        "language": "en-US",
        "interim_results": True,
        "punctuate": True,
        "smart_format": False,
        "endpointing_ms": 350,
        "vad_events": True,
    },
)
_DEEPGRAM_TTS = ("deepgram", {"model": "aura-asteria-en", "sample_rate": 24000})

PRESETS: Mapping[str, CascadePreset] = {
    "default": CascadePreset(
        _DEEPGRAM_STT,
        ("openai", {"model": "gpt-4.1"}),
        _DEEPGRAM_TTS,
        ("DEEPGRAM_API_KEY", "OPENAI_API_KEY"),
    ),
    "openai-thinking": CascadePreset(
        _DEEPGRAM_STT,
        ("openai", {"model": "gpt-5.2", "reasoning_effort": "medium"}),
        _DEEPGRAM_TTS,
        ("DEEPGRAM_API_KEY", "OPENAI_API_KEY"),
    ),
}
"""By `cascaded_config_name`."""


_PLUGINS: Mapping[str, Callable[[], Sdk]] = {
    "deepgram": lambda: import_module("livekit.plugins.deepgram"),
    "elevenlabs": lambda: import_module("livekit.plugins.elevenlabs"),
    "openai": lambda: import_module("livekit.plugins.openai"),
}


class LiveKitTranslator:
    """One cascade; its frames are those of `LiveKitTransport`."""

    wire_input = AudioFormat(Encoding.PCM16, 16000)
    wire_output = AudioFormat(Encoding.PCM16, 24000)

    def __init__(self) -> None:
        """Translate for a session."""
        self.outbox: list[JsonObject] = []
        self.is_ready = False
        self.is_expecting = False

    def open(self, setup: AgentSetup) -> None:
        """Begin the session."""
        self.outbox.append(
            {
                "type": "setup",
                "instructions": setup.system_prompt,
                "tools": function_tools(setup.tools),
                "greeting": setup.greeting,
            }
        )

    def send_audio(self, data: bytes) -> None:
        """Send audio of the user."""
        self.outbox.append({"type": "audio", "audio": encoded_audio(data)})

    def commit(self) -> None:
        """Nothing: the cascade detects turns."""

    def interrupt(self) -> None:
        """Nothing: the cascade detects interruptions."""

    def truncate(self, truncation: Truncation) -> None:
        """Tell the cascade how much of an utterance was played before it was cut off."""
        self.played(truncation.played_ms, is_interrupted=True)

    def played(self, milliseconds: float, *, is_interrupted: bool) -> None:
        """Tell the cascade that an utterance is over."""
        self.outbox.append({"type": "played", "ms": milliseconds, "interrupted": is_interrupted})

    def answer(self, call_id: str, result: str, *, is_error: bool) -> None:
        """Send the result of a call."""
        self.outbox.append(
            {"type": "result", "call_id": call_id, "output": result, "is_error": is_error}
        )

    def receive(self, frame: JsonMapping) -> list[AdapterEvent]:
        """Return what a frame says."""
        handle = _HANDLERS.get(text_in(frame, "type"))
        return [] if handle is None else handle(self, frame)

    def _ready(self, frame: JsonMapping) -> list[AdapterEvent]:
        self.is_ready = True
        return []

    def _audio(self, frame: JsonMapping) -> list[AdapterEvent]:
        return [audio_event(text_in(frame, "audio"), id_in(frame, "item_id"))]

    def _words(self, frame: JsonMapping) -> list[AdapterEvent]:
        return [AgentTranscript(text_in(frame, "text"), id_in(frame, "item_id"))]

    def _done(self, frame: JsonMapping) -> list[AdapterEvent]:
        item = id_in(frame, "item_id")
        return [] if item is None else [SessionEvent("item_done", item_id=item)]

    def _interrupted(self, frame: JsonMapping) -> list[AdapterEvent]:
        item = id_in(frame, "item_id")
        return [] if item is None else [SessionEvent("cancelled", item_id=item)]

    def _user_state(self, frame: JsonMapping) -> list[AdapterEvent]:
        is_speaking = frame.get("speaking") is True
        return [UserActivity("speech_started" if is_speaking else "speech_stopped")]

    def _user_words(self, frame: JsonMapping) -> list[AdapterEvent]:
        return [UserActivity("transcript", text_in(frame, "text"))]

    def _call(self, frame: JsonMapping) -> list[AdapterEvent]:
        name = text_in(frame, "name")
        return [tool_request(id_in(frame, "call_id"), name, frame.get("arguments"))]

    def _usage(self, frame: JsonMapping) -> list[AdapterEvent]:
        provider = text_in(frame, "provider") or None
        model = text_in(frame, "model") or None
        meters = dict(object_in(frame, "meters"))
        match text_in(frame, "component"):
            case "llm" | "stt" | "tts" as component:
                return [Usage(meters, component, provider=provider, model=model)]
        return []

    def _error(self, frame: JsonMapping) -> list[AdapterEvent]:
        # What is recoverable, the package tries again by itself.
        text = quoted(text_in(frame, "text"))
        if frame.get("is_retryable") is True:
            return [SessionEvent("warning", text)]
        return [SessionEvent("error", text, is_retryable=True)]

    def _closed(self, frame: JsonMapping) -> list[AdapterEvent]:
        return [SessionEvent("closed", quoted(text_in(frame, "text")))]


# ruff: noqa: SLF001  -- the table belongs to the class
_HANDLERS: Mapping[str, Callable[[LiveKitTranslator, JsonMapping], list[AdapterEvent]]] = {
    "ready": LiveKitTranslator._ready,
    "audio": LiveKitTranslator._audio,
    "words": LiveKitTranslator._words,
    "done": LiveKitTranslator._done,
    "interrupted": LiveKitTranslator._interrupted,
    "user_state": LiveKitTranslator._user_state,
    "user_words": LiveKitTranslator._user_words,
    "call": LiveKitTranslator._call,
    "usage": LiveKitTranslator._usage,
    "error": LiveKitTranslator._error,
    "closed": LiveKitTranslator._closed,
}


class LiveKitTransport(SdkTransport):
    """A cascade by `livekit.agents`."""

    def __init__(self, preset: CascadePreset, secrets: list[str]) -> None:
        """Prepare a cascade."""
        super().__init__("livekit", secrets)
        self._preset = preset
        self._item = 0
        self._results: dict[str, asyncio.Future[JsonObject]] = {}

    def load(self) -> None:
        """Import the package and its plug-ins. Raise MissingExtra."""
        with needs_package("livekit-agents"):
            self._agents: Sdk = import_module("livekit.agents")
            self._io: Sdk = import_module("livekit.agents.voice.io")
            self._rtc: Sdk = import_module("livekit.rtc")
        self._plugins: dict[str, Sdk] = {}
        for name, _ in (self._preset.stt, self._preset.llm, self._preset.tts):
            with needs_package(f"livekit-plugins-{name}"):
                self._plugins[name] = _PLUGINS[name]()

    def _engine(self, kind: str, chosen: tuple[str, JsonMapping]) -> Sdk:
        name, arguments = chosen
        return getattr(self._plugins[name], kind)(**arguments)

    @property
    def _item_id(self) -> str:
        return f"segment_{self._item}"

    async def run(self) -> None:
        """Play the session."""
        setup = await self.take()
        if setup is None:
            return
        session = self._agents.AgentSession(
            stt=self._engine("STT", self._preset.stt),
            llm=self._engine("LLM", self._preset.llm),
            tts=self._engine("TTS", self._preset.tts),
            turn_detection="stt",
        )
        self._frames: asyncio.Queue[Sdk] = asyncio.Queue()
        session.input.audio = _source(self._io, self._frames)
        self._sink = _sink(self._io, self)
        session.output.audio = self._sink
        session.output.transcription = _text_sink(self._io, self)
        self._listen(session)
        agent = self._agents.Agent(
            instructions=setup["instructions"],
            tools=[self._tool(schema) for schema in setup["tools"]],
        )
        await session.start(agent, record=False)
        self.put(READY)
        if setup["greeting"] is not None:
            session.say(setup["greeting"])
        try:
            await until_first_ends(self._deliver(), self._until_closed(session))
        finally:
            await session.aclose()

    def _tool(self, schema: JsonObject) -> Sdk:
        """Return a tool of the cascade that the episode executes."""

        async def call(raw_arguments: JsonObject, context: Sdk) -> str:
            call_id = context.function_call.call_id
            waiting: asyncio.Future[JsonObject] = asyncio.get_running_loop().create_future()
            self._results[call_id] = waiting
            frame = {"call_id": call_id, "name": schema["name"], "arguments": raw_arguments}
            self.put({"type": "call", **frame})
            result = await waiting
            if result["is_error"]:
                raise self._agents.ToolError(result["output"])
            output: str = result["output"]
            return output

        # The package recognizes the context of a call by the annotation of its argument.
        call.__annotations__["context"] = self._agents.RunContext
        raw = {name: value for name, value in schema.items() if name != "type"}
        return self._agents.function_tool(call, raw_schema=raw)

    def _listen(self, session: Sdk) -> None:
        def on_user_state(event: Sdk) -> None:
            if event.new_state == "speaking" or event.old_state == "speaking":
                self.put({"type": "user_state", "speaking": event.new_state == "speaking"})

        def on_user_words(event: Sdk) -> None:
            if event.is_final:
                self.put({"type": "user_words", "text": event.transcript})

        def on_error(event: Sdk) -> None:
            is_retryable = bool(getattr(event.error, "recoverable", False))
            self.put({"type": "error", "text": str(event.error), "is_retryable": is_retryable})

        self._closed = asyncio.Event()

        def on_close(event: Sdk) -> None:
            self.put({"type": "closed", "text": str(getattr(event, "reason", ""))})
            self._closed.set()

        session.on("user_state_changed", on_user_state)
        session.on("user_input_transcribed", on_user_words)
        session.on("metrics_collected", lambda event: self._metrics(event.metrics))
        session.on("error", on_error)
        session.on("close", on_close)

    def _metrics(self, metrics: Sdk) -> None:
        kind = getattr(metrics, "type", "")
        fields = _METRICS.get(kind)
        if fields is None:
            return
        component, names = fields
        chosen = {"stt": self._preset.stt, "llm": self._preset.llm, "tts": self._preset.tts}
        provider, arguments = chosen[component]
        meters = {ours: getattr(metrics, theirs, None) for theirs, ours in names.items()}
        told = {name: value for name, value in meters.items() if value is not None}
        frame = {"component": component, "provider": provider, "model": arguments["model"]}
        self.put({"type": "usage", **frame, "meters": told})

    async def _until_closed(self, session: Sdk) -> None:
        await self._closed.wait()

    async def _deliver(self) -> None:
        while (frame := await self.take()) is not None:
            match frame["type"]:
                case "audio":
                    data = base64.b64decode(frame["audio"])
                    rate = LiveKitTranslator.wire_input.sample_rate
                    self._frames.put_nowait(
                        self._rtc.AudioFrame(
                            data=data,
                            sample_rate=rate,
                            num_channels=1,
                            samples_per_channel=len(data) // 2,
                        )
                    )
                case "played":
                    self._sink.on_playback_finished(
                        playback_position=frame["ms"] / _MS_PER_SECOND,
                        interrupted=frame["interrupted"],
                    )
                case "result":
                    waiting = self._results.pop(frame["call_id"], None)
                    if waiting is not None and not waiting.done():
                        waiting.set_result(frame)

    # -- for the sinks --------------------------------------------------------------------------

    def speak(self, data: bytes) -> None:
        """Take audio of the agent."""
        self.put({"type": "audio", "item_id": self._item_id, "audio": encoded_audio(data)})

    def say(self, text: str) -> None:
        """Take words of the agent."""
        self.put({"type": "words", "item_id": self._item_id, "text": text})

    def end_segment(self) -> None:
        """Take the end of an utterance."""
        self.put({"type": "done", "item_id": self._item_id})
        self._item += 1

    def cut(self) -> None:
        """Take the interruption of the utterance that is played."""
        # One that was sent whole has a number already.
        for number in (self._item - 1, self._item):
            self.put({"type": "interrupted", "item_id": f"segment_{number}"})
        self._item += 1


_METRICS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "llm_metrics": (
        "llm",
        {
            "prompt_tokens": "input_tokens",
            "completion_tokens": "output_tokens",
            "prompt_cached_tokens": "input_cached_tokens",
        },
    ),
    "stt_metrics": ("stt", {"audio_duration": "audio_input_seconds"}),
    "tts_metrics": ("tts", {"characters_count": "characters"}),
}
"""The metrics of the package: component, and our name for each of its figures."""


def _source(io: Sdk, frames: asyncio.Queue[Sdk]) -> Sdk:
    """Return the audio input of a cascade."""

    class Source(io.AudioInput):  # type: ignore[misc]  # the package is loaded at run time
        def __init__(self) -> None:
            super().__init__(label="tau2")

        async def __anext__(self) -> Sdk:
            return await frames.get()

    return Source()


def _sink(io: Sdk, transport: LiveKitTransport) -> Sdk:
    """Return the audio output of a cascade."""

    class Sink(io.AudioOutput):  # type: ignore[misc]  # the package is loaded at run time
        def __init__(self) -> None:
            super().__init__(
                label="tau2",
                capabilities=io.AudioOutputCapabilities(pause=False),
                sample_rate=LiveKitTranslator.wire_output.sample_rate,
            )

        async def capture_frame(self, frame: Sdk) -> None:
            await super().capture_frame(frame)
            transport.speak(bytes(frame.data))

        def flush(self) -> None:
            super().flush()
            transport.end_segment()

        def clear_buffer(self) -> None:
            transport.cut()

    return Sink()


def _text_sink(io: Sdk, transport: LiveKitTransport) -> Sdk:
    """Return the text output of a cascade."""

    class TextSink(io.TextOutput):  # type: ignore[misc]  # the package is loaded at run time
        def __init__(self) -> None:
            super().__init__(label="tau2", next_in_chain=None)

        async def capture_text(self, text: str) -> None:
            transport.say(str(text))

        def flush(self) -> None:
            pass

    return TextSink()


class LiveKitAdapter(WireAdapter):
    """A cascade is told when an utterance was played, because nobody else plays it."""

    engine: TickEngine
    translator: LiveKitTranslator

    def connect(self, setup: AgentSetup) -> None:
        """Open a session. Raise VoiceSessionFailed."""
        self._told: set[str] = set()
        super().connect(setup)

    def run_tick(self, user_audio: bytes, tick: int) -> TickResult:
        """Send one tick of the user's audio and return one tick of the agent's."""
        result = super().run_tick(user_audio, tick)
        for name, ledger in self.engine.ledgers.items():
            if name in self._told or not (ledger.is_done or ledger.is_cancelled):
                continue
            if ledger.is_cancelled or not ledger.waiting:
                self._told.add(name)
                if ledger.received and not ledger.is_cancelled:
                    played = self.engine.audio_format.milliseconds_of(ledger.played)
                    self.translator.played(played, is_interrupted=False)
        self.flush()
        return result


def make_adapter(context: AdapterContext) -> LiveKitAdapter:
    """Return an adapter of a LiveKit cascade.

    Raise ConfigError for an unknown preset or a missing key, MissingExtra without a package.
    """
    config = context.config
    name = config.cascaded_config_name or "default"
    preset = PRESETS.get(name)
    if preset is None:
        raise ConfigError(f"no LiveKit cascade is named {name!r}; known: {', '.join(PRESETS)}")
    missing = [key for key in preset.keys if not context.environ.get(key)]
    if missing:
        raise ConfigError(f"the LiveKit cascade {name!r} needs {' and '.join(missing)}")
    secrets = [context.environ[key] for key in preset.keys]
    made = partial(LiveKitTransport, preset, secrets)
    made().load()
    return LiveKitAdapter(
        made,
        LiveKitTranslator,
        # The cascade decides whether the user's speech interrupts it.
        partial(TickEngine, is_cut_by_speech=False),
        sends_at_once=config.send_audio_instant,
    )
