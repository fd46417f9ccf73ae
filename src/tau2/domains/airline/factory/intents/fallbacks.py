"""What a customer wants of a reservation instead of something that was refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tau2.domains.airline.data_model import Reservation
from tau2.domains.airline.factory import phrasing
from tau2.domains.airline.factory.draft import AirlineDraft, paid, paid_bags, pairs
from tau2.domains.airline.factory.intents.cabins import difference
from tau2.domains.airline.factory.phrasing import day_name, full_name
from tau2.domains.airline.factory.scenario import SCENARIO
from tau2.domains.airline.fares import BAG_PRICE
from tau2.taskgen.drafts import UnsuitableCustomer
from tau2.taskgen.wording import Wording

FALLBACK_WORDING = Wording(Path(__file__).with_suffix(".toml"))

Fallback = Callable[[AirlineDraft, Reservation], str]
"""Carries out what is wanted and returns how the customer says it, beginning with "you"."""


def hand_on(draft: AirlineDraft, trip: Reservation) -> str:
    """Somebody else flies in the customer's place."""
    me = draft.one(person for person in trip.passengers if draft.is_me(person))
    person = draft.stranger()
    draft.replace(trip, me, person)
    return draft.text("instead", relation=draft.one(SCENARIO.texts("relations")), person=person)


def more_bags(draft: AirlineDraft, trip: Reservation) -> str:
    """More checked bags on the same reservation."""
    count = draft.one((1, 2))
    total = trip.total_baggages + count
    nonfree = paid_bags(draft, trip, total)
    method, name = draft.named_payer(BAG_PRICE * (nonfree - trip.nonfree_baggages))
    draft.add_bags(trip, total, nonfree, method)
    return draft.text("instead", more=phrasing.more_bags(count), name=name)


def price_paid(draft: AirlineDraft, trip: Reservation) -> str:
    """Only what it has cost."""
    draft.tell(paid(trip))
    return draft.text("instead")


def correct_birth_date(draft: AirlineDraft, trip: Reservation) -> str:
    """A correction on the same reservation."""
    person = draft.one_passenger(trip)
    fixed = person.model_copy(update={"dob": draft.stranger().dob})
    draft.replace(trip, person, fixed)
    whose = (
        "your own birth date" if draft.is_me(person) else f"the birth date of {full_name(person)}"
    )
    return draft.text("instead", whose=whose, fixed=fixed)


def another_day(draft: AirlineDraft, trip: Reservation) -> str:
    """The same one-way trip on another day."""
    if trip.flight_type != "one_way" or trip.cabin == "basic_economy":
        raise UnsuitableCustomer
    day = draft.date(but=[trip.flights[0].date])
    flight = draft.cheapest(trip, trip.flights, day)
    method, name = draft.named_card()
    draft.rebook(trip, trip.cabin, [(flight.flight_number, day)], method)
    return draft.text("instead", day=day_name(day), name=name)


def better_cabin(draft: AirlineDraft, trip: Reservation) -> str:
    """A higher cabin on the same flights."""
    if trip.cabin == "business":
        raise UnsuitableCustomer
    if difference(draft, trip, "business") <= 0:
        raise UnsuitableCustomer
    method, name = draft.named_card()
    draft.rebook(trip, "business", pairs(trip.flights), method)
    return draft.text("instead", name=name)


FALLBACKS: dict[str, Fallback] = {
    fallback.__name__: fallback
    for fallback in (
        hand_on,
        more_bags,
        price_paid,
        correct_birth_date,
        another_day,
        better_cabin,
    )
}
