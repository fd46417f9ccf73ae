"""What customers come for. Each module holds one kind of goal; `all_goals` lists them."""

from __future__ import annotations

from tau2.domains.airline.factory.goals import (
    asking,
    bags,
    booking,
    cabins,
    cancelling,
    changing,
    compensation,
    paying,
    refusing,
)
from tau2.domains.airline.factory.goals.goal import Goal

_MODULES = (cancelling, changing, cabins, bags, booking, paying, compensation, asking, refusing)


def all_goals() -> list[Goal]:
    """Return every goal once, in a fixed order."""
    return [goal for module in _MODULES for goal in module.GOALS]
