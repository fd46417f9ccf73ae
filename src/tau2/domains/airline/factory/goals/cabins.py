"""Customers who want another cabin."""

from __future__ import annotations

from tau2.domains.airline.data_model import CabinClass, Reservation
from tau2.domains.airline.factory.case import Case, Unfit, pairs
from tau2.domains.airline.factory.goals.goal import ASKS, collector
from tau2.domains.airline.factory.phrasing import CABIN_NAMES

GOALS, goal = collector()


def difference(case: Case, trip: Reservation, cabin: CabinClass) -> int:
    """Return what another cabin costs more on the same flights. Raise Unfit when it cannot be had."""
    people, total = len(trip.passengers), 0
    for flight in trip.flights:
        offers = case.nonstop(flight.origin, flight.destination, flight.date)
        offer = next(
            (offer for offer in offers if offer.flight_number == flight.flight_number), None
        )
        if offer is None or offer.available_seats[cabin] < people:
            raise Unfit
        total += (offer.prices[cabin] - flight.price) * people
    return total


@goal(1)
def upgrade(case: Case) -> None:
    """Upgrade everybody to business."""
    trip = case.claim(lambda t: case.is_open(t) and t.cabin != "business")
    which = case.the_trip(trip)
    cost = difference(case, trip, "business")
    if cost <= 0:
        raise Unfit
    method = case.payer(cost)
    name = case.named(method)
    case.rebook(trip, "business", pairs(trip.flights), method)
    case.want(
        case.say(
            f"You want to treat yourself: upgrade {which} to business class.",
            f"You want {which} in business class, on the same flights.",
        )
    )
    case.behave(f"Pay for it with {name}.")
    if case.rng.random() < 0.5:
        case.tell(cost)
        case.behave("Before you agree, the agent has to name the full extra cost in dollars.")


@goal(1)
def upgrade_to_economy(case: Case) -> None:
    """From basic economy to economy."""
    trip = case.claim(lambda t: case.is_open(t) and t.cabin == "basic_economy")
    which = case.the_trip(trip)
    cost = difference(case, trip, "economy")
    method = case.payer(cost)
    name = case.named(method)
    case.rebook(trip, "economy", pairs(trip.flights), method)
    case.want(
        case.say(
            f"You regret having booked basic economy. You want {which} in economy instead.",
            f"You want {which} changed from basic economy to economy and nothing else about it.",
        )
    )
    case.behave(f"You pay with {name} and do not want to hear about business class.")


@goal(2)
def downgrade(case: Case) -> None:
    """Downgrade and get the difference back."""
    trip = case.claim(lambda t: case.is_open(t) and t.cabin == "business")
    which = case.the_trip(trip)
    cost = difference(case, trip, "economy")
    if cost >= 0:
        raise Unfit
    method = case.payer(0)
    name = case.named(method)
    case.rebook(trip, "economy", pairs(trip.flights), method)
    case.tell(-cost)
    case.want(
        case.say(
            f"Business class has become too expensive for you. Change {which} to economy.",
            f"Your company no longer pays for business, so you want {which} in economy.",
        )
    )
    case.behave(f"The money that comes back should go to {name}. Ask how much it is.")


@goal(3)
def upgrade_within_budget(case: Case) -> None:
    """Upgrade to business within a budget, otherwise to economy."""
    trip = case.claim(lambda t: case.is_open(t) and t.cabin == "basic_economy")
    which = case.the_trip(trip)
    business, economy = difference(case, trip, "business"), difference(case, trip, "economy")
    affordable = case.one((True, False))
    budget = 50 * (business // 50 + 1) if affordable else 50 * ((business - 1) // 50)
    if budget <= economy or economy <= 0:
        raise Unfit
    cabin: CabinClass = "business" if affordable else "economy"
    method = case.card()
    name = case.named(method)
    case.rebook(trip, cabin, pairs(trip.flights), method)
    case.want(
        f"You want more room on {which}: business class if the upgrade costs no more than ${budget} in total, "
        "otherwise economy."
    )
    case.behave(f"You have {name} ready. Ask what business would cost before you decide.")


@goal(2)
def upgrade_one_person(case: Case) -> None:
    """Upgrade of one passenger only is refused; then of everybody."""
    trip = case.claim(lambda t: case.is_open(t) and t.cabin != "business" and len(t.passengers) > 1)
    person = case.one(person for person in trip.passengers if not case.is_me(person))
    if [other.first_name for other in trip.passengers].count(person.first_name) > 1:
        raise Unfit
    which = case.the_trip(trip)
    cost = difference(case, trip, "business")
    method = case.payer(cost)
    name = case.named(method)
    case.rebook(trip, "business", pairs(trip.flights), method)
    case.want(
        f"It is {person.first_name}'s birthday, and as a surprise you want to move {person.first_name} "
        f"{person.last_name} to business class on {which}."
    )
    case.behave(
        f"If the agent says that all passengers have to be in one cabin, upgrade everybody. Pay with {name}, "
        "whatever it costs."
    )


@goal(2)
def upgrade_gift_card_too_small(case: Case) -> None:
    """A gift card that does not cover the upgrade; then a credit card."""
    trip = case.claim(lambda t: case.is_open(t) and t.cabin != "business")
    which = case.the_trip(trip)
    cost, gift, card = difference(case, trip, "business"), case.gift_card(), case.card()
    if gift.amount >= cost:
        raise Unfit
    gift_name, card_name = case.named(gift), case.named(card)
    case.rebook(trip, "business", pairs(trip.flights), card)
    case.want(
        f"You want {which} upgraded to business class and would like to pay with {gift_name}."
    )
    case.behave(
        f"If the agent says that there is not enough on it, pay the whole difference with {card_name}. You do not "
        "want to split it."
    )


@goal(2, ASKS)
def ask_upgrade_price(case: Case) -> None:
    """Only what another cabin would cost."""
    trip = case.claim(lambda t: case.is_open(t) and t.cabin != "business")
    which = case.the_trip(trip)
    cabin: CabinClass = case.one(
        ("business", "economy") if trip.cabin == "basic_economy" else ("business",)
    )
    case.tell(difference(case, trip, cabin))
    case.want(
        f"You are curious what it would cost in total, for everybody, to have {which} in {CABIN_NAMES[cabin]}."
    )
    case.behave("It is a question only. When you have heard the price, decide against it.")
