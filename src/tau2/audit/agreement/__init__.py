"""Whether the scenario says what the reference does, value by value.

Every module looks at some kinds of value: what the customer says of them, what the reference gives
to the tools, and what the records say. Words are matched by patterns, so a comparison is made only
where the text is explicit: what it leaves open is no finding.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from tau2.audit.agreement import goods, money, people, trips
from tau2.audit.agreement.told import Told, told_of
from tau2.environment.task_setup import TaskSetup

logger = logging.getLogger(__name__)

KINDS: dict[str, Callable[[Told], list[str]]] = {
    "name": people.names,
    "birth date": people.birth_dates,
    "identity": people.identity,
    "id": people.ids,
    "insurance": trips.insurance,
    "bags": trips.bags,
    "cabin": trips.cabins,
    "date": trips.dates,
    "route": trips.routes,
    "reservation": trips.reservations,
    "payment": money.payment,
    "amount": money.amounts,
    "address": goods.addresses,
    "option": goods.options,
    "item": goods.items,
    "order": goods.orders,
    "reason": goods.reasons,
}
"""Kind of value → the comparison, which returns what does not agree, in words."""


def check_agreement(setup: TaskSetup) -> list[str]:
    """The scenario says of every value what the reference does."""
    told = told_of(setup)
    return [f"{kind}: {text}" for kind in KINDS for text in _compared(kind, told)]


def _compared(kind: str, told: Told) -> list[str]:
    """Return what a comparison finds.

    The comparisons know the records of domains that sell and book. Another domain may have records
    of the same name with other parts; there nothing is compared.
    """
    try:
        return KINDS[kind](told)
    except (LookupError, TypeError, AttributeError, ValueError):
        logger.debug("the records of a task have other parts than %r expects", kind, exc_info=True)
        return []
