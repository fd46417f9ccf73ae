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
_LOOSE = re.compile(
    r"\b(?:similar|matching|same version|that version|as close|smaller|larger|bigger|less|fewer)\b",
    _I,
)
"""Words with which a version is described otherwise than by its options."""
_EXTREME = re.compile(r"\b(?:cheapest|costs? least|least expensive|most expensive)\b", _I)
_ALL_BUT = re.compile(
    r"\b(?:everything|except|rest|whole|complete|entire|all (?:of )?(?:the|it|them|your|items)"
    r"|every item|each item|keep only|most expensive|cheapest|highest|lowest|cost more|anything"
    r"|all but)\b",
    _I,
)
_MANY_ORDERS = re.compile(
    r"\b(?:all|every|any|each|both|whichever)(?: of)?(?: your| the)?"
    r"(?: pending| delivered)? orders?\b|\bpending orders\b",
    _I,
)
_BY_ITEMS = re.compile(r"\border with (the [^.;:]+)", _I)


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
    """A new version has the options that the customer names, and is otherwise the same."""
    swaps = [swap for action in told.writes for swap in _swaps(told, action)]
    problems = []
    for number, (product, old, new) in enumerate(swaps):
        if _LOOSE.search(told.text) or _is_extreme(told, product, new):
            continue
        elsewhere = {
            value for other, *_ in swaps[:number] + swaps[number + 1 :] for value in _values(other)
        }
        for axis, value in new.items():
            if value == old.get(axis) or _is_heard(value, told.lower):
                continue
            named = {
                other
                for other in (str(v["options"].get(axis)) for v in _variants(product))
                if other not in elsewhere and _is_heard(other, told.lower)
            }
            if named - {old.get(axis)}:
                problems.append(f"the reference takes {axis} {value}, the scenario {min(named)}")
            elif _is_otherwise_the_same(told, product):
                problems.append(f"the reference takes {axis} {value}, of which nobody speaks")
    return problems


def _is_otherwise_the_same(told: Told, product: Record) -> bool:
    """Return whether the customer wants the same thing, but for what is named."""
    name = re.escape(str(product.get("name", "?")).lower())
    return re.search(rf"\bthe same (?:one|{name})\b(?! but)", told.lower) is not None


def _values(product: Record) -> set[str]:
    return {str(value) for v in _variants(product) for value in v["options"].values()}


def _is_extreme(told: Told, product: Record, new: dict[str, Any]) -> bool:
    """Return whether a version is asked for by its price, and has the lowest or the highest."""
    if not _EXTREME.search(told.text):
        return False
    prices = sorted(v["price"] for v in _variants(product) if v.get("available"))
    mine = [v["price"] for v in _variants(product) if v["options"] == new]
    return bool(prices) and bool(mine) and mine[0] in prices[:1] + prices[-2:]


def items(told: Told) -> list[str]:
    """Of an order of which a part is named, that part is returned, exchanged or changed."""
    problems = []
    for action in told.writes:
        order = told.record("order_id", action.arguments.get("order_id"))
        chosen = action.arguments.get("item_ids")
        if order is None or not isinstance(chosen, list) or _ALL_BUT.search(told.text):
            continue
        names = {item["item_id"]: str(item.get("name")) for item in order.get("items") or ()}
        silent = [n for i, n in names.items() if i in chosen and n.lower() not in told.lower]
        named = [n for i, n in names.items() if i not in chosen and n.lower() in told.lower]
        if silent and named:
            problems.append(f"the reference takes the {silent[0]}, the scenario says {named[0]}")
    return problems


def orders(told: Told) -> list[str]:
    """The order that is changed is the one that the customer names, or describes by its items."""
    if _MANY_ORDERS.search(told.text):
        return []
    owner = (told.profile or {}).get("user_id")
    mine = [r for r in told.all_with("order_id") if r.get("user_id") == owner]
    named = {str(order["order_id"]): order for order in mine if _is_named(order, told)}
    written = {str(action.arguments.get("order_id")) for action in told.writes}
    problems = []
    for order in mine:
        order_id = str(order["order_id"])
        if order_id not in written or order_id in named or _is_touched_on(order, told):
            continue
        others = [
            i for i, o in named.items() if i not in written and o["status"] == order["status"]
        ]
        if others:
            problems.append(f"the reference changes {order_id}, the scenario names {others[0]}")
    return problems


def _is_named(order: Record, told: Told) -> bool:
    """Return whether a text names an order: its number, its price, or "the order with the hat"."""
    total = f"{sum(float(item.get('price', 0)) for item in _parts(order)):.2f}"
    order_id = str(order["order_id"])
    by_items = " ".join(_BY_ITEMS.findall(told.lower))
    return (
        order_id in told.text
        or f"ends in {order_id[-3:]}" in told.text
        or f"paid {total}" in told.text
        or any(f"{item.get('name', '?')}".lower() in by_items for item in _parts(order))
    )


def _is_touched_on(order: Record, told: Told) -> bool:
    """Return whether a text speaks of anything in an order."""
    return any(str(item.get("name", "?")).lower() in told.lower for item in _parts(order))


def _parts(order: Record) -> list[Record]:
    return [item for item in order.get("items") or () if isinstance(item, dict)]


def _swaps(told: Told, action: Action) -> Iterator[tuple[Record, dict[str, Any], dict[str, Any]]]:
    """Yield product, old options and new options of every item that an action replaces."""
    new_ids = action.arguments.get("new_item_ids")
    order = told.record("order_id", action.arguments.get("order_id"))
    if not isinstance(new_ids, list) or order is None:
        return
    by_id = {item["item_id"]: item for item in order.get("items") or ()}
    for old_id, new_id in zip(action.arguments.get("item_ids") or (), new_ids, strict=False):
        item = by_id.get(old_id)
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
