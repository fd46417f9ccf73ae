"""What a customer says of a flight: insurance, bags, cabin, dates, and from where to where."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from tau2.audit.agreement.told import Record, Told
from tau2.data_model.tasks import Action
from tau2.utils.number_words import NUMBERS

_I = re.IGNORECASE
_NO_INSURANCE = re.compile(
    r"\b(?:no|not|n't|without|decline|skip|nor)\b(?:(?!\bbut\b)[^.;:]){0,45}?\binsurance\b",
    _I,
)
_INSURANCE_WISH = re.compile(
    r"\b(?:with|want|need|add|include|get|take|buy|plus|and|purchase)\b"
    r"(?:(?!\bbut\b)[^.;:]){0,25}?\binsurance\b|\btravel insurance (?:and|but)\b",
    _I,
)
_ABOUT_EARLIER_INSURANCE = re.compile(
    r"\b(?:bought|took|forgot|had|purchased|paid|selected|existing|claim)\b"
    r"[^.;]{0,30}?\binsurance\b"
    r"|\binsurance\b[^.;]{0,30}?\b(?:covers?|added|afterwards|later|for your)\b",
    _I,
)
_WORDS = {word: number for number, word in enumerate(NUMBERS)} | {"a": 1, "an": 1, "extra": 1}
_BAGS = re.compile(
    r"\b(no|an?|one|two|three|four|five|six|seven|eight|\d+)\s+"
    r"(more |extra |additional |further )?(?:free |paid )?"
    r"(?:checked |check-in )?(?:bags?|baggages?|suitcases?|pieces? of luggage)\b",
    _I,
)
_AS_MANY = re.compile(r"\bas many\b", _I)
_CABIN = re.compile(r"\b(basic[ -_]?economy|economy|business)\b", _I)
_SAME = re.compile(r"\b(?:same|that) (?:cabin|class|flights?|day|date|trip)\b", _I)
_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_MONTH = rf"(?:{'|'.join(_MONTHS)})[a-z]*"
_TRIP = re.compile(
    r"\byour (?:round )?trip from ([A-Z][^.;]*?) to ([A-Z][^.;]*?) on ([A-Z][a-z]+ \d{1,2})\b"
)
_RESERVATION = re.compile(r"\breservations? [A-Z0-9]{6}\b")
_ALL_TRIPS = re.compile(
    r"\b(?:all|every|any|each|both|other)\b[^.]{0,30}\b(?:trip|reservation|flight|booking)s?\b"
    r"|\btrips\b|\breservations\b",
    _I,
)
_DATE_FORMS = (
    re.compile(r"\b20\d\d-(?P<month>\d\d)-(?P<day>\d\d)\b"),
    re.compile(rf"\b(?P<name>{_MONTH})\.? (?P<day>\d{{1,2}})(?:st|nd|rd|th)?\b", _I),
    re.compile(rf"\b(?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?: of)? (?P<name>{_MONTH})\b", _I),
    re.compile(r"\b(?P<month>\d{1,2})/(?P<day>\d{1,2})\b"),
)
_RELATIVE = re.compile(
    r"\b(?:day|days|tomorrow|today|yesterday|week|weekend|later|earlier|earliest|latest|soonest|"
    r"overnight|between|next|following|same|any|mon|tues|wednes|thurs|fri|satur|sun)(?:day)?\b",
    _I,
)


def insurance(told: Told) -> list[str]:
    """Insurance is booked where it is wanted, and only there."""
    problems = []
    declined = _NO_INSURANCE.search(told.text) is not None
    for action in told.writes:
        booked = action.arguments.get("insurance")
        if booked == "yes" and declined:
            problems.append("the scenario says no insurance, the reference insures")
        elif booked == "no" and not declined and any(map(_wants_insurance, told.sentences)):
            problems.append("the scenario wants insurance, the reference does not insure")
    return problems


def _wants_insurance(sentence: str) -> bool:
    return (
        _INSURANCE_WISH.search(sentence) is not None
        and _ABOUT_EARLIER_INSURANCE.search(sentence) is None
    )


def bags(told: Told) -> list[str]:
    """As many bags are booked or added as the customer says."""
    said: dict[bool, set[int]] = {False: set(), True: set()}
    is_open = _AS_MANY.search(told.text) is not None
    for count, more in _BAGS.findall(told.text):
        number = int(count) if count.isdigit() else _WORDS[count.lower()]
        said[bool(more)].add(number)
    problems = []
    for action in told.writes:
        total = action.arguments.get("total_baggages")
        if not isinstance(total, int):
            continue
        trip = told.record("reservation_id", action.arguments.get("reservation_id"))
        before = trip.get("total_baggages") if trip is not None else None
        is_added = "flights" not in action.arguments
        wanted = total - before if is_added and isinstance(before, int) else total
        if said[is_added] and wanted not in said[is_added] and not (is_added and is_open):
            numbers = " or ".join(map(str, sorted(said[is_added])))
            problems.append(f"the reference has {wanted}, the scenario says {numbers}")
    return problems


def cabins(told: Told) -> list[str]:
    """A cabin that is booked or changed to is one that the customer speaks of."""
    said = {word.lower().replace(" ", "_").replace("-", "_") for word in _CABIN.findall(told.text)}
    is_copied = not said or _SAME.search(told.text) is not None
    problems = []
    for action in told.writes:
        cabin = action.arguments.get("cabin")
        trip = told.record("reservation_id", action.arguments.get("reservation_id"))
        is_open = is_copied if trip is None else trip.get("cabin") == cabin
        if cabin is not None and cabin not in said and not is_open:
            spoken = " or ".join(sorted(said)) or "no other"
            problems.append(f"the reference takes {cabin}, the scenario says {spoken}")
    return problems


def dates(told: Told) -> list[str]:
    """A day that the reference moves or books flights to is one that the customer names."""
    said = set(_said_dates(told.text))
    if not said:
        return []
    problems = []
    for action in told.writes:
        trip = told.record("reservation_id", action.arguments.get("reservation_id"))
        before = {flight.get("date") for flight in (trip or {}).get("flights") or ()}
        wanted = list(dict.fromkeys(_dates_of(action)))
        is_relative = trip is not None and len(wanted) > 1 and _RELATIVE.search(told.text)
        is_copied = trip is None and _SAME.search(told.text)
        for date in wanted:
            month, day = int(date[5:7]), int(date[8:10])
            is_named = (month, day) in said
            is_overnight = len(wanted) > 1 and (month, day - 1) in said  # the second of two legs
            if not (is_named or is_overnight or is_relative or is_copied or date in before):
                problems.append(f"the reference takes {date}, which the scenario does not name")
    return problems


def _dates_of(action: Action) -> Iterator[str]:
    for flight in action.arguments.get("flights") or ():
        if isinstance(flight, dict) and isinstance(flight.get("date"), str):
            yield flight["date"]


def _said_dates(text: str) -> Iterator[tuple[int, int]]:
    for form in _DATE_FORMS:
        for match in form.finditer(text):
            found: dict[str, Any] = match.groupdict()
            name = found.get("name")
            month = (
                int(found["month"])
                if name is None
                else next(n for n, m in enumerate(_MONTHS, 1) if m == name.lower()[:3])
            )
            yield month, int(found["day"])


def routes(told: Told) -> list[str]:
    """Trips that the customer speaks of are on record, and a booking goes where is said."""
    cities = {r["iata"]: str(r.get("city", "")) for r in told.all_with("iata")}
    problems = list(_unknown_trips(told, cities))
    for action in told.writes:
        ends = [action.arguments.get(end) for end in ("origin", "destination")]
        trips = [{r.get("origin"), r.get("destination")} for r in told.all_with("cabin")]
        if None in ends or any(set(ends) <= trip for trip in trips) or not cities:
            continue
        problems += [
            f"the reference flies to or from {end}, of which the scenario does not speak"
            for end in ends
            if isinstance(end, str)
            and end in cities
            and end not in told.text
            and cities[end].lower() not in told.lower
        ]
    return problems


def _unknown_trips(told: Told, cities: dict[str, str]) -> Iterator[str]:
    """Yield the trips of the customer's own that no reservation is about."""
    known = {
        (trip.get("origin"), trip.get("destination"), _month_and_day(trip["flights"][0]))
        for trip in told.all_with("flights")
        if trip["flights"]
    }
    for origin, destination, date in _TRIP.findall(told.text):
        ends = [
            [iata for iata, city in cities.items() if _is_place(place, iata, city)]
            for place in (origin, destination)
        ]
        day = next(_said_dates(date), None)
        if all(ends) and not any((a, b, day) in known for a in ends[0] for b in ends[1]):
            yield f"there is no trip from {origin} to {destination} on {date}"


def reservations(told: Told) -> list[str]:
    """A reservation that is changed is one that the customer names or describes."""
    cities = {r["iata"]: str(r.get("city", "")) for r in told.all_with("iata")}
    described = _TRIP.findall(told.text)
    if not cities or _ALL_TRIPS.search(told.text):
        return []
    problems = []
    for action in told.writes:
        trip = told.record("reservation_id", action.arguments.get("reservation_id"))
        if trip is None or str(trip["reservation_id"]) in told.text or not trip.get("flights"):
            continue
        if not described and not _RESERVATION.search(told.text):
            continue
        day = _month_and_day(trip["flights"][0])
        fits = any(
            _is_place(origin, trip["origin"], cities.get(trip["origin"], ""))
            and _is_place(destination, trip["destination"], cities.get(trip["destination"], ""))
            and next(_said_dates(date), None) == day
            for origin, destination, date in described
        )
        if not fits:
            problems.append(f"the reference changes {trip['reservation_id']}, which nobody names")
    return problems


def _is_place(place: str, iata: str, city: str) -> bool:
    """Return whether a place is an airport: by its city, its name, or what is in brackets."""
    name, _, airport = place.lower().partition(" (")
    return (city.lower() == name and not airport) or airport.rstrip(")") in {
        city.lower(),
        iata.lower(),
    }


def _month_and_day(flight: Record) -> tuple[int, int] | None:
    return next(_said_dates(str(flight.get("date"))), None)
