"""Words that many goals share: places, days, persons, lists, and the manner of customers."""

from __future__ import annotations

from collections.abc import Sequence

from tau2.domains.airline.data_model import CabinClass, Passenger
from tau2.domains.airline.reading import AIRPORTS

_CITIES = {**dict(AIRPORTS), "JFK": "New York (JFK)", "LGA": "New York (LaGuardia)"}

CABIN_NAMES: dict[CabinClass, str] = {
    "basic_economy": "basic economy",
    "economy": "economy",
    "business": "business",
}

BRANDS = {"visa": "Visa card", "mastercard": "Mastercard"}

PERSONAS = (
    "You are relaxed and friendly, and you like to know what happens next.",
    "You are short on time: one or two sentences are all you ever write.",
    "You are exact about money and want each amount spelled out before you say yes.",
    "You are a frequent flyer who knows the jargon and expects quick answers.",
    "You rarely fly, and airline terms mean little to you; you ask when you do not understand.",
    "You are annoyed before the conversation starts, but you stay fair when you are treated fairly.",
    "You are chatty and mention where you are going and why, but you answer what is asked.",
    "You are a little hard to convince: you ask once more when you are told no, and then accept it.",
    "You write in lower case and without much punctuation.",
    "You are formal, say please and thank you, and write complete sentences.",
    "You are distracted, because you are at work and colleagues keep talking to you.",
    "You are nervous about flying and want to get this over with.",
    "You are a parent planning for the family, with all papers in front of you.",
    "You are cheerful and take bad news lightly.",
    "You are reserved; you give what is asked for and nothing more.",
    "You are impatient with long explanations and say so, politely.",
    "You are an accountant, and you like figures better than words.",
    "You are typing on a phone on the bus, so your messages are short and have small typing mistakes.",
    "You are recently retired and have all the time in the world.",
    "You are a manager used to delegating; you want results, not procedures.",
    "You speak English as a second language and use plain words.",
    "You are grateful for any help and easily satisfied.",
)


def city(iata: str) -> str:
    """Return what a customer calls an airport; no two airports are called the same."""
    return _CITIES[iata]


def day_name(date: str) -> str:
    """Return "May 7" for 2024-05-07."""
    return f"May {int(date[-2:])}"


def clock_name(time: str) -> str:
    """Return "9:15 am" for 09:15:00."""
    hour, minute = int(time[:2]), time[3:5]
    return f"{(hour - 1) % 12 + 1}:{minute} {'am' if hour < 12 else 'pm'}"


def full_name(person: Passenger) -> str:
    """Return first and last name."""
    return f"{person.first_name} {person.last_name}"


def joined(words: Sequence[str], last: str = "and") -> str:
    """Return "a", "a and b" or "a, b and c"."""
    if len(words) <= 1:
        return "".join(words)
    return f"{', '.join(words[:-1])} {last} {words[-1]}"


def bag_count(count: int) -> str:
    """Return "no checked bags", "one checked bag" or "two checked bags"."""
    return f"{_COUNTS[count]} checked bag{'s' if count != 1 else ''}"


def count_name(count: int) -> str:
    """Return a small number as a word."""
    return _COUNTS[count]


_COUNTS = (
    "no",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
)
