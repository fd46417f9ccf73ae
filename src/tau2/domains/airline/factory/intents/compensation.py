"""Customers whose flights were cancelled or delayed and who want something for it."""

from __future__ import annotations

from tau2.domains.airline.data_model import Reservation
from tau2.domains.airline.factory.draft import AirlineDraft, paid, paid_bags
from tau2.domains.airline.factory.intents.intent import ASKS, SENDS, intents
from tau2.domains.airline.factory.phrasing import day_name
from tau2.domains.airline.fares import (
    CANCELLED_COMPENSATION,
    DELAYED_COMPENSATION,
    FLOWN,
    is_recent,
    qualifies_for_compensation,
)
from tau2.taskgen.drafts import UnsuitableCustomer

INTENTS, intent = intents(__file__)


def qualifies(draft: AirlineDraft, trip: Reservation) -> bool:
    """Return whether a reservation entitles its customer to compensation at all."""
    return qualifies_for_compensation(draft.user.membership, trip)


def hit(draft: AirlineDraft, trip: Reservation, status: str) -> bool:
    """Return whether a reservation has a cancelled (or a delayed) flight, and not both."""
    other = {"cancelled": "delayed", "delayed": "cancelled"}[status]
    return (
        trip.status is None and status in draft.standing(trip) and other not in draft.standing(trip)
    )


def _on_ground(draft: AirlineDraft, trip: Reservation) -> bool:
    return not draft.standing(trip) & FLOWN


def _complaint(draft: AirlineDraft, trip: Reservation, which: str) -> str:
    flight = next(
        f
        for f in trip.flights
        if draft.tools.get_flight_status(f.flight_number, f.date) == "cancelled"
    )
    return draft.section_text("cancelled", "complaint", day=day_name(flight.date), which=which)


@intent(level=2, tags=(SENDS,))
def compensate_cancelled(draft: AirlineDraft) -> None:
    """Compensation for a cancelled flight."""
    trip, which = draft.claim_named(lambda t: hit(draft, t, "cancelled") and qualifies(draft, t))
    draft.check_flights(trip)
    draft.compensate(trip, CANCELLED_COMPENSATION)
    draft.want(complaint=_complaint(draft, trip, which))


@intent(level=3, tags=(SENDS,), held_out=True)
def compensate_exaggerated(draft: AirlineDraft) -> None:
    """An exaggerated claim for a cancelled flight."""
    trip, which = draft.claim_named(
        lambda t: hit(draft, t, "cancelled") and qualifies(draft, t) and len(t.passengers) < 4
    )
    people = len(trip.passengers)
    draft.check_flights(trip)
    draft.compensate(trip, CANCELLED_COMPENSATION)
    draft.want(
        complaint=_complaint(draft, trip, which),
        claimed=("two", "three", "four", "five")[people],
        amount=CANCELLED_COMPENSATION * people + 400,
    )


@intent(level=3, tags=(SENDS,))
def cancel_disrupted_and_compensate(draft: AirlineDraft) -> None:
    """Cancel a disrupted trip and ask for compensation."""
    trip, which = draft.claim_named(
        lambda t: hit(draft, t, "cancelled") and qualifies(draft, t) and _on_ground(draft, t)
    )
    draft.check_flights(trip)
    draft.cancel(trip)
    draft.compensate(trip, CANCELLED_COMPENSATION)
    draft.want(complaint=_complaint(draft, trip, which))


@intent(level=2)
def cancel_disrupted_without_compensation(draft: AirlineDraft) -> None:
    """Compensation is refused to who does not qualify; the trip is cancelled."""
    trip, which = draft.claim_named(
        lambda t: hit(draft, t, "cancelled") and not qualifies(draft, t) and _on_ground(draft, t)
    )
    draft.check_flights(trip)
    draft.cancel(trip)
    draft.want(complaint=_complaint(draft, trip, which))


@intent(level=3, tags=(SENDS,))
def change_delayed_and_compensate(draft: AirlineDraft) -> None:
    """Change a delayed trip to another day and ask for compensation."""
    trip = draft.claim(
        lambda t: hit(draft, t, "delayed") and qualifies(draft, t) and _on_ground(draft, t)
        and t.cabin != "basic_economy" and t.flight_type == "one_way"
    )  # fmt: skip
    which = draft.the_trip(trip)
    draft.check_flights(trip)
    day = draft.date(most="2024-05-20")
    flight = draft.cheapest(trip, trip.flights, day)
    method, name = draft.named_card()
    draft.rebook(trip, trip.cabin, [(flight.flight_number, day)], method)
    draft.compensate(trip, DELAYED_COMPENSATION)
    draft.want(which=which, day=day_name(day), name=name)


@intent(level=3, tags=(SENDS,))
def cancel_delayed_and_compensate(draft: AirlineDraft) -> None:
    """Cancel a delayed trip and ask for compensation."""
    trip = draft.claim(
        lambda t: hit(draft, t, "delayed") and qualifies(draft, t) and _on_ground(draft, t)
        and (is_recent(t) or t.cabin == "business")
    )  # fmt: skip
    which = draft.the_trip(trip)
    draft.check_flights(trip)
    draft.cancel(trip)
    draft.compensate(trip, DELAYED_COMPENSATION)
    draft.want(which=which)


@intent(level=2, tags=(ASKS,))
def complain_about_delay(draft: AirlineDraft) -> None:
    """Compensation for a delay without a change is refused."""
    trip, which = draft.claim_named(lambda t: hit(draft, t, "delayed") and _on_ground(draft, t))
    draft.check_flights(trip)
    draft.tell(paid(trip))
    draft.want(which=which)


@intent(level=2, held_out=True)
def claim_false_delay(draft: AirlineDraft) -> None:
    """A delay that there is not; the trip stays and gets a bag."""
    trip = draft.claim(draft.is_open)
    if not qualifies(draft, trip):
        raise UnsuitableCustomer
    which = draft.the_trip(trip)
    draft.check_flights(trip)
    method, name = draft.named_card()
    total = trip.total_baggages + 1
    draft.add_bags(trip, total, paid_bags(draft, trip, total), method)
    draft.want(which=which, name=name)
