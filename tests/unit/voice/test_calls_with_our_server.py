"""Our adapters call our own server: both protocols, over the tone channel, on a virtual clock."""

from __future__ import annotations

import json
import threading

import pytest
from tests.unit.voice.cascade.cast import ScriptedAgent

from tau2.data_model.audio import AudioNativeConfig, LiveConfig
from tau2.data_model.message import AssistantMessage, ToolCall, ToolMessage
from tau2.environment.tool import as_tool
from tau2.errors import VoiceSessionFailed
from tau2.service.voice_server import VoiceServer
from tau2.voice.adapters.live import LiveOptions
from tau2.voice.adapters.openai_live import LiveAdapter
from tau2.voice.adapters.protocol import AgentSetup
from tau2.voice.adapters.realtime import RealtimeOptions, RealtimeTranslator
from tau2.voice.adapters.registry import AdapterContext, make_adapter
from tau2.voice.adapters.session import WireAdapter
from tau2.voice.audio.codec import decode, encode
from tau2.voice.audio.formats import TELEPHONE
from tau2.voice.cascade.work import Engines
from tau2.voice.speech.engines.energy import EnergyDetector
from tau2.voice.speech.engines.tone import ToneRecognizer, ToneSynthesizer
from tau2.voice.speech.protocols import Voice
from tau2.voice.wire.live import LiveSession
from tau2.voice.wire.realtime import RealtimeSession
from tau2.voice.wire.session import WireSetup

from .test_realtime import find_order

TICK_MS = 200
ANSWER = "Your order W9164527 left our warehouse and will be there tomorrow"


def clerk(message):
    """Looks up what the customer asks for, and says what it found."""
    if isinstance(message, ToolMessage):
        return ANSWER
    if "order" in message.content.lower():
        call = ToolCall(id="", name="find_order", arguments={"order_id": "W9164527"})
        return AssistantMessage(tool_calls=[call])
    return f"You said {message.content}"


class OurServer:
    """A transport to a session of our server in this process, whose time is what is waited."""

    def __init__(self, session):
        self.session = session
        self.engines = Engines(ToneRecognizer(), ToneSynthesizer())
        self.now = 0.0
        self.arrived = []
        self.received = []

    def connect(self):
        self.arrived += self.session.open()

    def send(self, frame):
        self.received.append(frame)
        self.arrived += self.session.receive(json.dumps(frame))
        self.work()

    def receive(self, seconds):
        until = self.now + seconds
        while not self.arrived and self.now < until - 1e-9:
            step = min(0.02, until - self.now)
            self.now += step
            self.arrived += self.session.advance(step)
            self.work()
        return self.arrived.pop(0) if self.arrived else None

    def work(self):
        while work := self.session.take_work():
            for item in work:
                self.arrived += self.session.finish(item.id, self.engines.perform(item.job))

    def close(self):
        pass

    def of_kind(self, kind):
        return [frame for frame in self.received if frame["type"] == kind]


class Call:
    """A caller on the telephone with an agent; tools are executed by the next tick."""

    def __init__(self, adapter):
        self.adapter = adapter
        self.results = []
        self.calls = []
        tools = [as_tool(find_order)]
        adapter.connect(AgentSetup("Be kind.", tools, TICK_MS, TELEPHONE))

    def tick(self, audio):
        for call in self.results[-1].tool_calls if self.results else ():
            self.calls.append(call)
            self.adapter.send_tool_result(call.id, "shipped")
        self.results.append(self.adapter.run_tick(audio, len(self.results)))

    def say(self, text):
        speech = ToneSynthesizer().synthesize(text, Voice())
        audio = encode(speech.samples, TELEPHONE)
        for begin in range(0, len(audio), 1600):
            self.tick(audio[begin : begin + 1600].ljust(1600, b"\xff"))

    def listen(self, seconds, until=None):
        for _ in range(round(seconds * 5)):
            self.tick(TELEPHONE.silence(TICK_MS))
            if until is not None and until in self.said:
                break

    @property
    def said(self):
        return "".join(result.transcript for result in self.results)

    @property
    def audible(self):
        samples = decode(b"".join(result.audio for result in self.results), TELEPHONE)
        return ToneRecognizer().transcribe(samples, 8000).text


def setup_of():
    return WireSetup(lambda _prompt, _tools: ScriptedAgent(clerk), EnergyDetector())


def realtime_call():
    server = OurServer(RealtimeSession(setup_of(), "sess_1", "gpt-realtime"))
    options = RealtimeOptions("gpt-realtime", transcription_model="any")
    adapter = WireAdapter(
        lambda: server, lambda: RealtimeTranslator(options), clock=lambda: server.now
    )
    return Call(adapter), server


def live_call():
    server = OurServer(LiveSession(setup_of(), "sess_1", 2_000_000_000))
    options = LiveOptions("gpt-live-1", "any")
    return Call(LiveAdapter(lambda: server, options, clock=lambda: server.now)), server


@pytest.mark.parametrize("make", [realtime_call, live_call])
def test_a_call_with_a_tool_and_a_barge_in(make):
    call, server = make()
    call.listen(0.4)
    call.say("Where is my order?")
    call.listen(6, until="warehouse")
    assert [tool.arguments for tool in call.calls] == [{"order_id": "W9164527"}]
    assert "Your order W9164527" in call.said
    before = len(call.results)
    call.say("Wait, stop")
    call.listen(4)
    assert "tomorrow" not in call.said
    assert "You said Wait, stop" in call.said
    assert "You said Wait, stop" in call.audible
    assert any(result.contains_speech for result in call.results[before:])
    call.adapter.disconnect()
    assert server.received[0]["type"] in ("session.update", "session.start")


def test_the_server_is_told_exactly_what_was_played():
    call, server = realtime_call()
    call.say("Where is my order?")
    call.listen(6, until="warehouse")
    call.say("Wait, stop")
    [truncation] = [cut for result in call.results for cut in result.truncations]
    [told] = server.of_kind("conversation.item.truncate")
    item = truncation.item_id
    played = sum(
        len(result.audio.rstrip(b"\xff")) for result in call.results if result.item_ids == [item]
    )
    assert told["item_id"] == item
    assert told["audio_end_ms"] == int(truncation.played_ms)
    # The last tick may end with the silence of the tone.
    assert played <= TELEPHONE.bytes_of(truncation.played_ms) <= played + 1600
    assert truncation.played_ms % TICK_MS == 0
    assert truncation.dropped_ms > 0


@pytest.mark.parametrize(
    ("provider", "live"),
    [("openai", None), ("openai_live", LiveConfig(backend_model="any"))],
)
def test_a_call_over_a_socket_in_real_time(provider, live):
    def quick(message):
        return "W23" if isinstance(message, ToolMessage) else clerk(message)

    setup = WireSetup(lambda _prompt, _tools: ScriptedAgent(quick), EnergyDetector())
    with VoiceServer(setup, Engines(ToneRecognizer(), ToneSynthesizer())) as server:
        thread = threading.Thread(target=server.run)
        thread.start()
        config = AudioNativeConfig(
            provider=provider, base_url=server.websocket_base_url, live_config=live
        )
        context = AdapterContext(config, environ={"OPENAI_API_KEY": server.token})
        call = Call(make_adapter(context))
        call.say("order")
        call.listen(8, until="W23")
        call.adapter.disconnect()
        refused = AdapterContext(config, environ={"OPENAI_API_KEY": "another"})
        with pytest.raises(VoiceSessionFailed, match=r"HTTP 40[13]"):
            Call(make_adapter(refused))
        server.stop()
        thread.join(10)
    assert [tool.arguments for tool in call.calls] == [{"order_id": "W9164527"}]
    assert "W23" in call.said
    assert any(result.contains_speech for result in call.results)


@pytest.mark.parametrize("make", [realtime_call, live_call])
def test_the_same_call_twice_is_the_same_call(make):
    heard = []
    for _ in range(2):
        call, _ = make()
        call.say("Where is my order?")
        call.listen(6)
        heard.append([(result.audio, result.transcript) for result in call.results])
    assert heard[0] == heard[1]
