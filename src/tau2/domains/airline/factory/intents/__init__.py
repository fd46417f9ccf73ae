"""What customers come for. Each module holds one kind of intent; `all_intents` lists them."""

from __future__ import annotations

from tau2.domains.airline.factory.intents import (
    asking,
    bags,
    booking,
    cabins,
    cancelling,
    changing,
    compensation,
    paying,
    reconsidering,
    refusing,
)
from tau2.domains.airline.factory.intents.intent import AirlineIntent

# The order decides which tasks a seed gives.
_MODULES = (
    cancelling,
    changing,
    cabins,
    bags,
    booking,
    paying,
    compensation,
    asking,
    refusing,
    reconsidering,
)


def all_intents() -> list[AirlineIntent]:
    """Return every intent once, in a fixed order."""
    return [intent for module in _MODULES for intent in module.INTENTS]
