"""Customers who decide otherwise when they hear what is about to be done."""

from __future__ import annotations

from tau2.domains.airline.factory.draft import AirlineDraft, paid, paid_bags, pairs
from tau2.domains.airline.factory.intents.cabins import difference
from tau2.domains.airline.factory.intents.cancelling import changed_plans
from tau2.domains.airline.factory.intents.intent import ASKS, intents
from tau2.domains.airline.factory.phrasing import more_bags
from tau2.domains.airline.fares import is_recent

INTENTS, intent = intents(__file__)


@intent(level=2, tags=(ASKS,))
def keep_after_all(draft: AirlineDraft) -> None:
    """Asks for a cancellation that is allowed, hears the refund, and keeps the trip."""
    trip, which = draft.claim_named(
        lambda t: draft.is_open(t) and (is_recent(t) or t.cabin == "business")
    )
    with draft.tempted("consent"):
        draft.cancel(trip)
    draft.tell(paid(trip))
    draft.want(which=which, why=changed_plans(draft))


@intent(level=2, tags=(ASKS,))
def upgrade_too_dear(draft: AirlineDraft) -> None:
    """Asks for an upgrade, hears what it costs, and stays in the old cabin."""
    trip, which = draft.claim_named(lambda t: draft.is_open(t) and t.cabin != "business")
    cost = difference(draft, trip, "business")
    method, name = draft.named_card()
    with draft.tempted("consent"):
        draft.rebook(trip, "business", pairs(trip.flights), method)
    draft.tell(cost)
    draft.want(which=which, name=name)


@intent(level=2)
def fewer_bags(draft: AirlineDraft) -> None:
    """Asks for three more bags, and for two when asked to confirm."""
    trip, which = draft.claim_named(draft.is_open)
    total = trip.total_baggages + 2
    method, name = draft.named_card()
    with draft.tempted("consent"):
        draft.add_bags(trip, total + 1, paid_bags(draft, trip, total + 1), method)
    draft.add_bags(trip, total, paid_bags(draft, trip, total), method)
    draft.want(which=which, three=more_bags(3), two=more_bags(2), name=name)


@intent(level=2, held_out=True)
def cancel_or_upgrade(draft: AirlineDraft) -> None:
    """Asks for a cancellation that is allowed, and takes an upgrade to economy instead."""
    trip, which = draft.claim_named(
        lambda t: draft.is_open(t) and is_recent(t) and t.cabin == "basic_economy"
    )
    cost = difference(draft, trip, "economy")
    method, name = draft.named_payer(cost)
    with draft.tempted("consent"):
        draft.cancel(trip)
    draft.rebook(trip, "economy", pairs(trip.flights), method)
    draft.want(which=which, why=changed_plans(draft), name=name)
