"""How providers say that a conversation no longer fits the context window, in one table.

An answer means that when its status does not stand for another failure, and its code or type is
named here, or its message matches a pattern and none of the patterns of other refusals.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import NamedTuple


class ContextSign(NamedTuple):
    """How one or several providers say it."""

    providers: str
    pattern: str = ""
    """Matched anywhere in the message, whatever the case; empty for none."""
    codes: frozenset[str] = frozenset()
    """Values of `code` or `type` that say it alone."""
    statuses: frozenset[int] = frozenset({400, 413, 422, 500})
    """Statuses of an answer whose message is looked at; a code counts with any status."""


def _codes(*names: str) -> frozenset[str]:
    return frozenset(names)


CONTEXT_SIGNS: tuple[ContextSign, ...] = (
    ContextSign(
        "OpenAI, Azure, Groq, DeepSeek, Cerebras",
        r"maximum context length (?:is|of|:)|exceeds? (?:the|this model'?s?) context window"
        r"|reduce (?:the length of|your) (?:the |your )?(?:messages?|prompts?|inputs?)"
        r"|messages\[\d+\]\.content'?: string too long",
        _codes("context_length_exceeded", "context_window_exceeded"),
    ),
    ContextSign(
        "Anthropic",
        r"prompt is too long(?!\w)|input length and [`']?max_tokens[`']? exceed context limit"
        r"|exceeds? (?:the )?(?:model )?context (?:limit|window)",
        _codes("request_too_large", "model_context_window_exceeded"),
    ),
    ContextSign(
        "Gemini, Vertex",
        r"input token count (?:\(?\d+\)?|is \d+).{0,40}(?:exceeds|but model only supports up to)"
        r"|request payload size exceeds the limit",
    ),
    ContextSign(
        "Bedrock",
        r"input is too long(?: for requested model)?|input tokens exceeded"
        r"|number of input tokens exceeds|expected maxlength: \d+, actual: \d+"
        r"|too many total text bytes",
    ),
    ContextSign(
        "Mistral",
        r"prompt contains \d+ tokens.{0,60}too large for model|too many tokens in (?:the )?prompt"
        r"|tokens in the prompt exceeds",
        _codes("3051"),
    ),
    ContextSign(
        "Cohere, AI21",
        r"too many tokens: |total number of tokens.{0,60}(?:cannot exceed|exceeds?)"
        r"|prompt has \d+ tokens",
    ),
    ContextSign(
        "Together, TGI, Hugging Face",
        r"`?inputs`? must have less than \d+ tokens"
        r"|`?inputs`? tokens \+ `?max_new_tokens`? must be",
    ),
    ContextSign("Fireworks", r"prompt is too long: \d+|model maximum context length"),
    ContextSign("xAI", r"maximum prompt length is \d+"),
    ContextSign(
        "Perplexity, DeepInfra",
        r"(?:requested )?input length(?: \(?\d+(?: tokens)?\)?)? (?:exceeds|is longer than)",
    ),
    ContextSign(
        "OpenRouter",
        r"endpoint'?s maximum context length|middle-out",
    ),
    ContextSign(
        "vLLM, NVIDIA NIM",
        r"prompt \((?:total )?length \d+\) is (?:too long|longer)|maximum model length"
        r"|model'?s context length is only|maximum input length of \d+|max_model_len",
    ),
    ContextSign(
        "SGLang",
        r"longer than the model'?s context length|token count exceeds the model'?s"
        r"|exceeds the maximum allowed length|exceeds max_total_tokens",
    ),
    ContextSign(
        "llama.cpp",
        r"exceeds? the available context size|context size (?:has been )?exceeded"
        r"|input is too large to process",
        _codes("exceed_context_size_error"),
    ),
    ContextSign(
        "LM Studio",
        r"when context the overflows|(?:greater|longer) than the context length"
        r"|context size has been exceeded|reached context length of|context overflow",
    ),
    ContextSign(
        "Ollama",
        r"prompt too long|exceeded max context length|exceeds (?:the |maximum )*context length",
    ),
    ContextSign(
        "Qwen (DashScope)",
        r"range of input length should be|total length of all messages is too long"
        r"|total message token length exceed",
    ),
    ContextSign("Moonshot", r"exceeded model token limit|exceeds? (?:the )?model token limit"),
    ContextSign("Z.ai", r"prompt exceeds max(?:imum)? length", _codes("1261")),
    ContextSign("MiniMax", r"context window exceeds limit|context window limit"),
    ContextSign(
        "GitHub",
        r"prompt token count of \d+ exceeds|request body too large for .{0,60}max size: \d+ tokens",
        _codes("model_max_prompt_tokens_exceeded", "tokens_limit_reached"),
    ),
    ContextSign("Cloudflare", r"exceeded this model context window"),
    ContextSign(
        "Volcengine, Baidu",
        r"exceed max message tokens|prompt tokens too long|max input characters is \d+",
    ),
    ContextSign("LiteLLM proxy", r"ContextWindowExceededError"),
    ContextSign(
        "other servers",
        r"(?:prompt|input|conversation|messages?) (?:is|are|was) too (?:long|large) for"
        r"|too many input tokens|maximum (?:input|sequence) length"
        r"|exceed\w*.{0,40}context (?:length|window|size|limit)"
        r"|context (?:length|window|size|limit).{0,20}exceed",
    ),
)

_NEVER = frozenset({401, 402, 403, 404, 408, 429})
"""Statuses of other troubles, whatever the message says."""

_OTHER_REFUSALS = re.compile(
    # The rate at which tokens may be used, not how many fit.
    r"rate.?limit|per[ _-](?:minute|hour|day|second)|\b[TR]P[MD]\b|quota|throttl|please wait"
    # A parameter of the call, not the conversation.
    r"|(?<!\+ )(?<!\+ `)(?:max_(?:completion_|output_|new_)?tokens|max_tokens_to_sample)"
    r"[`'\"]?(?: \(?\d+\)?)? "
    r"(?:is too large|must be|cannot|should|exceeds|value)|invalid max_(?:completion_)?tokens"
    r"|range of max_tokens|maximum allowed number of output tokens|completion tokens, whereas"
    r"|budget_tokens"
    r"|(?:unrecognized|unknown|unsupported|unexpected) .{0,60}context[ _](?:len|win|siz)"
    # Another limit than the window.
    r"|moderat|safety|content (?:policy|management)|tool_call_id|function\.(?:name|description)"
    r"|out of memory|failed to (?:load|allocate)",
    re.IGNORECASE,
)

_MAX_TOKENS = re.compile(
    r"max_(?:completion_)?tokens'? is too large: (?P<asked>\d+)\b.{0,60}"
    r"maximum context length is (?P<window>\d+)",
    re.IGNORECASE | re.DOTALL,
)
"""vLLM's words, which mean the conversation unless `max_tokens` alone is more than the window."""

_PATTERNS = tuple(
    (sign, re.compile(sign.pattern, re.IGNORECASE | re.DOTALL))
    for sign in CONTEXT_SIGNS
    if sign.pattern
)
_ALL_CODES = frozenset[str]().union(*(sign.codes for sign in CONTEXT_SIGNS))


def is_context_overflow(status: int | None, codes: Collection[str], text: str) -> bool:
    """Return whether an error means that the conversation does not fit the model's window.

    Args:
        status: Of the HTTP answer; None when there was none.
        codes: Whatever the error has as code, type or status.
        text: The provider's message.
    """
    if not _ALL_CODES.isdisjoint(codes):
        return True
    if status in _NEVER:
        return False
    too_much = _MAX_TOKENS.search(text)
    if too_much is not None:
        return int(too_much["asked"]) < int(too_much["window"])
    if _OTHER_REFUSALS.search(text):
        return False
    return any(
        (status is None or status in sign.statuses) and pattern.search(text)
        for sign, pattern in _PATTERNS
    )
