"""What customers come with. Each module holds one kind of intent; `all_intents` lists them."""

from __future__ import annotations

from tau2.domains.retail.factory.intents import (
    addresses,
    asking,
    cancelling,
    changing,
    conflicting,
    exchanging,
    forbidden,
    handing_over,
    mixed,
    paying,
    pressing,
    refusing,
    returning,
    second_thoughts,
    vague,
)
from tau2.domains.retail.factory.intents.intent import RetailIntent

# The order decides which tasks a seed gives.
_MODULES = (
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
    second_thoughts,
    vague,
    forbidden,
    pressing,
    conflicting,
)


def all_intents() -> list[RetailIntent]:
    """Return every intent once, in a fixed order."""
    return [intent for module in _MODULES for intent in module.INTENTS]
