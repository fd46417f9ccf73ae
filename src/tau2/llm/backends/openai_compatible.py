"""OpenAI, and every server of its chat completions API: vLLM, SGLang, llama.cpp, TGI, gateways."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tau2.errors import ConfigError
from tau2.llm.args import body_fields, check_names
from tau2.llm.clock import clock
from tau2.llm.event_stream import completion_of_stream, is_event_stream
from tau2.llm.failure import CallFailed, from_status, unreachable
from tau2.llm.request import Backend, Request, Response
from tau2.llm.secrets import text_redactor
from tau2.llm.transport.endpoint import SELF_HOSTED, Endpoint, endpoint_of
from tau2.llm.transport.proxies import proxy_for
from tau2.llm.transport.tls import tls_context
from tau2.llm.wire import sent_args
from tau2.utils.json_types import JsonMapping, JsonObject, JsonValue
from tau2.utils.plain_data import DEEPEST, clean

if TYPE_CHECKING:
    from tau2.llm.transport.response import HttpResponse

_SUCCESS = range(200, 300)
_REDIRECTION = range(300, 400)
_SHORTEST_SECRET = 7  # characters; a shorter key may be a word that the model says
_UNUSUAL = re.compile(r"\\u|NaN|Infinity|\d[eE]")
"""Escapes that may be half a character, and numbers that are not finite."""
_NEVER_ESCAPED = re.compile(r"[\w.\-+=]+", re.ASCII)
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


def _send(request: Request) -> Response:
    from tau2.llm.transport.sync_client import post  # noqa: PLC0415  -- imports httpx

    endpoint = endpoint_of(request.model, request.args)
    try:
        response = post(endpoint, _body(request, endpoint), request.timeout)
        return _completion_of(response, endpoint)
    except CallFailed as failure:
        failure.redact(endpoint.secrets)
        raise


async def _asend(request: Request) -> Response:
    from tau2.llm.transport.async_client import apost  # noqa: PLC0415  -- aiohttp, likewise

    endpoint = endpoint_of(request.model, request.args)
    try:
        response = await apost(endpoint, _body(request, endpoint), request.timeout)
        return _completion_of(response, endpoint)
    except CallFailed as failure:
        failure.redact(endpoint.secrets)
        raise


def _body(request: Request, endpoint: Endpoint) -> bytes:
    body: JsonObject = {
        "model": endpoint.model,
        "messages": request.messages,
        "stream": request.is_streamed,  # said, because some servers stream unless told not to
    }
    if request.is_streamed:
        body["stream_options"] = {"include_usage": True}
    if request.tools:
        body["tools"] = request.tools
        body["tool_choice"] = request.tool_choice or "auto"
    body.update(sent_args(body_fields(request.args)))
    try:
        return json.dumps(body, allow_nan=False).encode()
    except (TypeError, ValueError) as error:
        raise ConfigError(
            f"the arguments of model {request.model!r} cannot be sent as JSON: {error}"
        ) from error


def _completion_of(response: HttpResponse, endpoint: Endpoint) -> Response:
    # Some servers begin with a byte order mark; one that says UTF-16 is obeyed too.
    text = response.body.decode(json.detect_encoding(response.body), "replace")
    if response.status in _REDIRECTION:
        raise CallFailed(
            f"the server answered with a redirection ({response.status}); correct api_base",
            status=response.status,
        )
    if response.status not in _SUCCESS:
        raise from_status(response.status, text, response.headers, clock.get().wall())
    parsed = completion_of_stream(text) if is_event_stream(text) else _json(text)
    secrets = [secret for secret in endpoint.secrets if len(secret) >= _SHORTEST_SECRET]
    if _is_plain(text, secrets):
        plain: Response = parsed
        return plain
    cleaned: Response = clean(parsed, text_redactor(secrets))
    return cleaned


def _json(text: str) -> JsonValue:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise unreachable(f"the answer is not JSON: {text[:200]!r}") from error


def _is_plain(text: str, secrets: Sequence[str]) -> bool:
    """Return whether cleaning the content of this JSON text would change nothing, as is usual."""
    if text.count("{") + text.count("[") > DEEPEST:
        return False
    if any(secret in text or not _NEVER_ESCAPED.fullmatch(secret) for secret in secrets):
        return False
    return _UNUSUAL.search(text) is None


def _check(model: str, args: JsonMapping) -> None:
    check_names(args)
    endpoint = endpoint_of(model, args)
    proxy_for(endpoint.url)
    if isinstance(endpoint.verify, str):
        tls_context(endpoint.verify)


BACKEND = Backend(
    "openai_compatible", claims=_claims, send=_send, asend=_asend, check=_check, rank=10
)
