"""OpenAI, and every server of its chat completions API: vLLM, SGLang, llama.cpp, TGI, gateways."""

from __future__ import annotations

import re

from tau2.llm.http_backend import HttpProtocol
from tau2.llm.protocols.chat_completions import body_of, completion_of, streamed
from tau2.llm.request import Backend
from tau2.llm.transport.endpoint import CHAT_COMPLETIONS, SELF_HOSTED
from tau2.utils.json_types import JsonMapping

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


PROTOCOL = HttpProtocol(CHAT_COMPLETIONS, body_of, completion_of, streamed)

BACKEND = Backend(
    "openai_compatible",
    claims=_claims,
    send=PROTOCOL.send,
    asend=PROTOCOL.asend,
    check=PROTOCOL.check,
    is_remote=True,
    rank=10,
)
