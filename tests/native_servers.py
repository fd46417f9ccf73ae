"""Responses of servers of each protocol, written by us from the documented shapes."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.stub import Raw

from tau2.data_model.message import (
    AssistantMessage,
    Message,
    MultiToolMessage,
    SystemMessage,
    ToolMessage,
    UserMessage,
)
from tau2.environment.tool import as_tool
from tau2.llm import complete

CLAUDE = "anthropic/claude-sonnet-4-5"
GPT = "responses/gpt-5"
KEY = "sk-test-0123456789"

THOUGHT = {"type": "thinking", "thinking": "An order number first.", "signature": "c2lnbmVk"}
HIDDEN = {"type": "redacted_thinking", "data": "ZW5jcnlwdGVk"}


def get_order(order_id: str) -> str:
    """Look an order up."""
    return order_id


TOOLS = [as_tool(get_order)]
ASKED: list[Message] = [
    SystemMessage(content="Be brief."),
    AssistantMessage(content="How can I help?"),
    UserMessage(content="Where is my order?"),
]


def claude(*blocks: dict[str, Any], stop: str = "end_turn", **usage: Any) -> Raw:
    content = list(blocks)
    counts = {"input_tokens": 100, "output_tokens": 20, **usage}
    message = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-4-5",
        "content": content,
        "stop_reason": stop,
        "stop_sequence": None,
        "usage": counts,
    }
    return Raw(200, message)


def gpt(*items: dict[str, Any], status: str = "completed", **fields: Any) -> Raw:
    response = {
        "id": "resp_1",
        "object": "response",
        "created_at": 1_700_000_000,
        "status": status,
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "metadata": {},
        "model": "gpt-5",
        "output": list(items),
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": {
            "input_tokens": 100,
            "input_tokens_details": {"cached_tokens": 40, "cache_write_tokens": 0},
            "output_tokens": 20,
            "output_tokens_details": {"reasoning_tokens": 12},
            "total_tokens": 120,
        },
        **fields,
    }
    return Raw(200, response)


def claude_says(text: str) -> Raw:
    return claude({"type": "text", "text": text})


def claude_calls(*ids: str, thinks: bool = True) -> Raw:
    calls = [
        {"type": "tool_use", "id": id_, "name": "get_order", "input": {"order_id": id_}}
        for id_ in ids
    ]
    return claude(*([THOUGHT, HIDDEN] if thinks else []), *calls, stop="tool_use")


def gpt_says(text: str) -> Raw:
    part = {"type": "output_text", "text": text, "annotations": []}
    return gpt(
        {
            "type": "message",
            "id": "msg_1",
            "role": "assistant",
            "status": "completed",
            "content": [part],
        }
    )


REASONING = {
    "type": "reasoning",
    "id": "rs_1",
    "summary": [{"type": "summary_text", "text": "An order number first."}],
    "encrypted_content": "ZW5jcnlwdGVk",
}


def gpt_calls(*ids: str, thinks: bool = True) -> Raw:
    calls = [
        {
            "type": "function_call",
            "id": f"fc_{id_}",
            "call_id": id_,
            "name": "get_order",
            "arguments": json.dumps({"order_id": id_}),
            "status": "completed",
        }
        for id_ in ids
    ]
    return gpt(*([REASONING] if thinks else []), *calls)


def chat(message: dict[str, Any], finish_reason: str = "stop") -> Raw:
    choice = {
        "index": 0,
        "message": {"role": "assistant", **message},
        "finish_reason": finish_reason,
    }
    counts = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}
    return Raw(200, {"object": "chat.completion", "choices": [choice], "usage": counts})


def chat_says(text: str) -> Raw:
    return chat({"content": text})


def chat_calls(*ids: str) -> Raw:
    calls = [
        {
            "id": id_,
            "type": "function",
            "function": {"name": "get_order", "arguments": json.dumps({"order_id": id_})},
        }
        for id_ in ids
    ]
    details = [{"type": "reasoning.encrypted", "data": "ZW5jcnlwdGVk"}]
    thought = {"reasoning": "An order number first.", "reasoning_details": details}
    return chat({"content": None, "tool_calls": calls, **thought}, "tool_calls")


@dataclass(frozen=True)
class Native:
    """One protocol, and how its server says things."""

    model: str
    path: str
    says: Callable[[str], Raw]
    calls: Callable[..., Raw]
    cut: Raw
    filtered: Raw
    too_long: Raw
    busy: Raw


BOTH = [
    Native(
        CLAUDE,
        "/v1/messages",
        claude_says,
        claude_calls,
        claude({"type": "text", "text": "It is"}, stop="max_tokens"),
        claude(stop="refusal"),
        Raw(
            400,
            {
                "type": "error",
                "error": {
                    "type": "invalid_request_error",
                    "message": "prompt is too long: 215000 tokens > 200000 maximum",
                },
            },
        ),
        Raw(529, {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}),
    ),
    Native(
        GPT,
        "/v1/responses",
        gpt_says,
        gpt_calls,
        gpt(
            {
                "type": "message",
                "id": "msg_1",
                "role": "assistant",
                "status": "incomplete",
                "content": [{"type": "output_text", "text": "It is", "annotations": []}],
            },
            status="incomplete",
            incomplete_details={"reason": "max_output_tokens"},
        ),
        gpt(status="incomplete", incomplete_details={"reason": "content_filter"}),
        Raw(
            400,
            {
                "error": {
                    "message": "Your input exceeds the context window of this model.",
                    "type": "invalid_request_error",
                    "code": "context_length_exceeded",
                }
            },
        ),
        gpt(status="failed", error={"code": "server_error", "message": "Try again"}),
    ),
]
CHAT = Native(
    "openai/gpt-5",
    "/v1/chat/completions",
    chat_says,
    chat_calls,
    chat({"content": "It is"}, "length"),
    chat({"content": None}, "content_filter"),
    BOTH[1].too_long,
    Raw(503, {"error": {"message": "Overloaded"}}),
)
ALL = [CHAT, *BOTH]


def ask(
    native: Native, base_url: str, said: list[Message] | None = None, **args: Any
) -> AssistantMessage:
    """Ask the model with the shop's tool."""
    given = {"tools": TOOLS, "api_base": base_url, "api_key": KEY, **args}
    return complete(native.model, ASKED if said is None else said, **given)


def with_results(first: AssistantMessage) -> list[Message]:
    results = [ToolMessage(id=call.id, content=f"shipped {call.id}") for call in first.calls]
    together: Message = MultiToolMessage(tool_messages=results) if results[1:] else results[0]
    return [*ASKED, first, together, UserMessage(content="And when?")]
