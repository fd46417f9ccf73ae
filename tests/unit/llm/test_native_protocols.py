"""Anthropic's Messages API and OpenAI's Responses API, against a loopback server.

Requests and the server's responses are checked with the types of the official packages. The
payloads are ours, written from the documented shapes.
"""

from __future__ import annotations

import importlib.util
import json
import re
from typing import Any, get_type_hints

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError
from tests.native_servers import (
    ASKED,
    BOTH,
    CLAUDE,
    HIDDEN,
    KEY,
    REASONING,
    THOUGHT,
    TOOLS,
    Native,
    ask,
    claude,
    claude_calls,
    claude_says,
    gpt,
    gpt_calls,
    gpt_says,
    with_results,
)
from tests.stub import Raw, StubServer

from tau2.data_model.message import (
    AssistantMessage,
    Message,
    ToolCall,
    ToolMessage,
)
from tau2.llm import complete, to_wire
from tau2.llm.request import Request

each = pytest.mark.parametrize("native", BOTH, ids=["anthropic", "responses"])


@each
def test_parameters_of_chat_completions_without_counterpart_are_not_sent(native: Native) -> None:
    with StubServer(native.says("ok")) as stub:
        ask(
            native,
            stub.base_url,
            seed=2**40,
            presence_penalty=0.1,
            max_tokens=99,
            stop_token_ids=None,
        )
        assert not {"seed", "presence_penalty", "max_completion_tokens"} & stub.last.keys()
        assert 99 in stub.last.values()


_IDS = st.text("abcXYZ019_-=/+é ", min_size=1, max_size=90).map(lambda text: f"c{text}d")


@each
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(_IDS, min_size=1, max_size=3, unique=True), st.text(max_size=10))
def test_any_conversation_makes_a_request_that_holds_together(
    native: Native, ids: list[str], text: str
) -> None:
    """Every result names its call, whatever the ids were where they came from."""
    calls = [ToolCall(id=id_, name="get_order", arguments={"order_id": text}) for id_ in ids]
    said = AssistantMessage(content=text, tool_calls=calls)
    results = [ToolMessage(id=id_, content=text) for id_ in ids]
    body = _body(native.model, [*ASKED, said, *results])
    made, answered = _ids_in(body)
    assert made == answered
    assert len(set(made)) == len(ids)
    plain = re.compile(r"[a-zA-Z0-9_-]{1,64}")
    assert all(
        given == sent for given, sent in zip(ids, made, strict=True) if plain.fullmatch(given)
    )
    json.dumps(body)


def _body(model: str, messages: list[Message], **args: Any) -> dict[str, Any]:
    from tau2.llm.protocols import anthropic_messages, openai_responses

    protocol = anthropic_messages if model.startswith("anthropic") else openai_responses
    tools = [tool.openai_schema for tool in TOOLS]
    request = Request(model, to_wire(messages), tools, args=args)
    return protocol.body_of(request, model.partition("/")[2])


def _ids_in(body: dict[str, Any]) -> tuple[list[str], list[str]]:
    """Return the ids of the calls, and those of the results."""
    if "input" in body:
        items = body["input"]
        made = [item["call_id"] for item in items if item["type"] == "function_call"]
        return made, [item["call_id"] for item in items if item["type"] == "function_call_output"]
    blocks = [block for turn in body["messages"] for block in turn["content"]]
    made = [block["id"] for block in blocks if block["type"] == "tool_use"]
    return made, [block["tool_use_id"] for block in blocks if block["type"] == "tool_result"]


# --- Anthropic ----------------------------------------------------------------------------------


def test_claude_gets_its_own_headers_and_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    with StubServer(claude_says("ok")) as stub:
        for base in (stub.base_url, stub.base_url.removesuffix("/v1")):
            monkeypatch.setenv("ANTHROPIC_BASE_URL", base)
            complete(CLAUDE, ASKED)
            assert stub.seen[-1].target == "/v1/messages"
        headers = stub.seen[-1].headers
        assert headers["x-api-key"] == KEY
        assert headers["anthropic-version"] == "2023-06-01"
        assert "authorization" not in headers
        monkeypatch.delenv("ANTHROPIC_API_KEY")
        monkeypatch.setenv("ANTHROPIC_AUTH_TOKEN", KEY)
        complete(CLAUDE, ASKED)
        assert stub.seen[-1].headers["authorization"] == f"Bearer {KEY}"


def test_a_conversation_as_claude_reads_it() -> None:
    with StubServer([claude_calls("toolu_1", "toolu_2"), claude_says("ok")]) as stub:
        native = BOTH[0]
        ask(native, stub.base_url, with_results(ask(native, stub.base_url)), tool_choice="required")
        body = stub.last
    mark = {"cache_control": {"type": "ephemeral"}}
    assert body["system"] == [{"type": "text", "text": "Be brief.", **mark}]
    assert body["max_tokens"] == 8192
    assert body["tool_choice"] == {"type": "any"}
    assert [tool["name"] for tool in body["tools"]] == ["get_order"]
    assert body["tools"][0]["input_schema"]["required"] == ["order_id"]
    assert [turn["role"] for turn in body["messages"]] == ["user", "assistant"] * 2 + ["user"]
    assert body["messages"][3]["content"][:2] == [THOUGHT, HIDDEN]
    last = body["messages"][4]["content"]
    assert [block["type"] for block in last] == ["tool_result", "tool_result", "text"]
    assert last[-1] == {"type": "text", "text": "And when?", **mark}
    assert json.dumps(body).count("cache_control") == 4


def test_thoughts_survive_a_change_of_the_words() -> None:
    with StubServer([claude_calls("toolu_1", "toolu_2"), claude_says("ok")]) as stub:
        first = ask(BOTH[0], stub.base_url)
        first.tool_calls = first.calls[:1]
        ask(BOTH[0], stub.base_url, with_results(first))
        sent = stub.last["messages"][3]["content"]
    assert [block["type"] for block in sent] == ["thinking", "redacted_thinking", "tool_use"]


@pytest.mark.parametrize(
    ("model", "args", "sent"),
    [
        (
            "claude-sonnet-4-5",
            {"reasoning_effort": "low"},
            {"type": "enabled", "budget_tokens": 1024},
        ),
        (
            "claude-sonnet-4-5",
            {"reasoning_effort": "high", "max_tokens": 4096},
            {"type": "enabled", "budget_tokens": 2048},
        ),
        ("claude-sonnet-4-5", {"reasoning_effort": "low", "max_tokens": 500}, None),
        ("claude-opus-5", {"reasoning_effort": "high"}, {"type": "adaptive"}),
        ("claude-opus-5", {"thinking": {"type": "disabled"}}, {"type": "disabled"}),
    ],
)
def test_effort_is_thinking(model: str, args: dict[str, Any], sent: Any) -> None:
    body = _body(f"anthropic/{model}", ASKED, temperature=0.0, **args)
    assert body.get("thinking") == sent
    assert ("temperature" in body) == (sent is None or sent["type"] == "disabled")
    if sent and "budget_tokens" in sent:
        assert body["max_tokens"] > sent["budget_tokens"]


def test_caching_can_be_turned_off_and_lasting() -> None:
    assert "cache_control" not in json.dumps(_body(CLAUDE, ASKED, cache_control=False))
    lasting = {"type": "ephemeral", "ttl": "1h"}
    assert _body(CLAUDE, ASKED, cache_control=lasting)["system"][0]["cache_control"] == lasting


def test_claudes_cache_is_counted_and_billed() -> None:
    cached = claude(
        {"type": "text", "text": "ok"},
        input_tokens=100,
        cache_read_input_tokens=1000,
        cache_creation_input_tokens=200,
        output_tokens=10,
    )
    with StubServer(cached) as stub:
        message = ask(BOTH[0], stub.base_url)
    assert message.usage == {
        "prompt_tokens": 1300,
        "completion_tokens": 10,
        "cached_tokens": 1000,
        "cache_write_tokens": 200,
    }
    assert message.cost == pytest.approx((100 + 0.1 * 1000 + 1.25 * 200) * 3e-6 + 10 * 15e-6)


# --- Responses ----------------------------------------------------------------------------------


def test_a_conversation_as_responses_reads_it() -> None:
    with StubServer([gpt_calls("call_1", "call_2"), gpt_says("ok")]) as stub:
        native = BOTH[1]
        ask(
            native,
            stub.base_url,
            with_results(ask(native, stub.base_url)),
            reasoning_effort="low",
            max_tokens=50,
        )
        body = stub.last
    assert body["model"] == "gpt-5"
    assert body["instructions"] == "Be brief."
    assert body["store"] is False
    assert body["include"] == ["reasoning.encrypted_content"]
    assert body["reasoning"] == {"effort": "low"}
    assert body["max_output_tokens"] == 50
    assert body["tools"][0]["strict"] is False
    kinds = [item["type"] for item in body["input"]]
    assert kinds == [
        *("message", "message", "reasoning", "function_call", "function_call"),
        *("function_call_output", "function_call_output", "message"),
    ]
    assert body["input"][2] == REASONING


def test_reasoning_that_is_not_encrypted_stays_here() -> None:
    bare = {name: value for name, value in REASONING.items() if name != "encrypted_content"}
    says = json.loads(json.dumps(gpt_calls("call_1").body))
    says["output"][0] = bare
    with StubServer([Raw(200, says), gpt_says("ok")]) as stub:
        ask(BOTH[1], stub.base_url, with_results(ask(BOTH[1], stub.base_url)))
        kinds = [item["type"] for item in stub.last["input"]]
        assert "id" not in stub.last["input"][2]
    assert "reasoning" not in kinds


def test_reasoning_tokens_are_counted_and_a_refusal_is_what_it_says() -> None:
    part = {"type": "refusal", "refusal": "I will not."}
    item = {
        "type": "message",
        "id": "m",
        "role": "assistant",
        "status": "completed",
        "content": [part],
    }
    with StubServer(gpt(item)) as stub:
        message = ask(BOTH[1], stub.base_url)
    assert message.content == "I will not."
    assert message.usage["reasoning_tokens"] == 12
    assert message.usage["cached_tokens"] == 40


def test_models_without_reasoning_are_not_asked_for_it() -> None:
    assert "include" not in _body("responses/gpt-4.1-mini", ASKED)
    assert "include" not in _body("responses/o3", ASKED, include=[])


# --- the official types -------------------------------------------------------------------------

needs_types = pytest.mark.skipif(
    not all(importlib.util.find_spec(name) for name in ("anthropic", "openai")),
    reason="the official packages are not installed (they are in the dev extra)",
)


def _conversation(native: Native) -> list[Message]:
    with StubServer(native.calls("call_1", "call_2")) as stub:
        return with_results(ask(native, stub.base_url))


def _request_type(native: Native) -> Any:
    if native.model == CLAUDE:
        from anthropic.types.message_create_params import MessageCreateParamsNonStreaming

        return MessageCreateParamsNonStreaming
    from openai.types.responses.response_create_params import ResponseCreateParamsNonStreaming

    return ResponseCreateParamsNonStreaming


def _exhausted(value: Any) -> Any:
    """Read what pydantic validates lazily."""
    if isinstance(value, dict):
        return {name: _exhausted(inner) for name, inner in value.items()}
    if isinstance(value, str | bytes | int | float | None):
        return value
    return [_exhausted(inner) for inner in value]


@needs_types
@each
@pytest.mark.parametrize(
    "args", [{}, {"reasoning_effort": "high", "parallel_tool_calls": False, "user": "u"}]
)
def test_requests_are_what_the_official_package_would_send(
    native: Native, args: dict[str, Any]
) -> None:
    expected = _request_type(native)
    body = _body(native.model, _conversation(native), **args)
    assert body.keys() <= get_type_hints(expected).keys()
    adapter = TypeAdapter(expected)  # kept: what is lazy refers to it
    _exhausted(adapter.validate_python(body))
    body["tools"] = [{"type": "function", "input_schema": 3}]
    with pytest.raises(ValidationError):
        _exhausted(adapter.validate_python(body))


@needs_types
@each
def test_the_servers_answers_are_what_the_official_package_would_read(native: Native) -> None:
    if native.model == CLAUDE:
        from anthropic.types import Message as Answer
    else:
        from openai.types.responses import Response as Answer  # type: ignore[assignment]
    for answer in (native.says("Hi"), native.calls("call_1"), native.cut, native.filtered):
        assert isinstance(answer.body, dict)
        TypeAdapter(Answer).validate_python(answer.body)
