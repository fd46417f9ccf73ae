"""Customers who want another cabin."""

from __future__ import annotations

from tau2.domains.airline.data_model import CabinClass, Reservation
from tau2.domains.airline.factory.draft import AirlineDraft, pairs
from tau2.domains.airline.factory.intents.intent import ASKS, intents
from tau2.domains.airline.factory.phrasing import CABIN_NAMES
from tau2.taskgen.drafts import UnsuitableCustomer

INTENTS, intent = intents(__file__)


def difference(draft: AirlineDraft, trip: Reservation, cabin: CabinClass) -> int:
    """Return what another cabin costs more on the same flights.

    Raise UnsuitableCustomer when it cannot be had.
    """
    people = len(trip.passengers)
    total = 0
    for flight in trip.flights:
        offers = draft.nonstop(flight.origin, flight.destination, flight.date)
        offer = next(
            (offer for offer in offers if offer.flight_number == flight.flight_number), None
        )
        if offer is None or offer.available_seats[cabin] < people:
            raise UnsuitableCustomer
        total += (offer.prices[cabin] - flight.price) * people
    return total


@intent(level=1)
def upgrade(draft: AirlineDraft) -> None:
    """Upgrade everybody to business."""
    trip, which = draft.claim_named(lambda t: draft.is_open(t) and t.cabin != "business")
    cost = difference(draft, trip, "business")
    if cost <= 0:
        raise UnsuitableCustomer
    method, name = draft.named_payer(cost)
    draft.rebook(trip, "business", pairs(trip.flights), method)
    draft.want(which=which, name=name)
    if draft.rng.random() < 0.5:
        draft.tell(cost)
        draft.behave("ask")


@intent(level=1)
def upgrade_to_economy(draft: AirlineDraft) -> None:
    """From basic economy to economy."""
    trip, which = draft.claim_named(lambda t: draft.is_open(t) and t.cabin == "basic_economy")
    cost = difference(draft, trip, "economy")
    method, name = draft.named_payer(cost)
    draft.rebook(trip, "economy", pairs(trip.flights), method)
    draft.want(which=which, name=name)


@intent(level=2)
def downgrade(draft: AirlineDraft) -> None:
    """Downgrade and get the difference back."""
    trip, which = draft.claim_named(lambda t: draft.is_open(t) and t.cabin == "business")
    cost = difference(draft, trip, "economy")
    if cost >= 0:
        raise UnsuitableCustomer
    method, name = draft.named_payer(0)
    draft.rebook(trip, "economy", pairs(trip.flights), method)
    draft.tell(-cost)
    draft.want(which=which, name=name)


@intent(level=3)
def upgrade_within_budget(draft: AirlineDraft) -> None:
    """Upgrade to business within a budget, otherwise to economy."""
    trip, which = draft.claim_named(lambda t: draft.is_open(t) and t.cabin == "basic_economy")
    business = difference(draft, trip, "business")
    economy = difference(draft, trip, "economy")
    affordable = draft.one((True, False))
    budget = 50 * (business // 50 + 1) if affordable else 50 * ((business - 1) // 50)
    if budget <= economy or economy <= 0:
        raise UnsuitableCustomer
    cabin: CabinClass = "business" if affordable else "economy"
    method, name = draft.named_card()
    if not affordable:
        with draft.tempted("consent"):
            draft.rebook(trip, "business", pairs(trip.flights), method)
    draft.rebook(trip, cabin, pairs(trip.flights), method)
    draft.want(which=which, budget=budget, name=name)


@intent(level=2, held_out=True)
def upgrade_one_person(draft: AirlineDraft) -> None:
    """Upgrade of one passenger only is refused; then of everybody."""
    trip = draft.claim(
        lambda t: draft.is_open(t) and t.cabin != "business" and len(t.passengers) > 1
    )
    person = draft.one(person for person in trip.passengers if not draft.is_me(person))
    draft.require_unique_first_name(trip, person)
    which = draft.the_trip(trip)
    cost = difference(draft, trip, "business")
    method, name = draft.named_payer(cost)
    draft.rebook(trip, "business", pairs(trip.flights), method)
    draft.want(person=person, which=which, name=name)


@intent(level=2, held_out=True)
def upgrade_gift_card_too_small(draft: AirlineDraft) -> None:
    """A gift card that does not cover the upgrade; then a credit card."""
    trip, which = draft.claim_named(lambda t: draft.is_open(t) and t.cabin != "business")
    cost = difference(draft, trip, "business")
    gift = draft.gift_card()
    card = draft.card()
    if gift.amount >= cost:
        raise UnsuitableCustomer
    gift_name = draft.named(gift)
    card_name = draft.named(card)
    draft.rebook(trip, "business", pairs(trip.flights), card)
    draft.want(which=which, gift_name=gift_name, card_name=card_name)


@intent(level=2, tags=(ASKS,))
def ask_upgrade_price(draft: AirlineDraft) -> None:
    """Only what another cabin would cost."""
    trip, which = draft.claim_named(lambda t: draft.is_open(t) and t.cabin != "business")
    cabin: CabinClass = draft.one(
        ("business", "economy") if trip.cabin == "basic_economy" else ("business",)
    )
    draft.tell(difference(draft, trip, cabin))
    draft.want(which=which, cabin=CABIN_NAMES[cabin])
