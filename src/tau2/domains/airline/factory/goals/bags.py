"""Customers with more luggage, or with something to correct about who flies."""

from __future__ import annotations

from tau2.domains.airline.data_model import Passenger, Reservation
from tau2.domains.airline.factory.case import Case, Unfit, paid_bags
from tau2.domains.airline.factory.goals.fallbacks import RELATIONS
from tau2.domains.airline.factory.goals.goal import collector
from tau2.domains.airline.factory.phrasing import count_name, full_name
from tau2.domains.airline.fares import BAG_PRICE, free_bags

GOALS, goal = collector()


def _allowance(case: Case, trip: Reservation) -> int:
    return free_bags(case.user.membership, trip.cabin, len(trip.passengers))


def _more(count: int) -> str:
    return f"{count_name(count)} more checked bag{'s' if count > 1 else ''}"


@goal(1)
def add_free_bags(case: Case) -> None:
    """Add bags that are free."""
    trip = case.claim(lambda t: case.is_open(t) and t.total_baggages < _allowance(case, t))
    count = case.one(range(1, min(3, _allowance(case, trip) - trip.total_baggages) + 1))
    which, method = case.the_trip(trip), case.card()
    name = case.named(method)
    case.add_bags(trip, trip.total_baggages + count, trip.nonfree_baggages, method)
    case.want(
        case.say(
            f"You want to add {_more(count)} to {which}.",
            f"You are bringing more than you thought and need {_more(count)} on {which}.",
        )
    )
    case.behave(f"You think that this should be free for you, but {name} is there if it is not.")


@goal(2)
def add_paid_bags(case: Case) -> None:
    """Add bags of which some are paid for, and say what that costs."""
    trip = case.claim(case.is_open)
    count = case.one((1, 2, 3))
    total = trip.total_baggages + count
    nonfree = paid_bags(case, trip, total)
    cost = BAG_PRICE * (nonfree - trip.nonfree_baggages)
    if cost == 0:
        raise Unfit
    which, method = case.the_trip(trip), case.payer(cost)
    name = case.named(method)
    case.add_bags(trip, total, nonfree, method)
    case.tell(cost)
    case.want(
        case.say(
            f"You need {_more(count)} on {which} and want to know what that costs.",
            f"You want to take {_more(count)} on {which}. Find out the price first.",
        )
    )
    case.behave(f"The price is all right with you, whatever it is. You pay with {name}.")


@goal(2)
def fill_allowance(case: Case) -> None:
    """As many more bags as are free, no more."""
    trip = case.claim(lambda t: case.is_open(t) and _allowance(case, t) - t.total_baggages > 1)
    which, method = case.the_trip(trip), case.card()
    case.add_bags(trip, _allowance(case, trip), trip.nonfree_baggages, method)
    case.want(
        f"You are moving and want to take as many checked bags on {which} as you can have without paying for any of "
        "them."
    )
    case.behave(
        "You do not know how many that are; let the agent work it out, and have exactly that number entered. If a "
        f"payment method has to be named, it is {case.named(method)}."
    )


@goal(2)
def pay_bags_with_certificate(case: Case) -> None:
    """A certificate cannot pay for bags; then a card."""
    trip = case.claim(case.is_open)
    certificate = case.one(case.certificates())
    total = trip.total_baggages + 2
    nonfree = paid_bags(case, trip, total)
    if nonfree == trip.nonfree_baggages:
        raise Unfit
    which, method, voucher = case.the_trip(trip), case.card(), case.named(certificate)
    name = case.named(method)
    case.add_bags(trip, total, nonfree, method)
    case.want(f"You want two more checked bags on {which}, and you want {voucher} to pay for them.")
    case.behave(
        case.say(
            f"If the agent says that certificates cannot be used for this, pay with {name}.",
            f"If that is refused, you grumble a little and take {name}.",
        )
    )


def _singled_out(case: Case, trip: Reservation) -> Passenger:
    person = case.one(trip.passengers)
    if [other.first_name for other in trip.passengers].count(person.first_name) > 1:
        raise Unfit
    return person


@goal(1)
def correct_dob(case: Case) -> None:
    """Correct a birth date."""
    trip = case.claim(case.is_open)
    person, which = _singled_out(case, trip), case.the_trip(trip)
    fixed = person.model_copy(update={"dob": case.stranger().dob})
    case.rename(trip, [fixed if other is person else other for other in trip.passengers])
    whose = "you are" if case.is_me(person) else f"{full_name(person)} is"
    case.want(
        f"On {which}, {whose} entered with a wrong birth date. The right one is {fixed.dob}, and you want it "
        "corrected."
    )
    case.behave(
        case.say(
            "Nothing else about the passengers is wrong.", "You will need it for the check-in."
        )
    )


@goal(1)
def correct_name(case: Case) -> None:
    """Correct a family name after a wedding."""
    trip = case.claim(case.is_open)
    person, which = _singled_out(case, trip), case.the_trip(trip)
    if case.is_me(person):
        raise Unfit
    fixed = person.model_copy(update={"last_name": case.stranger().last_name})
    if fixed.last_name == person.last_name:
        raise Unfit
    case.rename(trip, [fixed if other is person else other for other in trip.passengers])
    case.want(
        f"{full_name(person)}, who travels on {which}, has married and is now called {full_name(fixed)}. The name on "
        "the reservation has to match the new passport."
    )
    case.behave("The birth date stays the same, of course.")


@goal(2)
def swap_passenger(case: Case) -> None:
    """Somebody else flies in the place of a passenger."""
    trip = case.claim(lambda t: case.is_open(t) and len(t.passengers) > 1)
    person, which, guest = _singled_out(case, trip), case.the_trip(trip), case.stranger()
    case.rename(trip, [guest if other is person else other for other in trip.passengers])
    leaving = (
        "You cannot come along" if case.is_me(person) else f"{full_name(person)} cannot come along"
    )
    case.want(
        f"{leaving} on {which}, but {case.say(*RELATIONS)}, {full_name(guest)}, can. You want the seat changed over."
    )
    case.behave(f"{guest.first_name} was born on {guest.dob}; say so when asked.")


@goal(2)
def remove_passenger(case: Case) -> None:
    """Taking a passenger off is refused; then a replacement."""
    trip = case.claim(lambda t: case.is_bound(t) and len(t.passengers) > 1)
    person, which, guest = _singled_out(case, trip), case.the_trip(trip), case.stranger()
    if case.is_me(person):
        raise Unfit
    case.rename(trip, [guest if other is person else other for other in trip.passengers])
    case.want(
        f"{full_name(person)} has dropped out of {which}. You want that passenger taken off and the rest to fly as "
        "planned."
    )
    case.behave(
        "If the agent says that the number of passengers cannot change, ask for a human agent who could do it. If "
        f"that is refused too, let {full_name(guest)}, born on {guest.dob}, fly instead."
    )
