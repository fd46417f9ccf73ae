"""Laws of every call: sync and async agree, every response is read, nothing is unstorable."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.stub import MALFORMED, Drop, StubServer, failing

from tau2.data_model.message import (
    AssistantMessage,
    Message,
    SystemMessage,
    ToolCall,
    ToolMessage,
    UserMessage,
)
from tau2.errors import ModelError
from tau2.llm import acomplete, complete
from tau2.llm.backends.openai_compatible import PROTOCOL
from tau2.llm.clock import clock
from tau2.llm.failure import CallFailed
from tau2.llm.parse import checked_completion, parse_completion
from tau2.llm.transport.endpoint import Endpoint
from tau2.llm.transport.response import HttpResponse
from tau2.llm.unsupported_params import UNSUPPORTED_PARAMS
from tau2.llm.wire import from_wire, to_wire

from .conftest import StillClock

HELLO = [UserMessage(content="Hello")]

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["<think>", "</think>", "{", "\ud800"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
functions = st.fixed_dictionaries(
    {}, optional={"name": json_values | st.text(), "arguments": json_values | st.text()}
)
tool_calls = st.fixed_dictionaries(
    {}, optional={"id": json_values | st.text(max_size=3), "function": functions | json_values}
)
bodies = st.fixed_dictionaries(
    {},
    optional={
        "content": json_values | st.text(),
        "tool_calls": st.lists(tool_calls | json_values, max_size=4) | json_values,
        "reasoning_content": json_values,
        "refusal": json_values,
        "function_call": functions | json_values,
    },
)
responses = st.fixed_dictionaries(
    {
        "choices": st.lists(
            st.fixed_dictionaries({"message": bodies | json_values}) | json_values, max_size=2
        )
        | json_values
    },
    optional={
        "usage": st.dictionaries(
            st.sampled_from(["prompt_tokens", "completion_tokens", "cost"]), json_values
        )
        | json_values,
        "error": json_values,
    },
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(responses | json_values)
def test_any_answer_is_read_or_refused_and_what_is_read_can_be_stored(response: Any) -> None:
    try:
        message = complete("any", HELLO, completion_fn=lambda **_: response, num_retries=0)
    except ModelError:
        return
    stored = AssistantMessage.model_validate_json(message.model_dump_json())
    assert stored.tool_calls == message.tool_calls
    assert message.content is None or message.content.strip()
    ids = [call.id for call in message.tool_calls or ()]
    assert all(ids)
    assert len(set(ids)) == len(ids)
    json.dumps(to_wire([message]), allow_nan=False).encode()


@given(
    st.binary()
    | st.text().map(str.encode)
    | responses.map(lambda value: json.dumps(value).encode())
)
def test_any_bytes_are_an_answer_or_a_failed_call(body: bytes) -> None:
    with suppress(CallFailed):
        parse_completion(
            checked_completion(
                PROTOCOL.completion_of(HttpResponse(200, {}, body), Endpoint("http://here", "m"))
            )
        )


@pytest.mark.parametrize(
    "body", [b"[" * 100_000, b'{"a":' * 100_000, b"1" * 10_000, b"\xff\xfe", b"NaN", b"1e999"]
)
def test_hostile_bytes_fail_the_call(body: bytes) -> None:
    with pytest.raises(CallFailed):
        checked_completion(
            PROTOCOL.completion_of(HttpResponse(200, {}, body), Endpoint("http://here", "m"))
        )


outcomes = st.lists(
    st.sampled_from(
        [
            "text",
            "",
            "<think>only",
            {"name": "f", "arguments": {"a": 1}},
            {"name": "f", "arguments": "{broken"},
            [{"name": "f", "id": "same"}, {"name": "g", "id": "same"}],
            failing(429),
            failing(429, retry_after=3),
            failing(500),
            failing(400, "temperature is not supported"),
            failing(400, "context length exceeded"),
            failing(401),
            MALFORMED,
            Drop(),
            Drop(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf"),
        ]
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=40, deadline=None)
@given(outcomes, st.integers(0, 4))
def test_sync_and_async_calls_are_the_same(script: list[Any], retries: int) -> None:
    args: dict[str, Any] = {"temperature": 0.0, "num_retries": retries}
    assert _observed(script, args, use_async=False) == _observed(script, args, use_async=True)


def _observed(script: list[Any], args: dict[str, Any], *, use_async: bool) -> Any:
    """Return everything that one call does and says under the script."""
    UNSUPPORTED_PARAMS.forget()
    token = clock.set(still := StillClock())
    try:
        with StubServer(script) as stub:
            call = {"model": "openai/m", "messages": HELLO, "api_base": stub.base_url, **args}
            try:
                message = asyncio.run(acomplete(**call)) if use_async else complete(**call)
                result: Any = message.model_dump(exclude={"timestamp"})
            except ModelError as error:
                result = type(error), str(error).replace(str(stub.port), "PORT")
            return result, still.sleeps, stub.bodies
    finally:
        clock.reset(token)


names = st.text("abcXYZ_-09", min_size=1, max_size=20)
arguments = st.dictionaries(
    st.text(max_size=5), st.integers() | st.text(max_size=5) | st.lists(st.booleans(), max_size=3)
)
calls = st.builds(ToolCall, id=names, name=names, arguments=arguments)
texts = st.text(min_size=1)
messages: st.SearchStrategy[Message] = st.one_of(
    st.builds(SystemMessage, content=texts),
    st.builds(UserMessage, content=texts),
    st.builds(ToolMessage, id=names, content=texts),
    st.builds(AssistantMessage, content=texts),
    st.builds(
        AssistantMessage,
        tool_calls=st.lists(calls, min_size=1, max_size=3, unique_by=lambda call: call.id),
    ),
)


@given(st.lists(messages, max_size=6))
def test_messages_survive_the_wire(conversation: list[Message]) -> None:
    wire = json.loads(json.dumps(to_wire(conversation)))
    assert from_wire(wire) == conversation
