"""What responses cost and how many tokens they used."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tau2._compat.patching import patched
from tau2.data_model.message import AssistantMessage, Message, UserMessage
from tau2.llm.parse import token_details_of, tokens_of
from tau2.llm.prices import extra_prompt_tokens, is_anthropic, price_of
from tau2.llm.request import Response
from tau2.llm.response import stated_cost, with_attributes
from tau2.llm.transport.endpoint import SELF_HOSTED
from tau2.utils.json_types import JsonMapping


def cost_of(
    model: str, args: JsonMapping, response: Response, *, ask_patches: bool = True
) -> float | None:
    """Return the US dollars of one response, or None when its price is not known.

    Prices in `args` come first, then (if `ask_patches`) a replaced
    `tau2.utils.llm_utils.get_response_cost`, then what the response states, then the table.
    """
    if "input_cost_per_token" not in args and "output_cost_per_token" not in args:
        if ask_patches:
            stand_in = patched("tau2.utils.llm_utils", "get_response_cost")
            if stand_in is not None:
                replaced: float | None = stand_in(with_attributes(response))
                return replaced
        stated = stated_cost(response)
        if stated is not None:
            return stated
    hosted = model.partition("/")[0] in SELF_HOSTED
    price = price_of("" if hosted else model, args)
    prompt, completion = tokens_of(response)
    if price is None or prompt is None or completion is None:
        return None
    extra = extra_prompt_tokens(token_details_of(response)) if is_anthropic(model) else 0.0
    return price.of(prompt + extra, completion)


def sum_known(costs: Iterable[float | None]) -> float | None:
    """Return the sum, or None when any part is not known."""
    listed = list(costs)
    return None if None in listed else sum(cost for cost in listed if cost is not None)


@dataclass(frozen=True, slots=True)
class Totals:
    """Tokens and cost of one participant's messages: sums of what is known, and what is not."""

    model_calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float = 0.0
    """US dollars of the messages whose price is known."""
    unpriced: int = 0
    """Messages whose cost is not known."""


def totals(messages: Sequence[Message], role: str = "assistant") -> Totals:
    """Return the totals of the messages of `role` ("assistant" or "user")."""
    own = [m for m in messages if isinstance(m, AssistantMessage | UserMessage) and m.role == role]
    used = [message.usage for message in own if message.usage]
    return Totals(
        model_calls=len(used),
        prompt_tokens=sum(usage.get("prompt_tokens") or 0 for usage in used),
        completion_tokens=sum(usage.get("completion_tokens") or 0 for usage in used),
        cost=sum(message.cost for message in own if message.cost is not None),
        unpriced=sum(message.cost is None for message in own),
    )
