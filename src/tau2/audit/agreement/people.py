"""Names, birth dates, what identifies a customer, and the ids that a customer names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum, auto

from tau2.audit.agreement.told import PHONE, Record, Told

_I = re.IGNORECASE
_OWN_NAME = re.compile(
    r"\b(?:You are|Your (?:full )?name is)\s+([A-Z][\w'-]+)\s+([A-Z][\w'-]+)(?=[.,;:]|\s|$)"
)
_DATE = r"\d{4}-\d\d-\d\d"
_OWN_BIRTH = re.compile(
    rf"\b[Yy]ou(?: were|'re| are)? born (?:on|in)?\s*({_DATE})"
    rf"|\b[Yy]our (?:own )?(?:birth date|date of birth|birthday|dob)\b[^.;]{{0,60}}?({_DATE})"
)
_BIRTH_WORDS = re.compile(r"\bborn\b|\bbirth|\bdob\b", _I)
_LAST_BIRTH_YEAR = 2015
_EMAIL = re.compile(r"[\w.+-]{1,64}+@[\w-]+(?:\.[\w-]+)+")
_ZIP = re.compile(r"\bzip(?: code)?(?: is|:)?\s+(\d{5})\b", _I)
_SLIP = re.compile(r"\b(?:say|give|tell|claim)\b[^.]*\bfirst\b|\bold (?:email|zip)", _I)
_ORDER = re.compile(r"#W\d+")
_RESERVATION = re.compile(r"\breservations? ([A-Z0-9]{6})\b")
_USER_ID = re.compile(r"\b[a-z]+_[a-z]+_\d{4}\b")


def names(told: Told) -> list[str]:
    """The customer has the name of the profile, and passengers the names that are said."""
    problems = []
    known = _name_of(told.profile or {})
    own = _OWN_NAME.search(told.text)
    if known and own is not None and f"{own[1]} {own[2]}".lower() != known.lower():
        problems.append(f"the customer is called {own[1]} {own[2]}, on record {known}")
    heard = f"{told.text} {told.on_record}".lower()
    for person, standing in _passengers(told):
        where = told.lower if standing is _Standing.CHANGED else heard
        missing = [part for part in _parts(person) if part.lower() not in where]
        if missing and not _is_profile_name(person, known):
            problems.append(f"nobody speaks of a passenger {' '.join(_parts(person))}")
    return problems


def _is_profile_name(person: Record, known: str) -> bool:
    return " ".join(_parts(person)).lower() == known.lower()


def _name_of(record: Record) -> str:
    name = record.get("name")
    if isinstance(name, dict):
        return f"{name.get('first_name', '')} {name.get('last_name', '')}".strip()
    return str(record.get("full_name") or "")


class _Standing(Enum):
    """What a change does with a passenger."""

    BOOKED = auto()
    """A new reservation is made for the passenger."""
    KEPT = auto()
    """The reservation has had the passenger, exactly like this."""
    CHANGED = auto()
    """The reservation gets the passenger, or another name or birth date."""


def _passengers(told: Told) -> Iterator[tuple[Record, _Standing]]:
    """Yield every passenger that the reference writes, and what the change does."""
    for action in told.writes:
        trip = told.record("reservation_id", action.arguments.get("reservation_id"))
        before = (trip or {}).get("passengers") or []
        for person in action.arguments.get("passengers") or ():
            if isinstance(person, dict) and "first_name" in person:
                standing = _Standing.KEPT if person in before else _Standing.CHANGED
                yield person, _Standing.BOOKED if trip is None else standing


def _parts(person: Record) -> tuple[str, str]:
    return str(person.get("first_name", "")), str(person.get("last_name", ""))


def birth_dates(told: Told) -> list[str]:
    """Nobody has two birth dates: in the text, in the reference, or on record."""
    problems = []
    own = list(dict.fromkeys(a or b for a, b in _OWN_BIRTH.findall(told.text)))
    if len(own) > 1:
        problems.append(f"the customer was born on {' and on '.join(own)}")
    on_file = dict(_on_file(told))
    mine = (told.profile or {}).get("dob")
    if isinstance(mine, str) and own and mine not in own:
        problems.append(f"the customer was born on {own[0]}, on record {mine}")
    for person, standing in _passengers(told):
        full = " ".join(_parts(person)).lower()
        dob = str(person.get("dob", ""))
        if standing is not _Standing.KEPT and on_file.get(full, dob) != dob:
            problems.append(f"{full.title()} is given {dob}, on record {on_file[full]}")
        said = list(_said_of(person, told))
        if said and dob not in said:
            problems.append(f"{full.title()} is given {dob}, the scenario says {said[0]}")
    problems += [
        f"the scenario says {date}, which neither the reference nor a record knows"
        for date in dict.fromkeys(re.findall(rf"(?<!\()\b{_DATE}\b", told.text))
        if int(date[:4]) <= _LAST_BIRTH_YEAR and date not in told.arguments + told.on_record
    ]
    return list(dict.fromkeys(problems))


def _on_file(told: Told) -> Iterator[tuple[str, str]]:
    """Yield name and birth date of the customer and of everybody saved in the profile."""
    profile = told.profile or {}
    if isinstance(profile.get("dob"), str):
        yield _name_of(profile).lower(), profile["dob"]
    for person in profile.get("saved_passengers") or ():
        if isinstance(person, dict) and isinstance(person.get("dob"), str):
            yield " ".join(_parts(person)).lower(), person["dob"]


def _said_of(person: Record, told: Told) -> Iterator[str]:
    """Yield the birth dates that the text says of a person: the first date after the name."""
    first, last = map(re.escape, _parts(person))
    pattern = re.compile(
        rf"\b{first}(?:\s+{last})?\b(?:(?!\b[A-Z][a-z]+ [A-Z])[^.;\d]){{0,70}}?({_DATE})"
    )
    for sentence in told.sentences:
        if _BIRTH_WORDS.search(sentence) or "(" in sentence:
            yield from pattern.findall(sentence)


def identity(told: Told) -> list[str]:
    """Email address, zip code, phone number and user id are those of the customer's record."""
    profile = told.profile
    if profile is None or _SLIP.search(told.text):
        return []
    problems = []
    known = str(told.on_record + told.arguments).lower()
    looked_up = [action.arguments.get("phone_number") for action in told.actions]
    problems += [
        f"the reference looks {number} up, which the scenario does not name"
        for number in dict.fromkeys(filter(None, looked_up))
        if PHONE.search(told.text) and number not in told.text
    ]
    for kind, pattern in (("email address", _EMAIL), ("zip code", _ZIP), ("phone number", PHONE)):
        said = list(dict.fromkeys(pattern.findall(told.text)))
        if kind == "phone number":
            problems += [f"nothing on record has the {kind} {n}" for n in said if n not in known]
        elif said and all(value.lower() not in known for value in said):
            problems.append(f"nothing on record has the {kind} {said[0]}")
    problems += [
        f"there is no user {said}"
        for said in dict.fromkeys(_USER_ID.findall(told.text))
        if told.record("user_id", said) is None
    ]
    return problems


def ids(told: Told) -> list[str]:
    """Orders and reservations that are named exist, and stand for those that are changed."""
    problems = []
    owner = (told.profile or {}).get("user_id")
    for kind, pattern in (("order", _ORDER), ("reservation", _RESERVATION)):
        changed = {action.arguments.get(f"{kind}_id") for action in told.writes} - {None}
        unnamed = [str(record_id) for record_id in changed if str(record_id) not in told.text]
        for said in dict.fromkeys(pattern.findall(told.text)):
            record = told.record(f"{kind}_id", said)
            if record is None:
                problems.append(f"there is no {kind} {said}")
            elif unnamed and record.get("user_id") == owner and said not in told.arguments:
                problems.append(f"{kind} {said} is named, and the reference changes {unnamed[0]}")
    return problems
