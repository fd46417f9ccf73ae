"""How customers speak of the airline: places, days, persons and bags."""

from __future__ import annotations

from functools import singledispatch

from tau2.domains.airline.data_model import CabinClass, Passenger
from tau2.domains.airline.lookups import AIRPORTS
from tau2.taskgen.wording import SlotFormatter
from tau2.utils.number_words import NUMBERS

_CITIES = {**dict(AIRPORTS), "JFK": "New York (JFK)", "LGA": "New York (LaGuardia)"}

CABIN_NAMES: dict[CabinClass, str] = {
    "basic_economy": "basic economy",
    "economy": "economy",
    "business": "business",
}

BRANDS = {"visa": "Visa card", "mastercard": "Mastercard"}


@singledispatch
def name_of(thing: object) -> str:
    """Return what a customer calls a record of the airline; anything else as it is."""
    return str(thing)


@name_of.register
def full_name(person: Passenger) -> str:
    """Return first and last name."""
    return f"{person.first_name} {person.last_name}"


FORMATTER = SlotFormatter(name_of)


def city(iata: str) -> str:
    """Return what a customer calls an airport; no two airports are called the same."""
    return _CITIES[iata]


def day_name(date: str) -> str:
    """Return "May 7" for 2024-05-07."""
    return f"May {int(date[-2:])}"


def clock_name(time: str) -> str:
    """Return "9:15 am" for 09:15:00."""
    hour = int(time[:2])
    minute = time[3:5]
    return f"{(hour - 1) % 12 + 1}:{minute} {'am' if hour < 12 else 'pm'}"


def bag_count(count: int) -> str:
    """Return "no checked bags", "one checked bag" or "two checked bags"."""
    return f"{NUMBERS[count]} checked bag{'s' if count != 1 else ''}"


def more_bags(count: int) -> str:
    """Return "one more checked bag" or "two more checked bags"."""
    return f"{NUMBERS[count]} more checked bag{'s' if count > 1 else ''}"
