"""Customers who only want to know something, or need a human agent in the end."""

from __future__ import annotations

from tau2.domains.airline.data_model import CabinClass, GiftCard
from tau2.domains.airline.factory.case import Case, Unfit, best, paid, seated
from tau2.domains.airline.factory.goals.goal import ALL_TRIPS, ASKS, HANDS_OVER, collector
from tau2.domains.airline.factory.phrasing import CABIN_NAMES, city, day_name

GOALS, goal = collector()


@goal(1, "what a reservation has cost", ASKS)
def ask_price_paid(case: Case) -> None:
    trip = case.claim(lambda t: t.status is None)
    which = case.the_trip(trip)
    case.tell(paid(trip))
    case.want(
        case.say(
            f"For your tax records you need to know how much you paid in total for {which}.",
            f"You are going through your bills and want to hear what {which} has cost you altogether.",
        )
    )


@goal(1, "what is left on the gift cards", ASKS)
def ask_gift_cards(case: Case) -> None:
    gifts = [method for method in case.methods.values() if isinstance(method, GiftCard)]
    if not gifts or any(gift.id in case.spent for gift in gifts):
        raise Unfit
    case.use(*gifts)
    case.tell(round(sum(gift.amount for gift in gifts)))
    case.want(
        "You want to know how much money you still have on gift cards"
        + (", all of them added up." if len(gifts) > 1 else ".")
    )


@goal(1, "the lowest fare of a day, without booking", ASKS)
def ask_fare(case: Case) -> None:
    origin, destination = case.one(case.atlas.routes)
    cabin: CabinClass = case.one(("basic_economy", "economy", "business"))
    (day,) = case.dates(1)
    flight = best(seated(case.nonstop(origin, destination, day), cabin, 1), lambda f: f.prices[cabin])
    case.tell(flight.prices[cabin])
    case.want(
        f"You wonder what the cheapest nonstop flight from {city(origin)} to {city(destination)} costs on {day_name(day)}, one way "
        f"in {CABIN_NAMES[cabin]}, for one person."
    )
    case.behave("Do not book it; you have to talk to your family first.")


@goal(2, "what all trips ahead have cost together", ASKS, ALL_TRIPS)
def ask_all_prices(case: Case) -> None:
    ahead = [trip for trip in case.trips if trip.status is None and case.standing(trip) != {"landed"}]
    if len(ahead) < 2 or not all(map(case.is_open, ahead)) or len(ahead) == len(case.trips):  # noqa: PLR2004  -- a sum
        raise Unfit
    case.by_number = True
    case.look_at_all()
    case.tell(sum(map(paid, ahead)))
    case.want(
        "You are making a plan of what you spend this month. You want one figure: what you have paid for all trips together that "
        "are still ahead of you."
    )
    case.behave(
        "Trips that are over, or that were cancelled, do not count. You do not have a list of your reservations."
    )


_BEYOND = (
    ("a suitcase that did not arrive", "Last of all, your suitcase did not arrive after your latest flight, and you want "
     "somebody to look for it."),
    ("a wheelchair at the airport", "At the end, mention that your mother needs a wheelchair at the gate, and ask for it to be "
     "arranged."),
    ("seats by the window", "Finally, you want a particular seat: by the window and near the front."),
    ("a dog in the cabin", "Before you go, you ask to have your small dog registered for the cabin."),
    ("a new email address in the profile", "As a last thing, you have a new email address and want it changed in your profile."),
    ("a vegan meal", "In the end you ask for a vegan meal on board to be ordered for you."),
)  # fmt: skip


@goal(2, "something that no tool can do: for a human agent", HANDS_OVER)
def beyond_tools(case: Case) -> None:
    topic, wish = case.one(_BEYOND)
    case.hand_over(f"The customer asks for {topic}; everything else is done.")
    case.want(wish)
    case.behave(
        "Bring that up only when everything else is done. If you are passed on to somebody else for it, that is fine."
    )
