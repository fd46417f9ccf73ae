"""Spelling, and what the agent reads back: whether it is what the customer said."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date

from tau2.user.scripted_user import facts
from tau2.voice.found_values import FoundValue, find_value
from tau2.voice.speech.heard import heard
from tau2.voice.speech.spoken import spelled

_SPELL = re.compile(
    r"\bspell(?:ed|ing)?\b|\b(?:letter|digit|character|number)s? (?:by|at a) (?:letter|digit|"
    r"character|number|time)\b|\bone by one\b|\bone at a time\b|\bread (?:it|that) out slowly\b",
    re.IGNORECASE,
)
_READS = re.compile(
    r"\b(?:i(?:'ve| have)?(?: got| noted| heard| written| understood| put)?|that(?:'s| is| was)|"
    r"your [\w ]{3,30} is|as your|to (?:confirm|repeat)|let me (?:repeat|confirm|read))\b",
    re.IGNORECASE,
)
_SPELLED = frozenset(
    {"name", "email", "user_id", "order", "reservation", "serial", "plate", "address"}
)
"""Facts that are spelled with words for their letters."""
_DIGITS = frozenset({"zip", "phone"})
"""Facts that are said digit by digit."""
_DATES = frozenset({"purchase_date", "dob"})
"""Facts whose year is said digit by digit."""
_READ_BACK = (*_SPELLED, *_DIGITS, *_DATES, "amount")
_LEAST = 0.5  # share of a value below which something else is read out


def wants_spelling(text: str) -> bool:
    """Return whether an agent asks for something letter by letter."""
    return _SPELL.search(text) is not None


def spelling(kind: str, value: str, *, alphabet: bool = False) -> str:
    """Return how a customer spells a fact, or "" for one that is not spelled.

    `alphabet` explains letters: "A as in Anna". Of an address of mail, what stands before the @ is
    spelled.
    """
    if kind in _DIGITS:
        return ", ".join(map(spelled, value.split("-")))
    if kind in _DATES:
        return _day_in_words(value)
    if kind not in _SPELLED:
        return ""
    own, at, host = value.partition("@")
    return spelled(own, alphabet=alphabet) + (f", at {host.replace('.', ' dot ')}" if at else "")


def _day_in_words(value: str) -> str:
    """Return "January 5, year 2 0 2 2"; "" for a date that is not written as YYYY-MM-DD."""
    try:
        day = date.fromisoformat(value)
    except ValueError:
        return ""
    return f"{day:%B} {day.day}, year {' '.join(str(day.year))}"


def misread(text: str, known: Mapping[str, tuple[str, ...]]) -> tuple[str, str] | None:
    """Return the kind and the value of a fact that an agent reads back wrongly, or None.

    `known` are the customer's facts. Only a fact that the agent names, and something that is like
    its value, count: numbers in words and spelled letters are understood.
    """
    if not _READS.search(text):
        return None
    named = [kind for kind in _READ_BACK if known.get(kind) and facts.ASKED[kind].search(text)]
    if not named:
        return None
    written = heard(text)
    for kind in named:
        values = known[kind]
        best = max((_closest((text, written), value) for value in values), key=_share)
        if best is not None and not best.is_exact:
            return kind, values[0]
    return None


def _closest(texts: Iterable[str], value: str) -> FoundValue | None:
    return max((find_value(text, value, _LEAST) for text in texts), key=_share)


def _share(found: FoundValue | None) -> float:
    return found.share if found is not None else 0.0
