"""Addresses, the versions of goods, and the reasons for cancelling."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from tau2.audit.agreement.told import Record, Told
from tau2.data_model.tasks import Action

_I = re.IGNORECASE
_ADDRESS_PARTS = ("address1", "address2", "city", "zip")
_REASONS = {
    "no longer needed": re.compile(
        r"\bno longer (?:need|want|require)|\bno use for\b|\bdo(?:es)? not need\b|\bdon't need\b"
        r"|\bno need\b|\bnot needed\b",
        _I,
    ),
    "ordered by mistake": re.compile(r"\bmistake|\baccident|\bwrong(?:ly)?\b", _I),
}
_SUPERLATIVE = re.compile(r"\b(?:cheapest|most expensive|lowest|highest|similar|any)\b", _I)


def addresses(told: Told) -> list[str]:
    """Every line of an address that is written is said, or is on record."""
    problems = []
    heard = f"{told.text} {told.on_record}".lower()
    for action in told.writes:
        for part in _ADDRESS_PARTS:
            value = action.arguments.get(part)
            if isinstance(value, str) and value and not _is_heard(value, heard):
                problems.append(f"nobody speaks of {value}")
    return list(dict.fromkeys(problems))


def _is_heard(value: str, heard: str) -> bool:
    """Return whether a value occurs, not as the end of a longer number."""
    return re.search(rf"(?<![\w]){re.escape(value.lower())}(?!\w)", heard) is not None


def options(told: Told) -> list[str]:
    """A new version has the options that the customer names."""
    swaps = [swap for action in told.writes for swap in _swaps(told, action)]
    problems = []
    for product, old, new in swaps:
        if _SUPERLATIVE.search(told.text) or len(swaps) > 1:
            continue
        for axis, value in new.items():
            others = {str(v["options"].get(axis)) for v in _variants(product)} - {value}
            named = {other for other in others if _is_heard(other, told.lower)} - {old.get(axis)}
            if value != old.get(axis) and named and not _is_heard(value, told.lower):
                problems.append(
                    f"the reference takes {axis} {value}, the scenario says {min(named)}"
                )
    return problems


def _swaps(told: Told, action: Action) -> Iterator[tuple[Record, dict[str, Any], dict[str, Any]]]:
    """Yield product, old options and new options of every item that an action replaces."""
    new_ids = action.arguments.get("new_item_ids")
    order = told.record("order_id", action.arguments.get("order_id"))
    if not isinstance(new_ids, list) or order is None:
        return
    items = {item["item_id"]: item for item in order.get("items") or ()}
    for old_id, new_id in zip(action.arguments.get("item_ids") or (), new_ids, strict=False):
        item = items.get(old_id)
        product = told.record("product_id", item["product_id"]) if item is not None else None
        new = (product or {}).get("variants", {}).get(new_id)
        if item is not None and product is not None and new is not None:
            yield product, item["options"], new["options"]


def _variants(product: Record) -> list[Record]:
    return list(product["variants"].values())


def reasons(told: Told) -> list[str]:
    """An order is cancelled for a reason that the customer gives."""
    given = {name for name, pattern in _REASONS.items() if pattern.search(told.text)}
    return [
        f"the reference cancels as {reason}, the scenario says {' and '.join(sorted(given))}"
        for reason in dict.fromkeys(action.arguments.get("reason") for action in told.writes)
        if reason in _REASONS and given and reason not in given
    ]
