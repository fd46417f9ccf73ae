"""What the oracle has seen in tool results: whole records by id, and what a number stands for."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping

from tau2.utils.json_types import JsonMapping, JsonObject, JsonValue

_LARGEST_READ = 200_000  # characters of one tool result
_DEEPEST = 8  # levels of nesting that are looked into
_MOST_RECORDS = 500
_REFERS = frozenset({"payment_id", "payment_method_id"})
"""Ids that only refer to another record."""
_TRACKING = "tracking_id"


def parsed(content: str | None) -> JsonValue:
    """Return a tool result as data, or None when it is no JSON object or list, or too large."""
    if not content or len(content) > _LARGEST_READ or content[:1] not in {"{", "["}:
        return None
    try:
        value: JsonValue = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return value


def flight_key(number: str, date: str) -> str:
    """Return under which name a flight of one day is kept."""
    return f"{number} {date}"


def add_records(records: dict[str, JsonObject], value: JsonValue, wanted: Collection[str]) -> None:
    """Keep the records in a tool result that have a wanted id, and every payment method.

    A record that is seen again replaces what it says anew.
    """
    for record in _mappings(value, 0):
        key = _key_of(record)
        if (key.split(" ")[0] in wanted or "source" in record) and len(records) < _MOST_RECORDS:
            records[key] = {**records.get(key, {}), **record}


def total_of_order(record: JsonMapping | None) -> float:
    """Return the sum of the prices of an order's items; 0 for what is no order."""
    items = (record or {}).get("items")
    if not isinstance(items, list):
        return 0.0
    prices = [item.get("price") for item in items if isinstance(item, Mapping)]
    return float(sum(price for price in prices if isinstance(price, int | float)))


def _key_of(record: JsonMapping) -> str:
    number = record.get("flight_number")
    if isinstance(number, str):
        return flight_key(number, str(record.get("date", "")))
    ids = [key for key in record if (key == "id" or key.endswith("_id")) and key not in _REFERS]
    # Further ids refer to other records.
    own = "item_id" if "item_id" in ids else next(iter(ids), "")
    value = record.get(own)
    return value if isinstance(value, str) else ""


def _mappings(value: JsonValue, depth: int) -> Iterator[JsonObject]:
    if depth > _DEEPEST:
        return
    if isinstance(value, dict):
        yield value
        for item in value.values():
            yield from _mappings(item, depth + 1)
    elif isinstance(value, list):
        for item in value:
            yield from _mappings(item, depth + 1)


def kinds_of_facts(value: JsonValue, wanted: Collection[str]) -> dict[str, str]:
    """Return wanted fact → its kind, if a result shows it: a tracking number, a zip code, a price.

    The kinds `price_low` and `price_high` are of the cheapest and the most expensive variant of a
    product that can be had.
    """
    found: dict[str, str] = {}
    for record in _mappings(value, 0):
        numbers = record.get(_TRACKING)
        for number in numbers if isinstance(numbers, list) else [numbers]:
            if number in wanted:
                found[str(number)] = "tracking"
        zip_code = record.get("zip")
        if zip_code in wanted:
            found[str(zip_code)] = "zip"
        low, high = _price_range(record)
        for fact in wanted:
            if low is not None and fact == low:
                found[fact] = "price_low"
            elif high is not None and fact == high:
                found[fact] = "price_high"
    return found


def _price_range(record: JsonMapping) -> tuple[str | None, str | None]:
    variants = record.get("variants")
    if not isinstance(variants, Mapping):
        return None, None
    prices = [
        variant["price"]
        for variant in variants.values()
        if isinstance(variant, Mapping)
        and variant.get("available")
        and isinstance(variant.get("price"), int | float)
    ]
    return (f"{min(prices)}", f"{max(prices)}") if prices else (None, None)
