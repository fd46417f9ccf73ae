"""Splits `llm_args` into options of a call and arguments that go on to the backend."""

from __future__ import annotations

from dataclasses import dataclass

from tau2.config import DEFAULT_MODEL_TIMEOUT, DEFAULT_RETRY_ATTEMPTS
from tau2.errors import ConfigError
from tau2.utils.json_types import JsonMapping, JsonObject, JsonValue

_OPTIONS = frozenset(
    [
        "num_retries",
        "max_retries",
        "timeout",
        "request_timeout",
        "keep_reasoning",
        "stream",
        "stream_options",
    ]
)
NOT_IN_BODY = frozenset(
    [
        "api_key",
        "api_base",
        "base_url",
        "api_version",
        "extra_headers",
        "headers",
        "extra_body",
        "ssl_verify",
        "input_cost_per_token",
        "output_cost_per_token",
        "drop_params",
        "additional_drop_params",
        "allowed_openai_params",
        "custom_llm_provider",
        "caching",
        "cache",
        "mock_response",
        "script",
        "script_end",
        "script_offset",
    ]
)
"""Arguments for tau2 or for litellm; an OpenAI-compatible server would refuse them."""


@dataclass(frozen=True, slots=True)
class CallOptions:
    """What `llm_args` say about how a call is made."""

    num_retries: int = DEFAULT_RETRY_ATTEMPTS
    timeout: float | None = None
    """Seconds for one attempt; None for the default."""
    keep_reasoning: bool = False


def split_args(llm_args: JsonMapping) -> tuple[CallOptions, JsonObject]:
    """Return the options of a call, and the arguments for the backend.

    Raises:
        ConfigError: a number of retries or a time-out that is none.
    """
    retries = _first(llm_args, "num_retries", "max_retries")
    timeout = _first(llm_args, "timeout", "request_timeout")
    options = CallOptions(
        DEFAULT_RETRY_ATTEMPTS if retries is None else int(_number("num_retries", retries)),
        None if timeout is None else _number("timeout", timeout),
        bool(llm_args.get("keep_reasoning")),
    )
    return options, {name: value for name, value in llm_args.items() if name not in _OPTIONS}


def _first(args: JsonMapping, *names: str) -> JsonValue:
    return next((args[name] for name in names if args.get(name) is not None), None)


def _number(name: str, value: JsonValue) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = -1.0
    if not number >= 0:  # NaN too
        raise ConfigError(f"{name} must be a number that is not negative, not {value!r}")
    return number


def attempt_timeout(options: CallOptions, own_args: bool) -> float:
    """Return the seconds of one attempt; a caller's own function has no default limit."""
    if options.timeout is not None:
        return options.timeout
    return float("inf") if own_args else DEFAULT_MODEL_TIMEOUT
