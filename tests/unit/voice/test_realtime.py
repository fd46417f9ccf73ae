"""The Realtime protocol as events: frames in, frames out, nothing sent."""

from __future__ import annotations

import pytest
from openai.types.realtime import RealtimeClientEvent
from pydantic import TypeAdapter

from tau2.environment.tool import as_tool
from tau2.voice.adapters.events import AgentAudio, AgentTranscript, SessionEvent, Usage
from tau2.voice.adapters.protocol import Truncation
from tau2.voice.adapters.realtime import (
    OPENAI,
    QWEN,
    XAI,
    RealtimeOptions,
    RealtimeTranslator,
    TurnDetection,
)

from .wire_cast import (
    audio_delta,
    function_call,
    response_created,
    response_done,
    setup_with,
    words,
)

CLIENT_EVENT = TypeAdapter(RealtimeClientEvent)


def find_order(order_id: str) -> str:
    """Find an order.

    Args:
        order_id: Its number.
    """
    return order_id


def translator(dialect=OPENAI, **options):
    return RealtimeTranslator(RealtimeOptions("gpt-realtime", voice="alloy", **options), dialect)


def opened(dialect=OPENAI, **options):
    made = translator(dialect, **options)
    made.open(setup_with(as_tool(find_order)))
    return made.outbox[0]["session"]


@pytest.mark.parametrize("kind", ["server_vad", "semantic_vad", "manual"])
def test_everything_that_is_sent_is_of_the_protocol(kind):
    made = translator(turn_detection=TurnDetection(kind), reasoning_effort="low")
    made.open(setup_with(as_tool(find_order), greeting="Hello."))
    made.send_audio(b"\xff" * 160)
    made.truncate(Truncation("item_1", 1234.5, 10.0))
    made.receive(response_created())
    made.interrupt()
    made.receive(function_call("c1", "find_order", "{}"))
    made.receive(response_done())
    made.answer("c1", "Error: none", is_error=True)
    made.commit()
    kinds = [CLIENT_EVENT.validate_python(frame).type for frame in made.outbox]
    assert kinds == [
        "session.update",
        "response.create",
        "input_audio_buffer.append",
        "conversation.item.truncate",
        "response.cancel",
        "conversation.item.create",
        "response.create",
        "input_audio_buffer.commit",
        "response.create",
    ]


def test_a_session_is_asked_for_telephone_audio_transcripts_and_tools():
    session = opened(reasoning_effort="high")
    given = session["audio"]["input"]
    assert given["format"] == {"type": "audio/pcmu"}
    assert given["transcription"] == {"model": "gpt-4o-transcribe"}
    assert given["noise_reduction"] == {"type": "near_field"}
    assert given["turn_detection"]["threshold"] == 0.5
    assert session["audio"]["output"] == {"format": {"type": "audio/pcmu"}, "voice": "alloy"}
    assert session["reasoning"] == {"effort": "high"}
    [tool] = session["tools"]
    assert tool["name"] == "find_order"
    assert tool["parameters"]["required"] == ["order_id"]


def test_dialects_differ_in_the_form_of_the_session():
    xai = opened(XAI)
    assert xai["voice"] == "alloy"
    assert xai["audio"]["output"]["format"] == {"type": "audio/pcmu"}
    qwen = opened(QWEN)
    assert qwen["input_audio_format"] == "pcm"
    assert qwen["tools"][0]["function"]["name"] == "find_order"
    assert (QWEN.wire_input.sample_rate, QWEN.wire_output.sample_rate) == (16000, 24000)


def test_who_cannot_truncate_is_not_told():
    for dialect in (XAI, QWEN):
        made = translator(dialect)
        made.truncate(Truncation("item_1", 100.0, 10.0))
        assert made.outbox == []


@pytest.mark.parametrize("kind", ["response.output_audio.delta", "response.audio.delta"])
def test_audio_and_words_are_read_in_both_spellings(kind):
    made = translator()
    [audio] = made.receive({**audio_delta(20), "type": kind})
    assert audio == AgentAudio(b"\x10" * 160, "item_1")
    assert made.receive(words("Hello")) == [AgentTranscript("Hello", "item_1")]


def test_a_transcript_that_comes_only_whole_is_taken_whole():
    made = translator()
    done = {"type": "response.output_audio_transcript.done", "item_id": "i", "transcript": "Hi"}
    assert made.receive(done) == [AgentTranscript("Hi", "i")]
    made.receive(words("Hello", "j"))
    assert made.receive({**done, "item_id": "j", "transcript": "Hello"}) == []


def test_a_call_that_is_told_twice_has_one_id():
    made = translator()
    arguments = {"type": "response.function_call_arguments.done", "call_id": "c1"}
    first = made.receive({**arguments, "name": "find_order", "arguments": '{"order_id": "W1"}'})
    again = made.receive(function_call("c1", "find_order", '{"order_id": "W1"}'))
    assert first == again
    assert first[0].call.arguments == {"order_id": "W1"}
    assert made.receive({**arguments, "call_id": "c2", "arguments": "{}"}) == []


@pytest.mark.parametrize("arguments", ['{"order_id": "W', "[1]", "7", '{"a": NaN}'])
def test_unreadable_arguments_are_a_problem_and_no_empty_call(arguments):
    [request] = translator().receive(function_call("c1", "find_order", arguments))
    assert "not a JSON object" in request.problem


def test_the_model_goes_on_once_every_call_has_its_result():
    made = translator()
    made.receive(response_created())
    made.receive(function_call("c1", "find_order", "{}"))
    made.answer("c1", "one", is_error=False)
    made.receive(function_call("c2", "find_order", "{}"))
    made.receive(response_done())
    assert [frame["type"] for frame in made.outbox] == ["conversation.item.create"]
    made.answer("c2", "two", is_error=False)
    kinds = [frame["type"] for frame in made.outbox]
    assert kinds == ["conversation.item.create"] * 2 + ["response.create"]
    made.receive(response_created("resp_2"))
    made.receive(response_done("resp_2"))
    assert len(made.outbox) == 3


def test_the_model_is_not_asked_to_go_on_while_it_speaks():
    made = translator()
    made.receive(function_call("c1", "find_order", "{}"))
    made.receive(response_created("resp_2"))  # the user spoke in the meantime
    made.answer("c1", "one", is_error=False)
    assert len(made.outbox) == 1
    made.receive(response_done("resp_2"))
    assert made.outbox[-1] == {"type": "response.create"}


def test_results_that_come_while_the_user_is_answered_are_taken_up_afterwards():
    made = translator()
    made.is_ready = True
    made.receive(function_call("c1", "find_order", "{}"))
    made.answer("c1", "one", is_error=False)
    refused = {"type": "invalid_request_error", "code": "conversation_already_has_active_response"}
    assert made.receive({"type": "error", "error": refused})[0].kind == "warning"
    assert not made.is_expecting
    made.receive(response_created("resp_2"))
    made.receive(response_done("resp_2"))
    kinds = [frame["type"] for frame in made.outbox]
    assert kinds == ["conversation.item.create", "response.create", "response.create"]


def test_a_provider_that_may_leave_a_turn_unanswered_owes_nothing_for_it():
    for dialect in (XAI, QWEN):
        made = translator(dialect)
        made.receive({"type": "input_audio_buffer.speech_stopped"})
        assert not made.is_expecting


def test_a_call_that_is_announced_again_after_its_result_does_not_hold_up_the_answer():
    made = translator()
    made.receive(response_created())
    done = {"type": "response.function_call_arguments.done", "call_id": "c1", "arguments": "{}"}
    (request,) = made.receive({**done, "name": "find_order", "item_id": "item_c1"})
    made.answer(request.call.id, "found", is_error=False)
    made.receive(function_call("c1", "find_order", "{}"))
    made.receive(response_done())
    assert made.outbox[-1] == {"type": "response.create"}


def test_while_the_user_goes_on_speaking_nothing_is_owed():
    made = translator()
    made.receive({"type": "input_audio_buffer.speech_stopped"})
    assert made.is_expecting
    made.receive({"type": "input_audio_buffer.speech_started"})
    assert not made.is_expecting
    made.commit()
    made.receive({"type": "input_audio_buffer.speech_started"})
    assert made.is_expecting


def test_the_provider_owes_an_answer_while_a_response_is_open():
    made = translator()
    assert not made.is_expecting
    made.receive({"type": "input_audio_buffer.speech_stopped"})
    assert made.is_expecting
    made.receive(response_created())
    assert made.is_expecting
    made.receive(response_done())
    assert not made.is_expecting


@pytest.mark.parametrize(
    ("error", "kind", "retryable"),
    [
        ({"type": "invalid_request_error", "code": "item_truncate_invalid"}, "warning", False),
        ({"type": "invalid_request_error", "code": "invalid_api_key"}, "error", False),
        ({"type": "authentication_error"}, "error", False),
        ({"type": "server_error", "message": "try again"}, "error", True),
        ({"type": "tokens", "code": "rate_limit_exceeded"}, "error", True),
        ({"type": "insufficient_quota"}, "error", False),
        ("no object", "warning", False),
    ],
)
def test_an_error_is_the_end_or_a_warning(error, kind, retryable):
    made = translator()
    made.is_ready = True
    [event] = made.receive({"type": "error", "error": error})
    assert (event.kind, event.is_retryable) == (kind, retryable)


def test_an_error_before_the_session_is_its_end():
    [event] = translator().receive({"type": "error", "error": {"type": "invalid_request_error"}})
    assert event.kind == "error"


def test_a_failed_response_ends_the_session_and_a_cut_one_does_not():
    made = translator()
    failed = {"error": {"type": "x", "code": "y"}}
    [event] = made.receive(response_done(status="failed", status_details=failed))
    assert (event.kind, event.is_retryable) == ("error", True)
    cut = {"reason": "max_output_tokens"}
    [event] = made.receive(response_done(status="incomplete", status_details=cut))
    assert event == SessionEvent("warning", "a response is not whole: max_output_tokens")
    output = [{"id": "item_1"}, {"id": "item_2"}]
    events = made.receive(response_done(status="cancelled", output=output))
    assert [event.item_id for event in events] == ["item_1", "item_2"]


def test_tokens_are_read_in_both_spellings():
    made = translator()
    details = {"text_tokens": 5, "audio_tokens": 20, "cached_tokens_details": {"text_tokens": 2}}
    for name in ("input_token_details", "input_tokens_details"):
        usage = {"input_tokens": 25, name: details}
        [event] = made.receive(response_done(usage=usage))
        assert isinstance(event, Usage)
        assert event.meters["input_audio_tokens"] == 20
        assert event.meters["input_cached_text_tokens"] == 2
    [event] = translator(XAI).receive(response_done(usage={"input_tokens": 25}))
    assert not event.is_billable
