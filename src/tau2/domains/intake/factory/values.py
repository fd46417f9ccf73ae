"""Values of the fields: easy ones, and hard ones that are heard wrongly without spelling."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, Literal

from tau2.domains.intake.data_model import FieldName
from tau2.environment.db import read_data_file

Level = Literal["easy", "hard"]
LEVELS: tuple[Level, ...] = ("easy", "hard")

TODAY = "2026-04-16"
CLEAR_LETTERS = "HKLRWXZ"  # no two of them sound alike
ALIKE_LETTERS = "BDEGPTVMNSF"  # what a telephone line makes of one is easily another
_RECENT = 90  # days in which easy dates lie
_TEENS = (13, 14, 15, 16, 17, 18, 19, 30)  # days of a month, and tens, that sound like others
_SINCE = 2012  # the first year of hard dates
_WORDS = Path(__file__).with_name("words.toml")


@cache
def words() -> Mapping[str, Any]:
    """Return the tables that values and scenarios are made of."""
    content: Mapping[str, Any] = read_data_file(_WORDS)
    return content


def noun(field: FieldName) -> str:
    """Return what people call a field."""
    return str(words()["all"]["nouns"][field])


def value_of(field: FieldName, level: Level, rng: Random) -> str:
    """Return a value of a field in the form in which the database keeps it."""
    return _MAKERS[field](level, rng)


def person(level: Level, rng: Random) -> str:
    """Return a first and a last name."""
    table = words()[level]
    return f"{rng.choice(table['first_names'])} {rng.choice(table['last_names'])}"


def _email(level: Level, rng: Random) -> str:
    first, last = person(level, rng).replace("ł", "l").lower().split()
    host = rng.choice(words()[level]["mail_hosts"])
    if level == "easy":
        return f"{first}.{last}@{host}"
    number = rng.randint(13, 98)
    forms = (
        f"{first[0]}{last}_{number}",
        f"{last}-{first[:2]}{number}",
        f"{first[:3]}.{last}.{number}",
    )
    return f"{rng.choice(forms)}@{host}"


def _street(level: Level, rng: Random) -> str:
    name = rng.choice(words()[level]["streets"])
    kind = rng.choice(words()["all"]["street_kinds"])
    if level == "easy":
        return f"{rng.randint(21, 99)} {name} {kind}"
    suffix = rng.choice(("", *"BDEG"))
    return f"{rng.choice(_TEENS)}{rng.choice(_TEENS)}{suffix} {name} {kind}"


def _distinct_digits(count: int, rng: Random) -> str:
    return "".join(rng.sample("123456789", count))


def _digits_with_repeats(count: int, rng: Random) -> str:
    """Return digits of which one is a zero and two neighbors are the same."""
    digits = [rng.choice("0123456789") for _ in range(count)]
    digits[rng.randrange(1, count)] = "0"
    at = rng.randrange(count - 1)
    digits[at + 1] = digits[at]
    return "".join(digits)


def _letters(letters: str, count: int, rng: Random) -> str:
    return "".join(rng.choice(letters) for _ in range(count))


def _customer_id(level: Level, rng: Random) -> str:
    if level == "easy":
        return _letters(CLEAR_LETTERS, 2, rng) + _distinct_digits(4, rng)
    return _letters(ALIKE_LETTERS, 3, rng) + _digits_with_repeats(5, rng)


def _serial_number(level: Level, rng: Random) -> str:
    if level == "easy":
        return _letters(CLEAR_LETTERS, 1, rng) + _distinct_digits(5, rng)
    parts = (
        _letters(ALIKE_LETTERS, 2, rng),
        _digits_with_repeats(3, rng),
        _letters(ALIKE_LETTERS, 2, rng),
        _digits_with_repeats(3, rng),
    )
    return "".join(parts)


def _license_plate(level: Level, rng: Random) -> str:
    if level == "easy":
        return _letters(CLEAR_LETTERS, 3, rng) + _distinct_digits(3, rng)
    return (
        _letters(ALIKE_LETTERS, 3, rng)
        + _digits_with_repeats(2, rng)
        + _letters(ALIKE_LETTERS, 2, rng)
    )


def _purchase_date(level: Level, rng: Random) -> str:
    today = date.fromisoformat(TODAY)
    if level == "easy":
        return (today - timedelta(days=rng.randint(3, _RECENT))).isoformat()
    year = rng.randint(_SINCE, today.year - 1)
    month = rng.choice((1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12))
    return date(year, month, rng.choice(_TEENS)).isoformat()


def _phone(level: Level, rng: Random) -> str:
    if level == "easy":
        digits = _distinct_digits(7, rng)
        return f"555-{digits[:3]}-{digits[3:]}"
    return f"555-{_digits_with_repeats(3, rng)}-{_digits_with_repeats(4, rng)}"


def _zip(level: Level, rng: Random) -> str:
    return _distinct_digits(5, rng) if level == "easy" else _digits_with_repeats(5, rng)


def _amount(level: Level, rng: Random) -> str:
    if level == "easy":
        return f"{rng.randint(11, 95)}0.00"
    return f"{rng.randint(11, 39)}{rng.choice(_TEENS)}.{rng.choice(_TEENS)}"


_MAKERS: Mapping[FieldName, Callable[[Level, Random], str]] = {
    "name": person,
    "email": _email,
    "street": _street,
    "customer_id": _customer_id,
    "purchase_date": _purchase_date,
    "phone": _phone,
    "zip": _zip,
    "amount": _amount,
    "serial_number": _serial_number,
    "license_plate": _license_plate,
}
