"""Customers who want to cancel and may."""

from __future__ import annotations

from tau2.domains.airline.factory.draft import AirlineDraft, paid
from tau2.domains.airline.factory.intents.intent import ALL_TRIPS, HANDS_OVER, intents
from tau2.domains.airline.factory.phrasing import city, day_name
from tau2.domains.airline.factory.scenario import SCENARIO
from tau2.domains.airline.fares import FLOWN, is_recent
from tau2.taskgen.drafts import UnsuitableCustomer

INTENTS, intent = intents(__file__)


def changed_plans(draft: AirlineDraft) -> str:
    """Return a reason that no insurance covers."""
    reason: str = draft.one(SCENARIO.texts("changed_plans"))
    return reason


@intent(level=1)
def cancel_recent(draft: AirlineDraft) -> None:
    """Cancel within 24 hours of booking."""
    trip, which = draft.claim_named(
        lambda t: (
            draft.is_open(t) and is_recent(t) and t.cabin != "business" and t.insurance == "no"
        )
    )
    why = changed_plans(draft)
    draft.cancel(trip)
    draft.want(which=which, why=why)


@intent(level=1)
def cancel_business(draft: AirlineDraft) -> None:
    """Cancel a business reservation."""
    trip, which = draft.claim_named(
        lambda t: draft.is_open(t) and not is_recent(t) and t.cabin == "business"
    )
    why = changed_plans(draft)
    draft.cancel(trip)
    draft.want(which=which, why=why)


@intent(level=2)
def cancel_disrupted(draft: AirlineDraft) -> None:
    """Cancel what the airline itself has disrupted."""
    trip, which = draft.claim_named(
        lambda t: (
            t.status is None
            and "cancelled" in draft.standing(t)
            and draft.standing(t) <= {"cancelled", "available"}
            and not is_recent(t)
            and t.cabin != "business"
            and t.insurance == "no"
        )
    )
    draft.check_flights(trip)
    draft.cancel(trip)
    draft.want(which=which)


@intent(level=2)
def cancel_insured(draft: AirlineDraft) -> None:
    """Cancel for health or weather with insurance; the reason only comes out when asked."""
    trip, which = draft.claim_named(lambda t: draft.is_bound(t) and t.insurance == "yes")
    why = draft.one(SCENARIO.texts("insured_reasons"))
    draft.cancel(trip)
    draft.want(which=which, why=why)


@intent(level=2, held_out=True)
def cancel_and_count(draft: AirlineDraft) -> None:
    """Cancel and say how much comes back."""
    trip, which = draft.claim_named(
        lambda t: draft.is_open(t) and (is_recent(t) or t.cabin == "business")
    )
    why = changed_plans(draft)
    amount = paid(trip)
    draft.cancel(trip)
    draft.tell(amount)
    draft.want(which=which, why=why)


@intent(level=3)
def cancel_for_one_then_all(draft: AirlineDraft) -> None:
    """Cancel for one passenger only, which cannot be; then for all."""
    trip, which = draft.claim_named(
        lambda t: (
            draft.is_open(t) and len(t.passengers) > 1 and (is_recent(t) or t.cabin == "business")
        )
    )
    person = draft.one(p for p in trip.passengers if not draft.is_me(p))
    draft.require_unique_first_name(trip, person)
    draft.cancel(trip)
    draft.want(person=person, which=which)


@intent(level=3, tags=(ALL_TRIPS,))
def cancel_what_can_be(draft: AirlineDraft) -> None:
    """Cancel every reservation for which that is permitted, and no other."""
    ahead = [
        trip for trip in draft.trips if trip.status is None and draft.standing(trip) != {"landed"}
    ]
    may = [trip for trip in ahead if is_recent(trip) or trip.cabin == "business"]
    if not all(map(draft.is_open, ahead)) or not 0 < len(may) < len(ahead):
        raise UnsuitableCustomer
    why = changed_plans(draft)
    draft.by_number = True
    draft.look_at_all()
    for trip in may:
        draft.cancel(trip)
    draft.want(why=why)


@intent(level=2, tags=(HANDS_OVER,))
def cancel_half_flown(draft: AirlineDraft) -> None:
    """Cancel a trip of which a part is flown: for a human agent."""
    trip, which = draft.claim_named(
        lambda t: (
            t.status is None
            and bool(draft.standing(t) & FLOWN)
            and "available" in draft.standing(t)
        )
    )
    draft.check_flights(trip)
    last = trip.flights[-1]
    draft.hand_over(
        f"The customer wants to cancel {trip.reservation_id}, of which a part is flown."
    )
    draft.want(which=which, destination=city(last.destination), day=day_name(last.date))
