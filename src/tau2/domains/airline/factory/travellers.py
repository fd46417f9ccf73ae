"""Invents travellers: who they are, what they can pay with, and who flies with them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import TypeVar

from tau2.domains.airline.data_model import (
    Address,
    Certificate,
    CreditCard,
    GiftCard,
    MembershipLevel,
    Name,
    Passenger,
    PaymentMethod,
    User,
)
from tau2.taskgen.ids import FreshIds
from tau2.taskgen.people import People

T = TypeVar("T")

PEOPLE = People.load(Path(__file__).with_name("people.toml"))

_MEMBERSHIPS: tuple[tuple[MembershipLevel, int], ...] = (
    ("regular", 45),
    ("silver", 30),
    ("gold", 25),
)
_CREDIT_CARDS = ((1, 65), (2, 35))  # how many, percent of the travellers
_GIFT_CARDS = ((0, 35), (1, 40), (2, 20), (3, 5))
_CERTIFICATES = ((0, 50), (1, 30), (2, 20))
_COMPANIONS = ((0, 25), (1, 32), (2, 29), (3, 14))
_SAME_FAMILY = 0.6  # share of the companions with the traveller's own family name


_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # none that are easily mistaken for another


def reservation_id(ids: FreshIds) -> str:
    """Return six letters and digits; at least one digit, which no id given out by the tools has."""
    while True:
        made = ids.draw(lambda: "".join(ids.rng.choices(_LETTERS, k=6)))
        if not made.isalpha() and not made.isdigit():
            return made


def pick(rng: Random, shares: Sequence[tuple[T, int]]) -> T:
    """Return one of the values, as often as its share says."""
    return rng.choices([value for value, _ in shares], [share for _, share in shares])[0]


def make_traveller(rng: Random, ids: FreshIds) -> User:
    """Return a traveller without reservations."""
    first = rng.choice(PEOPLE.first_names)
    last = rng.choice(PEOPLE.last_names)
    return User(
        user_id=ids.digits(4, f"{first}_{last}_".lower()),
        name=Name(first_name=first, last_name=last),
        address=_address(rng),
        email=f"{first}.{last}{rng.randrange(10, 100)}@example.org".lower(),
        dob=birth_date(rng),
        payment_methods={method.id: method for method in _payment_methods(rng, ids)},
        saved_passengers=[make_passenger(rng, last) for _ in range(pick(rng, _COMPANIONS))],
        membership=pick(rng, _MEMBERSHIPS),
        reservations=[],
    )


def make_passenger(rng: Random, family: str) -> Passenger:
    """Return somebody who may travel along, often of the same family."""
    last = family if rng.random() < _SAME_FAMILY else rng.choice(PEOPLE.last_names)
    return Passenger(first_name=rng.choice(PEOPLE.first_names), last_name=last, dob=birth_date(rng))


def birth_date(rng: Random) -> str:
    """Return the birth date of an adult."""
    return f"{rng.randint(1948, 2003)}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}"


def _address(rng: Random) -> Address:
    town = rng.choice(PEOPLE.towns)
    return Address(
        address1=PEOPLE.street(rng, 990),
        address2=f"Apt {rng.randint(1, 48)}" if rng.random() < 0.4 else "",
        city=town.name,
        country="USA",
        state=town.state,
        zip=f"{town.zip_start}{rng.randrange(100):02}",
    )


def _payment_methods(rng: Random, ids: FreshIds) -> list[PaymentMethod]:
    methods: list[PaymentMethod] = [
        CreditCard(
            source="credit_card",
            id=ids.digits(7, "credit_card_"),
            brand=rng.choice(("visa", "mastercard")),
            last_four=f"{rng.randrange(10_000):04}",
        )
        for _ in range(pick(rng, _CREDIT_CARDS))
    ]
    methods += [
        GiftCard(source="gift_card", id=ids.digits(7, "gift_card_"), amount=rng.randint(25, 480))
        for _ in range(pick(rng, _GIFT_CARDS))
    ]
    methods += [
        Certificate(
            source="certificate",
            id=ids.digits(7, "certificate_"),
            amount=rng.choice((50, 100, 150, 200, 250)),
        )
        for _ in range(pick(rng, _CERTIFICATES))
    ]
    return methods
