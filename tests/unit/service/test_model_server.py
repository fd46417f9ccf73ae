"""`tau2 serve-model` as its clients see it: OpenAI's own client on a stand-in for llama.cpp."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.llm.local.conftest import CALL, TOOL, Cast, cast, weights

from tau2.actions.plain_chat import plain_chat
from tau2.llm.local.constraint import constraint
from tau2.llm.local.engine import EngineSettings, engine_for
from tau2.service.model_requests import BadRequest, parse_request
from tau2.service.model_server import ModelServer, TextGate

__all__ = ["cast", "weights"]

FREE = {"constrained": False}
HELLO = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hello"}]


@contextmanager
def running(server: ModelServer) -> Iterator[ModelServer]:
    with server:
        thread = threading.Thread(target=server.run)
        thread.start()
        try:
            yield server
        finally:
            server.stop()
            thread.join(10)
            assert not thread.is_alive()


@pytest.fixture
def server(cast: Cast, weights: Path) -> Iterator[ModelServer]:
    engine = engine_for(weights, None, EngineSettings(n_ctx=512))
    with running(ModelServer(engine, "tiny")) as server:
        yield server


@pytest.fixture
def client(server: ModelServer) -> Iterator[openai.OpenAI]:
    transport = httpx.Client(trust_env=False)
    with openai.OpenAI(
        base_url=server.base_url, api_key=server.token, max_retries=0, http_client=transport
    ) as client:
        yield client


def post(server: ModelServer, body: Any, *, token: str | None = None) -> httpx.Response:
    headers = {"Authorization": f"Bearer {server.token if token is None else token}"}
    with httpx.Client(trust_env=False, timeout=10) as sender:
        return sender.post(f"{server.base_url}/chat/completions", json=body, headers=headers)


def test_a_question_is_answered(client: openai.OpenAI) -> None:
    completion = client.chat.completions.create(model="tiny", messages=HELLO)
    assert completion.choices[0].message.content == "Certainly, I can help."
    assert completion.choices[0].finish_reason == "stop"
    assert completion.usage.completion_tokens == 4
    assert "_hidden_params" not in completion.model_dump()


def test_models_are_listed(client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == ["tiny"]
    assert client.models.retrieve("tiny").id == "tiny"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("huge")


def test_a_tool_conversation(cast: Cast, client: openai.OpenAI) -> None:
    cast.lines = lambda body: CALL
    messages: list[Any] = [*HELLO, {"role": "user", "content": "Where is #W1?"}]
    first = client.chat.completions.create(model="tiny", messages=messages, tools=[TOOL])
    [call] = first.choices[0].message.tool_calls
    assert first.choices[0].finish_reason == "tool_calls"
    assert json.loads(call.function.arguments) == {"order_id": "#W1"}
    messages.append(first.choices[0].message.model_dump(exclude_none=True))
    messages.append({"role": "tool", "tool_call_id": call.id, "content": "on its way"})
    cast.lines = lambda body: "It is on its way."
    second = client.chat.completions.create(model="tiny", messages=messages, tools=[TOOL])
    assert second.choices[0].message.content == "It is on its way."
    assert "<tool_response>\non its way\n</tool_response>" in cast.server.bodies[-1]["prompt"]


def test_an_answer_is_streamed(client: openai.OpenAI) -> None:
    stream = client.chat.completions.create(
        model="tiny", messages=HELLO, stream=True, stream_options={"include_usage": True}
    )
    chunks = list(stream)
    texts = [chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices]
    assert "".join(texts) == "Certainly, I can help."
    assert len([text for text in texts if text]) == 4
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert chunks[-1].usage.completion_tokens == 4


def test_a_call_is_streamed_as_one_and_never_as_text(cast: Cast, client: openai.OpenAI) -> None:
    cast.lines = lambda body: f"Let me see. {CALL}"
    stream = client.chat.completions.create(
        model="tiny", messages=HELLO, tools=[TOOL], stream=True, extra_body=FREE
    )
    deltas = [chunk.choices[0] for chunk in stream]
    assert "".join(one.delta.content or "" for one in deltas) == "Let me see."
    [call] = [call for one in deltas for call in one.delta.tool_calls or ()]
    assert (call.index, call.function.name) == (0, "get_order")
    assert deltas[-1].finish_reason == "tool_calls"


def test_a_call_that_cannot_be_read_is_text_in_the_end(cast: Cast, client: openai.OpenAI) -> None:
    said = "Look: <tool_call>{get_order</tool_call>"
    cast.lines = lambda body: said
    stream = client.chat.completions.create(
        model="tiny", messages=HELLO, tools=[TOOL], stream=True, extra_body=FREE
    )
    assert "".join(chunk.choices[0].delta.content or "" for chunk in stream) == said


@pytest.mark.parametrize("fence", ["{}", "```json\n{}\n```"])
def test_a_call_without_its_tags_is_one(cast: Cast, client: openai.OpenAI, fence: str) -> None:
    cast.lines = lambda body: fence.format(CALL[11:-12])
    stream = client.chat.completions.create(
        model="tiny", messages=HELLO, tools=[TOOL], stream=True, extra_body=FREE
    )
    deltas = [chunk.choices[0].delta for chunk in stream]
    assert "".join(delta.content or "" for delta in deltas) == ""
    assert [call.function.name for delta in deltas for call in delta.tool_calls or ()] == [
        "get_order"
    ]


def test_tools_that_must_not_be_called_are_not(cast: Cast, client: openai.OpenAI) -> None:
    cast.lines = lambda body: CALL
    completion = client.chat.completions.create(
        model="tiny", messages=HELLO, tools=[TOOL], tool_choice="none", extra_body=FREE
    )
    assert completion.choices[0].message.tool_calls is None


def test_an_overflow_has_openais_code(client: openai.OpenAI) -> None:
    long = [{"role": "user", "content": "word " * 600}]
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model="tiny", messages=long)
    assert caught.value.code == "context_length_exceeded"
    with pytest.raises(openai.BadRequestError):
        client.chat.completions.create(model="tiny", messages=long, stream=True)


def test_who_has_no_token_is_refused(server: ModelServer, cast: Cast) -> None:
    assert post(server, {"messages": HELLO}, token="wrong").status_code == 401
    assert cast.server.bodies == []


@pytest.mark.parametrize("is_streamed", [False, True])
def test_who_leaves_ends_the_generation(
    server: ModelServer, cast: Cast, *, is_streamed: bool
) -> None:
    cast.server.gate = threading.Event()
    body = {"messages": HELLO, "stream": is_streamed}
    headers = {"Authorization": f"Bearer {server.token}"}
    with (
        httpx.Client(trust_env=False, timeout=0.3) as impatient,
        pytest.raises(httpx.ReadTimeout),
    ):
        impatient.post(f"{server.base_url}/chat/completions", json=body, headers=headers)
    deadline = time.monotonic() + 5
    while cast.server.at_once:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_failure_within_a_stream_is_an_event(server: ModelServer, cast: Cast) -> None:
    cast.lines = lambda body: "blah " * 600
    answer = post(server, {"messages": HELLO, "stream": True, "max_tokens": 5000})
    assert answer.status_code == 200
    events = [line for line in answer.text.splitlines() if line.startswith("data:")]
    error = json.loads(events[-1].removeprefix("data:"))["error"]
    assert error["code"] == "context_length_exceeded"


BAD: dict[str, Any] = {
    "no messages": {},
    "an empty list": {"messages": []},
    "a text": {"messages": "Hello"},
    "a message that is none": {"messages": ["Hello"]},
    "a list as role": {"messages": [{"role": [], "content": "obey"}]},
    "an unknown role": {"messages": [{"role": "god", "content": "obey"}]},
    "an image": {"messages": [{"role": "user", "content": [{"type": "image_url"}]}]},
    "a number as content": {"messages": [{"role": "user", "content": 3}]},
    "calls that are none": {"messages": [{"role": "assistant", "tool_calls": [3]}]},
    "a call without a name": {"messages": [{"role": "assistant", "tool_calls": [{}]}]},
    "too many messages": {"messages": [{"role": "user", "content": ""}] * 2001},
    "tools that are none": {"messages": HELLO, "tools": {"a": 1}},
    "a tool without a function": {"messages": HELLO, "tools": [{"type": "function"}]},
    "a tool with a strange name": {"messages": HELLO, "tools": [{"function": {"name": "a b"}}]},
    "the same tool twice": {"messages": HELLO, "tools": [TOOL, TOOL]},
    "a schema that is none": {
        "messages": HELLO,
        "tools": [{"function": {"name": "a", "parameters": {"properties": [1]}}}],
    },
    "a choice that is none": {"messages": HELLO, "tools": [TOOL], "tool_choice": "perhaps"},
    "a choice of no tool": {
        "messages": HELLO,
        "tools": [TOOL],
        "tool_choice": {"type": "function", "function": {"name": "other"}},
    },
    "two answers": {"messages": HELLO, "n": 2},
    "a temperature that is none": {"messages": HELLO, "temperature": "hot"},
    "a stream that is none": {"messages": HELLO, "stream": "yes"},
    "no tokens": {"messages": HELLO, "max_tokens": 0},
    "a format that is none": {"messages": HELLO, "response_format": {"type": "yaml"}},
}


@pytest.mark.parametrize("name", BAD)
def test_bodies_that_cannot_be_used_are_refused_as_openai_does(name: str) -> None:
    with pytest.raises(BadRequest) as caught:
        parse_request(BAD[name])
    assert caught.value.message


def test_a_refusal_says_what_is_wrong(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match=r"messages\[1\]\.role must be one of") as bad:
        client.chat.completions.create(
            model="tiny", messages=[*HELLO[:1], {"role": "god", "content": "obey"}]
        )
    assert bad.value.param == "messages[1]"


def test_a_schema_without_end_is_refused() -> None:
    schema: dict[str, Any] = {}
    for _ in range(200):
        schema = {"type": "array", "items": schema}
    tool = {"type": "function", "function": {"name": "deep", "parameters": schema}}
    with pytest.raises(BadRequest, match="this large is not read"):
        parse_request({"messages": HELLO, "tools": [tool]})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "role",
                    "content",
                    "text",
                    "function",
                    "name",
                    "parameters",
                    "properties",
                    "items",
                    "type",
                    "enum",
                    "required",
                    "anyOf",
                    "$ref",
                    "$defs",
                    "arguments",
                    "tool_calls",
                    "description",
                    "default",
                    "const",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@settings(max_examples=300, deadline=None)
@given(messages=JSON, tools=JSON, choice=JSON, rest=JSON)
def test_any_body_is_a_request_or_refused(
    messages: Any, tools: Any, choice: Any, rest: Any
) -> None:
    for body in (
        messages,
        {"messages": messages, "tools": tools, "tool_choice": choice},
        {"messages": HELLO, "tools": [{"function": {"name": "a", "parameters": tools}}]},
        {"messages": HELLO, "stop": rest, "seed": rest, "response_format": choice},
        {"messages": HELLO, "stream_options": rest, "temperature": rest, "top_k": rest},
    ):
        with contextlib.suppress(BadRequest):
            asked = parse_request(body)
            plain_chat(asked.messages, asked.tools)
            if asked.tools:
                constraint(asked.messages, asked.tools, tool_choice=asked.tool_choice)


@settings(max_examples=300, deadline=None)
@given(
    text=st.text("<tol_ca>{x \n", max_size=40) | st.just(f"Yes. {CALL}"),
    cuts=st.lists(st.integers(1, 5), min_size=1),
)
def test_a_gate_lets_through_text_and_no_call(text: str, cuts: list[int]) -> None:
    gate = TextGate(holds_calls=True)
    sent = ""
    place = 0
    for index in range(len(text) + 1):
        size = cuts[index % len(cuts)]
        sent += gate.open(text[place : place + size])
        place += size
    whole = text.strip()
    assert "<tool_call>" not in sent
    assert whole.startswith(sent)
    assert sent + gate.rest_of(whole) == whole
