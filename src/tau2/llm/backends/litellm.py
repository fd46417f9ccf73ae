"""Every provider that litellm knows, through litellm; loaded by the first call that needs it."""

from __future__ import annotations

import importlib.util
import os
from typing import Any

from tau2.errors import ConfigError, install_hint, needs_extra
from tau2.llm.failure import converted_errors
from tau2.llm.request import Backend, Request, Response
from tau2.llm.response import clean_response
from tau2.llm.secrets import secrets_in_args
from tau2.llm.wire import sent_args
from tau2.utils.json_types import JsonMapping, JsonObject

_NOT_PASSED = frozenset({"script", "script_end", "script_offset", "mock_response", "rpm", "tpm"})
_RENAMED = {"default_headers": "extra_headers", "default_query": "extra_query"}
_PREFIX = "litellm/"


def _litellm() -> Any:
    # Otherwise importing it fetches a price list from the network.
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    with needs_extra("llm", "litellm"):
        import litellm  # noqa: PLC0415  -- takes seconds; only models that need it pay
    return litellm


def _claims(_model: str, _args: JsonMapping) -> bool:
    return True


def _kwargs(request: Request) -> JsonObject:
    """Return the arguments of litellm.completion. It must not retry by itself: `attempts` does."""
    kwargs: JsonObject = {
        "model": request.model.removeprefix(_PREFIX),
        "messages": request.messages,
        "num_retries": 0,
        "max_retries": 0,
        "drop_params": True,
        "timeout": request.timeout,
    }
    args = {name: value for name, value in request.args.items() if name not in _NOT_PASSED}
    kwargs |= sent_args({_RENAMED.get(name, name): value for name, value in args.items()})
    if request.tools:
        kwargs |= {"tools": request.tools, "tool_choice": request.tool_choice or "auto"}
    return kwargs


def _send(request: Request) -> Response:
    library = _litellm()
    secrets = secrets_in_args(request.args)
    with converted_errors(secrets, every=True):
        return clean_response(library.completion(**_kwargs(request)), secrets)


async def _asend(request: Request) -> Response:
    library = _litellm()
    secrets = secrets_in_args(request.args)
    with converted_errors(secrets, every=True):
        return clean_response(await library.acompletion(**_kwargs(request)), secrets)


def _check(model: str, args: JsonMapping) -> None:
    if importlib.util.find_spec("litellm") is None:
        raise ConfigError(
            f"model {model!r} is reached through litellm, which is not installed: "
            f"{install_hint('llm')}, "
            "or give api_base if an OpenAI-compatible server serves it"
        )
    missing = [] if args.get("api_key") or args.get("api_base") else _missing_keys(model)
    if missing:
        raise ConfigError(
            f"no API key for model {model!r}: set {' and '.join(missing)}, or give api_key"
        )


def _missing_keys(model: str) -> list[str]:
    """Return the environment variables that litellm misses, if they are all API keys.

    Providers that also accept other credentials are left to the first call.
    """
    found = _litellm().validate_environment(model=model.removeprefix(_PREFIX))
    missing = [str(name) for name in found.get("missing_keys") or []]
    return missing if all(name.endswith("_API_KEY") for name in missing) else []


BACKEND = Backend(
    "litellm",
    claims=_claims,
    send=_send,
    asend=_asend,
    check=_check,
    is_remote=True,
    rank=100,
)
