"""Customers who first want what the policy forbids, and then one of the fallbacks.

Some insist: they come back twice with another argument, and in the end want nothing changed but
only to know a figure.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tau2.domains.airline.data_model import Reservation
from tau2.domains.airline.factory.draft import AirlineDraft, ways
from tau2.domains.airline.factory.intents.cancelling import changed_plans
from tau2.domains.airline.factory.intents.compensation import hit, qualifies
from tau2.domains.airline.factory.intents.fallbacks import FALLBACK_WORDING, FALLBACKS
from tau2.domains.airline.factory.intents.intent import ASKS, INSISTS, REFUSES, AirlineIntent
from tau2.domains.airline.factory.network import miles
from tau2.domains.airline.factory.phrasing import city, day_name
from tau2.domains.airline.fares import CANCELLED_COMPENSATION, DELAYED_COMPENSATION, FLOWN
from tau2.domains.airline.lookups import AIRPORTS
from tau2.environment.cow import peek_values
from tau2.taskgen.phrasing import capitalized
from tau2.taskgen.wording import Wording

_WORDING = Wording(Path(__file__).with_suffix(".toml"))

Refusal = Callable[[AirlineDraft], Reservation]
"""Adds what is wanted and returns the reservation that it is about."""


def cancel_bound(draft: AirlineDraft) -> Reservation:
    """Cancel without any permitted reason."""
    trip, which = draft.claim_named(lambda t: draft.is_bound(t) and t.insurance == "no")
    with draft.tempted("check"):
        draft.cancel(trip)
    draft.want(which=which, why=changed_plans(draft), other_why=changed_plans(draft))
    return trip


def cancel_with_false_claim(draft: AirlineDraft) -> Reservation:
    """Cancel with a claim that the reservation disproves."""
    trip, which = draft.claim_named(lambda t: draft.is_bound(t) and t.insurance == "no")
    with draft.tempted("check"):
        draft.cancel(trip)
    draft.want(which=which, claim=draft.text("claim"))
    return trip


def cancel_insured_for_plans(draft: AirlineDraft) -> Reservation:
    """Cancel with insurance for a reason that it does not cover."""
    trip, which = draft.claim_named(lambda t: draft.is_bound(t) and t.insurance == "yes")
    why = changed_plans(draft)
    with draft.tempted("check"):
        draft.cancel(trip)
    draft.want(which=which, why=why)
    return trip


def change_basic_economy(draft: AirlineDraft) -> Reservation:
    """Move the flights of a basic economy reservation."""
    trip, which = draft.claim_named(lambda t: draft.is_open(t) and t.cabin == "basic_economy")
    day = draft.date(but=[flight.date for flight in trip.flights])
    draft.want(which=which, day=day_name(day))
    return trip


def change_destination(draft: AirlineDraft) -> Reservation:
    """Fly to another place with the same reservation."""
    trip, which = draft.claim_named(lambda t: draft.is_open(t) and t.cabin != "basic_economy")
    elsewhere = draft.one(
        iata
        for iata, _ in AIRPORTS
        if miles(iata, trip.destination) > 300 and miles(iata, trip.origin) > 300
    )
    draft.want(elsewhere=city(elsewhere), destination=city(trip.destination), which=which)
    return trip


def take_bags_off(draft: AirlineDraft) -> Reservation:
    """Remove a bag that was booked."""
    trip, which = draft.claim_named(lambda t: draft.is_open(t) and t.total_baggages > 0)
    refunded = " and refunded" if trip.nonfree_baggages else ""
    with draft.tempted("check"):
        draft.add_bags(trip, trip.total_baggages - 1, trip.nonfree_baggages, draft.card())
    draft.want(which=which, refunded=refunded)
    return trip


def insure_later(draft: AirlineDraft) -> Reservation:
    """Add insurance after booking."""
    trip, which = draft.claim_named(lambda t: draft.is_open(t) and t.insurance == "no")
    draft.want(which=which)
    return trip


def add_passenger(draft: AirlineDraft) -> Reservation:
    """Take one more person along."""
    trip, which = draft.claim_named(lambda t: draft.is_open(t) and len(t.passengers) < 4)
    guest = draft.stranger()
    draft.want(guest=guest, which=which)
    return trip


def upgrade_one_way_only(draft: AirlineDraft) -> Reservation:
    """Upgrade one direction of a round trip."""
    trip, which = draft.claim_named(
        lambda t: draft.is_open(t) and t.flight_type == "round_trip" and t.cabin != "business"
    )
    back = ways(trip)[1][0]
    draft.want(day=day_name(back.date), which=which)
    return trip


def upgrade_half_flown(draft: AirlineDraft) -> Reservation:
    """Change the cabin once a flight is flown."""
    trip, which = draft.claim_named(
        lambda t: (
            t.status is None
            and bool(draft.standing(t) & FLOWN)
            and draft.standing(t) <= FLOWN | {"available"}
            and "available" in draft.standing(t)
            and t.cabin != "business"
        )
    )
    draft.check_flights(trip)
    draft.want(which=which)
    return trip


def compensation_undeserved(draft: AirlineDraft) -> Reservation:
    """Compensation for a cancelled flight without membership, insurance or business."""
    trip, which = draft.claim_named(
        lambda t: hit(draft, t, "cancelled") and not qualifies(draft, t)
    )
    draft.check_flights(trip)
    with draft.tempted("check"):
        draft.compensate(trip, CANCELLED_COMPENSATION)
    draft.want(which=which)
    return trip


def compensation_for_a_delay(draft: AirlineDraft) -> Reservation:
    """Compensation for a delay although nothing is changed or cancelled."""
    trip, which = draft.claim_named(
        lambda t: hit(draft, t, "delayed") and not draft.standing(t) & FLOWN
    )
    draft.check_flights(trip)
    with draft.tempted("check"):
        draft.compensate(trip, DELAYED_COMPENSATION)
    draft.want(which=which)
    return trip


def free_upgrade(draft: AirlineDraft) -> Reservation:
    """An upgrade as a present."""
    trip, which = draft.claim_named(lambda t: draft.is_open(t) and t.cabin != "business")
    draft.want(which=which)
    return trip


def somebody_elses_trip(draft: AirlineDraft) -> Reservation:
    """Cancel a reservation in the profile of somebody else."""
    trip, which = draft.claim_named(draft.is_open)
    theirs = draft.one(
        other
        for other in peek_values(draft.index.world.reservations)
        if other.user_id != draft.user.user_id and draft.is_open(other)
    )
    draft.involved.add(theirs.user_id)
    with draft.tempted("check"):
        draft.cancel(theirs)
    draft.want(which=which, theirs=theirs.reservation_id)
    return trip


_REFUSALS: tuple[tuple[Refusal, str, tuple[str, ...]], ...] = (
    (cancel_bound, "cancelling without a permitted reason",
     ("hand_on", "more_bags", "price_paid", "another_day", "better_cabin")),
    (cancel_with_false_claim, "cancelling with a claim that the records disprove",
     ("hand_on", "price_paid", "another_day")),
    (cancel_insured_for_plans, "cancelling with insurance for a reason it does not cover",
     ("hand_on", "another_day", "price_paid")),
    (change_basic_economy, "changing flights in basic economy",
     ("hand_on", "more_bags", "better_cabin", "price_paid")),
    (change_destination, "changing the destination",
     ("more_bags", "price_paid", "correct_birth_date")),
    (take_bags_off, "removing a checked bag", ("correct_birth_date", "price_paid", "hand_on")),
    (insure_later, "adding insurance after booking",
     ("more_bags", "correct_birth_date", "price_paid")),
    (add_passenger, "adding a passenger", ("more_bags", "price_paid")),
    (upgrade_one_way_only, "another cabin on the way back only",
     ("better_cabin", "more_bags", "price_paid")),
    (upgrade_half_flown, "another cabin after a flight was flown", ("more_bags", "price_paid")),
)  # fmt: skip
"""What is refused, in words, and what may be wanted instead."""

_INSISTED: tuple[tuple[Refusal, str, tuple[str, ...]], ...] = (
    (cancel_bound, "cancelling without a permitted reason",
     ("price_paid", "upgrade_price", "gift_balance")),
    (cancel_with_false_claim, "cancelling with a claim that the records disprove",
     ("price_paid", "later_fare")),
    (cancel_insured_for_plans, "cancelling with insurance for a reason it does not cover",
     ("price_paid", "upgrade_price")),
    (change_basic_economy, "changing flights in basic economy", ("price_paid", "later_fare")),
    (change_destination, "changing the destination", ("price_paid", "upgrade_price")),
    (take_bags_off, "removing a checked bag", ("price_paid", "upgrade_price")),
    (insure_later, "adding insurance after booking", ("price_paid", "gift_balance")),
    (add_passenger, "adding a passenger", ("price_paid", "later_fare")),
    (upgrade_half_flown, "another cabin after a flight was flown", ("price_paid",)),
    (compensation_undeserved, "compensation without a claim to it",
     ("price_paid", "gift_balance")),
    (compensation_for_a_delay, "compensation for a delay without a change", ("price_paid",)),
    (free_upgrade, "an upgrade for nothing", ("upgrade_price",)),
    (somebody_elses_trip, "cancelling somebody else's trip", ("price_paid", "upgrade_price")),
)  # fmt: skip
"""What is refused again and again, and the figures that may be asked for in the end."""

_HELD_OUT = frozenset({"take_bags_off", "cancel_insured_for_plans"})
"""Refusals that no training task holds."""


def _intent(refusal: Refusal, forbidden: str, instead: str, *, insists: bool) -> AirlineIntent:
    fallback = FALLBACKS[instead]

    def act(draft: AirlineDraft) -> None:
        draft.use(_WORDING, refusal.__name__)
        trip = refusal(draft)
        lead = draft.text("pushed" if insists else "lead")
        draft.use(FALLBACK_WORDING, instead)
        draft.add_manner(f"{lead}, {fallback(draft, trip)}.")

    how = "insisted" if insists else "then"
    told = "refused, however often the customer insists" if insists else "refused"
    asks = insists or instead == "price_paid"
    return AirlineIntent(
        name=f"{refusal.__name__}_{how}_{instead}",
        purpose=f"{capitalized(forbidden)} is {told}; then {instead.replace('_', ' ')}",
        level=3 if insists else 2,
        tags=(REFUSES, ASKS, *((INSISTS,) if insists else ())) if asks else (REFUSES,),
        act=act,
        wording=_WORDING,
        held_out=refusal.__name__ in _HELD_OUT,
    )


def _intents(
    refusals: tuple[tuple[Refusal, str, tuple[str, ...]], ...], *, insists: bool
) -> list[AirlineIntent]:
    return [
        _intent(refusal, forbidden, instead, insists=insists)
        for refusal, forbidden, fallbacks in refusals
        for instead in fallbacks
    ]


INTENTS = [*_intents(_REFUSALS, insists=False), *_intents(_INSISTED, insists=True)]
