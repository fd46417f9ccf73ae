"""Anthropic's Messages API.

Sources: the public reference of the Messages API (version 2023-06-01), with tool use, extended
thinking and prompt caching.

The content blocks of an answer with thoughts are kept as they came in the field FIELD of the
message, and sent back: the API checks the signatures of thinking blocks, and refuses a tool result
whose call is not preceded by the thoughts that led to it.
"""

from __future__ import annotations

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

FIELD = "anthropic_content"
"""The field of a chat message that holds the content blocks of an answer."""

VERSION = "2023-06-01"
DEFAULT_MAX_TOKENS = 8192  # of an answer; the API wants a number
_OLD_MAX_TOKENS = 4096  # the most that Claude 3 models accept
_LONGEST_ID = 256  # characters of a call's id
_CACHED_TURNS = 2  # of the at most four places that may be marked; tools and system are the others
_EFFORTS = {"minimal": 1024, "low": 1024, "medium": 4096, "high": 16_384, "xhigh": 32_768}
"""Tokens for thinking, by `reasoning_effort`."""
_OWN_EFFORTS = frozenset({"low", "medium", "high", "xhigh", "max"})
_TAKES_BUDGET = re.compile(
    r"claude-3|claude-(?:opus|sonnet|haiku)-4(?:-[015])?(?:-\d{8})?(?:$|[@:-]v)"
)
"""Models that are told how many tokens to think; later ones are told how much effort to make."""
_ADAPTIVE: JsonMapping = {"type": "adaptive"}
_LEAST_THINKING = 1024  # tokens; the API accepts no smaller budget
_NO_TEXT = "(no text)"
_BEGINNING = "(The conversation begins.)"
"""Said by the user where the assistant speaks first: the API wants a user turn at the beginning."""

_TRANSLATED = frozenset(
    {"max_tokens", "max_completion_tokens", "stop", "user", "reasoning_effort", "thinking"}
    | {"parallel_tool_calls", "cache_control", "temperature", "metadata"}
)
_WITHOUT_COUNTERPART = frozenset(
    {"seed", "n", "presence_penalty", "frequency_penalty", "logit_bias", "logprobs"}
    | {"top_logprobs", "response_format", "verbosity", "store", "prompt_cache_key"}
)
"""Parameters of chat completions that the API would refuse; they are not sent."""

_FINISH_REASONS = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "pause_turn": "stop",
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "content_filter",
}


def body_of(request: Request, model: str) -> JsonObject:
    """Return the body of a request to `model`."""
    fields = body_fields(request.args)
    thinking = _thinking(model, fields)
    system, messages = instructions_of(request.messages)
    marker = _cache_marker(fields)
    body: JsonObject = {"model": model, "max_tokens": _max_tokens(model, fields, thinking)}
    if system:
        body["system"] = [{"type": "text", "text": text} for text in system]
        _mark(body["system"], marker)
    turns = _turns(messages)
    for turn in [turn for turn in turns if turn["role"] == "user"][-_CACHED_TURNS:]:
        _mark(turn["content"], marker)
    body["messages"] = turns
    if request.tools:
        body["tools"] = [_tool(tool["function"]) for tool in request.tools]
        _mark(body["tools"], marker)
        body["tool_choice"] = _tool_choice(request.tool_choice, fields)
    if thinking is not None:
        body["thinking"] = thinking
    if thinking == _ADAPTIVE:
        body["output_config"] = {"effort": fields.get("reasoning_effort")}
    return body | _sampling(fields, thinking)


def _sampling(fields: JsonMapping, thinking: JsonMapping | None) -> JsonObject:
    """Return the other fields of a request under the names of this API."""
    known = _TRANSLATED | _WITHOUT_COUNTERPART
    sent: JsonObject = {name: value for name, value in fields.items() if name not in known}
    stop = fields.get("stop")
    if stop is not None:
        sent["stop_sequences"] = [stop] if isinstance(stop, str) else stop
    metadata = fields.get("metadata")
    user = fields.get("user")
    if metadata is not None or user is not None:
        sent["metadata"] = {"user_id": user} if metadata is None else metadata
    temperature = fields.get("temperature")
    # With thoughts, the API accepts no temperature but 1.
    if temperature is not None and not _thinks(thinking):
        sent["temperature"] = min(temperature, 1)
    return sent


def _thinks(thinking: JsonMapping | None) -> bool:
    return thinking is not None and thinking.get("type") != "disabled"


def _thinking(model: str, fields: JsonMapping) -> JsonMapping | None:
    given = fields.get("thinking")
    if isinstance(given, Mapping):
        return given
    effort = str(fields.get("reasoning_effort"))
    if effort in _OWN_EFFORTS and not _TAKES_BUDGET.search(model):
        return _ADAPTIVE
    tokens = _EFFORTS.get(effort)
    longest = fields.get("max_tokens") or fields.get("max_completion_tokens")
    if tokens is not None and longest is not None:
        tokens = min(tokens, count(longest) // 2)  # an answer consists of thoughts and text
    if tokens is None or tokens < _LEAST_THINKING:
        return None
    return {"type": "enabled", "budget_tokens": tokens}


def _max_tokens(model: str, fields: JsonMapping, thinking: JsonMapping | None) -> JsonValue:
    given = fields.get("max_tokens") or fields.get("max_completion_tokens")
    budget = count((thinking or {}).get("budget_tokens"))
    if given is None:
        is_old = model.startswith("claude-3-") and not model.startswith(
            ("claude-3-5", "claude-3-7")
        )
        return budget + (_OLD_MAX_TOKENS if is_old else DEFAULT_MAX_TOKENS)
    return given


def _cache_marker(fields: JsonMapping) -> JsonMapping | None:
    """Return what marks the places up to which a prompt is cached; None for no caching."""
    given = fields.get("cache_control", True)
    if isinstance(given, Mapping):
        return given
    return {"type": "ephemeral"} if given else None


def _mark(parts: list[JsonObject], marker: JsonMapping | None) -> None:
    if marker is not None and parts:
        parts[-1] = {**parts[-1], "cache_control": dict(marker)}


def _tool(function: JsonMapping) -> JsonObject:
    tool: JsonObject = {"name": function["name"], "input_schema": function["parameters"]}
    if function.get("description"):
        tool["description"] = function["description"]
    return tool


def _tool_choice(choice: str | JsonMapping | None, fields: JsonMapping) -> JsonObject:
    if isinstance(choice, Mapping):
        chosen: JsonObject = {"type": "tool", "name": choice["function"]["name"]}
    else:
        chosen = {"type": {"required": "any", "none": "none"}.get(choice or "auto", "auto")}
    if fields.get("parallel_tool_calls") is False and chosen["type"] != "none":
        chosen["disable_parallel_tool_use"] = True
    return chosen


def _turns(messages: Sequence[JsonMapping]) -> list[JsonObject]:
    """Return a conversation as turns of user and assistant in alternation, the user first.

    All results of an answer's tool calls stand in one user turn, before the user's own words.
    """
    turns: list[JsonObject] = []
    for message in messages:
        role = "assistant" if message.get("role") == "assistant" else "user"
        blocks = _assistant_blocks(message) if role == "assistant" else [_user_block(message)]
        if not turns and role == "assistant":
            turns.append({"role": "user", "content": [{"type": "text", "text": _BEGINNING}]})
        if turns and turns[-1]["role"] == role:
            turns[-1]["content"] += blocks
        else:
            turns.append({"role": role, "content": blocks})
    return turns or [{"role": "user", "content": [{"type": "text", "text": _BEGINNING}]}]


def _user_block(message: JsonMapping) -> JsonObject:
    text = text_of(message)
    if message.get("role") == "tool":
        id_ = accepted_id(str(message.get("tool_call_id")), _LONGEST_ID)
        return {"type": "tool_result", "tool_use_id": id_, "content": text}
    return {"type": "text", "text": text if text.strip() else _NO_TEXT}


def _assistant_blocks(message: JsonMapping) -> list[JsonObject]:
    kept = [dict(block) for block in listed(message.get(FIELD))]
    made = _made_blocks(message)
    if _said(kept) == _said(made):
        return kept
    # The message was changed since; its thoughts are sent nevertheless.
    return [block for block in kept if block.get("type") in _THOUGHTS] + made


# Tuples, because the type of a block may be any JSON value, also one without a hash.
_THOUGHTS = ("thinking", "redacted_thinking")
_PLAIN_BLOCKS = ("text", "tool_use")


def _made_blocks(message: JsonMapping) -> list[JsonObject]:
    text = text_of(message)
    blocks: list[JsonObject] = [{"type": "text", "text": text}] if text.strip() else []
    for call in calls_of(message):
        id_ = accepted_id(call.id, _LONGEST_ID)
        blocks.append({"type": "tool_use", "id": id_, "name": call.name, "input": call.input})
    return blocks or [{"type": "text", "text": _NO_TEXT}]


def _said(blocks: Sequence[JsonMapping]) -> tuple[str, list[JsonValue]]:
    """Return the text and the ids of the calls in content blocks."""
    texts = [str(block.get("text")) for block in blocks if block.get("type") == "text"]
    ids = [block.get("id") for block in blocks if block.get("type") == "tool_use"]
    return "".join(texts).strip(), ids


def completion_of(answer: JsonValue) -> JsonValue:
    """Return a message of the API as a chat completion.

    Anything else, such as an error, as it is.
    """
    if not isinstance(answer, Mapping) or not isinstance(answer.get("content"), list):
        return answer
    blocks = listed(answer["content"])
    message: JsonObject = {
        "role": "assistant",
        "content": "".join(_words(blocks, "text", "text")) or None,
    }
    thoughts = "\n\n".join(_words(blocks, "thinking", "thinking"))
    if thoughts:
        message["reasoning_content"] = thoughts
    calls = [_call(block) for block in blocks if block.get("type") == "tool_use"]
    if calls:
        message["tool_calls"] = calls
    if any(block.get("type") not in _PLAIN_BLOCKS for block in blocks):
        message[FIELD] = [dict(block) for block in blocks]
    reason = answer.get("stop_reason")
    choice = {
        "index": 0,
        "message": message,
        "finish_reason": _FINISH_REASONS.get(str(reason), reason),
    }
    return {
        "id": answer.get("id"),
        "object": "chat.completion",
        "model": answer.get("model"),
        "choices": [choice],
        "usage": _usage(answer.get("usage")),
    }


def _words(blocks: Sequence[JsonMapping], kind: str, field: str) -> list[str]:
    texts = [block.get(field) for block in blocks if block.get("type") == kind]
    return [text for text in texts if isinstance(text, str) and text]


def _call(block: JsonMapping) -> JsonObject:
    function = {"name": block.get("name"), "arguments": block.get("input")}
    return {"id": block.get("id"), "type": "function", "function": function}


def _usage(usage: JsonValue) -> JsonObject | None:
    """Return usage in OpenAI's form, where cached tokens are among the prompt's."""
    if not isinstance(usage, Mapping):
        return None
    read = count(usage.get("cache_read_input_tokens"))
    written = count(usage.get("cache_creation_input_tokens"))
    lasting = usage.get("cache_creation")
    for_an_hour = lasting.get("ephemeral_1h_input_tokens") if isinstance(lasting, Mapping) else 0
    prompt = count(usage.get("input_tokens")) + read + written
    completion = count(usage.get("output_tokens"))
    details = usage.get("output_tokens_details")
    thought = details.get("thinking_tokens") if isinstance(details, Mapping) else 0
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {
            "cached_tokens": read,
            "cache_write_tokens": written,
            "cache_write_1h_tokens": count(for_an_hour),
        },
        "completion_tokens_details": {"reasoning_tokens": count(thought)},
    }
