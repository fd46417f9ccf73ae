"""A session of the Live protocol; each event is what the openai package expects."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from pydantic import TypeAdapter
from tests.unit.voice.cascade.cast import calls, echo

from tau2.data_model.message import AssistantMessage, Message, ToolMessage
from tau2.errors import SpeechFailed
from tau2.voice.audio.formats import AudioFormat, Encoding
from tau2.voice.wire.live import LiveSession
from tau2.voice.wire.responses_events import call_events, text_events

from .cast import TELEPHONE, Client, setup_of, types_of, validate_events

PCMU = {"audio": {"format": {"type": "audio/pcmu", "rate": 8000}}}
AUDIO = "session.output_audio.delta"
TOOL = {"type": "function", "name": "get_order", "parameters": {"type": "object"}}


@pytest.fixture(autouse=True)
def valid_events(monkeypatch: pytest.MonkeyPatch) -> None:
    """Validate every event that any session sends."""
    validate_events(monkeypatch, types_of("openai.types.live.server_event", "ServerEvent"))


def client_of(answer: Any, *, start: bool = True, **session: Any) -> Client:
    client = Client(LiveSession(setup_of(answer), "live_1", 2_000_000_000), TELEPHONE)
    client.append = "session.input_audio.append"
    if start:
        client.send("session.start", session={"model": "gpt-live-1", **PCMU, **session})
    return client


def responses(**fields: Any) -> dict[str, Any]:
    return {"type": "responses", "responses": {"model": "any", "tools": [TOOL], **fields}}


def test_session_starts_once_and_first() -> None:
    client = client_of(echo, start=False)
    client.send("session.close", event_id="mine")
    error = client.only("error")["error"]
    assert error["code"] == "session_not_started"
    assert error["client_event_id"] == "mine"
    client.send("session.start", session={"model": "gpt-live-1"}, event_id="first")
    session = client.only("session.started")
    assert session["client_event_id"] == "first"
    assert session["session"]["audio"]["format"] == {"type": "audio/pcm", "rate": 24000}
    client.send("session.start", session={"model": "gpt-live-1"})
    assert client.of("error")[-1]["error"]["code"] == "session_already_started"


def test_stream_goes_on_and_answers() -> None:
    client = client_of(echo)
    client.say("Where is W23?")
    client.silence(5)
    assert client.heard(AUDIO) == "You said Where is W23?"
    said = "".join(event["delta"] for event in client.of("session.output_transcript.delta"))
    assert said == "You said Where is W23?"
    heard = client.only("session.input_transcript.delta")
    assert heard["delta"].strip() == "Where is W23?"
    assert 0 <= heard["start_ms"] < heard["end_ms"] < 1200
    # As much comes back as was sent: the stream has no gaps.
    assert len(client.of(AUDIO)) == pytest.approx((13 * 0.064 + 5) / 0.1, abs=1)


@pytest.mark.parametrize("rate", [16000, 24000])
def test_wide_formats(rate: int) -> None:
    client = client_of(echo, audio={"format": {"type": "audio/pcm", "rate": rate}})
    client.audio_format = AudioFormat(Encoding.PCM16, rate)
    client.say("Hello")
    client.silence(3)
    assert client.heard(AUDIO) == "You said Hello"


def test_interruption_changes_the_stream() -> None:
    long = "Your order W9164527 has left our warehouse and will be there tomorrow at noon"
    client = client_of(lambda m: long if m.content == "Where?" else "Stopped.")
    client.say("Where?")
    client.silence(3)
    client.say("Stop it now, please")
    client.silence(3)
    said = "".join(event["delta"] for event in client.of("session.output_transcript.delta"))
    assert said.endswith("Stopped.")
    assert "tomorrow" not in said


def test_tools_of_a_responses_delegation() -> None:
    def answer(message: Message) -> AssistantMessage | str:
        if isinstance(message, ToolMessage):
            return f"It is {message.content}"
        return calls("get_order")

    client = client_of(answer, delegation=responses(instructions="Use the tools."))
    client.say("Where is it?")
    client.silence(2)
    created = client.only("session.delegation.created")["delegation"]
    assert created["target"] == "responses"
    nested = [event["event"] for event in client.of("response.event")]
    assert [event["type"] for event in nested] == [
        "response.created",
        "response.output_item.added",
        "response.function_call_arguments.delta",
        "response.function_call_arguments.done",
        "response.output_item.done",
        "response.completed",
    ]
    call = nested[-2]["item"]
    client.send("response.create")
    assert client.only("error")["error"]["message"] == "not every call has a result"
    output = {"type": "function_call_output", "call_id": call["call_id"], "output": "on its way"}
    client.send("response.item.create", item=output)
    client.send("response.create")
    before = len(client.of("response.event"))
    client.silence(3)
    assert client.heard(AUDIO) == "It is on its way"
    later = [event["event"]["type"] for event in client.of("response.event")[before - 1 :]]
    assert later[0] == "response.created"
    assert later[-2:] == ["response.output_item.done", "response.completed"]
    assert client.of("response.event")[-1]["delegation_id"] == created["id"]


def test_failure_after_a_result_ends_the_response() -> None:
    def answer(message: Message) -> AssistantMessage | str:
        if isinstance(message, ToolMessage):
            raise SpeechFailed("no answer")
        return calls("get_order")

    client = client_of(answer, delegation=responses())
    client.say("Where is it?")
    client.silence(2)
    (call,) = [
        event["event"]["item"]
        for event in client.of("response.event")
        if event["event"]["type"] == "response.output_item.done"
    ]
    output = {"type": "function_call_output", "call_id": call["call_id"], "output": "x"}
    client.send("response.item.create", item=output)
    client.send("response.create")
    assert client.of("response.event")[-1]["event"]["type"] == "response.failed"
    assert client.only("error")["error"]["message"] == "no answer"


def test_nested_events_are_those_of_a_responses_model() -> None:
    union = types_of("openai.types.responses.response_stream_event", "ResponseStreamEvent")
    adapter = TypeAdapter(union)
    call = calls("get_order").calls[0].model_copy(update={"id": "call_1"})
    for event in [*call_events("fc_1", 0, call), *text_events("msg_1", 1, "Yes.")]:
        model = adapter.validate_python({**event, "sequence_number": 1})
        assert model.type == event["type"]


def test_client_delegation_speaks_what_the_client_appends() -> None:
    client = client_of(echo, delegation={"type": "client"})
    client.say("Where is it?")
    client.silence(1)
    created = client.only("session.delegation.created")["delegation"]
    assert created["target"] == "client"
    client.send("session.commentary.append", content="On its way.", delegation_id=created["id"])
    client.send("session.commentary.append", content="Anything else?", delegation_id=None)
    client.silence(4)
    assert client.heard(AUDIO) == "On its way. Anything else?"
    assert len(client.of("session.commentary.appended")) == 2


def test_agent_learns_what_is_appended() -> None:
    prompts: list[str] = []
    setup = setup_of(echo)
    make = setup.make_agent

    def noting(prompt: str, tools: list[Any]) -> Any:
        prompts.append(prompt)
        return make(prompt, tools)

    object.__setattr__(setup, "make_agent", noting)
    client = Client(LiveSession(setup, "live_1", 1), TELEPHONE)
    history = [
        {"role": "developer", "content": [{"text": "Be brief."}]},
        {"role": "user", "content": [{"text": "Hi", "type": "input_text"}]},
    ]
    session = {"model": "m", "instructions": "Be kind.", "input": history}
    client.send("session.start", session=session)
    client.send("session.instructions.append", content="It is Monday.", delegation_id=None)
    assert prompts == ["Be kind.\n\nBe brief.", "Be kind.\n\nBe brief.\n\nIt is Monday."]
    assert client.of("session.instructions.appended")


def test_client_cannot_have_more_said_at_once_than_is_bounded() -> None:
    session = client_of(echo).session

    def errors_of(kind: str, **fields: Any) -> list[str]:
        """Send an event; return the codes of the errors."""
        return [
            event["error"]["code"]
            for event in session.receive({"type": kind, **fields})
            if event["type"] == "error"
        ]

    remark = {"content": "One moment.", "delegation_id": None}
    silence = base64.b64encode(b"\xff" * 80).decode()
    for _ in range(256):
        assert errors_of("session.commentary.append", **remark) == []
    full = ["rate_limit_exceeded"]
    assert errors_of("session.commentary.append", **remark) == full
    assert errors_of("session.input_audio.append", audio=silence) == full
    work = session.take_work()
    assert len(work) == 256
    session.fail(work[0].id, "the synthesizer is gone")
    assert errors_of("session.input_audio.append", audio=silence) == []
    assert errors_of("session.commentary.append", **remark) == []


def test_muted_user_is_not_heard() -> None:
    client = client_of(echo)
    client.send("session.input_audio.mute")
    client.say("Hello")
    client.send("session.input_audio.unmute")
    client.silence(3)
    assert not client.of("session.input_transcript.delta")
    assert client.of("session.input_audio.muted")
    assert client.of("session.input_audio.unmuted")


def test_stream_goes_on_where_the_client_sends_nothing() -> None:
    client = client_of(echo)
    client.say("Hello")
    client.wait(5)
    assert client.heard(AUDIO) == "You said Hello"


def test_usage_counts_the_seconds_of_the_session() -> None:
    client = client_of(echo)
    client.silence(11)
    assert client.only("session.usage.updated")["usage"] == {"seconds": 10.0}
    client.send("session.close")
    closed = client.only("session.closed")
    assert closed["usage"] == {"seconds": 11.0}
    assert closed["reason"] == "close_requested"
    assert client.session.is_closed
    assert client.send("session.update", session={}) == []


def test_delegation_is_updated_but_not_changed() -> None:
    client = client_of(echo, delegation=responses())
    client.send("session.update", session={"delegation": responses(instructions="New.")})
    updated = client.only("session.updated")["session"]["delegation"]["responses"]
    assert updated["instructions"] == "New."
    client.send("session.update", session={"delegation": {"type": "client"}})
    assert client.only("error")["error"]["param"] == "session.delegation.type"


def test_failure_is_told_and_the_session_goes_on() -> None:
    def answer(message: Message) -> str:
        if message.content == "Break":
            raise SpeechFailed("no answer")
        return echo(message)

    client = client_of(answer)
    client.say("Break")
    client.silence(2)
    assert client.only("error")["error"]["message"] == "no answer"
    client.say("now")
    client.silence(3)
    assert client.heard(AUDIO) == "You said Break now"


@pytest.mark.parametrize(
    ("event", "code"),
    [
        ({"kind": "nothing"}, "unknown_event"),
        ({"kind": "decision.create", "event_id": "x"}, "not_supported"),
        ({"kind": "session.output_audio_fixture.play"}, "not_supported"),
        ({"kind": "session.input_audio.append", "audio": 7}, "invalid_type"),
        ({"kind": "session.commentary.append", "content": ""}, "invalid_value"),
        (
            {"kind": "session.thinking.append", "content": "x", "delegation_id": "d"},
            "invalid_value",
        ),
        ({"kind": "session.update", "session": {"model": "other"}}, "unknown_parameter"),
        ({"kind": "session.update", "event_id": 7}, "invalid_value"),
        ({"kind": "response.item.create", "item": {}}, "invalid_value"),
        ({"kind": "response.create"}, "invalid_value"),
    ],
)
def test_event_that_cannot_be_accepted_is_answered_by_an_error(
    event: dict[str, Any], code: str
) -> None:
    client = client_of(echo)
    client.send(**event)
    assert client.only("error")["error"]["code"] == code


@pytest.mark.parametrize(
    "session",
    [
        {},
        {"model": 3},
        {"model": "m", "wrong": 1},
        {"model": "m", "delegation": {"type": "decisions"}},
        {"model": "m", "delegation": {"type": "responses"}},
        {"model": "m", "audio": {"format": {"type": "audio/pcm", "rate": 8000}}},
        {"model": "m", "audio": {"format": {"type": "audio/pcmu"}}},
        {"model": "m", "input": [{"role": "user", "content": []}]},
        {"model": "m", "triggers": [{}]},
    ],
)
def test_session_that_cannot_be_served_does_not_start(session: dict[str, Any]) -> None:
    client = client_of(echo, start=False)
    client.send("session.start", session=session)
    assert client.of("error")
    assert not client.of("session.started")
