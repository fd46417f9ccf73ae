"""OpenAI's Responses API, without state on the server.

Sources: the public reference of the Responses API. Nothing is stored there (`store` is false);
the output items of an answer with reasoning are kept as they came in the field FIELD of the
message, and sent back, encrypted reasoning included.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

from tau2.llm.args import body_fields
from tau2.llm.protocols.history import (
    accepted_id,
    calls_of,
    count,
    instructions_of,
    listed,
    text_of,
)
from tau2.llm.request import Request
from tau2.utils.json_types import JsonMapping, JsonObject, JsonValue

FIELD = "responses_output"
"""The field of a chat message that holds the output items of an answer."""

_LONGEST_ID = 64  # characters of a call's id
_ENCRYPTED = "reasoning.encrypted_content"
_WITHOUT_REASONING = re.compile(r"(?:^|/)(?:ft:)?(?:gpt-3|gpt-4|chatgpt-|gpt-5[^/]*-chat)")
"""Models that refuse to be asked for encrypted reasoning."""

_TRANSLATED = frozenset(
    {"max_tokens", "max_completion_tokens", "reasoning_effort", "reasoning", "verbosity", "text"}
    | {"response_format", "include", "store"}
)
_WITHOUT_COUNTERPART = frozenset(
    {"seed", "n", "stop", "presence_penalty", "frequency_penalty", "logit_bias", "logprobs"}
)
"""Parameters of chat completions that the API would refuse; they are not sent."""

_FINISH_REASONS = {"max_output_tokens": "length", "content_filter": "content_filter"}


def body_of(request: Request, model: str) -> JsonObject:
    """Return the body of a request to `model`."""
    fields = body_fields(request.args)
    instructions, messages = instructions_of(request.messages)
    body: JsonObject = {
        "model": model,
        "input": _input(messages),
        "store": fields.get("store", False),
        "stream": False,
    }
    if instructions:
        body["instructions"] = "\n\n".join(instructions)
    include = fields.get("include")
    if include is None and not _WITHOUT_REASONING.search(model):
        include = [_ENCRYPTED]
    if include:
        body["include"] = include
    if request.tools:
        body["tools"] = [_tool(tool["function"]) for tool in request.tools]
        body["tool_choice"] = _tool_choice(request.tool_choice)
    return body | _options(fields)


def _options(fields: JsonMapping) -> JsonObject:
    """Return the other fields of a request under the names of this API."""
    known = _TRANSLATED | _WITHOUT_COUNTERPART
    sent: JsonObject = {name: value for name, value in fields.items() if name not in known}
    longest = fields.get("max_completion_tokens") or fields.get("max_tokens")
    if longest is not None:
        sent["max_output_tokens"] = longest
    reasoning = _merged(fields.get("reasoning"), effort=fields.get("reasoning_effort"))
    if reasoning:
        sent["reasoning"] = reasoning
    text = _merged(
        fields.get("text"),
        format=_text_format(fields.get("response_format")),
        verbosity=fields.get("verbosity"),
    )
    if text:
        sent["text"] = text
    return sent


def _merged(given: JsonValue, **added: JsonValue) -> JsonObject:
    own = dict(given) if isinstance(given, Mapping) else {}
    return {**{name: value for name, value in added.items() if value is not None}, **own}


def _text_format(response_format: JsonValue) -> JsonValue:
    if not isinstance(response_format, Mapping):
        return None
    schema = response_format.get("json_schema")
    if isinstance(schema, Mapping):
        return {"type": "json_schema", **schema}
    return dict(response_format)


def _tool(function: JsonMapping) -> JsonObject:
    return {
        "type": "function",
        "name": function["name"],
        "description": function.get("description"),
        "parameters": function["parameters"],
        "strict": bool(function.get("strict", False)),
    }


def _tool_choice(choice: str | JsonMapping | None) -> JsonValue:
    if isinstance(choice, Mapping):
        return {"type": "function", "name": choice["function"]["name"]}
    return choice or "auto"


def _input(messages: Sequence[JsonMapping]) -> list[JsonObject]:
    items: list[JsonObject] = []
    for message in messages:
        items += _items(message)
    return items


def _items(message: JsonMapping) -> list[JsonObject]:
    role = message.get("role")
    if role == "assistant":
        return _assistant_items(message)
    if role == "tool":
        id_ = accepted_id(str(message.get("tool_call_id")), _LONGEST_ID)
        return [{"type": "function_call_output", "call_id": id_, "output": text_of(message)}]
    return [{"type": "message", "role": role, "content": text_of(message)}]


def _assistant_items(message: JsonMapping) -> list[JsonObject]:
    kept = [dict(item) for item in listed(message.get(FIELD))]
    made = _made_items(message)
    # Reasoning that is not encrypted refers to what a server without state does not have.
    is_whole = all(item.get("encrypted_content") for item in kept if _is_reasoning(item))
    if kept and is_whole and _said(kept) == _said(made):
        return kept
    return made


def _is_reasoning(item: JsonMapping) -> bool:
    return item.get("type") == "reasoning"


def _made_items(message: JsonMapping) -> list[JsonObject]:
    text = text_of(message)
    calls = calls_of(message)
    items: list[JsonObject] = []
    if text or not calls:
        items.append({"type": "message", "role": "assistant", "content": text})
    for call in calls:
        id_ = accepted_id(call.id, _LONGEST_ID)
        items.append(
            {
                "type": "function_call",
                "call_id": id_,
                "name": call.name,
                "arguments": call.arguments,
            }
        )
    return items


def _said(items: Sequence[JsonMapping]) -> tuple[str, list[JsonValue]]:
    """Return the text and the ids of the calls in items."""
    ids = [item.get("call_id") for item in items if item.get("type") == "function_call"]
    texts = [_text(item) for item in items if item.get("type") == "message"]
    return "".join(texts).strip(), ids


def _text(item: JsonMapping) -> str:
    content = item.get("content")
    if isinstance(content, str):
        return content
    return "".join(_words(listed(content), "output_text", "text"))


def _words(parts: Sequence[JsonMapping], kind: str, field: str) -> list[str]:
    texts = [part.get(field) for part in parts if part.get("type") == kind]
    return [text for text in texts if isinstance(text, str) and text]


def completion_of(answer: JsonValue) -> JsonValue:
    """Return a response of the API as a chat completion; one that failed as the error it names."""
    if not isinstance(answer, Mapping) or not isinstance(answer.get("output"), list):
        return answer
    status = answer.get("status")
    if answer.get("error") or status not in (None, "completed", "incomplete"):
        error = answer.get("error") or {"code": "server_error", "message": f"it is {status}"}
        return {"error": error}
    items = listed(answer["output"])
    message = _message(items)
    details = answer.get("incomplete_details")
    reason = details.get("reason") if isinstance(details, Mapping) else None
    finish = "tool_calls" if message.get("tool_calls") else "stop"
    if status == "incomplete":
        finish = _FINISH_REASONS.get(str(reason), "length")
    return {
        "id": answer.get("id"),
        "object": "chat.completion",
        "created": answer.get("created_at"),
        "model": answer.get("model"),
        "choices": [{"index": 0, "message": message, "finish_reason": finish}],
        "usage": _usage(answer.get("usage")),
    }


def _message(items: Sequence[JsonMapping]) -> JsonObject:
    said = [
        part for item in items for part in listed(item.get("content")) if not _is_reasoning(item)
    ]
    message: JsonObject = {
        "role": "assistant",
        "content": "".join(_words(said, "output_text", "text")) or None,
    }
    refusal = "".join(_words(said, "refusal", "refusal"))
    if refusal:
        message["refusal"] = refusal
    reasoning = [item for item in items if _is_reasoning(item)]
    thoughts = "\n\n".join(thought for item in reasoning for thought in _thoughts(item))
    if thoughts:
        message["reasoning_content"] = thoughts
    calls = [_call(item) for item in items if item.get("type") == "function_call"]
    if calls:
        message["tool_calls"] = calls
    if reasoning:
        message[FIELD] = [dict(item) for item in items]
    return message


def _thoughts(item: JsonMapping) -> list[str]:
    own = _words(listed(item.get("content")), "reasoning_text", "text")
    return own or _words(listed(item.get("summary")), "summary_text", "text")


def _call(item: JsonMapping) -> JsonObject:
    arguments = item.get("arguments")
    if not isinstance(arguments, str):
        arguments = json.dumps(arguments)
    function = {"name": item.get("name"), "arguments": arguments}
    return {"id": item.get("call_id"), "type": "function", "function": function}


def _usage(usage: JsonValue) -> JsonObject | None:
    if not isinstance(usage, Mapping):
        return None
    prompt = count(usage.get("input_tokens"))
    completion = count(usage.get("output_tokens"))
    read = usage.get("input_tokens_details")
    thought = usage.get("output_tokens_details")
    details = read if isinstance(read, Mapping) else {}
    reasoning = thought.get("reasoning_tokens") if isinstance(thought, Mapping) else 0
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {
            "cached_tokens": count(details.get("cached_tokens")),
            "cache_write_tokens": count(details.get("cache_write_tokens")),
        },
        "completion_tokens_details": {"reasoning_tokens": count(reasoning)},
    }
