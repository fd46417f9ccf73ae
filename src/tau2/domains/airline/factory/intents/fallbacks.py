"""What a customer wants of a reservation instead of something that was refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tau2.domains.airline.data_model import GiftCard, Reservation
from tau2.domains.airline.factory import phrasing
from tau2.domains.airline.factory.draft import (
    AirlineDraft,
    best,
    paid,
    paid_bags,
    pairs,
    seated,
)
from tau2.domains.airline.factory.intents.cabins import difference
from tau2.domains.airline.factory.phrasing import CABIN_NAMES, city, day_name
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


def upgrade_price(draft: AirlineDraft, trip: Reservation) -> str:
    """Only what business class would cost on the same flights."""
    if trip.cabin == "business" or not draft.is_open(trip):
        raise UnsuitableCustomer
    draft.tell(difference(draft, trip, "business"))
    return draft.text("instead")


def later_fare(draft: AirlineDraft, trip: Reservation) -> str:
    """Only what a new one-way ticket on the same route costs on another day."""
    day = draft.date(but=[flight.date for flight in trip.flights])
    flight = best(
        seated(draft.nonstop(trip.origin, trip.destination, day), trip.cabin, 1),
        lambda f: f.prices[trip.cabin],
    )
    draft.tell(flight.prices[trip.cabin])
    return draft.text(
        "instead",
        origin=city(trip.origin),
        destination=city(trip.destination),
        day=day_name(day),
        cabin=CABIN_NAMES[trip.cabin],
    )


def gift_balance(draft: AirlineDraft, trip: Reservation) -> str:
    """Only what is left on the gift cards, of which the trip at hand uses nothing."""
    del trip
    gifts = [method for method in draft.methods.values() if isinstance(method, GiftCard)]
    if not gifts or any(gift.id in draft.spent for gift in gifts):
        raise UnsuitableCustomer
    draft.tell(round(sum(gift.amount for gift in gifts)))
    return draft.text("instead", together="" if len(gifts) == 1 else " all together")


def correct_birth_date(draft: AirlineDraft, trip: Reservation) -> str:
    """A correction on the same reservation."""
    person, fixed = draft.misrecorded(trip)
    draft.replace(trip, person, fixed)
    return draft.text("instead", person=person, fixed=fixed)


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
        upgrade_price,
        later_fare,
        gift_balance,
    )
}
