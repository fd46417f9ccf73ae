"""What customers come with. Each module holds one kind of intent; two functions list them."""

from __future__ import annotations

from tau2.domains.retail.factory.intents import (
    addresses,
    asking,
    cancelling,
    changing,
    exchanging,
    forbidden,
    handing_over,
    mixed,
    paying,
    refusing,
    returning,
    second_thoughts,
    vague,
)
from tau2.domains.retail.factory.intents.intent import RetailIntent

# The order decides which tasks a seed gives.
_SHIPPED = (
    cancelling,
    returning,
    exchanging,
    changing,
    paying,
    addresses,
    asking,
    mixed,
    refusing,
    handing_over,
)
_GENERATED_ONLY = (second_thoughts, vague, forbidden)


def shipped_intents() -> list[RetailIntent]:
    """Return the intents of the shipped tasks, each once, in a fixed order."""
    return [intent for module in _SHIPPED for intent in module.INTENTS]


def all_intents() -> list[RetailIntent]:
    """Return the intents of generated tasks: the shipped ones and some more, in a fixed order."""
    return [
        *shipped_intents(),
        *(intent for module in _GENERATED_ONLY for intent in module.INTENTS),
    ]
