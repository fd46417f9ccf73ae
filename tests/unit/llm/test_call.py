"""The door as callers see it: a question goes to a server, an answer comes back as a message."""

from __future__ import annotations

import asyncio
import json
from email.utils import formatdate
from typing import Any

import pytest
from tests.stub import MALFORMED, Drop, Hang, StubServer, Trickle, failing

from tau2.data_model.message import (
    AssistantMessage,
    Message,
    MultiToolMessage,
    SystemMessage,
    ToolCall,
    ToolMessage,
    UserMessage,
)
from tau2.environment.tool import as_tool
from tau2.errors import (
    ConfigError,
    ContextWindowExceeded,
    DeadlineExceeded,
    EmptyCompletion,
    ModelRefused,
    ModelUnavailable,
)
from tau2.llm import MALFORMED_KEY, Request, acomplete, complete, deadline, use_middleware
from tau2.llm.clock import clock

from .conftest import StillClock

HELLO: list[Message] = [SystemMessage(content="Be brief."), UserMessage(content="Hello")]
KEY = "sk-very-secret-key-123"


def lookup(order_id: str) -> str:
    """Return an order.

    Args:
        order_id: Its number.
    """
    return order_id


def today() -> str:
    """Return the date."""
    return ""


def ask(stub: StubServer, **args: Any) -> AssistantMessage:
    return complete(
        "openai/test-model", HELLO, **{"api_base": stub.base_url, "api_key": KEY, **args}
    )


def test_a_text_comes_back_with_everything_known_about_it() -> None:
    with StubServer("Hi there") as stub:
        message = ask(stub, temperature=0.5, seed=7)
    assert message.content == "Hi there"
    assert message.tool_calls is None
    assert message.usage is not None
    assert message.usage["completion_tokens"] == 20
    assert message.cost is None
    assert message.raw_data is not None
    assert message.raw_data["choices"][0]["message"]["content"] == "Hi there"
    assert message.generation_time_seconds is not None
    assert stub.last == {
        "model": "test-model",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Hello"},
        ],
        "temperature": 0.5,
        "seed": 7,
        "stream": False,
    }


def test_tools_are_offered_and_calls_keep_their_ids() -> None:
    calls = [
        {"id": "a1", "name": "lookup", "arguments": {"order_id": "#W1"}},
        {"id": "a2", "name": "today", "arguments": ""},
    ]
    with StubServer(calls) as stub:
        message = complete(
            "openai/m", HELLO, tools=[as_tool(lookup), as_tool(today)], api_base=stub.base_url
        )
    assert message.content is None
    assert message.tool_calls == [
        ToolCall(id="a1", name="lookup", arguments={"order_id": "#W1"}),
        ToolCall(id="a2", name="today", arguments={}),
    ]
    assert stub.last["tool_choice"] == "auto"
    empty = stub.last["tools"][1]["function"]["parameters"]
    assert (empty["type"], empty["properties"]) == ("object", {})


def test_tool_choice_is_the_callers() -> None:
    with StubServer("ok") as stub:
        complete(
            "openai/m",
            HELLO,
            tools=[as_tool(today)],
            tool_choice="required",
            api_base=stub.base_url,
        )
        assert stub.last["tool_choice"] == "required"
        complete(
            "openai/m", HELLO, tools=[as_tool(today)], tool_choice="today", api_base=stub.base_url
        )
        assert stub.last["tool_choice"] == {"type": "function", "function": {"name": "today"}}
        complete("openai/m", HELLO, tool_choice="required", api_base=stub.base_url)
        assert "tool_choice" not in stub.last


def test_several_tool_results_become_several_messages() -> None:
    call = AssistantMessage(
        tool_calls=[
            ToolCall(id="x", name="a", arguments={}),
            ToolCall(id="y", name="b", arguments={}),
        ]
    )
    results = MultiToolMessage(
        tool_messages=[ToolMessage(id="x", content="1"), ToolMessage(id="y", content="2")]
    )
    with StubServer("done") as stub:
        complete("openai/m", [*HELLO, call, results], api_base=stub.base_url)
    assert [message.get("tool_call_id") for message in stub.last["messages"][-2:]] == ["x", "y"]


def test_what_steers_us_stays_here_and_the_rest_goes_to_the_model() -> None:
    with StubServer("ok") as stub:
        ask(
            stub,
            num_retries=1,
            timeout=5,
            keep_reasoning=True,
            max_tokens=9,
            reasoning_effort="low",
            extra_headers={"X-Team": "blue"},
            extra_body={"top_k": 3},
            input_cost_per_token=1.0,
        )
    assert stub.last.keys() - {"stream"} == {
        "model", "messages", "max_tokens", "reasoning_effort", "top_k",
    }  # fmt: skip
    assert stub.seen[-1].headers["x-team"] == "blue"
    assert stub.seen[-1].headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize(
    ("status", "error"),
    [(400, ModelRefused), (401, ModelRefused), (404, ModelRefused), (422, ModelRefused)],
)
def test_a_refusal_is_final(status: int, error: type[Exception], still: StillClock) -> None:
    with (
        StubServer(failing(status, "no such thing")) as stub,
        pytest.raises(error, match="no such thing"),
    ):
        ask(stub)
    assert (stub.requests, still.sleeps) == (1, [])


@pytest.mark.parametrize(
    "trouble", [failing(429), failing(408), failing(500), failing(503), MALFORMED, Drop()]
)
def test_what_may_pass_is_tried_again(trouble: object, still: StillClock) -> None:
    with StubServer([trouble, trouble, "there you are"]) as stub:
        assert ask(stub).content == "there you are"
    assert len(still.sleeps) == 2


def test_after_the_last_retry_the_cause_is_told(still: StillClock) -> None:
    with StubServer(failing(503, "overloaded")) as stub:
        with pytest.raises(
            ModelUnavailable, match=r"asked 3 times.*HTTP 503: overloaded.*num_retries"
        ) as caught:
            ask(stub, num_retries=2)
        assert caught.value.__cause__ is not None
    assert stub.requests == 3


def test_nobody_listens(still: StillClock) -> None:
    with StubServer() as stub:
        address = stub.base_url
    with pytest.raises(ModelUnavailable, match="connection failed"):
        complete("openai/m", HELLO, api_base=address, num_retries=1)
    assert len(still.sleeps) == 1


def test_retry_after_is_kept_to_the_letter(still: StillClock) -> None:
    date = formatdate(still.wall() + 7 + 36, usegmt=True)  # 36 seconds after the first wait
    with StubServer([failing(429, retry_after=7), failing(503, retry_after=date), "ok"]) as stub:
        ask(stub)
    assert still.sleeps == [7.0, 36.0]


def test_an_endpoint_that_asks_for_an_hour_is_unavailable(still: StillClock) -> None:
    with StubServer(failing(429, retry_after=3600)) as stub, pytest.raises(ModelUnavailable):
        ask(stub)
    assert (stub.requests, still.sleeps) == (1, [])


def test_an_exhausted_quota_is_not_asked_again(still: StillClock) -> None:
    quota = failing(429, "You exceeded your current quota", code="insufficient_quota")
    with StubServer(quota) as stub, pytest.raises(ModelRefused, match="quota"):
        ask(stub)
    assert stub.requests == 1


def test_a_conversation_that_is_too_long_has_its_own_error(still: StillClock) -> None:
    long = failing(
        400, "This model's maximum context length is 8192 tokens.", code="context_length_exceeded"
    )
    with StubServer(long) as stub, pytest.raises(ContextWindowExceeded, match="8192"):
        ask(stub)
    assert stub.requests == 1


def test_an_empty_answer_is_asked_again_and_paid_for() -> None:
    with StubServer(["", {"content": "  "}, "Now I know"]) as stub:
        message = ask(stub, input_cost_per_token=0.0, output_cost_per_token=1.0)
    assert message.content == "Now I know"
    assert message.usage is not None
    assert message.usage["completion_tokens"] == 60
    assert message.cost == 60.0
    assert message.raw_data is not None
    assert message.raw_data["empty_answers"] == 2
    assert stub.bodies[0] == stub.bodies[1] == stub.bodies[2]


def test_a_model_that_only_thinks_is_told_so() -> None:
    with (
        StubServer({"content": "<think>hmm"}) as stub,
        pytest.raises(EmptyCompletion, match=r"3 times.*max_tokens"),
    ):
        ask(stub)


def test_thoughts_are_kept_apart_and_go_back_only_when_asked_for() -> None:
    with StubServer(["<think>He wants ###STOP###</think>\n\nSure.", "ok", "ok"]) as stub:
        message = ask(stub)
        assert (message.content, message.reasoning_content) == ("Sure.", "He wants ###STOP###")
        again = [*HELLO, message, UserMessage(content="And?")]
        complete("openai/m", again, api_base=stub.base_url)
        assert "reasoning_content" not in stub.last["messages"][2]
        complete("openai/m", again, api_base=stub.base_url, keep_reasoning=True)
        assert stub.last["messages"][2]["reasoning_content"] == "He wants ###STOP###"


def test_malformed_arguments_are_handed_on_and_counted() -> None:
    with StubServer({"name": "lookup", "arguments": '{"order_id": '}) as stub:
        message = ask(stub)
    assert message.tool_calls is not None
    assert message.tool_calls[0].arguments == {MALFORMED_KEY: '{"order_id": '}
    assert message.usage is not None
    assert message.usage["malformed_tool_calls"] == 1
    assert message.raw_data is not None
    assert message.raw_data["malformed_tool_calls"] == 1


def test_temperature_is_dropped_for_models_that_refuse_it_and_that_is_remembered() -> None:
    refusal = failing(
        400,
        "Unsupported value: 'temperature' does not support 0.0 with this model.",
        param="temperature",
    )
    with StubServer([refusal, "ok", "ok"]) as stub:
        ask(stub, temperature=0.0, seed=1)
        ask(stub, temperature=0.0, seed=1)
    assert ["temperature" in body for body in stub.bodies] == [True, False, False]
    assert all(body["seed"] == 1 for body in stub.bodies)


def test_reasoning_families_never_get_sampling_parameters() -> None:
    with StubServer("ok") as stub:
        complete(
            "openai/o3-mini",
            HELLO,
            temperature=0.0,
            top_p=1.0,
            max_tokens=5,
            api_base=stub.base_url,
        )
    assert set(stub.last) == {"model", "messages", "max_completion_tokens", "stream"}


@pytest.mark.parametrize("outcome", [Hang(), Trickle()])
def test_a_call_takes_no_longer_than_its_timeout(outcome: object) -> None:
    with (
        StubServer(outcome) as stub,
        pytest.raises(ModelUnavailable, match=r"no answer within 0\.2 s"),
    ):
        ask(stub, timeout=0.2, num_retries=0)
    with (
        StubServer(outcome) as stub,
        pytest.raises(ModelUnavailable, match=r"no answer within 0\.2 s"),
    ):
        asyncio.run(
            acomplete("openai/m", HELLO, api_base=stub.base_url, timeout=0.2, num_retries=0)
        )


def test_the_episodes_deadline_ends_a_call() -> None:
    token = deadline.set(clock.get().now() + 0.2)
    try:
        with StubServer(Hang()) as stub, pytest.raises(DeadlineExceeded, match="ran out while"):
            ask(stub)
        with StubServer() as stub, pytest.raises(DeadlineExceeded, match="was over before"):
            ask(stub)
        assert stub.requests == 0
    finally:
        deadline.reset(token)


def test_nobody_waits_for_a_retry_that_comes_too_late(still: StillClock) -> None:
    token = deadline.set(still.now() + 30)
    try:
        with (
            StubServer(failing(429, retry_after=31)) as stub,
            pytest.raises(DeadlineExceeded, match="runs out before"),
        ):
            ask(stub)
    finally:
        deadline.reset(token)
    assert still.sleeps == []


@pytest.mark.parametrize("status", [400, 401, 500, 200])
def test_the_key_is_never_shown(status: int, still: StillClock) -> None:
    echo = failing(status, f"bad key {KEY}, also Bearer {KEY}")
    with StubServer(echo) as stub, pytest.raises((ModelRefused, ModelUnavailable)) as caught:
        ask(stub, num_retries=0)
    chain, error = [], caught.value
    while error is not None:
        chain.append(f"{error} {error!r}")
        error = error.__cause__  # type: ignore[assignment]  # the chain is what is walked
    assert KEY not in " ".join(chain)
    with StubServer({"content": "hi", "echo": {"deep": [KEY]}}) as stub:
        message = ask(stub)
    assert KEY not in json.dumps(message.raw_data)
    assert KEY not in repr(Request("m", [], args={"api_key": KEY}))


def test_a_key_with_a_line_break_is_refused_without_being_shown() -> None:
    with pytest.raises(ConfigError, match="API key") as caught:
        complete("openai/m", HELLO, api_base="http://127.0.0.1:1/v1", api_key="sk-bad\nkey")
    assert "sk-bad" not in str(caught.value)


def test_asking_without_a_message_is_a_mistake() -> None:
    with pytest.raises(ConfigError, match="without any message"):
        complete("scripted/echo", [])


def test_an_extra_body_must_be_a_mapping() -> None:
    with pytest.raises(ConfigError, match="extra_body"):
        complete("openai/m", HELLO, api_base="http://127.0.0.1:1/v1", extra_body="top_k=3")


def test_arguments_that_are_no_json_are_a_mistake() -> None:
    with pytest.raises(ConfigError, match="cannot be sent as JSON"):
        complete("openai/m", HELLO, api_base="http://127.0.0.1:1/v1", stop={1, 2})


@pytest.mark.parametrize(
    "wrong", [{"timeout": "soon"}, {"num_retries": -1}, {"timeout": float("nan")}]
)
def test_steering_without_sense_is_a_mistake(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="must be a number"):
        complete("scripted/echo", HELLO, **wrong)


def test_the_seam_sees_every_attempt_and_may_answer_itself(still: StillClock) -> None:
    seen: list[str | None] = []

    def watching(request: Request, send: Any) -> Any:
        seen.append(request.call_name)
        if len(seen) == 3:
            return {"choices": [{"message": {"content": "from the cache"}}]}
        return (yield from send(request))

    with use_middleware(watching), StubServer(failing(500)) as stub:
        message = complete("openai/m", HELLO, api_base=stub.base_url, call_name="agent_response")
    assert message.content == "from the cache"
    assert (seen, stub.requests) == (["agent_response"] * 3, 2)
