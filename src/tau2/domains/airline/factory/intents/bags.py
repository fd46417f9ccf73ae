"""Customers with more luggage, or with something to correct about who flies."""

from __future__ import annotations

from tau2.domains.airline.data_model import Reservation
from tau2.domains.airline.factory.draft import AirlineDraft, paid_bags
from tau2.domains.airline.factory.intents.intent import intents
from tau2.domains.airline.factory.phrasing import full_name, more_bags
from tau2.domains.airline.factory.scenario import SCENARIO
from tau2.domains.airline.fares import BAG_PRICE, free_bags
from tau2.taskgen.drafts import UnsuitableCustomer

INTENTS, intent = intents(__file__)


def _allowance(draft: AirlineDraft, trip: Reservation) -> int:
    return free_bags(draft.user.membership, trip.cabin, len(trip.passengers))


@intent(level=1)
def add_free_bags(draft: AirlineDraft) -> None:
    """Add bags that are free."""
    trip = draft.claim(lambda t: draft.is_open(t) and t.total_baggages < _allowance(draft, t))
    count = draft.one(range(1, min(3, _allowance(draft, trip) - trip.total_baggages) + 1))
    which = draft.the_trip(trip)
    method, name = draft.named_card()
    draft.add_bags(trip, trip.total_baggages + count, trip.nonfree_baggages, method)
    draft.want(bags=more_bags(count), which=which, name=name)


@intent(level=2)
def add_paid_bags(draft: AirlineDraft) -> None:
    """Add bags of which some are paid for, and say what that costs."""
    trip = draft.claim(draft.is_open)
    count = draft.one((1, 2, 3))
    total = trip.total_baggages + count
    nonfree = paid_bags(draft, trip, total)
    cost = BAG_PRICE * (nonfree - trip.nonfree_baggages)
    if cost == 0:
        raise UnsuitableCustomer
    which = draft.the_trip(trip)
    method, name = draft.named_payer(cost)
    draft.add_bags(trip, total, nonfree, method)
    draft.tell(cost)
    draft.want(bags=more_bags(count), which=which, name=name)


@intent(level=2, held_out=True)
def fill_allowance(draft: AirlineDraft) -> None:
    """As many more bags as are free, no more."""
    trip, which = draft.claim_named(
        lambda t: draft.is_open(t) and _allowance(draft, t) - t.total_baggages > 1
    )
    method = draft.card()
    draft.add_bags(trip, _allowance(draft, trip), trip.nonfree_baggages, method)
    draft.want(which=which, name=draft.named(method))


@intent(level=2)
def pay_bags_with_certificate(draft: AirlineDraft) -> None:
    """A certificate cannot pay for bags; then a card."""
    trip = draft.claim(draft.is_open)
    certificate = draft.one(draft.certificates())
    total = trip.total_baggages + 2
    nonfree = paid_bags(draft, trip, total)
    if nonfree == trip.nonfree_baggages:
        raise UnsuitableCustomer
    which = draft.the_trip(trip)
    method = draft.card()
    voucher = draft.named(certificate)
    name = draft.named(method)
    draft.add_bags(trip, total, nonfree, method)
    draft.want(which=which, voucher=voucher, name=name)


@intent(level=1)
def correct_dob(draft: AirlineDraft) -> None:
    """Correct a birth date."""
    trip = draft.claim(draft.is_open)
    person, fixed = draft.misrecorded(trip)
    which = draft.the_trip(trip)
    draft.replace(trip, person, fixed)
    draft.want(which=which, person=person, fixed=fixed)


@intent(level=1, held_out=True)
def correct_name(draft: AirlineDraft) -> None:
    """Correct a family name after a wedding."""
    trip = draft.claim(draft.is_open)
    person = draft.one_passenger(trip)
    which = draft.the_trip(trip)
    if draft.is_me(person):
        raise UnsuitableCustomer
    fixed = person.model_copy(update={"last_name": draft.stranger().last_name})
    if fixed.last_name == person.last_name:
        raise UnsuitableCustomer
    draft.replace(trip, person, fixed)
    draft.want(person=person, which=which, fixed=fixed)


@intent(level=2)
def swap_passenger(draft: AirlineDraft) -> None:
    """Somebody else flies in the place of a passenger."""
    trip = draft.claim(lambda t: draft.is_open(t) and len(t.passengers) > 1)
    person = draft.one_passenger(trip)
    which = draft.the_trip(trip)
    guest = draft.stranger()
    draft.replace(trip, person, guest)
    leaving = (
        "You cannot come along" if draft.is_me(person) else f"{full_name(person)} cannot come along"
    )
    draft.want(
        leaving=leaving, which=which, relation=draft.one(SCENARIO.texts("relations")), guest=guest
    )


@intent(level=2)
def remove_passenger(draft: AirlineDraft) -> None:
    """Taking a passenger off is refused; then a replacement."""
    trip = draft.claim(lambda t: draft.is_bound(t) and len(t.passengers) > 1)
    person = draft.one_passenger(trip)
    which = draft.the_trip(trip)
    guest = draft.stranger()
    if draft.is_me(person):
        raise UnsuitableCustomer
    draft.replace(trip, person, guest)
    draft.want(person=person, which=which, guest=guest)
