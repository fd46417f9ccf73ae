"""How a customer pays or is paid back, and the amounts that a customer names."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tau2.audit.agreement.told import Record, Told
from tau2.data_model.tasks import Action

_I = re.IGNORECASE
_BRANDS = {
    "visa": r"\bvisa\b",
    "mastercard": r"\bmaster ?card\b",
    "amex": r"\bamex\b|\bamerican express\b",
    "discover": r"\bdiscover card\b|\bdiscover\b(?= ending)",
}
_KINDS = {
    "credit_card": r"\bcredit cards?\b",
    "gift_card": r"\bgift ?cards?\b|\bgc\b",
    "paypal": r"\bpaypal\b",
    "certificate": r"\bcertificates?\b|\bvouchers?\b",
}
_OPEN = re.compile(
    r"\b(?:original|same|any|whichever|whatever|either|other|another|only|different|the) "
    r"(?:(?:payment )?methods?|cards?)\b|\bway (?:that|you)\b|\bhow you paid\b"
    r"|\bpayment method\b",
    _I,
)
_BRAND_NAMES = {
    "visa": "visa",
    "mastercard": "mastercard",
    "amex": "amex",
    "americanexpress": "amex",
    "discover": "discover",
}
"""What a customer calls a brand, without spaces → the brand on record."""
_LAST_FOUR = re.compile(
    r"\b(?:ending|ends|end) (?:in|with)\s+(\d{4})\b|\bdigits of your [\w ]{4,25} are (\d{4})\b"
    r"|\bhas (\d{4}) as its last",
    _I,
)
_BRAND_AND_DIGITS = re.compile(
    r"\b(visa|master ?card|amex|american express|discover)\b[^.;\d]{0,45}\b(\d{4})\b", _I
)
_FOREIGN = re.compile(
    r"\bnot in your profile\b|\bnew (?:[\w-]+ ){0,3}card\b|\bnot on file\b|\bnot .{0,20}account\b",
    _I,
)
_BALANCE = re.compile(r"\$(\d+(?:\.\d\d)?) on it\b")
_CENTS = re.compile(r"\$?\b(\d+\.\d\d)\b")
_GIGABYTES = re.compile(r"\b(\d+(?:\.\d+)?) ?(?:GB|gigabytes?)\b", _I)
_CENT = 0.005


def payment(told: Told) -> list[str]:
    """The reference pays with a method that the customer names, where one is named."""
    profile = told.profile
    methods = (profile or {}).get("payment_methods")
    if not isinstance(methods, dict):
        return []
    used = {method_id for action in told.writes for method_id in _paid_with(action)}
    if not used:
        return []
    problems = list(_unknown_cards(told, methods, used))
    words = {**_BRANDS, **_KINDS}
    named = {name for name, pattern in words.items() if re.search(pattern, told.lower)}
    if not named or _OPEN.search(told.lower):
        return problems
    for method_id in sorted(used):
        method = methods.get(method_id)
        if not isinstance(method, dict) or named & _names_of(method):
            continue
        if str(method.get("last_four")) in told.text:
            continue
        problems.append(
            f"the reference uses {_spoken(method)}, the scenario names {', '.join(sorted(named))}"
        )
    return problems


def _unknown_cards(told: Told, methods: dict[str, Record], used: set[str]) -> Iterator[str]:
    """Yield what is said of cards and balances that no method in the profile has."""
    if not _FOREIGN.search(told.text):
        yield from _foreign_cards(told, methods, used)
    for said in _BALANCE.findall(told.text):
        balances = [m.get("amount", m.get("balance")) for m in methods.values()]
        if not any(isinstance(b, int | float) and abs(b - float(said)) < _CENT for b in balances):
            yield f"no method in the profile has ${said} on it"


def _foreign_cards(told: Told, methods: dict[str, Record], used: set[str]) -> Iterator[str]:
    for brand, digits in dict.fromkeys(_BRAND_AND_DIGITS.findall(told.text)):
        meant = _BRAND_NAMES[brand.lower().replace(" ", "")]
        found = {m.get("brand") for m in methods.values() if m.get("last_four") == digits}
        if found and meant not in found:
            yield f"the card ending in {digits} is no {brand}"
    said = ["".join(groups) for groups in _LAST_FOUR.findall(told.text)]
    for digits in dict.fromkeys(said):
        if all(method.get("last_four") != digits for method in methods.values()):
            yield f"no card in the profile ends in {digits}"
        elif not _is_used(methods, used, digits, told.text):
            yield f"the card ending in {digits} is named, and the reference uses another one"
    brands = {str(method.get("brand")) for method in methods.values()}
    for brand, pattern in _BRANDS.items():
        if brand not in brands and re.search(pattern, told.lower):
            yield f"there is no {brand} in the profile"


def _is_used(methods: dict[str, Record], used: set[str], digits: str, said: str) -> bool:
    """Return whether the reference uses a card, or no card of the brand that could be meant."""
    card_id = next(i for i, m in methods.items() if m.get("last_four") == digits)
    twins = {i for i, m in methods.items() if m.get("brand") == methods[card_id].get("brand")}
    return card_id in used or all(str(methods[i].get("last_four")) in said for i in used & twins)


def _paid_with(action: Action) -> Iterator[str]:
    arguments = action.arguments
    for key in ("payment_method_id", "payment_id"):
        if isinstance(arguments.get(key), str):
            yield arguments[key]
    for part in arguments.get("payment_methods") or ():
        if isinstance(part, dict) and isinstance(part.get("payment_id"), str):
            yield part["payment_id"]


def _names_of(method: Record) -> set[str]:
    return {str(method.get("source")), str(method.get("brand"))}


def _spoken(method: Record) -> str:
    parts = (method.get("brand"), method.get("source"), method.get("last_four"))
    return " ".join(str(part) for part in parts if part)


def amounts(told: Told) -> list[str]:
    """Sums to the cent are on record or to be communicated; data is bought in an amount named."""
    known = {float(figure) for figure in re.findall(r"\d+\.\d+|\d+", told.on_record)}
    known |= {round(sum(prices), 2) for prices in _totals(told)}
    known |= {float(figure) for info in told.info for figure in re.findall(r"\d+\.\d\d", info)}
    problems = [
        f"{said} is a sum of which no record knows"
        for said in dict.fromkeys(_CENTS.findall(told.text))
        if told.profile is not None and all(abs(float(said) - sum_) >= _CENT for sum_ in known)
    ]
    said_gb = {float(figure) for figure in _GIGABYTES.findall(told.text)}
    for action in told.writes:
        bought = action.arguments.get("gb_amount")
        if isinstance(bought, int | float) and said_gb and float(bought) not in said_gb:
            problems.append(f"the reference buys {bought:g} GB, the scenario says otherwise")
    return problems


def _totals(told: Told) -> Iterator[list[float]]:
    """Yield the prices of each order's items."""
    for record in told.all_with("items"):
        items = [item for item in record["items"] or () if isinstance(item, dict)]
        yield [float(item.get("price", 0)) for item in items]
