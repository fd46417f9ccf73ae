"""What a customer knows without the scenario saying so in words: read off the reference solution.

Only what the customer would know is taken: with which card one pays (brand and last digits, as they
stand on the card), why an order is no longer wanted, and the values that a proposal of the agent is
compared with. No identifier of a payment method is ever said.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tau2.data_model.conventions import TRANSFER_TOOL
from tau2.data_model.tasks import Action, Task
from tau2.environment.cow import peek
from tau2.user.scripted_user import facts
from tau2.user.scripted_user.agenda import Wanted

_CARDS = (
    "credit_card",
    "debit_card",
    "gift_card",
    "paypal",
    "certificate",
    "bank_account",
    "voucher",
)
_MOST_CHARACTERS = 60  # a longer "reason" is the agent's summary and not the customer's word
_LOOKS_UP = re.compile(r"^(?:get|find|list|search|check|calculate|think|can|run)(?:_|$)")
_RECORD_KEYS = ("order_id", "reservation_id", "booking_id")
_CODE = re.compile(r"\b(?=[A-Z0-9]*\d)(?=[A-Z0-9]*[A-Z])[A-Z0-9]{6}\b")
_ITEM = re.compile(r"\b\d{9,10}\b")
_DATE = re.compile(r"\b\d{4}-(\d\d-\d\d)\b")
_LIMIT = re.compile(
    r"\b(?:less than|under|below|up to|at most|no more than|not more than|not exceed|within|"
    r"maximum "
    r"of|limit of|budget of|exceeds? (?:your |a )?|budget is)\s+\$\s?(\d[\d,]{0,6}(?:\.\d\d)?)",
    re.IGNORECASE,
)
_LIMIT_OF_CHARGE = re.compile(
    r"\b(?:cost|pay|paying|fee|charge|extra|additional|total|price|budget|difference)",
    re.IGNORECASE,
)
_GIGABYTES = re.compile(r"\b(\d+(?:\.\d+)?) ?GB\b", re.IGNORECASE)
_LAST_DIGITS = re.compile(r"\b(?:ending (?:in|with) |ends in |number )?(\d{4})\b(?! ?(?:-|/|,\d))")

Wallet = Mapping[str, str]
"""Id of a payment method → how its owner calls it: "Visa card ending in 7447"."""


def wallet_of(database: Any, task: Task | None) -> Wallet:
    """Return the payment methods of the reference solution, as the customer's profile has them.

    `database` is the domain's; one without user profiles gives an empty wallet.
    """
    wanted = {value for key, value in _arguments(task) if _is_payment(key, value)}
    users = getattr(database, "users", None)
    if not wanted or users is None or not hasattr(users, "get"):
        return {}
    scenario = str(task.user_scenario) if task is not None else ""
    owners = {value for key, value in _arguments(task, every=True) if key == "user_id"}
    owners |= set(facts.told_in(scenario).get("user_id", ()))
    profiles = [peek(users, owner) for owner in sorted(owners)]
    found: dict[str, str] = {}
    for profile in profiles:
        methods = getattr(profile, "payment_methods", None) or {}
        for identifier in sorted(wanted & set(methods)):
            found[identifier] = _called(methods[identifier], methods)
    return found


def _called(method: Any, methods: Mapping[str, Any]) -> str:
    source = str(getattr(method, "source", "")).replace("_", " ")
    brand = str(getattr(method, "brand", "") or "")
    digits = str(getattr(method, "last_four", "") or "")
    if brand and digits:
        name = "American Express" if brand.lower() == "amex" else brand.title()
        return f"{name} card ending in {digits}"
    if source == "paypal":
        return "PayPal account"
    value = getattr(method, "amount", None) or getattr(method, "balance", None)
    alike = [one for one in methods.values() if getattr(one, "source", "") == method.source]
    return f"{source} with ${value:g} on it" if value and len(alike) > 1 else source


def preferences(task: Task | None, wallet: Wallet) -> dict[str, tuple[str, ...]]:
    """Return what the reference solution says about what is paid with, and the reason."""
    found: dict[str, dict[str, None]] = {}
    for key, value in _arguments(task):
        if _is_payment(key, value):
            found.setdefault("payment", {})[_spoken(value, wallet)] = None
        elif key == "reason" and 0 < len(value) <= _MOST_CHARACTERS:
            found.setdefault("reason", {})[value] = None
    return {kind: tuple(values) for kind, values in found.items()}


def cards(task: Task | None, wallet: Wallet) -> dict[str, str]:
    """Return id of an order or reservation → what the customer pays with there."""
    found: dict[str, str] = {}
    for action in _changes(task):
        record = next((action.arguments.get(key) for key in _RECORD_KEYS), None)
        paid = [value for key, value in _pairs(action.arguments) if _is_payment(key, value)]
        if isinstance(record, str) and paid:
            found[record] = " and my ".join(dict.fromkeys(_spoken(one, wallet) for one in paid))
    return found


def _spoken(identifier: str, wallet: Wallet) -> str:
    kind = next((card for card in _CARDS if identifier.lower().startswith(card)), "")
    plain = "PayPal account" if kind == "paypal" else kind.replace("_", " ")
    return wallet.get(identifier, plain)


def _is_payment(key: str, value: str) -> bool:
    named = key.startswith("payment") or key == "id"
    return named and value.lower().startswith(_CARDS)


def wanted(task: Task | None, everything: str, wallet: Wallet) -> Wanted:
    """Return the values that a proposal is compared with.

    They are the values of the reference solution and all that the scenario, `everything`, names.
    Records and dates are compared only where the scenario names one of the reference solution: a
    customer does not know the others.
    """
    told = facts.told_in(everything)
    pairs = list(_arguments(task))
    text = " ".join(value for _, value in pairs)
    paid = [value for key, value in pairs if _is_payment(key, value)]
    records = [value for key, value in _arguments(task, every=True) if key in _RECORD_KEYS]
    named = [*told.get("order", ()), *told.get("reservation", ()), *_CODE.findall(everything)]
    dates = _DATE.findall(" ".join(value for key, value in pairs if key == "date"))
    told_dates = _spoken_dates(everything)
    streets = [value.lower() for key, value in pairs if key == "address1"]
    limits = [
        float(match[1].replace(",", ""))
        for sentence in re.split(r"(?<=[.!?])\s+", everything)
        if _LIMIT_OF_CHARGE.search(sentence)
        for match in _LIMIT.finditer(sentence)
    ]
    amounts = [
        f"{action.arguments['gb_amount']:g}"
        for action in _changes(task)
        if isinstance(action.arguments.get("gb_amount"), int | float)
    ]
    gigabytes = [f"{float(one):g}" for one in _GIGABYTES.findall(everything)]
    return Wanted(
        records=_all(records, named) if not set(records).isdisjoint(named) else (),
        items=_all(_ITEM.findall(text), _ITEM.findall(everything)) if _ITEM.search(text) else (),
        dates=_all(dates, told_dates) if not set(dates).isdisjoint(told_dates) else (),
        cards=_all(paid, _digits(wallet, paid), _LAST_DIGITS.findall(everything)) if paid else (),
        streets=_all(streets),
        gigabytes=_all(amounts, gigabytes),
        most=limits[0] if len(limits) == 1 else None,
    )


def _all(*values: Any) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one for some in values for one in some if one))


def _digits(wallet: Wallet, paid: list[str]) -> list[str]:
    return [digits for one in paid for digits in _LAST_DIGITS.findall(wallet.get(one, ""))]


_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_SPOKEN_DATE = re.compile(
    r"\b(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}\.? (\d{1,2})(?:st|nd|rd|th)?\b",
    re.IGNORECASE,
)


def _spoken_dates(text: str) -> list[str]:
    """Return the dates in a text as MM-DD, however they are written."""
    return [
        *_DATE.findall(text),
        *(
            f"{_MONTHS.index(month.lower()) + 1:02}-{int(day):02}"
            for month, day in _SPOKEN_DATE.findall(text)
        ),
    ]


def dates_in(text: str) -> list[str]:
    """Return the dates in a text as MM-DD."""
    return _spoken_dates(text)


def changes_something(task: Task | None) -> bool:
    """Return whether the reference solution changes anything; without a task it may."""
    return task is None or any(action.name != TRANSFER_TOOL for action in _changes(task))


def ends_with_transfer(task: Task | None) -> bool:
    """Return whether the reference solution hands over to a person."""
    return any(action.name == TRANSFER_TOOL for action in _reference(task))


def _reference(task: Task | None) -> list[Action]:
    return list(task.reference_actions) if task is not None else []


def _changes(task: Task | None) -> list[Action]:
    return [
        action
        for action in _reference(task)
        if action.requestor == "assistant" and not _LOOKS_UP.match(action.name)
    ]


def _arguments(task: Task | None, *, every: bool = False) -> Iterator[tuple[str, str]]:
    """Yield the text arguments of the reference solution: of its changes, or of every call."""
    for action in _reference(task) if every else _changes(task):
        if action.requestor == "assistant":
            yield from _pairs(action.arguments)


def _pairs(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for name, item in value.items():
            yield from _pairs(item, name)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _pairs(item, key)
    elif isinstance(value, str):
        yield key, value
