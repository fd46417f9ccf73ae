"""The Live protocol: one stream, no items, and work that is delegated."""

from __future__ import annotations

import base64

import pytest
from openai.types.live import ClientEvent
from pydantic import TypeAdapter

from tau2.data_model.audio import LiveConfig
from tau2.data_model.message import AssistantMessage, MultiToolMessage, ToolCall, ToolMessage
from tau2.environment.tool import as_tool
from tau2.errors import ConfigError, VoiceSessionFailed
from tau2.voice.adapters.events import AgentTranscript, SessionEvent, Usage, UserActivity
from tau2.voice.adapters.live import LiveOptions, LiveTranslator
from tau2.voice.adapters.registry import make_adapter
from tau2.voice.audio.formats import TELEPHONE

from .test_realtime import find_order
from .test_session import MANY, SILENCE, is_speech, play
from .wire_cast import context_for, provider, setup_with

CLIENT_EVENT = TypeAdapter(ClientEvent)


def translator(**options):
    return LiveTranslator(LiveOptions("gpt-live-1", "gpt-5.2", **options))


def started(made, **fields):
    made.open(setup_with(as_tool(find_order), **fields))
    made.receive({"type": "session.started", "session": {}})
    return made


def backend(event):
    return {"type": "response.event", "delegation_id": "d1", "event": event}


def backend_call(call_id, arguments='{"order_id": "W1"}'):
    item = {"type": "function_call", "call_id": call_id, "name": "find_order"}
    return backend({"type": "response.output_item.done", "item": {**item, "arguments": arguments}})


def delegated(target="client", identifier="d1"):
    delegation = {"id": identifier, "target": target, "type": "delegation"}
    return {"type": "session.delegation.created", "delegation": delegation, "offset_ms": 900}


def heard(text, start, end):
    kind = "session.input_transcript.delta"
    return {"type": kind, "delta": text, "start_ms": start, "end_ms": end}


def stream(milliseconds, byte=b"\x10"):
    data = base64.b64encode(byte * TELEPHONE.bytes_of(milliseconds)).decode()
    return {"type": "session.output_audio.delta", "delta": data}


@pytest.mark.parametrize("delegation", ["responses", "client"])
def test_everything_that_is_sent_is_of_the_protocol(delegation):
    made = started(translator(delegation=delegation, reasoning_effort="low"), greeting="Hello.")
    made.send_audio(b"\xff" * 160)
    made.receive(backend_call("c1"))
    made.answer("c1", "an order", is_error=False)
    made.comment("x" * 2000, "d1")
    for frame in made.outbox:
        CLIENT_EVENT.validate_python(frame)
    kinds = [frame["type"] for frame in made.outbox]
    assert kinds == [
        "session.start",
        "session.commentary.append",
        "session.input_audio.append",
        "response.item.create",
        "response.create",
        "session.commentary.append",
        "session.commentary.append",
    ]


def test_the_session_names_the_front_end_and_the_back_end():
    session = started(translator(voice="cedar")).outbox[0]["session"]
    assert session["model"] == "gpt-live-1"
    assert session["audio"]["format"] == {"type": "audio/pcmu", "rate": 8000}
    assert session["audio"]["output"] == {"voice": "cedar"}
    responses = session["delegation"]["responses"]
    assert responses["model"] == "gpt-5.2"
    assert responses["parallel_tool_calls"] is False
    assert responses["tools"][0]["name"] == "find_order"
    assert "Be kind." in responses["instructions"]
    assert "Be kind." in session["instructions"]
    plain = translator(append_system_prompt=False, frontend_prompt="Speak.", backend_prompt="Do.")
    session = started(plain).outbox[0]["session"]
    assert session["instructions"] == "Speak."
    assert session["delegation"]["responses"]["instructions"] == "Do.\n\nBe kind."


def test_what_is_said_and_heard_has_times():
    made = translator()
    said = {"type": "session.output_transcript.delta", "delta": "Hi", "start_ms": 5, "end_ms": 90}
    assert made.receive(said) == [AgentTranscript("Hi", None, 5.0, 90.0)]
    first = made.receive(heard("I", 100, 200))
    assert [event.kind for event in first] == ["speech_started", "transcript"]
    assert made.receive(heard(" need", 300, 500)) == [UserActivity("transcript", " need", 300.0)]
    assert made.receive(heard("Also", 2000, 2100))[0].kind == "speech_started"


def test_the_back_end_goes_on_once_when_all_its_calls_have_results():
    made = started(translator())
    made.receive(delegated("responses"))
    assert made.is_expecting
    made.outbox.clear()
    made.receive(backend({"type": "response.created"}))
    calls = [*made.receive(backend_call("c1")), *made.receive(backend_call("c2", "{"))]
    assert [call.problem is None for call in calls] == [True, False]
    made.answer("c1", "one", is_error=False)
    made.answer("c2", "Error", is_error=True)
    assert len(made.outbox) == 2
    usage = {"input_tokens": 10, "output_tokens": 4}
    [event] = made.receive(backend({"type": "response.completed", "response": {"usage": usage}}))
    assert (event.component, event.model, event.provider) == ("llm", "gpt-5.2", "openai")
    assert made.outbox[-1] == {"type": "response.create"}
    assert made.is_expecting


def test_minutes_are_told_by_state():
    made = translator()
    frame = {"type": "session.usage.updated", "usage": {"seconds": 90}}
    assert made.receive(frame) == [Usage({"active_seconds": 90.0}, is_cumulative=True)]
    both = {"seconds": 90, "active_seconds": 60, "paused_seconds": 30}
    [event] = made.receive({"type": "session.usage.updated", "usage": both})
    assert event.meters == {"active_seconds": 60.0, "standby_seconds": 30.0}


def test_the_end_of_a_session_is_an_event():
    made = translator()
    closed = {"type": "session.closed", "reason": "expired", "usage": {"seconds": 3}}
    assert made.receive(closed)[-1] == SessionEvent("closed", "expired")
    failed = {"type": "response.failed", "response": {"error": {"code": "server_error"}}}
    [event] = made.receive(backend(failed))
    assert (event.kind, event.is_retryable) == ("error", True)


def test_a_response_that_failed_is_charged_all_the_same():
    response = {"error": {"code": "server_error"}, "usage": {"input_tokens": 7}}
    used, failure = translator().receive(backend({"type": "response.failed", "response": response}))
    assert used.meters == {"input_tokens": 7}
    assert failure.kind == "error"


def live_context(address, agent=None, **live):
    context = context_for(
        address, "openai_live", live_config=LiveConfig(backend_model="gpt-5.2", **live)
    )
    if agent is None:
        return context
    return type(context)(context.config, make_text_agent=lambda: agent, environ=context.environ)


def accept(line):
    line.hear_until("session.start")
    line.say({"type": "session.started", "session": {}})


def test_a_call_over_the_wire_with_a_tool_of_the_session():
    def script(line):
        accept(line)
        line.say(delegated("responses"), backend_call("c1"))
        line.say(backend({"type": "response.completed", "response": {}}))
        line.hear_until("response.create")
        words = {"type": "session.output_transcript.delta", "delta": "Found.", "start_ms": 0}
        line.say({**words, "end_ms": 60}, stream(60), stream(200, b"\xff"))
        line.drain()

    with provider(script) as (address, lines):
        adapter = make_adapter(live_context(address))
        adapter.connect(setup_with(as_tool(find_order)))
        [call] = play(adapter, MANY, until=lambda result: result.tool_calls)[-1].tool_calls
        adapter.send_tool_result(call.id, "an order")
        results = [*play(adapter, MANY, until=is_speech), *play(adapter, 15)]
        adapter.disconnect()
    assert lines[0].connection.request.path == "/v1/live/sessions"
    assert sum(result.contains_speech for result in results) == 3
    assert "".join(result.transcript for result in results) == "Found."
    assert len(lines[0].of_kind("response.create")) == 1


class Clerk:
    """A text agent that looks an order up and says what it found."""

    def __init__(self):
        self.heard = []

    def get_init_state(self, message_history=None):
        return 0

    def is_stop(self, message):
        return False

    def generate_next_message(self, message, state):
        self.heard.append(message)
        if isinstance(message, ToolMessage | MultiToolMessage):
            return AssistantMessage.text("It was shipped."), state + 1
        call = ToolCall(id=f"b{state}", name="find_order", arguments={"order_id": "W1"})
        return AssistantMessage(tool_calls=[call]), state + 1


def test_any_text_agent_is_the_back_end_of_a_voice():
    clerk = Clerk()

    def script(line):
        accept(line)
        line.say(heard("Where is", 0, 300), heard(" my order?", 300, 600), delegated())
        answer = line.hear_until("session.commentary.append")
        assert (answer["content"], answer["delegation_id"]) == ("It was shipped.", "d1")
        line.say(stream(60))
        line.drain()

    with provider(script) as (address, lines):
        adapter = make_adapter(live_context(address, clerk, delegation="client"))
        adapter.connect(setup_with())
        [call] = play(adapter, MANY, until=lambda result: result.tool_calls)[-1].tool_calls
        assert call.arguments == {"order_id": "W1"}
        adapter.send_tool_result(call.id, "shipped")
        results = play(adapter, MANY, until=is_speech)
        adapter.disconnect()
    assert results[-1].contains_speech
    assert clerk.heard[0].content == "Where is my order?"
    assert clerk.heard[1].content == "shipped"
    assert lines[0].received[0]["session"]["delegation"] == {"type": "client"}


def test_a_delegation_without_a_transcript_asks_the_customer_again():
    def script(line):
        accept(line)
        line.say(delegated())
        line.drain()

    with provider(script) as (address, lines):
        adapter = make_adapter(live_context(address, Clerk(), delegation="client"))
        adapter.connect(setup_with())
        play(adapter, 40)
        adapter.disconnect()
    [answer] = lines[0].of_kind("session.commentary.append")
    assert "repeat" in answer["content"]


def test_what_a_back_end_raises_ends_the_call():
    class Broken(Clerk):
        def generate_next_message(self, message, state):
            raise VoiceSessionFailed("the clerk is ill")

    def script(line):
        accept(line)
        line.say(heard("Hello", 0, 100), delegated())
        line.drain()

    with provider(script) as (address, _):
        adapter = make_adapter(live_context(address, Broken(), delegation="client"))
        adapter.connect(setup_with())
        with pytest.raises(VoiceSessionFailed, match="ill"):
            play(adapter, MANY)
        adapter.disconnect()


def test_the_client_is_no_back_end_without_an_agent():
    with pytest.raises(ConfigError, match="needs a text agent"):
        make_adapter(live_context("ws://127.0.0.1:9", delegation="client"))
    assert len(SILENCE) == 160
