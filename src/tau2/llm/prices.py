"""What tokens cost: a small dated table, which arguments override.

An unknown price is None, without a warning.

List prices of the providers for text, US dollars per million tokens (prompt, completion): our own
compilation of what was publicly known at COMPILED_ON, for orientation and not for accounting.
Fine-tuned models and discounts for batches, long contexts or (except at Anthropic) cached prompts
are not in it; give `input_cost_per_token` and `output_cost_per_token` in `llm_args` where the
figure matters.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from tau2.utils.json_types import JsonMapping, JsonValue

COMPILED_ON = "2025-12"
_MILLION = 1_000_000

PER_MILLION: Mapping[str, tuple[float, float]] = {
    "gpt-5.2": (1.75, 14.0),
    "gpt-5.1": (1.25, 10.0),
    "gpt-5": (1.25, 10.0),
    "gpt-5-mini": (0.25, 2.0),
    "gpt-5-nano": (0.05, 0.4),
    "gpt-5-pro": (15.0, 120.0),
    "gpt-4.1": (2.0, 8.0),
    "gpt-4.1-mini": (0.4, 1.6),
    "gpt-4.1-nano": (0.1, 0.4),
    "gpt-4o": (2.5, 10.0),
    "gpt-4o-mini": (0.15, 0.6),
    "gpt-4-turbo": (10.0, 30.0),
    "gpt-4": (30.0, 60.0),
    "gpt-4-1106-preview": (10.0, 30.0),
    "gpt-4-0125-preview": (10.0, 30.0),
    "gpt-3.5-turbo": (0.5, 1.5),
    "o1": (15.0, 60.0),
    "o1-mini": (1.1, 4.4),
    "o1-pro": (150.0, 600.0),
    "o3": (2.0, 8.0),
    "o3-mini": (1.1, 4.4),
    "o3-pro": (20.0, 80.0),
    "o4-mini": (1.1, 4.4),
    "claude-opus-4-5": (5.0, 25.0),
    "claude-opus-4-1": (15.0, 75.0),
    "claude-opus-4": (15.0, 75.0),
    "claude-sonnet-4-5": (3.0, 15.0),
    "claude-sonnet-4": (3.0, 15.0),
    "claude-haiku-4-5": (1.0, 5.0),
    "claude-3-7-sonnet": (3.0, 15.0),
    "claude-3-5-sonnet": (3.0, 15.0),
    "claude-3-5-haiku": (0.8, 4.0),
    "claude-3-opus": (15.0, 75.0),
    "claude-3-haiku": (0.25, 1.25),
    "gemini-3-pro": (2.0, 12.0),
    "gemini-2.5-pro": (1.25, 10.0),
    "gemini-2.5-flash": (0.3, 2.5),
    "gemini-2.5-flash-lite": (0.1, 0.4),
    "gemini-2.0-flash": (0.1, 0.4),
    "gemini-2.0-flash-lite": (0.075, 0.3),
    "grok-4": (3.0, 15.0),
    "grok-4-fast": (0.2, 0.5),
    "grok-3": (3.0, 15.0),
    "grok-3-mini": (0.3, 0.5),
    "deepseek-chat": (0.28, 0.42),
    "deepseek-reasoner": (0.28, 0.42),
    "mistral-large": (2.0, 6.0),
    "mistral-medium": (0.4, 2.0),
    "mistral-small": (0.1, 0.3),
    "command-a": (2.5, 10.0),
    "nova-pro": (0.8, 3.2),
    "nova-lite": (0.06, 0.24),
    "nova-micro": (0.035, 0.14),
}

_VENDOR = re.compile(r"^(?:[a-z]{2,4}\.)?(?:anthropic|amazon)\.")  # as Bedrock names models
_EDITION = re.compile(
    r"(?:[-@]\d{4}-?\d{2}-?\d{2}|-\d{4}|-v\d+(?::\d+)?|-latest|-preview(?:-[\d-]+)?)+$"
)


class Price(NamedTuple):
    """US dollars per token."""

    prompt: float
    completion: float

    def of(self, prompt_tokens: float, completion_tokens: int) -> float:
        """Return the cost of so many tokens."""
        return self.prompt * prompt_tokens + self.completion * completion_tokens


_CACHE_SHARES = {"cached_tokens": 0.1, "cache_write_tokens": 1.25}
_HOUR_SHARE = 2.0
"""What Anthropic charges for a prompt token in a cache, as a share of its usual price."""


def is_anthropic(model: str) -> bool:
    """Return whether Anthropic bills the calls of a model."""
    return model.startswith(("anthropic/", "claude-"))


def extra_prompt_tokens(details: Mapping[str, int]) -> float:
    """Return how many prompt tokens Anthropic's cache adds to the bill; below 0 where it saves."""
    extra = sum((share - 1) * details.get(name, 0) for name, share in _CACHE_SHARES.items())
    for_an_hour = details.get("cache_write_1h_tokens", 0)
    return extra + (_HOUR_SHARE - _CACHE_SHARES["cache_write_tokens"]) * for_an_hour


def most_per_prompt_token(model: str) -> float:
    """Return the highest share of its usual price that a prompt token can cost."""
    return _HOUR_SHARE if is_anthropic(model) else 1.0


def price_of(model: str, args: JsonMapping | None = None) -> Price | None:
    """Return the price of `model`: by `llm_args`, else by the table; None when neither knows."""
    args = args or {}
    prompt = args.get("input_cost_per_token")
    completion = args.get("output_cost_per_token")
    if prompt is not None or completion is not None:
        return Price(_cost(prompt), _cost(completion))
    name = _VENDOR.sub("", model.rpartition("/")[2].lower())
    row = PER_MILLION.get(name) or PER_MILLION.get(_EDITION.sub("", name))
    return Price(row[0] / _MILLION, row[1] / _MILLION) if row else None


def _cost(value: JsonValue) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
