"""Customers who want to cancel and may."""

from __future__ import annotations

from tau2.domains.airline.data_model import Reservation
from tau2.domains.airline.factory.draft import AirlineDraft, paid
from tau2.domains.airline.factory.intents.intent import ALL_TRIPS, HANDS_OVER, intents
from tau2.domains.airline.factory.phrasing import city, day_name
from tau2.domains.airline.factory.trips import FLOWN
from tau2.domains.airline.fares import is_recent
from tau2.taskgen.drafts import UnsuitableCustomer

INTENTS, intent = intents(__file__)

CHANGED_PLANS = (
    "your plans have changed",
    "the meeting you wanted to attend is no longer taking place",
    "the friends you wanted to visit will be away",
    "you have to work on these days after all",
    "you found out that you cannot get the days off",
)
ILLNESS = (
    "you have come down with pneumonia",
    "you broke your ankle and the doctor told you not to travel",
    "you have to have surgery that week",
    "you caught the flu and are in no state to fly",
)
WEATHER = (
    "a tropical storm is forecast where you are going",
    "there are flood warnings for your destination",
    "a heavy storm has been announced for that day",
)


def changed_plans(draft: AirlineDraft) -> str:
    """Return a reason that no insurance covers."""
    return draft.one(CHANGED_PLANS)


@intent(level=1)
def cancel_recent(draft: AirlineDraft) -> None:
    """Cancel within 24 hours of booking."""
    trip = draft.claim(
        lambda t: (
            draft.is_open(t) and is_recent(t) and t.cabin != "business" and t.insurance == "no"
        )
    )
    which, why = draft.the_trip(trip), changed_plans(draft)
    draft.cancel(trip)
    draft.want(which=which, why=why)
    draft.behave()


@intent(level=1)
def cancel_business(draft: AirlineDraft) -> None:
    """Cancel a business reservation."""
    trip = draft.claim(lambda t: draft.is_open(t) and not is_recent(t) and t.cabin == "business")
    which, why = draft.the_trip(trip), changed_plans(draft)
    draft.cancel(trip)
    draft.want(which=which, why=why)
    draft.behave()


@intent(level=2)
def cancel_disrupted(draft: AirlineDraft) -> None:
    """Cancel what the airline itself has disrupted."""
    trip = draft.claim(
        lambda t: (
            _disrupted(draft, t)
            and not is_recent(t)
            and t.cabin != "business"
            and t.insurance == "no"
        )
    )
    which = draft.the_trip(trip)
    draft.check_flights(trip)
    draft.cancel(trip)
    draft.want(which=which)
    draft.behave()


def _disrupted(draft: AirlineDraft, trip: Reservation) -> bool:
    standing = draft.standing(trip)
    return (
        trip.status is None and "cancelled" in standing and standing <= {"cancelled", "available"}
    )


@intent(level=2)
def cancel_insured(draft: AirlineDraft) -> None:
    """Cancel for health or weather with insurance; the reason only comes out when asked."""
    trip = draft.claim(lambda t: draft.is_bound(t) and t.insurance == "yes")
    which = draft.the_trip(trip)
    why = draft.one(ILLNESS + WEATHER)
    draft.cancel(trip)
    draft.want(which=which, why=why)
    draft.behave(why=why)


@intent(level=2)
def cancel_and_count(draft: AirlineDraft) -> None:
    """Cancel and say how much comes back."""
    trip = draft.claim(lambda t: draft.is_open(t) and (is_recent(t) or t.cabin == "business"))
    which, why, amount = draft.the_trip(trip), changed_plans(draft), paid(trip)
    draft.cancel(trip)
    draft.tell(amount)
    draft.want(which=which, why=why)
    draft.behave()


@intent(level=3)
def cancel_for_one_then_all(draft: AirlineDraft) -> None:
    """Cancel for one passenger only, which cannot be; then for all."""
    trip = draft.claim(
        lambda t: (
            draft.is_open(t) and len(t.passengers) > 1 and (is_recent(t) or t.cabin == "business")
        )
    )
    which = draft.the_trip(trip)
    person = draft.one(p for p in trip.passengers if not draft.is_me(p))
    draft.require_unique_first_name(trip, person)
    draft.cancel(trip)
    draft.want(person=person, which=which)
    draft.behave(person=person)


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
    draft.behave()


@intent(level=2, tags=(HANDS_OVER,))
def cancel_half_flown(draft: AirlineDraft) -> None:
    """Cancel a trip of which a part is flown: for a human agent."""
    trip = draft.claim(
        lambda t: (
            t.status is None
            and bool(draft.standing(t) & FLOWN)
            and "available" in draft.standing(t)
        )
    )
    which = draft.the_trip(trip)
    draft.check_flights(trip)
    last = trip.flights[-1]
    draft.hand_over(
        f"The customer wants to cancel {trip.reservation_id}, of which a part is flown."
    )
    draft.want(which=which, destination=city(last.destination), day=day_name(last.date))
    draft.behave()
