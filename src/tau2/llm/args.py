"""Sorts `llm_args`: what steers this layer, what says where to go, and what is the model's business."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tau2.config import DEFAULT_MODEL_TIMEOUT, DEFAULT_RETRY_ATTEMPTS
from tau2.errors import ConfigError

_STEERING = frozenset(
    {
        "num_retries",
        "max_retries",
        "timeout",
        "request_timeout",
        "keep_reasoning",
        "stream",
        "stream_options",
    }
)
NOT_IN_BODY = frozenset(
    {
        "api_key",
        "api_base",
        "base_url",
        "api_version",
        "extra_headers",
        "headers",
        "extra_body",
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
    }
)
"""Arguments for this layer or for litellm; an OpenAI-compatible server would refuse them."""


@dataclass(frozen=True, slots=True)
class Steering:
    """What `llm_args` say to this layer."""

    num_retries: int = DEFAULT_RETRY_ATTEMPTS
    timeout: float | None = None
    """Seconds for one attempt; None for the default."""
    keep_reasoning: bool = False


def sorted_args(llm_args: Mapping[str, Any]) -> tuple[Steering, dict[str, Any]]:
    """Return what steers this layer, and the arguments that go on. Raise ConfigError for values without sense."""
    retries = _first(llm_args, "num_retries", "max_retries")
    timeout = _first(llm_args, "timeout", "request_timeout")
    steering = Steering(
        num_retries=DEFAULT_RETRY_ATTEMPTS
        if retries is None
        else int(_number("num_retries", retries)),
        timeout=None if timeout is None else _number("timeout", timeout),
        keep_reasoning=bool(llm_args.get("keep_reasoning")),
    )
    return steering, {name: value for name, value in llm_args.items() if name not in _STEERING}


def _first(args: Mapping[str, Any], *names: str) -> Any:
    return next((args[name] for name in names if args.get(name) is not None), None)


def _number(name: str, value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = -1.0
    if number < 0 or number != number:  # noqa: PLR0124  -- NaN is the number that differs from itself
        raise ConfigError(f"{name} must be a number that is not negative, not {value!r}")
    return number


def default_timeout(steering: Steering, own_args: bool) -> float:
    """Return the seconds of one attempt: a caller's own function is only bounded when the caller says so."""
    if steering.timeout is not None:
        return steering.timeout
    return float("inf") if own_args else DEFAULT_MODEL_TIMEOUT
