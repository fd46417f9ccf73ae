"""Payloads as providers really send them. docs/providers.md lists these tests, row by row."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.stub import Bytes, Raw, StubServer
from tests.unit.llm.conftest import StillClock

from tau2.data_model.message import AssistantMessage, UserMessage
from tau2.errors import ConfigError, EmptyCompletion, ModelRefused, ModelUnavailable
from tau2.llm import MALFORMED_KEY, complete
from tau2.llm.failure import CallFailed
from tau2.llm.parse import ParsedCompletion, checked_completion, parse_completion, read

CALL = {"id": "a1", "type": "function", "function": {"name": "look", "arguments": '{"at": "it"}'}}


def answer(
    message: dict[str, Any] | None = None, finish_reason: str | None = "stop", **choice: Any
) -> dict[str, Any]:
    """Return a chat completion with one choice."""
    whole = {"role": "assistant", "content": None, **(message or {})}
    entry = {"index": 0, "message": whole, "finish_reason": finish_reason, **choice}
    return {"id": "c", "object": "chat.completion", "model": "m", "choices": [entry]}


def ask(stub: StubServer, **args: Any) -> AssistantMessage:
    """Ask a stub for the next message."""
    given = {"num_retries": 0, "api_base": stub.base_url, **args}
    return complete("openai/m", [UserMessage(content="Hello")], **given)


def asked(*outcomes: Any, **args: Any) -> AssistantMessage:
    """Ask a stub with these outcomes."""
    whole = [Raw(200, one) if isinstance(one, dict) else one for one in outcomes]
    with StubServer(whole) as stub:
        return ask(stub, **args)


def calls_of(parsed: ParsedCompletion) -> list[tuple[str, Any]]:
    """Return names and arguments of the tool calls."""
    return [(call.name, call.arguments) for call in parsed.tool_calls]


# --- errors beside status 200 ---------------------------------------------------------------------

UPSTREAM = {"code": 502, "message": "The upstream died"}
BROKEN = {
    "beside an empty choice": {**answer(), "error": UPSTREAM},
    "in the choice": answer({"content": "Your refund am"}, "error", error=UPSTREAM),
    "in the message": answer({"error": UPSTREAM}),
    "without choices": {"error": UPSTREAM, "choices": []},
    "as text": {"error": "The upstream died"},
    "by the reason alone": answer({"content": "Your refund am"}, "error"),
    "by the native reason": answer({"content": "Your"}, None, native_finish_reason="ERROR"),
    "by deepseek's reason": answer({"content": "Your"}, "insufficient_system_resource"),
    "no choice": {"id": "c", "choices": []},
    "no message": {"choices": [{"index": 0, "finish_reason": "stop"}]},
    "nothing generated": {**answer(), "usage": {"prompt_tokens": 9, "completion_tokens": 0}},
    "no reason and no text": answer(None, None),
    "minimax": {"base_resp": {"status_code": 1002, "status_msg": "busy"}, "choices": None},
}


@pytest.mark.parametrize("how", BROKEN)
def test_a_broken_answer_is_asked_for_again(how: str, still: StillClock) -> None:
    assert asked(BROKEN[how], "All of it.", num_retries=1).content == "All of it."
    with pytest.raises(ModelUnavailable):
        asked(BROKEN[how], num_retries=1)


def test_an_error_beside_status_200_is_what_its_code_says() -> None:
    with pytest.raises(ModelRefused, match="no key"):
        asked({"error": {"code": 401, "message": "no key"}}, num_retries=3)
    with pytest.raises(ModelRefused, match="HTTP 401"):
        asked({"error": {"type": "authentication_error", "message": "no key"}}, num_retries=3)
    with pytest.raises(CallFailed) as caught:
        checked_completion({"error": {"type": "overloaded_error", "message": "later"}})
    assert (caught.value.status, caught.value.temporary) == (503, True)


def test_an_error_field_that_says_nothing_is_no_error() -> None:
    fields: dict[str, Any] = {"error": {"code": None, "message": None}}
    assert asked({**answer({"content": "Fine."}), **fields}).content == "Fine."


@pytest.mark.parametrize(
    ("reason", "word"),
    [("length", "length"), ("max_tokens", "length"), ("content_filter", "content_filter"),
     ("SAFETY", "content_filter"), ("stop", None)],
)  # fmt: skip
def test_an_answer_that_was_cut_off_says_so(reason: str, word: str | None) -> None:
    assert asked(answer({"content": "Your refund am"}, reason)).cut_short == word


def test_an_answer_that_was_withheld_has_words_of_its_own() -> None:
    with pytest.raises(EmptyCompletion, match="content filter withheld"):
        asked(answer(None, "content_filter"))
    with pytest.raises(EmptyCompletion, match="raise max_tokens"):
        asked(answer({"reasoning_content": "Hm"}, "length"))


# --- text and thought ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        [{"type": "thinking", "thinking": [{"type": "text", "text": "Tea?"}]},
         {"type": "text", "text": "Tea."}],
        [{"type": "thinking", "thinking": "Tea?", "signature": "x"},
         {"type": "text", "text": "Tea."}],
        [{"type": "reasoning", "summary": [{"type": "summary_text", "text": "Tea?"}]},
         {"type": "output_text", "text": "Tea."}],
        [{"type": "reasoning", "reasoning": "Tea?"}, {"type": "text", "text": {"value": "Tea."}}],
        [{"text": "Tea?", "thought": True}, {"text": "Tea."}],
        [{"type": "reasoning", "text": "Tea?"}, "Tea."],
    ],
)  # fmt: skip
def test_thoughts_that_are_parts_of_the_content(content: list[Any]) -> None:
    parsed = read(answer({"content": content}))
    assert (parsed.content, parsed.reasoning) == ("Tea.", "Tea?")


def test_content_that_is_one_part() -> None:
    assert read(answer({"content": {"type": "text", "text": "Tea."}})).content == "Tea."


def test_a_call_that_is_a_part_of_the_content() -> None:
    part = {"type": "tool_use", "id": "t1", "name": "look", "input": {"at": "it"}}
    parsed = read(answer({"content": [{"type": "text", "text": "I look."}, part]}))
    assert (parsed.content, calls_of(parsed)) == ("I look.", [("look", {"at": "it"})])


# --- tool calls ----------------------------------------------------------------------------------


def test_calls_that_are_spread_over_choices() -> None:
    other = {**CALL, "id": "a2", "function": {"name": "listen", "arguments": "{}"}}
    spread = answer({"content": "I look."})
    for number, call in enumerate((CALL, other, CALL), start=1):
        message = {"role": "assistant", "content": None, "tool_calls": [call]}
        spread["choices"].append({"index": number, "message": message, "finish_reason": "stop"})
    parsed = parse_completion(spread)
    assert parsed.content == "I look."
    assert calls_of(parsed) == [("look", {"at": "it"}), ("listen", {})]
    assert calls_of(parse_completion(spread, alternatives=True)) == []


@pytest.mark.parametrize("times", [1, 2, 3])
def test_arguments_that_were_serialised_more_than_once(times: int) -> None:
    text: Any = {"at": "it"}
    for _ in range(times):
        text = json.dumps(text)
    call = {"id": "a1", "function": {"name": "look", "arguments": text}}
    assert calls_of(read(answer({"tool_calls": [call]}))) == [("look", {"at": "it"})]


@pytest.mark.parametrize("nothing", ["null", '"null"', "", '""', "None", None, [], "[]", '"{}"'])
def test_no_arguments_in_every_spelling(nothing: Any) -> None:
    call = {"id": "a1", "function": {"name": "look", "arguments": nothing}}
    assert calls_of(read(answer({"tool_calls": [call]}))) == [("look", {})]


def test_arguments_after_an_empty_object() -> None:
    call = {"id": "a1", "function": {"name": "look", "arguments": '{}{"at": "it"}'}}
    assert calls_of(read(answer({"tool_calls": [call]}))) == [("look", {"at": "it"})]


@pytest.mark.parametrize(
    "message",
    [
        {"tool_calls": [{"id": "a1", "name": "look", "arguments": '{"at": "it"}'}]},
        {"tool_calls": [{"id": "a1", "type": "function", "name": "look", "input": {"at": "it"}}]},
        {"tool_calls": [{"function": "look", "arguments": {"at": "it"}}]},
        {"tool_calls": [{"function": {"name": "look", "parameters": {"at": "it"}}}]},
        {"tool_calls": [{"function": {"name": "look"}, "arguments": {"at": "it"}}]},
        {"tool_calls": CALL},
        {"tool_calls": json.dumps([CALL])},
        {"tool_calls": [], "function_call": {"name": "look", "arguments": '{"at": "it"}'}},
        {"tool_calls": [{"function": {"name": "functions.look", "arguments": {"at": "it"}}}]},
        {"tool_calls": [{"function": {"name": "look<|channel|>x", "arguments": {"at": "it"}}}]},
        {"tool_calls": [None, "x", CALL]},
    ],
)
def test_calls_of_another_shape(message: dict[str, Any]) -> None:
    assert calls_of(read(answer(message))) == [("look", {"at": "it"})]


def test_a_call_without_a_name_is_told_to_the_model_or_left_out_beside_words() -> None:
    empty = {"id": "a1", "type": "function", "function": {"name": "", "arguments": ""}}
    assert calls_of(read(answer({"tool_calls": [empty]}))) == [("", {})]
    assert calls_of(read(answer({"tool_calls": [{}]}))) == [("", {})]
    assert calls_of(read(answer({"content": "Hello", "tool_calls": [empty]}))) == []
    nameless = {"id": "a1", "function": {"arguments": '{"at": "it"}'}}
    assert calls_of(read(answer({"tool_calls": [nameless]}))) == [("", {"at": "it"})]


def test_arguments_that_are_no_object_stay_for_the_model_to_mend() -> None:
    call = {"id": "a1", "function": {"name": "look", "arguments": '{"at": '}}
    parsed = read(answer({"tool_calls": [call]}))
    assert (calls_of(parsed), parsed.malformed) == ([("look", {MALFORMED_KEY: '{"at": '})], 1)


def test_ids_made_here_are_nine_letters_and_digits_and_always_the_same() -> None:
    raw = answer({"tool_calls": [{"function": CALL["function"]}] * 3})
    ids = [call.id for call in read(raw).tool_calls]
    assert ids == [call.id for call in read(raw).tool_calls]
    assert len(set(ids)) == 3
    assert all(len(made) == 9 and made.isalnum() and made.isascii() for made in ids)


# --- streams -------------------------------------------------------------------------------------


def stream(*chunks: Any, end: str = "data: [DONE]\n\n") -> Bytes:
    """Return a stream of events as a server sends it."""
    events = [f"data: {json.dumps(chunk)}\n\n" for chunk in chunks]
    body = (": waiting\n\n" + "".join(events) + end).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: {len(body)}\r\n"
    return Bytes((head.encode() + b"\r\n" + body,), keep=True)


def delta(finish_reason: str | None = None, **fields: Any) -> dict[str, Any]:
    """Return one chunk."""
    choice = {"index": 0, "delta": fields, "finish_reason": finish_reason}
    return {"id": "c", "model": "m", "choices": [choice]}


USED = {"id": "c", "choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 3}}


def test_a_stream_that_nobody_asked_for_is_read() -> None:
    chunks = (
        delta(role="assistant", content=""),
        delta(reasoning_content="Te"),
        delta(reasoning_content="a?"),
        delta(content="Te"),
        delta("stop", content="a."),
        USED,
    )
    with StubServer(stream(*chunks)) as stub:
        message = ask(stub)
    assert stub.last["stream"] is False
    assert (message.content, message.reasoning_content) == ("Tea.", "Tea?")
    assert message.usage == {"prompt_tokens": 9, "completion_tokens": 3}


PIECES = {
    "by index": [
        {"index": 0, "id": "a1", "type": "function", "function": {"name": "look", "arguments": ""}},
        {"index": 0, "function": {"arguments": '{"at": '}},
        {"index": 0, "function": {"arguments": '"it"}'}},
        {"index": 1, "id": "a2", "function": {"name": "listen", "arguments": "{}"}},
    ],
    "all with index 0": [
        {"index": 0, "id": "a1", "function": {"name": "look", "arguments": '{"at": "it"}'}},
        {"index": 0, "id": "a2", "function": {"name": "listen", "arguments": "{}"}},
    ],
    "without index": [
        {"id": "a1", "function": {"name": "look", "arguments": '{"at": '}},
        {"function": {"arguments": '"it"}'}},
        {"id": "a2", "function": {"name": "listen", "arguments": ""}},
    ],
    "with the name in every piece": [
        {"index": 0, "id": "a1", "function": {"name": "look", "arguments": '{"at": '}},
        {"index": 0, "id": "a1", "function": {"name": "look", "arguments": '"it"}'}},
        {"index": 1, "id": "a2", "function": {"name": "listen"}},
    ],
    "with the name in pieces": [
        {"index": 0, "id": "a1", "function": {"name": "lo"}},
        {"index": 0, "function": {"name": "ok", "arguments": '{"at": "it"}'}},
        {"index": 1, "id": "a2", "function": {"name": "listen"}},
    ],
}


@pytest.mark.parametrize("how", PIECES)
def test_calls_that_come_in_pieces(how: str) -> None:
    message = asked(stream(*(delta(tool_calls=[piece]) for piece in PIECES[how])))
    called = [(call.id, call.name, call.arguments) for call in message.tool_calls or ()]
    assert called == [("a1", "look", {"at": "it"}), ("a2", "listen", {})]


def test_a_stream_that_breaks_off_or_reports_an_error_is_no_answer() -> None:
    with pytest.raises(ModelUnavailable, match="ended too early"):
        asked(stream(delta(content="Te"), end=""))
    with pytest.raises(ModelUnavailable, match="The upstream died"):
        asked(stream(delta(content="Te"), {"error": UPSTREAM}))


@pytest.mark.parametrize(
    "words",
    [
        "This model only support stream mode, please enable the stream parameter.",
        "Stream must be set to true",
        "Non-streaming requests are not supported for this model",
    ],
)
def test_a_model_that_only_streams_is_learnt_once(words: str) -> None:
    def reply(body: dict[str, Any]) -> Any:
        if not body["stream"]:
            return Raw(400, {"error": {"message": words}})
        return stream(delta("stop", content="Tea."))

    with StubServer(reply) as stub:
        assert ask(stub).content == "Tea."
        assert ask(stub).content == "Tea."
        assert [seen.body["stream"] for seen in stub.seen] == [False, True, True]


# --- what we send --------------------------------------------------------------------------------


def test_a_seed_is_sent_within_32_bits_with_sign() -> None:
    with StubServer("Tea.") as stub:
        for seed in (7, 2**31 - 1, 2**31, 2**32 - 1):
            ask(stub, seed=seed)
        assert [seen.body["seed"] for seen in stub.seen] == [7, 2**31 - 1, 0, 2**31 - 1]
    given: list[int] = []

    def own(**call: Any) -> dict[str, Any]:
        given.append(call["seed"])
        return answer({"content": "Tea."})

    complete("m", [UserMessage(content="Hello")], completion_fn=own, seed=2**32 - 2)
    assert given == [2**31 - 2]


@pytest.mark.parametrize("choice", ["required", "look"])
@pytest.mark.parametrize(
    "words",
    [
        "Thinking mode does not support this tool_choice",
        "Thinking may not be enabled when tool_choice forces tool use.",
        "tool_choice 'required' is incompatible with thinking enabled",
        "The tool_choice parameter does not support being set to required in thinking mode",
    ],
)
def test_a_forced_tool_choice_that_is_refused_falls_back_once(choice: str, words: str) -> None:
    def reply(body: dict[str, Any]) -> Any:
        if body["tool_choice"] != "auto":
            return Raw(400, {"error": {"message": words}})
        return [{"name": "look", "arguments": {}}]

    tools: Any = [{"type": "function", "function": {"name": "look", "parameters": {}}}]
    with StubServer(reply) as stub:
        for _ in range(2):
            assert ask(stub, tools=tools, tool_choice=choice).tool_calls
        kinds = [seen.body["tool_choice"] == "auto" for seen in stub.seen]
    assert kinds == [False, True, True]


def test_settings_of_the_client_are_applied_and_not_sent() -> None:
    settings = {
        "api_version": "2024-10-21",
        "organization": "org-1",
        "azure_ad_token": "token-of-entra-id",
        "default_headers": {"X-Team": "tea"},
        "extra_headers": {"x-more": "1"},
        "extra_query": {"v": "1"},
        "ssl_verify": False,
        "rpm": 6000,
        "tpm": 1_000_000,
    }
    with StubServer("Tea.") as stub:
        ask(stub, **settings)
        seen = stub.seen[-1]
    assert seen.body.keys() == {"model", "messages", "stream"}
    assert seen.target.endswith("/chat/completions?api-version=2024-10-21&v=1")
    sent = {name: seen.headers.get(name) for name in ("x-team", "x-more", "openai-organization")}
    assert sent == {"x-team": "tea", "x-more": "1", "openai-organization": "org-1"}
    assert seen.headers["authorization"] == "Bearer token-of-entra-id"


def test_requests_per_minute_are_kept(still: StillClock) -> None:
    with StubServer("Tea.") as stub:
        for _ in range(3):
            ask(stub, rpm=10)
    assert still.sleeps == [pytest.approx(6.0), pytest.approx(6.0)]


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("temprature", "did you mean 'temperature'"),
        ("azure_ad_token_provider", "did you mean 'azure_ad_token'"),
        ("verify_ssl", "did you mean 'ssl_verify'"),
        ("fallbacks", "litellm/<name>"),
        ("my_own_field", "extra_body"),
    ],
)
def test_an_unknown_argument_is_never_sent(name: str, hint: str) -> None:
    with StubServer("Tea.") as stub:
        with pytest.raises(ConfigError, match=hint):
            ask(stub, **{name: 1})
        assert not stub.seen


def test_what_only_the_server_knows_goes_through_extra_body() -> None:
    with StubServer("Tea.") as stub:
        ask(stub, extra_body={"my_own_field": 1}, top_k=3, min_p=0.1, reasoning_effort="low")
    named = {"my_own_field": 1, "top_k": 3, "min_p": 0.1, "reasoning_effort": "low"}
    assert named.items() <= stub.last.items()
