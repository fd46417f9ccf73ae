"""The values that a user states, against those that it can know.

A user knows its scenario, what the agent has said, and the results of its own tools. Only values
that can be compared exactly are looked at: addresses, ids, numbers, dates, names and places.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import lru_cache

from tau2.user.monitor.words import any_case, sentences, word_set

_EMAIL = re.compile(
    r"(?<![A-Za-z0-9_.+-])[A-Za-z0-9_.+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,5}"
)
_URL = re.compile(r"https?://\S+")
_USER_ID = any_case(r"\b[a-z]+(?:_[a-z0-9]+)*_\d+\b")
_PHONE = re.compile(r"(?<![\w-])\(?\d{3}\)?[-. ]{1,2}\d{3}[-. ]\d{4}(?![\w-])")
_CODE = re.compile(
    r"(?<![\w#])#?(?=[A-Z0-9]*\d)(?=[A-Z0-9]*[A-Z])(?!\d+(?:GB|TB|MB|MHZ|GHZ|ML)\b)[A-Z0-9]{5,12}\b"
)
_NUMBER = re.compile(r"(?<![\w.])(?P<money>\$ ?)?(?P<whole>\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?"
                     r"(?P<unit> ?(?:dollars|USD)\b)?(?! ?%| percent)")  # fmt: skip
_YEAR = re.compile(r"(?:19|20)\d\d")
_PAID = any_case(r"\b(?:paid|charged|billed|cost me|costs me|spent)\W+(?:\w+\W+){0,4}$")
_LONG = 3  # digits of a number that is not a count
_KEPT = 512  # messages whose values are kept: the latest ones of the episodes in progress

_LEAP_YEAR = 2024  # has every day that a date without a year may name
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|"
    r"sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
_DAY = r"(?P<{}>3[01]|[12]\d|0?[1-9])(?:st|nd|rd|th)?"
_DATE = any_case(
    rf"\b(?P<m1>{_MONTH})\.? (?:the )?{_DAY.format('d1')}\b(?:,? (?:19|20)\d\d)?|"
    rf"\b{_DAY.format('d2')} (?:of )?(?P<m2>{_MONTH})\b(?:,? (?:19|20)\d\d)?|"
    r"\b(?:19|20)\d\d-(?P<m3>\d\d)-(?P<d3>\d\d)\b|"
    r"\b(?P<m4>0?[1-9]|1[0-2])/(?P<d4>3[01]|[12]\d|0?[1-9])/(?:19|20)?\d\d\b"
)
_MORE_DAYS = any_case(
    rf"\b(?P<month>{_MONTH})\.? \d{{1,2}}(?!\d)(?:st|nd|rd|th)?"
    r"(?:(?:,|,? and| or| to|-| -|,? through| until)+ ?(?:the )?\d{1,2}(?![\d:])(?:st|nd|rd|th)?)+"
)
_NAME = r"[A-Z][a-z'-]+(?: [A-Z][a-z'-]+){0,2}"
_NAMED = re.compile(
    r"(?:\b[Mm]y (?:full |first |last |legal )?name(?:'s| is)?:?|\b[Ii]'m|\b[Ii] am|"
    r"\b[Tt]his is(?= [A-Z][a-z'-]+ [A-Z][a-z'-]+)|"
    r"\b[Mm]y (?:husband|wife|friend|daughter|son|sister|brother|partner|colleague|mother|father)"
    r"(?:,| is| named| called)*|\b(?:passenger|person) (?:is |named |called )+|"
    rf"^\W*(?:[Ff]ull |[Ff]irst |[Ll]ast )?[Nn]ame\s*:)\s+(?P<name>{_NAME})"
)
_PLACE = re.compile(rf"\b(?:from|to|in|at|near|for|between|and) (?P<place>{_NAME})")
_CODES = {
    "albuquerque": "ABQ", "amsterdam": "AMS", "atlanta": "ATL", "austin": "AUS", "baltimore": "BWI",
    "berlin": "BER", "boston": "BOS", "charlotte": "CLT", "chicago": "ORD MDW", "cleveland": "CLE",
    "dallas": "DFW DAL", "denver": "DEN", "detroit": "DTW", "dublin": "DUB", "frankfurt": "FRA",
    "honolulu": "HNL", "houston": "IAH HOU", "indianapolis": "IND", "las vegas": "LAS",
    "lisbon": "LIS", "london": "LHR LGW", "los angeles": "LAX LA",
    "madrid": "MAD", "memphis": "MEM",
    "miami": "MIA", "milwaukee": "MKE", "minneapolis": "MSP", "montreal": "YUL", "munich": "MUC",
    "nashville": "BNA", "new orleans": "MSY", "new york": "JFK LGA EWR NYC", "newark": "EWR",
    "oakland": "OAK", "orlando": "MCO", "paris": "CDG ORY", "philadelphia": "PHL",
    "phoenix": "PHX", "pittsburgh": "PIT", "portland": "PDX", "raleigh": "RDU", "rome": "FCO",
    "sacramento": "SMF", "salt lake city": "SLC", "san antonio": "SAT", "san diego": "SAN",
    "san francisco": "SFO", "san jose": "SJC", "seattle": "SEA", "st louis": "STL",
    "tampa": "TPA", "tokyo": "HND NRT", "toronto": "YYZ", "vancouver": "YVR",
    "washington": "DCA IAD",
}  # fmt: skip
"""Cities that have airports: one who knows the code knows the city."""

_NO_NAMES = word_set(
    """
    absolutely afraid also american available calling canceling cancelling confused done
    experiencing fine flexible flying frustrated getting glad going good happy having here
    hoping interested just looking not now okay on out planning pretty quite ready really
    requesting sick so sorry still sure there traveling trying unable upset very wondering
    writing
    """
)
"""What follows "I am" and is no name, even with a capital letter."""


@dataclass(frozen=True, slots=True)
class Value:
    """A value as it was said, and the form in which it is compared."""

    kind: str
    shown: str
    key: str


@dataclass(slots=True)
class Known:
    """The values that a user can know."""

    keys: set[tuple[str, str]] = field(default_factory=set)
    digits: list[str] = field(default_factory=list)
    """Long sequences of digits: the end of one is known, too ("ending in 4270")."""
    words: set[str] = field(default_factory=set)
    own_kinds: set[str] = field(default_factory=set)
    """Kinds of which the scenario itself has a value."""

    def learn(self, text: str, *, own: bool = False) -> None:
        """Add the values of a text; `own` marks the scenario."""
        for value in stated(text):
            self.keys.add((value.kind, value.key))
            if own:
                self.own_kinds.add(value.kind)
            if value.key.isdigit() and len(value.key) > _LONG:
                self.digits.append(value.key)
        lower = text.lower()
        for run in re.findall(r"\d+", re.sub(r"(?<=\d),(?=\d{3}\b)", "", lower)):
            self.keys.add(("number", run.lstrip("0") or "0"))
            if len(run) > _LONG:
                self.digits.append(run)
        self.words.update(re.findall(r"[a-z]+", lower))

    def has(self, value: Value) -> bool:
        """Return whether a value is known."""
        if (value.kind, value.key) in self.keys:
            return True
        if value.kind == "date":
            return self._is_near(value.key)
        if value.kind == "amount":
            return self._is_computed(int(value.key))
        if value.kind == "city":
            parts = value.key.split()
            return all(part in self.words for part in parts) or any(
                code.lower() in self.words for code in _CODES[value.key].split()
            )
        if value.kind == "name":
            return all(part in self.words for part in re.findall(r"[a-z]+", value.key))
        if value.kind in {"number", "phone"}:
            return self._has_digits(value.key)
        if value.kind in {"code", "id"}:
            # "W1234567" and "1234567" are one order.
            digits = re.sub(r"\D", "", value.key)
            return (
                len(digits) > _LONG
                and len(value.key) - len(digits) <= 1
                and self._has_digits(digits)
            )
        return False

    def _is_near(self, key: str) -> bool:
        """Return whether a date is next to a known one: "the day after" is worked out."""
        month, day = map(int, key.split("-"))
        with suppress(ValueError):  # no such day
            then = date(_LEAP_YEAR, month, day)
            near = (then - timedelta(days=1), then + timedelta(days=1))
            return any(("date", f"{other.month}-{other.day}") in self.keys for other in near)
        return False

    def _is_computed(self, amount: int) -> bool:
        """Return whether an amount is known, or the sum or difference of two known numbers."""
        if ("number", str(amount)) in self.keys:
            return True
        known = {int(key) for kind, key in self.keys if kind in {"number", "amount"}}
        return any(abs(amount - other) in known or amount + other in known for other in known)

    def _has_digits(self, digits: str) -> bool:
        if ("number", digits.lstrip("0") or "0") in self.keys:
            return True
        return len(digits) >= _LONG and any(known.endswith(digits) for known in self.digits)


@lru_cache(maxsize=_KEPT)
def stated(text: str) -> tuple[Value, ...]:
    """Return the values that a text states; a message is read before and after it is sent."""
    return tuple(_values_in(text))


def _values_in(text: str) -> Iterator[Value]:
    text = _URL.sub(" ", text)
    text, found = _taken(_EMAIL, text, "email")
    yield from found
    text, found = _taken(_USER_ID, text, "id")
    yield from found
    text, found = _taken(_PHONE, text, "phone")
    yield from (Value("phone", value.shown, re.sub(r"\D", "", value.shown)) for value in found)
    for match in _MORE_DAYS.finditer(text):
        month = _month(match["month"])
        for day in re.findall(r"\d+", match[0]):
            yield Value("date", f"{match['month']} {day}", f"{month}-{int(day)}")
    for match in _DATE.finditer(text):
        month, day = _month_and_day(match)
        yield Value("date", match[0], f"{month}-{day}")
    text = _DATE.sub(" ", _MORE_DAYS.sub(" ", text))
    text, found = _taken(_CODE, text, "code")
    yield from (Value("code", value.shown, value.key.lstrip("#")) for value in found)
    for match in _NUMBER.finditer(text):
        digits = match["whole"].replace(",", "")
        is_round = digits.endswith("00") and len(digits) == _LONG  # "about 500"; an 800 number
        if len(digits) < _LONG or is_round or _YEAR.fullmatch(digits):
            continue
        if not match["money"] and not match["unit"]:
            yield Value("number", match[0], digits.lstrip("0") or "0")
        elif _PAID.search(text, max(0, match.start() - 60), match.start()):
            yield Value("amount", match[0], digits.lstrip("0") or "0")


def _taken(pattern: re.Pattern[str], text: str, kind: str) -> tuple[str, list[Value]]:
    found = [Value(kind, match[0], match[0].lower()) for match in pattern.finditer(text)]
    return (pattern.sub(" ", text), found) if found else (text, found)


def _month(name: str) -> int:
    return _MONTHS.index(name[:3].lower()) + 1


def _month_and_day(match: re.Match[str]) -> tuple[int, int]:
    name = match["m1"] or match["m2"]
    month = _month(name) if name else int(match["m3"] or match["m4"])
    return month, int(match["d1"] or match["d2"] or match["d3"] or match["d4"])


@lru_cache(maxsize=_KEPT)
def names_in(text: str) -> tuple[Value, ...]:
    """Return the names of persons and of cities that a text states."""
    return tuple(_names_in(text))


def _names_in(text: str) -> Iterator[Value]:
    for part in sentences(text):
        for match in _NAMED.finditer(part):
            if match["name"].split()[0].lower() not in _NO_NAMES:
                yield Value("name", match["name"], match["name"].lower())
        for match in _PLACE.finditer(part):
            place = match["place"].lower()
            if place in _CODES:
                yield Value("city", match["place"], place)
