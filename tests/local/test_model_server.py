"""`tau2 serve-model` on real weights, for OpenAI's own client."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import openai
import pytest

from tau2.llm.local.engine import Engine
from tau2.service.model_server import ModelServer

TOOL: Any = {
    "type": "function",
    "function": {
        "name": "get_order",
        "description": "Look up an order.",
        "parameters": {
            "type": "object",
            "properties": {"order_id": {"type": "string"}},
            "required": ["order_id"],
        },
    },
}


@pytest.fixture
def client(engine: Engine) -> Iterator[openai.OpenAI]:
    with ModelServer(engine, "smollm2") as server:
        thread = threading.Thread(target=server.run)
        thread.start()
        with (
            httpx.Client(trust_env=False) as transport,
            openai.OpenAI(
                base_url=server.base_url, api_key=server.token, http_client=transport
            ) as client,
        ):
            yield client
        server.stop()
        thread.join(20)


def test_a_tool_conversation(client: openai.OpenAI) -> None:
    messages: list[Any] = [
        {"role": "system", "content": "You help the customers of a shop."},
        {"role": "user", "content": "Where is my order #W0000417?"},
    ]
    first = client.chat.completions.create(
        model="smollm2", messages=messages, tools=[TOOL], tool_choice="required", temperature=0
    )
    message = first.choices[0].message
    [call] = message.tool_calls or ()
    assert json.loads(call.function.arguments).keys() == {"order_id"}
    messages.append(message.model_dump(exclude_none=True))
    messages.append({"role": "tool", "tool_call_id": call.id, "content": "delivered"})
    stream = client.chat.completions.create(
        model="smollm2",
        messages=messages,
        tools=[TOOL],
        max_tokens=30,
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = list(stream)
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens > 0
    assert any(chunk.choices and chunk.choices[0].finish_reason for chunk in chunks)


def test_an_overflow_has_its_code(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(
            model="smollm2", messages=[{"role": "user", "content": "word " * 3000}]
        )
    assert caught.value.code == "context_length_exceeded"
