"""Tool names and arguments in plain words, for participants without a model."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_ACRONYMS = {
    "id": "ID", "ids": "IDs", "apn": "APN", "mms": "MMS", "sms": "SMS", "sim": "SIM", "vpn": "VPN",
    "wifi": "Wi-Fi",
    "dob": "date of birth", "gb": "GB", "url": "URL", "api": "API", "zip": "zip code", "usd": "USD",
}  # fmt: skip

_NEW_THING = frozenset(
    {"add", "apply", "book", "buy", "create", "file", "give", "issue", "make", "open", "place",
     "run", "schedule", "send", "submit"}
)  # fmt: skip
"""Verbs that bring something into being: "create a task", but "cancel the order"."""

_PAST = {
    "apply": "applied", "book": "booked", "bring": "brought", "buy": "bought",
    "cancel": "cancelled", "find": "found",
    "get": "looked up", "give": "given", "log": "logged", "make": "made", "pay": "paid",
    "put": "put",
    "refuel": "refuelled", "reset": "reset", "run": "run", "send": "sent", "set": "set",
    "submit": "submitted",
    "swap": "swapped", "take": "taken", "transfer": "transferred",
}  # fmt: skip

_VOWEL = re.compile(r"^[aeio]", re.IGNORECASE)


def in_words(name: str) -> str:
    """Return an identifier such as `order_id` as words: "order ID"."""
    return " ".join(_ACRONYMS.get(word.lower(), word) for word in re.split(r"[_\W]+", name) if word)


def action_in_words(name: str) -> str:
    """Return a tool name as an action: "cancel the pending order", "create a task"."""
    verb, _, rest = name.strip("_").partition("_")
    if not rest:
        return in_words(name)
    return f"{verb} {_with_article(verb.lower(), in_words(rest))}"


def past_action(name: str) -> str:
    """Return a tool name as an action in the past: "cancelled the pending order"."""
    verb, _, rest = name.strip("_").partition("_")
    past = past_participle(verb.lower())
    return f"{past} {_with_article(verb.lower(), in_words(rest))}" if rest else past


def _with_article(verb: str, thing: str) -> str:
    if thing.split(" ", 1)[0] in {"to", "all", "for", "by", "on", "off", "in"}:
        return thing
    if verb not in _NEW_THING:
        return f"the {thing}"
    if thing.endswith("s") and not thing.endswith("ss"):
        return thing
    return f"{'an' if _VOWEL.match(thing) else 'a'} {thing}"


def past_participle(verb: str) -> str:
    """Return the past participle of an English verb, by rule where no exception is known."""
    if verb in _PAST:
        return _PAST[verb]
    if verb.endswith("e"):
        return verb + "d"
    if len(verb) > 1 and verb.endswith("y") and verb[-2] not in "aeiou":
        return verb[:-1] + "ied"
    return verb + "ed"


def listing(items: Sequence[str]) -> str:
    """Return items as "a, b and c"."""
    if len(items) <= 1:
        return "".join(items)
    return f"{', '.join(items[:-1])} and {items[-1]}"


def sentence(text: str) -> str:
    """Return `text` with a capital at the start and a full stop at the end."""
    text = text.strip()
    if not text:
        return text
    text = text[0].upper() + text[1:]
    return text if text[-1] in ".!?…" or text[-2:] in {'."', '?"', ".'", "?'", ".)"} else text + "."


def joined(parts: Iterable[str]) -> str:
    """Return the parts that are not blank, separated by spaces."""
    return " ".join(part.strip() for part in parts if part and part.strip())
