"""Customers who only want to know something, or need a human agent in the end."""

from __future__ import annotations

from tau2.domains.airline.data_model import CabinClass, GiftCard
from tau2.domains.airline.factory.case import Case, Unfit, best, paid, seated
from tau2.domains.airline.factory.goals.goal import ALL_TRIPS, ASKS, HANDS_OVER, collector
from tau2.domains.airline.factory.phrasing import CABIN_NAMES, city, day_name

GOALS, goal = collector()


@goal(1, ASKS)
def ask_price_paid(case: Case) -> None:
    """What a reservation has cost."""
    trip = case.claim(lambda t: t.status is None)
    which = case.the_trip(trip)
    case.tell(paid(trip))
    case.want(
        case.say(
            f"For your tax records you need to know how much you paid in total for {which}.",
            f"You are going through your bills and want to hear what {which} has cost you altogether.",
        )
    )


@goal(1, ASKS)
def ask_gift_cards(case: Case) -> None:
    """What is left on the gift cards."""
    gifts = [method for method in case.methods.values() if isinstance(method, GiftCard)]
    if not gifts or any(gift.id in case.spent for gift in gifts):
        raise Unfit
    case.use(*gifts)
    case.tell(round(sum(gift.amount for gift in gifts)))
    case.want(
        "You want to know how much money you still have on gift cards"
        + (", all of them added up." if len(gifts) > 1 else ".")
    )


@goal(1, ASKS)
def ask_fare(case: Case) -> None:
    """The lowest fare of a day, without booking."""
    origin, destination = case.one(case.atlas.routes)
    cabin: CabinClass = case.one(("basic_economy", "economy", "business"))
    (day,) = case.dates(1)
    flight = best(
        seated(case.nonstop(origin, destination, day), cabin, 1), lambda f: f.prices[cabin]
    )
    case.tell(flight.prices[cabin])
    case.want(
        f"You wonder what the cheapest nonstop flight from {city(origin)} to {city(destination)} costs on "
        f"{day_name(day)}, one way in {CABIN_NAMES[cabin]}, for one person."
    )
    case.behave("Do not book it; you have to talk to your family first.")


@goal(2, ASKS, ALL_TRIPS)
def ask_all_prices(case: Case) -> None:
    """What all trips ahead have cost together."""
    ahead = [
        trip for trip in case.trips if trip.status is None and case.standing(trip) != {"landed"}
    ]
    if len(ahead) < 2 or not all(map(case.is_open, ahead)) or len(ahead) == len(case.trips):
        raise Unfit
    case.by_number = True
    case.look_at_all()
    case.tell(sum(map(paid, ahead)))
    case.want(
        "You are making a plan of what you spend this month. You want one figure: what you have paid for all trips "
        "together that are still ahead of you."
    )
    case.behave(
        "Trips that are over, or that were cancelled, do not count. You do not have a list of your reservations."
    )


_BEYOND = {
    "a suitcase that did not arrive": (
        "Your suitcase did not arrive after your latest flight, and you want somebody to look for it."
    ),
    "a wheelchair at the airport": (
        "Your mother needs a wheelchair at the gate, and you want it arranged."
    ),
    "seats by the window": "You want a particular seat: by the window and near the front.",
    "a dog in the cabin": "You want your small dog registered for the cabin.",
    "a new email address": "You have a new email address and want it changed in your profile.",
    "a vegan meal": "You want a vegan meal ordered for you for your next flight.",
}
"""What no tool can do → how the customer asks for it."""


@goal(2, HANDS_OVER)
def beyond_tools(case: Case) -> None:
    """Something that no tool can do: for a human agent."""
    topic, wish = case.one(_BEYOND.items())
    case.hand_over(f"The customer asks for {topic}; everything else is done.")
    case.want(wish)
    case.behave(
        "Bring that up only when everything else is done. If you are passed on to somebody else for it, that is fine."
    )
