"""OpenAI, and every server of its chat completions API: vLLM, SGLang, llama.cpp, TGI, gateways."""

from __future__ import annotations

import re

from tau2.llm.args import body_fields
from tau2.llm.event_stream import completion_of_stream, is_event_stream
from tau2.llm.http_backend import HttpProtocol
from tau2.llm.request import Backend, Request
from tau2.llm.transport.endpoint import CHAT_COMPLETIONS, SELF_HOSTED
from tau2.llm.wire import sent_args
from tau2.utils.json_types import JsonMapping, JsonObject, JsonValue

_OPENAI_NAMES = re.compile(r"(?:ft:)?(?:gpt-|chatgpt-|o[134](?:$|-)|codex-)")
_OTHER_PROTOCOLS = frozenset(
    [
        "ai21",
        "anthropic",
        "azure",
        "azure_ai",
        "bedrock",
        "cerebras",
        "cohere",
        "databricks",
        "deepinfra",
        "deepseek",
        "fireworks_ai",
        "gemini",
        "groq",
        "huggingface",
        "mistral",
        "nvidia_nim",
        "ollama",
        "ollama_chat",
        "openrouter",
        "perplexity",
        "replicate",
        "sagemaker",
        "sambanova",
        "together_ai",
        "vertex_ai",
        "watsonx",
        "xai",
    ]
)
"""Prefixes that litellm routes to a provider's own protocol, even when an api_base is given."""


def _claims(model: str, args: JsonMapping) -> bool:
    prefix, _, rest = model.partition("/")
    if rest and prefix in {"openai", *SELF_HOSTED}:
        return True
    if args.get("api_base") or args.get("base_url"):
        return not rest or prefix not in _OTHER_PROTOCOLS
    return _OPENAI_NAMES.match(model) is not None


def _body(request: Request, model: str) -> JsonObject:
    body: JsonObject = {
        "model": model,
        "messages": request.messages,
        "stream": request.is_streamed,  # said, because some servers stream unless told not to
    }
    if request.is_streamed:
        body["stream_options"] = {"include_usage": True}
    if request.tools:
        body["tools"] = request.tools
        body["tool_choice"] = request.tool_choice or "auto"
    body.update(sent_args(body_fields(request.args)))
    return body


def _streamed(text: str) -> JsonValue:
    return completion_of_stream(text) if is_event_stream(text) else None


def _as_it_is(response: JsonValue) -> JsonValue:
    return response


PROTOCOL = HttpProtocol(CHAT_COMPLETIONS, _body, _as_it_is, _streamed)

BACKEND = Backend(
    "openai_compatible",
    claims=_claims,
    send=PROTOCOL.send,
    asend=PROTOCOL.asend,
    check=PROTOCOL.check,
    is_remote=True,
    rank=10,
)
