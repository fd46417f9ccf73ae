"""Gemini, Nova Sonic and LiveKit, each with a scripted stand-in of its package's objects."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import sys
from types import ModuleType, SimpleNamespace

import pytest

from tau2.data_model.audio import AudioNativeConfig
from tau2.environment.tool import as_tool
from tau2.errors import ConfigError, MissingExtra, VoiceSessionFailed
from tau2.voice.adapters import sdk
from tau2.voice.adapters.events import AgentTranscript, SessionEvent, UserActivity
from tau2.voice.adapters.gemini import GeminiTranslator
from tau2.voice.adapters.nova import NovaTranslator
from tau2.voice.adapters.protocol import AgentSetup
from tau2.voice.adapters.registry import AdapterContext, make_adapter
from tau2.voice.audio.formats import TELEPHONE

from .test_realtime import find_order
from .test_session import MANY, SILENCE, is_speech, play
from .wire_cast import TICK_MS

KEYS = {
    "GEMINI_API_KEY": "gemini-secret-key",
    "DEEPGRAM_API_KEY": "deepgram-secret-key",
    "OPENAI_API_KEY": "openai-secret-key",
}
TONE = (b"\x00\x10" * 480) * 3  # 60 ms of 24 kHz


def adapter_of(name, **config):
    settings = AudioNativeConfig(provider=name, tick_duration_seconds=TICK_MS / 1000, **config)
    return make_adapter(AdapterContext(settings, environ=KEYS))


def setup(greeting=None):
    return AgentSetup("Be kind.", [as_tool(find_order)], TICK_MS, TELEPHONE, greeting=greeting)


def module(name, **members):
    made = ModuleType(name)
    vars(made).update(members)
    return made


def called(name, call_id):
    """Return the ticks of a call that greets, looks for an order with one call, and answers."""
    adapter = adapter_of(name)
    adapter.connect(setup("Hello."))
    results = play(adapter, MANY, until=lambda result: result.tool_calls)
    assert results[-1].tool_calls[0].arguments == {"order_id": "W1"}
    adapter.send_tool_result(call_id, "an order")
    results += play(adapter, MANY, until=is_speech)
    results += play(adapter, 10)
    adapter.disconnect()
    return results


class Script:
    """What a provider says, once it heard enough: (frames heard, message) in order."""

    def __init__(self, *steps):
        self.steps = list(steps)
        self.heard = []
        self.changed = asyncio.Event()

    def note(self, kind, value):
        self.heard.append((kind, value))
        self.changed.set()

    async def __aiter__(self):
        for condition, message in self.steps:
            while not condition(self.heard):
                self.changed.clear()
                await self.changed.wait()
            yield message


def audio_came(heard):
    return any(kind == "audio" for kind, _ in heard)


def result_came(heard):
    return any(kind == "result" for kind, _ in heard)


# -- Gemini -------------------------------------------------------------------------------------


class GeminiSession:
    def __init__(self, script):
        self.script = script
        self.messages = aiter(script)

    async def send_realtime_input(self, *, audio=None, text=None):
        self.script.note("audio" if audio else "text", audio or text)

    async def send_tool_response(self, *, function_responses):
        self.script.note("result", function_responses)

    async def receive(self):
        try:
            message = await anext(self.messages)
        except StopAsyncIteration:
            await asyncio.Event().wait()
        if isinstance(message, Exception):
            raise message
        yield SimpleNamespace(model_dump=lambda exclude_none: message)


def gemini(monkeypatch, *scripts):
    """Put a package in place whose n-th connection plays the n-th script."""
    connections = []

    class Client:
        def __init__(self, **options):
            self.options = options
            self.aio = SimpleNamespace(live=SimpleNamespace(connect=self.connect))

        @contextlib.asynccontextmanager
        async def connect(self, *, model, config):
            script = Script(*scripts[len(connections)])
            connections.append(SimpleNamespace(model=model, config=config, script=script))
            yield GeminiSession(script)

    monkeypatch.setitem(sys.modules, "google.genai", module("google.genai", Client=Client))
    return connections


def content(**fields):
    return {"server_content": fields}


def spoken(data=TONE):
    return {"parts": [{"inline_data": {"data": data, "mime_type": "audio/pcm;rate=24000"}}]}


def test_a_call_with_gemini(monkeypatch):
    call = {"id": "f1", "name": "find_order", "args": {"order_id": "W1"}}
    usage = {"prompt_token_count": 9, "response_token_count": 4, "thoughts_token_count": 2}
    connections = gemini(
        monkeypatch,
        [
            (audio_came, content(input_transcription={"text": "Where is it?"})),
            (audio_came, {"tool_call": {"function_calls": [call]}}),
            (result_came, content(model_turn=spoken())),
            (result_came, content(output_transcription={"text": "Here."})),
            (result_came, {**content(turn_complete=True), "usage_metadata": usage}),
        ],
    )
    results = called("gemini", "f1")
    [made] = connections
    assert made.model == "gemini-3.1-flash-live-preview"
    assert made.config["system_instruction"] == "Be kind."
    assert made.config["thinking_config"] == {"thinking_level": "HIGH"}
    assert made.config["speech_config"]["voice_config"]["prebuilt_voice_config"] == {
        "voice_name": "Zephyr"
    }
    assert made.script.heard[0] == ("text", "Say exactly this: Hello.")
    [sent] = [value for kind, value in made.script.heard if kind == "result"]
    assert sent == [{"id": "f1", "name": "find_order", "response": {"output": "an order"}}]
    audio = next(value for kind, value in made.script.heard if kind == "audio")
    assert audio["mime_type"] == "audio/pcm;rate=16000"
    speaking = [result for result in results if result.contains_speech]
    # 60 ms, and what the resampler adds or holds back at the ends.
    assert 3 <= len(speaking) <= 4
    assert "".join(result.transcript for result in results) == "Here."
    [used] = [event for result in results for event in result.usage]
    assert used.meters == {"input_tokens": 9, "output_tokens": 6, "output_text_tokens": 2}


def test_gemini_resumes_a_session_whose_connection_ends(monkeypatch):
    connections = gemini(
        monkeypatch,
        [
            (audio_came, {"session_resumption_update": {"new_handle": "h1", "resumable": True}}),
            (audio_came, {"go_away": {"time_left": "10s"}}),
        ],
        [(audio_came, content(model_turn=spoken()))],
    )
    adapter = adapter_of("gemini")
    adapter.connect(setup())
    results = play(adapter, MANY, until=is_speech)
    adapter.disconnect()
    assert results[-1].contains_speech
    assert connections[1].config["session_resumption"] == {"handle": "h1"}
    assert [text for result in results for text in result.warnings] == [
        "the connection ends in 10s"
    ]


def test_what_the_package_raises_ends_the_call_without_the_key(monkeypatch):
    refusal = RuntimeError("bad request ?key=gemini-secret-key")
    gemini(monkeypatch, [(audio_came, refusal)])
    adapter = adapter_of("gemini")
    adapter.connect(setup())
    with pytest.raises(VoiceSessionFailed, match=r"RuntimeError: bad request \?key=\[redacted\]"):
        play(adapter, MANY)
    with pytest.raises(VoiceSessionFailed):
        adapter.run_tick(SILENCE, 99)
    adapter.disconnect()


def test_an_interruption_ends_the_turn_of_gemini():
    made = GeminiTranslator("Zephyr")
    made.receive(content(model_turn=spoken()))
    events = made.receive(content(interrupted=True))
    assert events == [
        UserActivity("speech_started"),
        SessionEvent("cancelled", "interrupted", "turn_0"),
    ]
    [audio] = made.receive(content(model_turn=spoken(base64.b64encode(TONE).decode())))
    assert (audio.item_id, audio.data) == ("turn_1", TONE)


def test_results_of_a_batch_go_to_gemini_together():
    made = GeminiTranslator("")
    calls = [{"id": name, "name": "find_order", "args": {}} for name in ("a", "b", "c")]
    made.receive({"tool_call": {"function_calls": calls}})
    made.receive({"tool_call_cancellation": {"ids": ["c"]}})
    made.answer("a", "one", is_error=False)
    assert made.outbox == []
    made.answer("b", "Error: none", is_error=True)
    [frame] = made.outbox
    assert [result["response"] for result in frame["results"]] == [
        {"output": "one"},
        {"error": "Error: none"},
    ]
    assert made.is_expecting
    made.receive(content(model_turn=spoken()))
    assert not made.is_expecting


def test_the_result_of_a_cancelled_call_is_not_sent_to_gemini():
    made = GeminiTranslator("")
    calls = [{"id": name, "name": "find_order", "args": {}} for name in ("a", "b")]
    made.receive({"tool_call": {"function_calls": calls}})
    made.answer("a", "one", is_error=False)
    made.receive({"tool_call_cancellation": {"ids": ["b"]}})
    made.answer("b", "two", is_error=False)
    [frame] = made.outbox
    assert [result["id"] for result in frame["results"]] == ["a"]
    made.receive({"tool_call": {"function_calls": [{"id": "c", "name": "find_order"}]}})
    made.receive({"tool_call_cancellation": {"ids": ["c"]}})
    made.answer("c", "three", is_error=False)
    assert len(made.outbox) == 1
    assert not made.is_expecting


# -- Nova Sonic ---------------------------------------------------------------------------------


class NovaStream:
    def __init__(self, script):
        self.script = script
        self.input_stream = SimpleNamespace(send=self.send)

    async def send(self, chunk):
        [(kind, fields)] = json.loads(chunk.value.bytes_)["event"].items()
        known = {"audioInput": "audio", "toolResult": "result"}
        self.script.note(known.get(kind, kind), fields)

    async def await_output(self):
        return None, self.events()

    async def events(self):
        async for message in self.script:
            if isinstance(message, Exception):
                yield SimpleNamespace(value=message)
            else:
                data = json.dumps({"event": message}).encode()
                yield SimpleNamespace(value=SimpleNamespace(bytes_=data))
        await asyncio.Event().wait()

    async def close(self):
        self.script.note("closed", None)


def nova(monkeypatch, *steps):
    """Put a package in place whose stream plays the steps."""
    seen = SimpleNamespace(script=None, model=None, region=None)

    async def resolve(*, region):
        seen.region = region

    async def invoke(asked):
        seen.model = asked.model_id
        seen.script = Script(*steps)
        return NovaStream(seen.script)

    client = SimpleNamespace(invoke_model_with_bidirectional_stream=invoke)
    kinds = (
        "BidirectionalInputPayloadPart",
        "InvokeModelWithBidirectionalStreamInputChunk",
        "InvokeModelWithBidirectionalStreamOperationInput",
    )
    for part, members in (
        ("client", {"AsyncBedrockRuntimeClient": lambda config: client}),
        ("config", {"AsyncBedrockRuntimeConfig": SimpleNamespace(resolve=resolve)}),
        ("models", dict.fromkeys(kinds, SimpleNamespace)),
    ):
        name = f"aws_sdk_bedrock_runtime.{part}"
        monkeypatch.setitem(sys.modules, name, module(name, **members))
    return seen


def assistant(content_id, kind, stage=None):
    fields = {"contentId": content_id, "type": kind, "role": "ASSISTANT"}
    if stage:
        fields["additionalModelFields"] = json.dumps({"generationStage": stage})
    return {"contentStart": fields}


def nova_text(content_id, text, role="ASSISTANT"):
    return {"textOutput": {"contentId": content_id, "content": text, "role": role}}


def nova_audio(content_id):
    data = base64.b64encode(TONE).decode()
    return {"audioOutput": {"contentId": content_id, "content": data}}


def test_a_call_with_nova(monkeypatch):
    use = {"toolName": "find_order", "toolUseId": "u1", "content": '{"order_id": "W1"}'}
    totals = {"input": {"speechTokens": 5, "textTokens": 3}, "output": {"speechTokens": 7}}
    usage = {"completionId": "k", "totalInputTokens": 8, "details": {"total": totals}}
    seen = nova(
        monkeypatch,
        (audio_came, nova_text("u", "Where is it?", "USER")),
        (audio_came, {"toolUse": use}),
        (result_came, assistant("t", "TEXT", "SPECULATIVE")),
        (result_came, nova_text("t", "Here it is.")),
        (result_came, assistant("a", "AUDIO")),
        (result_came, nova_audio("a")),
        (result_came, {"contentEnd": {"contentId": "a", "stopReason": "END_TURN"}}),
        (result_came, assistant("f", "TEXT", "FINAL")),
        (result_came, nova_text("f", "Here it is.")),
        (result_came, {"usageEvent": usage}),
    )
    results = called("nova", "u1")
    assert (seen.model, seen.region) == ("amazon.nova-2-sonic-v1:0", "us-east-1")
    kinds = [kind for kind, _ in seen.script.heard]
    assert kinds[:6] == [
        "sessionStart",
        "promptStart",
        "contentStart",
        "textInput",
        "contentEnd",
        "contentStart",
    ]
    assert kinds[-4:] == ["contentEnd", "promptEnd", "sessionEnd", "closed"]
    prompt = seen.script.heard[1][1]
    [tool] = prompt["toolConfiguration"]["tools"]
    assert json.loads(tool["toolSpec"]["inputSchema"]["json"])["required"] == ["order_id"]
    assert "Hello." in seen.script.heard[3][1]["content"]
    [sent] = [fields for kind, fields in seen.script.heard if kind == "result"]
    assert json.loads(sent["content"]) == {"result": "an order"}
    assert "".join(result.transcript for result in results) == "Here it is."
    assert 3 <= sum(result.contains_speech for result in results) <= 4
    [used] = [event for result in results for event in result.usage]
    assert used.is_cumulative
    assert used.meters["output_audio_tokens"] == 7


@pytest.mark.parametrize(
    "sign",
    [
        {"contentEnd": {"contentId": "a", "stopReason": "INTERRUPTED"}},
        nova_text("t", '{ "interrupted" : true }'),
    ],
)
def test_an_interruption_cancels_what_nova_says(sign):
    made = NovaTranslator("tiffany")
    made.receive({"event": assistant("t", "TEXT", "SPECULATIVE")})
    made.receive({"event": nova_text("t", "A long")})
    assert made.receive({"event": assistant("a", "AUDIO")}) == [AgentTranscript("A long", "a")]
    events = made.receive({"event": sign})
    assert events[-1] == SessionEvent("cancelled", "interrupted", "a")


def test_an_exception_in_the_stream_of_nova_ends_the_call(monkeypatch):
    nova(monkeypatch, (audio_came, RuntimeError("throttled")))
    adapter = adapter_of("nova")
    adapter.connect(setup())
    with pytest.raises(VoiceSessionFailed, match="RuntimeError: throttled"):
        play(adapter, MANY)
    adapter.disconnect()


# -- LiveKit ------------------------------------------------------------------------------------


class Emitter:
    def __init__(self):
        self.listeners = {}

    def on(self, kind, listener):
        self.listeners[kind] = listener

    def tell(self, kind, **fields):
        self.listeners[kind](SimpleNamespace(**fields))


class Plain:
    def __init__(self, **options):
        pass


class LiveKitSession(Emitter):
    """Played by `script(session, agent)`."""

    def __init__(self, script, seen):
        super().__init__()
        self.script = script
        self.seen = seen
        self.input = SimpleNamespace(audio=None)
        self.output = SimpleNamespace(audio=None, transcription=None)

    async def start(self, agent, *, record):
        self.task = asyncio.ensure_future(self.script(self, agent))

    def say(self, text):
        self.seen.greeting = text

    async def aclose(self):
        self.task.cancel()


def audio_output(finished):
    """The base class of audio outputs, which notes what it is told of playback."""

    class AudioOutput:
        def __init__(self, *, label, capabilities, sample_rate):
            assert sample_rate == 24000

        async def capture_frame(self, frame):
            pass

        def flush(self):
            pass

        def on_playback_finished(self, *, playback_position, interrupted):
            finished.append((playback_position, interrupted))

    return AudioOutput


def livekit(monkeypatch, script):
    """Put a package in place whose session is played by `script(session, agent)`."""
    seen = SimpleNamespace(engines=[], finished=[])

    def engine(kind):
        return lambda **options: seen.engines.append((kind, options)) or kind

    members = {
        "livekit.agents.voice.io": {
            "AudioInput": Plain,
            "AudioOutput": audio_output(seen.finished),
            "TextOutput": Plain,
            "AudioOutputCapabilities": Plain,
        },
        "livekit.agents": {
            "AgentSession": lambda **engines: LiveKitSession(script, seen),
            "Agent": SimpleNamespace,
            "RunContext": object,
            "ToolError": RuntimeError,
            "function_tool": lambda call, raw_schema: SimpleNamespace(call=call),
        },
        "livekit.rtc": {"AudioFrame": SimpleNamespace},
        "livekit.plugins.deepgram": {
            "STT": engine("deepgram stt"),
            "TTS": engine("deepgram tts"),
        },
        "livekit.plugins.openai": {"LLM": engine("openai llm")},
    }
    for name, held in members.items():
        monkeypatch.setitem(sys.modules, name, module(name, **held))
    return seen


async def speak(session, data=TONE, text="Here it is."):
    await session.output.transcription.capture_text(text)
    await session.output.audio.capture_frame(SimpleNamespace(data=data))
    session.output.audio.flush()


def test_a_call_with_a_cascade_of_livekit(monkeypatch):
    async def script(session, agent):
        frame = await anext(session.input.audio)
        assert frame.sample_rate == 16000
        session.tell("user_state_changed", old_state="listening", new_state="speaking")
        session.tell("user_input_transcribed", transcript="Where is it?", is_final=True)
        [tool] = agent.tools
        context = SimpleNamespace(function_call=SimpleNamespace(call_id="c1"))
        assert await tool.call({"order_id": "W1"}, context) == "an order"
        metrics = SimpleNamespace(type="tts_metrics", characters_count=11)
        session.tell("metrics_collected", metrics=metrics)
        await speak(session)

    seen = livekit(monkeypatch, script)
    results = called("livekit", "c1")
    assert [name for name, _ in seen.engines] == ["deepgram stt", "openai llm", "deepgram tts"]
    assert seen.greeting == "Hello."
    assert "".join(result.transcript for result in results) == "Here it is."
    [(position, interrupted)] = seen.finished
    assert not interrupted
    assert position == pytest.approx(0.06, abs=0.01)
    [used] = [event for result in results for event in result.usage]
    assert (used.provider, used.model, used.component) == (
        "deepgram",
        "aura-asteria-en",
        "tts",
    )


def test_a_cascade_decides_whether_it_is_interrupted_and_learns_what_was_played(monkeypatch):
    async def script(session, agent):
        await speak(session, TONE * 20)
        for _ in range(10):
            await anext(session.input.audio)
        # A cough: the cascade goes on.
        session.tell("user_state_changed", old_state="listening", new_state="speaking")
        session.tell("user_state_changed", old_state="speaking", new_state="listening")
        for _ in range(10):
            await anext(session.input.audio)
        session.output.audio.clear_buffer()
        await asyncio.Event().wait()

    seen = livekit(monkeypatch, script)
    adapter = adapter_of("livekit")
    adapter.connect(setup())
    results = play(adapter, MANY, until=lambda result: result.truncations)
    play(adapter, 5)
    adapter.disconnect()
    kinds = [activity.kind for result in results for activity in result.activity]
    assert kinds == ["speech_started", "speech_stopped"]
    [truncation] = results[-1].truncations
    played = sum(result.contains_speech for result in results) * TICK_MS
    assert truncation.played_ms == played
    assert seen.finished == [(played / 1000, True)]


def test_a_tool_that_fails_is_an_error_of_the_cascade(monkeypatch):
    raised = []

    async def script(session, agent):
        context = SimpleNamespace(function_call=SimpleNamespace(call_id="c1"))
        try:
            await agent.tools[0].call({}, context)
        except RuntimeError as problem:
            raised.append(str(problem))
        session.tell("close", reason="job done")

    livekit(monkeypatch, script)
    adapter = adapter_of("livekit")
    adapter.connect(setup())
    play(adapter, MANY, until=lambda result: result.tool_calls)
    adapter.send_tool_result("c1", "Error: none", is_error=True)
    with pytest.raises(VoiceSessionFailed, match="job done"):
        play(adapter, MANY)
    adapter.disconnect()
    assert raised == ["Error: none"]


def test_presets_of_livekit_have_names():
    with pytest.raises(ConfigError, match="known: default, openai-thinking"):
        adapter_of("livekit", cascaded_config_name="fast")


# -- what is missing ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "modules", "told"),
    [
        ("gemini", ["google", "google.genai"], "pip install google-genai"),
        ("nova", ["aws_sdk_bedrock_runtime"], "it needs Python 3.12"),
        ("livekit", ["livekit", "livekit.agents"], "pip install livekit-agents"),
    ],
)
def test_a_package_that_is_not_installed_is_named(name, modules, told, monkeypatch):
    for missing in modules:
        monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(MissingExtra, match=told):
        adapter_of(name)


def test_a_package_that_floods_the_session_ends_it(monkeypatch):
    class Flood(sdk.SdkTransport):
        def load(self):
            pass

        async def run(self):
            while True:
                self.put({"type": "audio"})

    monkeypatch.setattr(sdk, "_MOST_WAITING", 2)
    flood = Flood("flood")
    flood.connect()
    frames = [flood.receive(5.0), flood.receive(5.0)]
    with pytest.raises(VoiceSessionFailed, match="flood sent more than a call can hold"):
        flood.receive(5.0)
    assert frames == [{"type": "audio"}] * 2
    flood.close()
