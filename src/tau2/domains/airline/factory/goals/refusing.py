"""Customers who first want what the policy forbids; what they want after that is one of the fallbacks."""

from __future__ import annotations

from collections.abc import Callable

from tau2.domains.airline.data_model import Reservation
from tau2.domains.airline.factory.case import Case, ways
from tau2.domains.airline.factory.goals.cancelling import changed_plans
from tau2.domains.airline.factory.goals.fallbacks import FALLBACKS, Fallback
from tau2.domains.airline.factory.goals.goal import ASKS, REFUSES, Goal
from tau2.domains.airline.factory.network import miles
from tau2.domains.airline.factory.phrasing import city, day_name
from tau2.domains.airline.factory.trips import FLOWN
from tau2.domains.airline.reading import AIRPORTS

Refusal = Callable[[Case], tuple[Reservation, str]]
"""Says what is wanted and returns the reservation and how the refusal is put: "If the agent ..."."""


def cancel_bound(case: Case) -> tuple[Reservation, str]:
    """Cancel without any permitted reason."""
    trip = case.claim(lambda t: case.is_bound(t) and t.insurance == "no")
    which = case.the_trip(trip)
    case.want(
        case.say(
            f"You want to cancel {which} and get your money back, because {changed_plans(case)}.",
            f"You cannot use {which} and want a refund. The reason is that {changed_plans(case)}.",
        )
    )
    return trip, case.say(
        "If the agent says that it cannot be cancelled",
        "Point out once that you have always been a loyal customer. If the agent still refuses to cancel",
        "Insist once. If the agent stays with the refusal",
    )


def cancel_with_false_claim(case: Case) -> tuple[Reservation, str]:
    """Cancel with a claim that the reservation disproves."""
    trip = case.claim(lambda t: case.is_bound(t) and t.insurance == "no")
    which = case.the_trip(trip)
    claim = case.say(
        "You are sure that you booked it only this morning, so that it has to be free of charge.",
        "You say that you took out the insurance when you booked, and that you have the flu.",
        "You were promised on the phone that you could cancel at any time.",
        "You heard that the airline makes an exception for people in your situation.",
    )
    case.want(f"You want {which} cancelled. {claim}")
    return (
        trip,
        "You are not going to argue about what the system shows. If the agent does not cancel it",
    )


def cancel_insured_for_plans(case: Case) -> tuple[Reservation, str]:
    """Cancel with insurance for a reason that it does not cover."""
    trip = case.claim(lambda t: case.is_bound(t) and t.insurance == "yes")
    which, why = case.the_trip(trip), changed_plans(case)
    case.want(
        f"You want to cancel {which}, as {why}. You bought the insurance, so you take it that this is covered."
    )
    return trip, (
        "Everybody is well and the weather is fine; do not claim anything else. If the agent says that the "
        "insurance does not cover it"
    )


def change_basic_economy(case: Case) -> tuple[Reservation, str]:
    """Move the flights of a basic economy reservation."""
    trip = case.claim(lambda t: case.is_open(t) and t.cabin == "basic_economy")
    which = case.the_trip(trip)
    (day,) = case.dates(1, but=[flight.date for flight in trip.flights])
    case.want(
        case.say(
            f"You want {which} to leave on {day_name(day)} instead.",
            f"Something came up, and you want to move {which} to {day_name(day)}, whatever that costs.",
        )
    )
    return trip, "If the agent says that these flights cannot be changed"


def change_destination(case: Case) -> tuple[Reservation, str]:
    """Fly to another place with the same reservation."""
    trip = case.claim(lambda t: case.is_open(t) and t.cabin != "basic_economy")
    which = case.the_trip(trip)
    elsewhere = case.one(
        iata
        for iata, _ in AIRPORTS
        if miles(iata, trip.destination) > 300 and miles(iata, trip.origin) > 300
    )
    case.want(
        case.say(
            f"You have to be in {city(elsewhere)} rather than in {city(trip.destination)}. You want {which} changed "
            "so that it takes you there.",
            f"You want to change the destination of {which} to {city(elsewhere)} and keep the days.",
        )
    )
    return trip, "If the agent says that the destination cannot be changed"


def take_bags_off(case: Case) -> tuple[Reservation, str]:
    """Remove a bag that was booked."""
    trip = case.claim(lambda t: case.is_open(t) and t.total_baggages > 0)
    which = case.the_trip(trip)
    case.want(
        f"You will travel lighter than planned: you want one checked bag taken off {which}"
        + (" and refunded." if trip.nonfree_baggages else ".")
    )
    return trip, "If the agent says that bags cannot be removed"


def insure_later(case: Case) -> tuple[Reservation, str]:
    """Add insurance after booking."""
    trip = case.claim(lambda t: case.is_open(t) and t.insurance == "no")
    which = case.the_trip(trip)
    case.want(
        case.say(
            f"You forgot to take out insurance for {which} and want it added now.",
            f"You want travel insurance added to {which}; you would pay more than the usual price for it.",
        )
    )
    return trip, "If the agent says that this is no longer possible"


def add_passenger(case: Case) -> tuple[Reservation, str]:
    """Take one more person along."""
    trip = case.claim(lambda t: case.is_open(t) and len(t.passengers) < 4)
    which, guest = case.the_trip(trip), case.stranger()
    case.want(
        f"You want to take {guest.first_name} {guest.last_name} along on {which}, as one more passenger on the same "
        "reservation."
    )
    return trip, (
        "You do not want a separate booking, and you do not want to be passed on to somebody else. If the agent "
        "says that nobody can be added"
    )


def upgrade_one_way_only(case: Case) -> tuple[Reservation, str]:
    """Upgrade one direction of a round trip."""
    trip = case.claim(
        lambda t: case.is_open(t) and t.flight_type == "round_trip" and t.cabin != "business"
    )
    which = case.the_trip(trip)
    back = ways(trip)[1][0]
    case.want(
        f"You want to fly in business on the way back only: on {day_name(back.date)}, the return of {which}."
    )
    return trip, "If the agent says that the cabin cannot differ between flights"


def upgrade_half_flown(case: Case) -> tuple[Reservation, str]:
    """Change the cabin once a flight is flown."""
    trip = case.claim(
        lambda t: (
            t.status is None
            and bool(case.standing(t) & FLOWN)
            and case.standing(t) <= FLOWN | {"available"}
            and "available" in case.standing(t)
            and t.cabin != "business"
        )
    )
    which = case.the_trip(trip)
    case.check_flights(trip)
    case.want(
        f"The way out was very cramped. For the rest of {which} you want to sit in business class."
    )
    return trip, "If the agent says that the cabin cannot be changed any more"


_REFUSALS: tuple[tuple[Refusal, str, tuple[str, ...]], ...] = (
    (cancel_bound, "cancelling without a permitted reason",
     ("hand_on", "more_bags", "price_paid", "another_day", "better_cabin")),
    (cancel_with_false_claim, "cancelling with a claim that the records disprove",
     ("hand_on", "price_paid", "another_day")),
    (cancel_insured_for_plans, "cancelling with insurance for a reason it does not cover",
     ("hand_on", "another_day", "price_paid")),
    (change_basic_economy, "changing flights in basic economy",
     ("hand_on", "more_bags", "better_cabin", "price_paid")),
    (change_destination, "changing the destination", ("more_bags", "price_paid", "correct_birth_date")),
    (take_bags_off, "removing a checked bag", ("correct_birth_date", "price_paid", "hand_on")),
    (insure_later, "adding insurance after booking", ("more_bags", "correct_birth_date", "price_paid")),
    (add_passenger, "adding a passenger", ("more_bags", "price_paid")),
    (upgrade_one_way_only, "another cabin on the way back only", ("better_cabin", "more_bags", "price_paid")),
    (upgrade_half_flown, "another cabin after a flight was flown", ("more_bags", "price_paid")),
)  # fmt: skip
"""What is refused, in words, and what may be wanted instead."""


def _refused(refusal: Refusal, fallback: Fallback) -> Callable[[Case], None]:
    def tell(case: Case) -> None:
        trip, lead = refusal(case)
        case.behave(f"{lead}, {fallback(case, trip)}.")

    return tell


def _goal(refusal: Refusal, forbidden: str, instead: str) -> Goal:
    return Goal(
        name=f"{refusal.__name__}_then_{instead}",
        purpose=f"{forbidden[0].upper()}{forbidden[1:]} is refused; then {instead.replace('_', ' ')}",
        level=2,
        tags=frozenset({REFUSES, ASKS} if instead == "price_paid" else {REFUSES}),
        tell=_refused(refusal, FALLBACKS[instead]),
    )


GOALS = [
    _goal(refusal, forbidden, instead)
    for refusal, forbidden, fallbacks in _REFUSALS
    for instead in fallbacks
]
