"""What a customer wants of a reservation instead of something that was refused."""

from __future__ import annotations

from collections.abc import Callable

from tau2.domains.airline.data_model import Reservation
from tau2.domains.airline.factory.case import Case, Unfit, best, paid, paid_bags, pairs, seated
from tau2.domains.airline.factory.goals.cabins import difference
from tau2.domains.airline.factory.phrasing import count_name, day_name, full_name
from tau2.domains.airline.fares import BAG_PRICE

Fallback = Callable[[Case, Reservation], str]
"""Carries out what is wanted and returns how the customer says it, beginning with "you"."""

RELATIONS = (
    "your cousin",
    "your neighbor",
    "a colleague of yours",
    "an old friend",
    "somebody from your choir",
)


def hand_on(case: Case, trip: Reservation) -> str:
    """Somebody else flies in the customer's place."""
    me = case.one(person for person in trip.passengers if case.is_me(person))
    person = case.stranger()
    case.rename(trip, [person if other is me else other for other in trip.passengers])
    return case.say(
        f"you want {case.say(*RELATIONS)}, {full_name(person)}, born on {person.dob}, to travel in your place",
        f"you ask for your seat to be put in the name of {full_name(person)}, who was born on {person.dob}",
    )


def more_bags(case: Case, trip: Reservation) -> str:
    """More checked bags on the same reservation."""
    count = case.one((1, 2))
    total = trip.total_baggages + count
    nonfree = paid_bags(case, trip, total)
    method = case.payer(BAG_PRICE * (nonfree - trip.nonfree_baggages))
    name = case.named(method)
    case.add_bags(trip, total, nonfree, method)
    more = f"{count_name(count)} more checked bag{'s' if count > 1 else ''}"
    return case.say(
        f"you at least want {more} on that reservation; {name} pays if that costs anything",
        f"you ask for {more} on it instead, and would pay with {name} if need be",
    )


def price_paid(case: Case, trip: Reservation) -> str:
    """Only what it has cost."""
    case.tell(paid(trip))
    return case.say(
        "you leave the reservation as it is, but you want to hear how much you paid for it altogether",
        "you give up, and only want to know the total you were charged for that reservation",
    )


def correct_birth_date(case: Case, trip: Reservation) -> str:
    """A correction on the same reservation."""
    person = case.one(trip.passengers)
    if [other.first_name for other in trip.passengers].count(person.first_name) > 1:
        raise Unfit
    fixed = person.model_copy(update={"dob": case.stranger().dob})
    case.rename(trip, [fixed if other is person else other for other in trip.passengers])
    whose = (
        "your own birth date" if case.is_me(person) else f"the birth date of {full_name(person)}"
    )
    return f"you let that go, but you want {whose} put right on the same reservation: it has to be {fixed.dob}"


def another_day(case: Case, trip: Reservation) -> str:
    """The same one-way trip on another day."""
    if trip.flight_type != "one_way" or trip.cabin == "basic_economy":
        raise Unfit
    (day,) = case.dates(1, but=[trip.flights[0].date])
    people = len(trip.passengers)
    flight = best(
        seated(case.nonstop(trip.origin, trip.destination, day), trip.cabin, people),
        lambda f: f.prices[trip.cabin],
    )
    method = case.card()
    name = case.named(method)
    case.rebook(trip, trip.cabin, [(flight.flight_number, day)], method)
    return (
        f"you want to travel on {day_name(day)} instead, on the cheapest nonstop flight in the same cabin; the "
        f"difference, up or down, goes through {name}"
    )


def better_cabin(case: Case, trip: Reservation) -> str:
    """A higher cabin on the same flights."""
    if trip.cabin == "business":
        raise Unfit
    if difference(case, trip, "business") <= 0:
        raise Unfit
    method = case.card()
    name = case.named(method)
    case.rebook(trip, "business", pairs(trip.flights), method)
    return case.say(
        f"you want business class for everybody on the same flights instead, and pay the difference with {name}",
        f"you ask for an upgrade of the whole reservation to business, charged to {name}",
    )


FALLBACKS: dict[str, Fallback] = {
    "hand_on": hand_on,
    "more_bags": more_bags,
    "price_paid": price_paid,
    "correct_birth_date": correct_birth_date,
    "another_day": another_day,
    "better_cabin": better_cabin,
}
