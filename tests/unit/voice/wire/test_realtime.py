"""A session of the Realtime protocol, event by event; each is what the openai package expects."""

from __future__ import annotations

import base64
import json
from typing import Any

import numpy as np
import pytest
from tests.unit.voice.cascade.cast import calls, echo

from tau2.data_model.message import AssistantMessage, Message, ToolMessage
from tau2.errors import AgentError, SpeechFailed
from tau2.voice.audio.formats import AudioFormat, Encoding
from tau2.voice.speech.protocols import Transcript
from tau2.voice.wire.realtime import RealtimeSession

from .cast import TELEPHONE, Client, events_of, setup_of, types_of, validate_events

LONG_ANSWER = "Your order W9164527 has left our warehouse and will be there tomorrow at noon"
TOOL = {
    "type": "function",
    "name": "get_order",
    "description": "Find an order.",
    "parameters": {"type": "object", "properties": {"order_id": {"type": "string"}}},
}


def client_of(answer: Any, *, settings: dict[str, Any] | None = None, **fields: Any) -> Client:
    client = Client(RealtimeSession(setup_of(answer, **fields), "sess_1", "gpt-realtime"))
    if settings is not None:
        client.send("session.update", session={"type": "realtime", **settings})
    return client


def telephone(**settings: Any) -> dict[str, Any]:
    """Return settings for mu-law in both directions."""
    audio = {"format": {"type": "audio/pcmu"}}
    return {"audio": {"input": {**audio, **settings.pop("input", {})}, "output": audio}, **settings}


@pytest.fixture(autouse=True)
def valid_events(monkeypatch: pytest.MonkeyPatch) -> None:
    """Validate every event that any session sends."""
    union = types_of("openai.types.realtime.realtime_server_event", "RealtimeServerEvent")
    validate_events(monkeypatch, union)


def order(events: list[dict[str, Any]]) -> list[str]:
    """Return the kinds of events, each once, in the order of their first."""
    return list(dict.fromkeys(event["type"] for event in events))


def test_session_begins_with_its_settings_and_takes_new_ones() -> None:
    client = client_of(echo)
    created = client.only("session.created")["session"]
    assert created["model"] == "gpt-realtime"
    assert created["audio"]["input"]["turn_detection"]["silence_duration_ms"] == 500
    client.send(
        "session.update",
        session={
            "type": "realtime",
            "instructions": "Be kind.",
            "tools": [TOOL],
            "audio": {
                "input": {
                    "format": {"type": "audio/pcmu"},
                    "transcription": {"model": "any", "language": "en"},
                    "noise_reduction": {"type": "near_field"},
                    "turn_detection": {"type": "semantic_vad", "eagerness": "low"},
                },
                "output": {"format": {"type": "audio/pcma"}, "voice": "cedar"},
            },
        },
    )
    updated = client.only("session.updated")["session"]
    assert updated["instructions"] == "Be kind."
    assert updated["tools"] == [TOOL]
    assert updated["audio"]["input"]["turn_detection"]["eagerness"] == "low"
    assert updated["audio"]["output"] == {
        "format": {"type": "audio/pcma"},
        "voice": "cedar",
        "speed": 1.0,
    }


def test_spoken_turn_is_answered_by_speech() -> None:
    client = client_of(echo, settings={"audio": {"input": {"transcription": {"model": "any"}}}})
    client.say("Where is W23?")
    events = client.silence(4)
    assert client.heard() == "You said Where is W23?"
    assert order(client.events)[2:] == [
        "input_audio_buffer.speech_started",
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.done",
        "response.created",
        "conversation.item.input_audio_transcription.delta",
        "conversation.item.input_audio_transcription.completed",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_audio_transcript.delta",
        "response.output_audio.delta",
        "response.output_audio.done",
        "response.output_audio_transcript.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.done",
    ]
    done = events_of("response.done", events)[0]["response"]
    assert done["status"] == "completed"
    assert done["output"][0]["content"][0]["transcript"] == "You said Where is W23?"
    assert done["usage"]["output_token_details"]["audio_tokens"] > 0


def test_ids_that_a_client_chose_are_not_given_again() -> None:
    client = client_of(echo)
    for number in range(1, 7):
        content = [{"type": "input_text", "text": "Hello."}]
        item = {"type": "message", "role": "user", "content": content}
        client.send("conversation.item.create", item={"id": f"item_{number}", **item})
    client.say("Where is W23?")
    client.silence(4)
    assert client.heard().endswith("Where is W23?")
    assert events_of("error", client.events) == []


def test_a_client_cannot_take_the_id_of_a_turn_that_is_being_heard() -> None:
    client = client_of(echo)
    client.say("Where is")
    turn = client.only("input_audio_buffer.speech_started")["item_id"]
    content = [{"type": "input_text", "text": "Hello."}]
    item = {"id": turn, "type": "message", "role": "user", "content": content}
    client.send("conversation.item.create", item=item)
    assert client.only("error")["error"]["code"] == "item_id_already_exists"
    client.silence(4)
    assert client.heard() == "You said Where is"


def test_times_of_speech_count_from_the_session_on() -> None:
    client = client_of(echo)
    client.silence(1)
    client.say("Hello")
    client.silence(1)
    started = client.only("input_audio_buffer.speech_started")["audio_start_ms"]
    stopped = client.only("input_audio_buffer.speech_stopped")["audio_end_ms"]
    assert started == pytest.approx(1000, abs=60)
    assert stopped == pytest.approx(1000 + 5 * 64, abs=100)


@pytest.mark.parametrize("kind", ["audio/pcmu", "audio/pcma"])
def test_telephone_formats(kind: str) -> None:
    client = client_of(
        echo,
        settings={"audio": {side: {"format": {"type": kind}} for side in ("input", "output")}},
    )
    encoding = Encoding.MULAW if kind == "audio/pcmu" else Encoding.ALAW
    client.audio_format = AudioFormat(encoding, 8000)
    client.say("Hello")
    client.silence(3)
    assert client.heard() == "You said Hello"


def test_tool_is_called_and_its_result_answered() -> None:
    def answer(message: Message) -> AssistantMessage | str:
        return (
            f"It is {message.content}" if isinstance(message, ToolMessage) else calls("get_order")
        )

    client = client_of(answer, settings=telephone(tools=[TOOL]))
    client.audio_format = TELEPHONE
    client.say("Where is it?")
    client.silence(1)
    call = client.only("response.function_call_arguments.done")
    assert call["name"] == "get_order"
    assert json.loads(call["arguments"]) == {}
    (item,) = client.only("response.done")["response"]["output"]
    assert item["type"] == "function_call"
    result = {"type": "function_call_output", "call_id": call["call_id"], "output": "on its way"}
    client.send("conversation.item.create", item=result)
    client.send("response.create")
    client.silence(3)
    assert client.heard() == "It is on its way"


def test_several_tools_are_called_at_once() -> None:
    def answer(message: Message) -> AssistantMessage | str:
        if getattr(message, "tool_messages", None):
            return " and ".join(m.content or "" for m in message.tool_messages)  # type: ignore[union-attr]
        return calls("a", "b")

    client = client_of(answer, settings={"output_modalities": ["text"]})
    client.send("conversation.item.create", item=said("Hello"))
    client.send("response.create")
    for number, event in enumerate(client.of("response.function_call_arguments.done")):
        output = {
            "type": "function_call_output",
            "call_id": event["call_id"],
            "output": f"r{number}",
        }
        client.send("conversation.item.create", item=output)
    client.send("response.create")
    assert client.only("response.output_text.done")["text"] == "r0 and r1"


def said(text: str) -> dict[str, Any]:
    """Return a message of the user."""
    return {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}


def test_interruption_cancels_the_response_and_keeps_what_was_said() -> None:
    def answer(message: Message) -> str:
        return LONG_ANSWER if message.content == "Where?" else f"You said {message.content}"

    client = client_of(answer, settings=telephone(), generation_speed=1.0)
    client.audio_format = TELEPHONE
    client.say("Where?")
    client.silence(2.2)
    assert not client.of("response.done")
    client.say("Stop it now")
    client.silence(1)
    (cancelled,) = client.of("response.done")
    assert cancelled["response"]["status"] == "cancelled"
    assert cancelled["response"]["status_details"]["reason"] == "turn_detected"
    (item,) = cancelled["response"]["output"]
    assert item["status"] == "incomplete"
    assert LONG_ANSWER.startswith(item["content"][0]["transcript"])
    client.silence(4)
    assert client.of("response.output_audio_transcript.done")[-1]["transcript"] == (
        "You said Stop it now"
    )


def test_turn_whose_answer_is_cancelled_is_answered_with_the_next() -> None:
    """A pause within a sentence costs an answer, but never what was said before it."""
    client = client_of(echo, settings=telephone(), generation_speed=0.5)
    client.audio_format = TELEPHONE
    client.say("Wait, sorry, stop.")
    client.silence(0.7)
    client.say("I meant the other order.")
    client.silence(9)
    last = client.of("response.output_audio_transcript.done")[-1]["transcript"]
    assert last.endswith("I meant the other order.")
    user_items = [
        event["item"]
        for event in client.of("conversation.item.done")
        if event["item"].get("role") == "user"
    ]
    assert len(user_items) == 2


def truncatable() -> tuple[Client, dict[str, Any]]:
    """Return a client that has received a long answer, and the answer's item."""
    client = client_of(lambda m: LONG_ANSWER if m.content == "Where?" else echo(m))
    client.send("conversation.item.create", item=said("Where?"))
    client.send("response.create")
    client.wait(3)
    return client, client.only("response.done")["response"]["output"][0]


def test_truncation_leaves_what_was_heard() -> None:
    client, item = truncatable()
    client.send(
        "conversation.item.truncate", item_id=item["id"], content_index=0, audio_end_ms=1000
    )
    assert client.only("conversation.item.truncated")["audio_end_ms"] == 1000
    client.send("conversation.item.retrieve", item_id=item["id"])
    kept = client.only("conversation.item.retrieved")["item"]["content"][0]["transcript"]
    # 64 ms a character: fifteen and a half characters.
    assert kept == "Your order"


def test_truncation_at_the_very_end_is_allowed_and_beyond_it_an_error() -> None:
    client, item = truncatable()
    whole = len(LONG_ANSWER) * 64
    about = {"item_id": item["id"], "content_index": 0}
    client.send("conversation.item.truncate", audio_end_ms=whole + 1, **about)
    assert client.only("error")["error"]["param"] == "audio_end_ms"
    client.send("conversation.item.truncate", audio_end_ms=whole, **about)
    assert client.only("conversation.item.truncated")["audio_end_ms"] == whole


def test_truncated_words_are_gone_from_the_agents_memory() -> None:
    seen: list[Message] = []
    agent_answer = lambda m: LONG_ANSWER if m.content == "Where?" else "Fine."  # noqa: E731
    setup = setup_of(agent_answer)
    make = setup.make_agent

    def recording(prompt: str, tools: list[Any]) -> Any:
        agent = make(prompt, tools)
        start = agent.get_init_state
        agent.get_init_state = lambda message_history: (
            seen.extend(message_history)
            or start(  # type: ignore[method-assign, func-returns-value]
                message_history
            )
        )
        return agent

    object.__setattr__(setup, "make_agent", recording)
    client = Client(RealtimeSession(setup, "sess_1", "m"))
    client.send("conversation.item.create", item=said("Where?"))
    client.send("response.create")
    client.wait(3)
    item = client.only("response.done")["response"]["output"][0]
    client.send(
        "conversation.item.truncate", item_id=item["id"], content_index=0, audio_end_ms=1000
    )
    client.send("conversation.item.create", item=said("Stop."))
    client.send("response.create")
    assert [message.content for message in seen] == ["Where?", "Your order"]


def test_manual_turns() -> None:
    client = client_of(echo, settings=telephone(input={"turn_detection": None}))
    client.audio_format = TELEPHONE
    client.say("Hello")
    assert not client.of("input_audio_buffer.speech_started")
    client.send("input_audio_buffer.commit")
    assert not client.of("response.created")
    client.send("response.create")
    client.wait(2)
    assert client.heard() == "You said Hello"


def test_cleared_audio_is_forgotten() -> None:
    client = client_of(echo, settings=telephone(input={"turn_detection": None}))
    client.audio_format = TELEPHONE
    client.say("Hello")
    client.send("input_audio_buffer.clear")
    client.send("input_audio_buffer.commit")
    assert client.only("error")["error"]["code"] == "input_audio_buffer_commit_empty"


def test_response_is_cancelled_by_the_client() -> None:
    client = client_of(lambda _: LONG_ANSWER, generation_speed=1.0)
    client.send("conversation.item.create", item=said("Where?"))
    client.send("response.create")
    client.wait(0.5)
    client.send("response.cancel")
    done = client.only("response.done")["response"]
    assert done["status_details"] == {"type": "cancelled", "reason": "client_cancelled"}
    client.wait(3)
    assert len(client.of("response.done")) == 1
    client.send("response.cancel")
    assert client.only("error")["error"]["code"] == "response_cancel_not_active"


def test_only_one_response_at_a_time() -> None:
    client = client_of(lambda _: LONG_ANSWER)
    client.send("response.create")
    client.send("response.create", event_id="mine")
    error = client.only("error")["error"]
    assert error["code"] == "conversation_already_has_active_response"
    assert error["event_id"] == "mine"


def test_response_beside_the_conversation_leaves_no_item() -> None:
    client = client_of(echo, settings={"output_modalities": ["text"]})
    asked = {"conversation": "none", "input": [said("Sum up.")], "metadata": {"for": "summary"}}
    client.send("response.create", response=asked)
    done = client.only("response.done")["response"]
    assert done["metadata"] == {"for": "summary"}
    assert done["output"][0]["content"] == [{"type": "output_text", "text": "You said Sum up."}]
    assert not client.of("conversation.item.added")


def test_agent_gets_instructions_system_messages_and_tools() -> None:
    prompts: list[tuple[str, list[Any]]] = []
    setup = setup_of(lambda _: "Hello.")
    make = setup.make_agent

    def noting(prompt: str, tools: list[Any]) -> Any:
        prompts.append((prompt, tools))
        return make(prompt, tools)

    object.__setattr__(setup, "make_agent", noting)
    client = Client(RealtimeSession(setup, "sess_1", "m"))
    client.send(
        "session.update",
        session={"type": "realtime", "instructions": "Be kind.", "tools": [TOOL]},
    )
    system = {
        "type": "message",
        "role": "system",
        "content": [{"type": "input_text", "text": "Now."}],
    }
    client.send("conversation.item.create", item=system)
    client.send("response.create")
    ((prompt, tools),) = prompts
    assert prompt == "Be kind.\n\nNow."
    assert tools[0]["function"]["name"] == "get_order"


def test_items_are_put_in_their_place_and_deleted() -> None:
    client = client_of(echo, settings={"output_modalities": ["text"]})
    client.send("conversation.item.create", item={**said("second"), "id": "b"})
    client.send(
        "conversation.item.create", item={**said("first"), "id": "a"}, previous_item_id="root"
    )
    client.send("conversation.item.create", item={**said("wrong"), "id": "c"}, previous_item_id="a")
    client.send("conversation.item.delete", item_id="c")
    client.send("response.create")
    assert client.only("response.output_text.done")["text"] == "You said first second"


def test_nothing_but_noise_is_answered_by_nothing() -> None:
    client = client_of(echo)
    noise = np.random.default_rng(0).normal(0, 0.05, 24000).astype(np.float32)
    client.silence(1)
    client.stream(noise)
    client.silence(1)
    done = client.only("response.done")["response"]
    assert done["status"] == "completed"
    assert done["output"] == []


@pytest.mark.parametrize("problem", [AgentError("it is lost"), SpeechFailed("no answer")])
def test_failure_ends_the_response_and_not_the_session(problem: Exception) -> None:
    def answer(message: Message) -> str:
        if message.content == "Break":
            raise problem
        return echo(message)

    client = client_of(answer, settings={"output_modalities": ["text"]})
    client.send("conversation.item.create", item=said("Break"))
    client.send("response.create")
    failed = client.only("response.done")["response"]
    assert failed["status"] == "failed"
    assert failed["status_details"]["error"]["message"] == str(problem)
    client.send("conversation.item.create", item=said("now"))
    client.send("response.create")
    assert client.of("response.output_text.done")[-1]["text"] == "You said Break now"


def test_failure_of_recognition_is_told() -> None:
    client = client_of(echo)

    class Broken:
        name = version = "broken"

        def transcribe(self, samples: Any, sample_rate: int) -> Any:
            raise SpeechFailed("the recognizer is gone")

    client.engines = type(client.engines)(Broken(), client.engines.synthesizer)
    client.say("Hello")
    client.silence(1)
    failed = client.only("conversation.item.input_audio_transcription.failed")
    assert failed["error"]["message"] == "the recognizer is gone"
    assert client.only("response.done")["response"]["status"] == "failed"


@pytest.mark.parametrize(
    ("event", "code", "param"),
    [
        ({"type": "nothing"}, "invalid_value", "type"),
        ({"type": "input_audio_buffer.append"}, "missing_required_parameter", "audio"),
        ({"type": "input_audio_buffer.append", "audio": "%%%"}, "invalid_value", "audio"),
        ({"type": "input_audio_buffer.commit"}, "input_audio_buffer_commit_empty", None),
        ({"type": "output_audio_buffer.clear"}, "invalid_event", None),
        ({"type": "conversation.item.delete", "item_id": "x"}, "item_not_found", "item_id"),
        ({"type": "conversation.item.retrieve", "item_id": 3}, "invalid_type", "item_id"),
        ({"type": "conversation.item.create"}, "missing_required_parameter", "item.type"),
        (
            {"type": "conversation.item.create", "item": {"type": "message", "role": "judge"}},
            "invalid_value",
            "item.role",
        ),
        (
            {
                "type": "conversation.item.create",
                "item": {"type": "function_call_output", "call_id": "x", "output": ""},
            },
            "invalid_tool_call_id",
            "item.call_id",
        ),
        (
            {
                "type": "conversation.item.create",
                "item": {"type": "function_call", "name": "f", "arguments": "[1]"},
            },
            "invalid_value",
            "item.arguments",
        ),
        ({"type": "session.update", "session": {"wrong": 1}}, "unknown_parameter", "session.wrong"),
        (
            {"type": "session.update", "session": {"type": "transcription"}},
            "invalid_value",
            "session.type",
        ),
        (
            {"type": "session.update", "session": {"tools": [{"type": "mcp"}]}},
            "invalid_value",
            "session.tools[0].type",
        ),
        (
            {
                "type": "session.update",
                "session": {
                    "audio": {"input": {"turn_detection": {"type": "server_vad", "threshold": 2}}}
                },
            },
            "invalid_value",
            "session.audio.input.turn_detection.threshold",
        ),
        (
            {"type": "response.create", "response": {"max_output_tokens": 0}},
            "invalid_value",
            "response.max_output_tokens",
        ),
    ],
)
def test_event_that_cannot_be_accepted_is_answered_by_an_error(
    event: dict[str, Any], code: str, param: str | None
) -> None:
    client = client_of(echo)
    before = client.only("session.created")["session"]
    client.send(**{"kind": event["type"], **{k: v for k, v in event.items() if k != "type"}})
    error = client.only("error")["error"]
    assert (error["code"], error["param"]) == (code, param)
    client.send("session.update", session={"type": "realtime"})
    assert client.only("session.updated")["session"] == before


@pytest.mark.parametrize(
    "data", ["", "[]", "null", "{", '{"type": 1}', "[" * 100_000, b"\xff", '{"type": NaN}', 7, None]
)
def test_what_is_no_event_is_answered_by_an_error(data: object) -> None:
    session = RealtimeSession(setup_of(echo), "sess_1", "m")
    (event,) = session.receive(data)
    assert event["type"] == "error"


def test_client_cannot_have_more_work_done_at_once_than_is_bounded() -> None:
    session = RealtimeSession(setup_of(echo), "sess_1", "m")

    def errors_of(kind: str, **fields: Any) -> list[str]:
        """Send an event; return the codes of the errors."""
        sent = session.receive(json.dumps({"type": kind, **fields}))
        return [event["error"]["code"] for event in events_of("error", sent)]

    part = {"type": "input_audio", "audio": base64.b64encode(bytes(4800)).decode()}
    audio = {"type": "message", "role": "user", "content": [part] * 64}
    manual = {"type": "realtime", "audio": {"input": {"turn_detection": None}}}
    assert errors_of("session.update", session=manual) == []
    assert errors_of("input_audio_buffer.append", audio=part["audio"]) == []
    for number in range(4):
        assert errors_of("conversation.item.create", item={"id": f"{number}", **audio}) == []
    # What is deleted is still in recognition.
    assert errors_of("conversation.item.delete", item_id="0") == []
    full = ["rate_limit_exceeded"]
    assert errors_of("conversation.item.create", item=audio) == full
    assert errors_of("input_audio_buffer.append", audio=part["audio"]) == full
    assert errors_of("input_audio_buffer.commit") == full
    assert errors_of("response.create") == full
    assert errors_of("conversation.item.create", item=said("Hello.")) == []
    work = session.take_work()
    assert len(work) == 256
    session.finish(work[0].id, Transcript(""))
    assert errors_of("input_audio_buffer.commit") == []
    session.fail(work[1].id, "the recognizer is gone")
    assert errors_of("input_audio_buffer.append", audio=part["audio"]) == []


def test_oversized_event_is_refused() -> None:
    session = RealtimeSession(setup_of(echo), "sess_1", "m")
    audio = base64.b64encode(bytes(1_000_000)).decode()
    (event,) = session.receive(json.dumps({"type": "input_audio_buffer.append", "audio": audio}))
    assert event["error"]["code"] == "message_too_large"
