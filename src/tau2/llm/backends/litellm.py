"""Every provider that litellm knows, through litellm; loaded by the first call that needs it."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from tau2.errors import ConfigError, needs_extra
from tau2.llm.args import NOT_IN_BODY
from tau2.llm.failure import judging
from tau2.llm.request import Backend, Request, Response
from tau2.llm.response import clean_response
from tau2.llm.secrets import secrets_in_args

_OURS = NOT_IN_BODY & {"script", "script_end", "script_offset", "mock_response"}
_PREFIX = "litellm/"


def _litellm() -> Any:
    os.environ.setdefault(
        "LITELLM_LOCAL_MODEL_COST_MAP", "True"
    )  # else importing it fetches a price list
    with needs_extra("llm", "litellm"):
        import litellm  # noqa: PLC0415  -- takes seconds; only models that need it pay
    return litellm


def _claims(_model: str, _args: Mapping[str, Any]) -> bool:
    return True


def _call(request: Request) -> dict[str, Any]:
    """Return the arguments of litellm.completion. It must not retry by itself: the flow above does."""
    call = {
        "model": request.model.removeprefix(_PREFIX),
        "messages": request.messages,
        "num_retries": 0,
        "max_retries": 0,
        "drop_params": True,
        "timeout": request.timeout,
        **{name: value for name, value in request.args.items() if name not in _OURS},
    }
    if request.tools:
        call |= {"tools": request.tools, "tool_choice": request.tool_choice or "auto"}
    return call


def _send(request: Request) -> Response:
    library, secrets = _litellm(), secrets_in_args(request.args)
    with judging(secrets, all_of_them=True):
        return _plain(library.completion(**_call(request)), secrets)


async def _asend(request: Request) -> Response:
    library, secrets = _litellm(), secrets_in_args(request.args)
    with judging(secrets, all_of_them=True):
        return _plain(await library.acompletion(**_call(request)), secrets)


def _plain(response: Any, secrets: Iterable[str]) -> Response:
    plain: Response = clean_response(response, secrets)
    return plain


def _check(model: str, args: Mapping[str, Any]) -> None:
    if importlib.util.find_spec("litellm") is None:
        raise ConfigError(
            f"model {model!r} is reached through litellm, which is not installed: pip install 'tau2-bench[llm]', "
            "or give api_base if an OpenAI-compatible server serves it"
        )
    missing = [] if args.get("api_key") or args.get("api_base") else _missing_keys(model)
    if missing:
        raise ConfigError(
            f"no API key for model {model!r}: set {' and '.join(missing)}, or give api_key"
        )


def _missing_keys(model: str) -> list[str]:
    """Return the environment variables that litellm misses, where the key is the provider's only way in."""
    validate: Callable[..., dict[str, Any]] = _litellm().validate_environment
    missing = validate(model=model.removeprefix(_PREFIX)).get("missing_keys") or []
    return missing if all(str(name).endswith("_API_KEY") for name in missing) else []


BACKEND = Backend("litellm", claims=_claims, send=_send, asend=_asend, check=_check, rank=100)
