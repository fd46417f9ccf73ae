"""A conversation that is too long, in the words of every provider; and what only sounds like it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tau2.errors import ContextWindowExceeded
from tau2.llm.failure import CallFailed, from_error_body, from_exception, from_status

TOO_LONG = {
    "openai": (400, {"message": "too long", "code": "context_length_exceeded"}),
    "openai responses": (400, "Your input exceeds the context window of this model."),
    "openai text": (
        400,
        "This model's maximum context length is 8192 tokens, however you requested 9001.",
    ),
    "azure": (400, {"code": "BadRequest", "innererror": {"code": "context_length_exceeded"}}),
    "anthropic": (400, "prompt is too long: 205000 tokens > 200000 maximum"),
    "anthropic with output": (
        400,
        "input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000",
    ),
    "anthropic bytes": (413, {"type": "request_too_large", "message": "Request is too big"}),
    "gemini": (
        400,
        "The input token count (314175) exceeds the maximum number of tokens allowed (131072).",
    ),
    "vertex": (
        400,
        "the input token count is 40000 but model only supports up to 32768. Reduce the input",
    ),
    "vertex bytes": (400, "Request payload size exceeds the limit: 20971520 bytes."),
    "bedrock": (400, "Input is too long for requested model."),
    "bedrock nova": (400, "Input Tokens Exceeded: Number of input tokens exceeds maximum length."),
    "bedrock schema": (400, "expected maxLength: 51200, actual: 80122, please reformat your input"),
    "mistral": (400, "Prompt contains 65673 tokens, too large for model with 32768 maximum"),
    "cohere": (400, "too many tokens: the prompt plus prediction cannot exceed 4081 - got 4292"),
    "groq": (400, "Please reduce the length of the messages or completion."),
    "together": (422, "`inputs` tokens + `max_new_tokens` must be <= 4097. Given: 5000 and 512"),
    "tgi": (422, "Input validation error: `inputs` must have less than 4096 tokens. Given: 5000"),
    "fireworks": (400, "The prompt is too long: 40000, model maximum context length: 32767"),
    "deepseek": (400, "This model's maximum context length is 65536 tokens."),
    "xai": (400, "This model's maximum prompt length is 131072 but the request contains 200000"),
    "perplexity": (400, "Requested input length 40000 exceeds maximum input length 28000"),
    "openrouter": (
        400,
        "This endpoint's maximum context length is 131072 tokens. However, you requested 150000",
    ),
    "openrouter upstream": (
        400,
        {
            "message": "Provider returned error",
            "code": 400,
            "metadata": {"raw": '{"message": "prompt is too long: 9 tokens > 8 maximum"}'},
        },
    ),
    "vllm": (400, "The decoder prompt (length 5000) is longer than the maximum model length"),
    "vllm with output": (
        400,
        "'max_tokens' is too large: 512. This model's maximum context length is 4096 tokens",
    ),
    "vllm passed": (400, "You passed 5000 input tokens. the model's context length is only 4096"),
    "sglang": (400, "The input (5000 tokens) is longer than the model's context length (4096)."),
    "llama.cpp": (400, {"type": "exceed_context_size_error", "message": "no room"}),
    "llama.cpp before": (500, "the request exceeds the available context size. try increasing"),
    "lm studio": (400, "Trying to keep the first 5000 tokens when context the overflows."),
    "lm studio small": (400, "Context size has been exceeded."),
    "ollama": (400, "prompt too long; exceeded max context length by 123 tokens"),
    "dashscope": (400, "Range of input length should be [1, 98304]"),
    "qwen": (400, "The total length of all messages is too long."),
    "moonshot": (400, "Invalid request: Your request exceeded model token limit: 262144"),
    "z.ai": (400, {"code": "1261", "message": "Prompt"}),
    "minimax": (400, "invalid params, context window exceeds limit"),
    "github": (400, {"code": "model_max_prompt_tokens_exceeded", "message": "too many"}),
    "github models": (413, "Request body too large for gpt-4o model. Max size: 8000 tokens."),
    "cloudflare": (400, "The tokens (9000) exceeded this model context window limit (8000)"),
    "litellm proxy": (400, "litellm.ContextWindowExceededError: AnthropicException"),
}

SOMETHING_ELSE = {
    "a rate": (429, "Request too large for gpt-4o on tokens per min (TPM): Limit 30000"),
    "a rate with 413": (413, "Request too large on tokens per minute: please reduce your message"),
    "a throttle": (400, "Too many tokens, please wait before trying again."),
    "a parameter of openai": (
        400,
        "max_tokens is too large: 100000. This model supports at most 16384 completion tokens",
    ),
    "a parameter of vllm": (
        400,
        "'max_tokens' is too large: 9000. This model's maximum context length is 4096 tokens",
    ),
    "a parameter of anthropic": (
        400,
        "max_tokens: 100000 > 8192, which is the maximum allowed number of output tokens",
    ),
    "a parameter of groq": (
        400,
        "`max_tokens` must be less than or equal to `8192`, less than the `context_window`",
    ),
    "a range": (400, "Range of max_tokens should be [1, 8192]"),
    "a moderation": (400, "The prompt is too long for moderation"),
    "an unknown field": (400, "Unrecognized request argument supplied: context_length"),
    "a tool's text": (
        400,
        "Invalid 'tools[0].function.description': string too long. Expected maximum length 1024",
    ),
    "a call's id": (400, "Invalid 'messages[3].tool_call_id': string too long. maximum length 40"),
    "a memory": (500, "failed to allocate memory for a context size of 131072: out of memory"),
    "a key": (401, "prompt is too long"),
    "a missing model": (404, "maximum context length is unknown, no such model"),
}  # fmt: skip


def answered(status: int, error: Any) -> CallFailed:
    body = {"error": error if isinstance(error, dict) else {"message": error}}
    return from_status(status, json.dumps(body), {}, 0.0)


@pytest.mark.parametrize("provider", TOO_LONG)
def test_too_long_in_every_providers_words(provider: str) -> None:
    failure = answered(*TOO_LONG[provider])
    assert failure.verdict is ContextWindowExceeded
    assert not failure.temporary


@pytest.mark.parametrize("what", SOMETHING_ELSE)
def test_what_only_sounds_like_it(what: str) -> None:
    assert answered(*SOMETHING_ELSE[what]).verdict is not ContextWindowExceeded


def test_it_is_recognised_beside_status_200_and_in_a_list_and_from_a_library() -> None:
    inside = from_error_body({"message": "Input is too long for requested model."})
    assert inside.verdict is ContextWindowExceeded
    body = [{"error": {"code": 400, "message": TOO_LONG["gemini"][1]}}]
    assert from_status(400, json.dumps(body), {}, 0.0).verdict is ContextWindowExceeded

    class BadRequestError(Exception):
        status_code = 400

    raised = from_exception(BadRequestError("prompt is too long: 9 tokens > 8 maximum"), 0.0)
    assert raised is not None
    assert raised.verdict is ContextWindowExceeded
