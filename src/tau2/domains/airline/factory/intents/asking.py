"""Customers who only want to know something, or need a human agent in the end."""

from __future__ import annotations

from tau2.domains.airline.data_model import CabinClass, GiftCard
from tau2.domains.airline.factory.draft import AirlineDraft, best, paid, seated
from tau2.domains.airline.factory.intents.intent import ALL_TRIPS, ASKS, HANDS_OVER, intents
from tau2.domains.airline.factory.phrasing import CABIN_NAMES, city, day_name
from tau2.domains.airline.factory.scenario import SCENARIO
from tau2.taskgen.drafts import UnsuitableCustomer

INTENTS, intent = intents(__file__)


@intent(level=1, tags=(ASKS,))
def ask_price_paid(draft: AirlineDraft) -> None:
    """What a reservation has cost."""
    trip, which = draft.claim_named(lambda t: t.status is None)
    draft.tell(paid(trip))
    draft.want(which=which)


@intent(level=1, tags=(ASKS,))
def ask_gift_cards(draft: AirlineDraft) -> None:
    """What is left on the gift cards."""
    gifts = [method for method in draft.methods.values() if isinstance(method, GiftCard)]
    if not gifts or any(gift.id in draft.spent for gift in gifts):
        raise UnsuitableCustomer
    draft.spend(*gifts)
    draft.tell(round(sum(gift.amount for gift in gifts)))
    added_up = ", all of them added up" if len(gifts) > 1 else ""
    draft.want(added_up=added_up)


@intent(level=1, tags=(ASKS,))
def ask_fare(draft: AirlineDraft) -> None:
    """The lowest fare of a day, without booking."""
    origin, destination = draft.one(draft.index.routes)
    cabin: CabinClass = draft.one(("basic_economy", "economy", "business"))
    day = draft.date()
    flight = best(
        seated(draft.nonstop(origin, destination, day), cabin, 1), lambda f: f.prices[cabin]
    )
    draft.tell(flight.prices[cabin])
    draft.want(
        origin=city(origin),
        destination=city(destination),
        day=day_name(day),
        cabin=CABIN_NAMES[cabin],
    )


@intent(level=2, tags=(ASKS, ALL_TRIPS), held_out=True)
def ask_all_prices(draft: AirlineDraft) -> None:
    """What all trips ahead have cost together."""
    ahead = [
        trip for trip in draft.trips if trip.status is None and draft.standing(trip) != {"landed"}
    ]
    if len(ahead) < 2 or not all(map(draft.is_open, ahead)) or len(ahead) == len(draft.trips):
        raise UnsuitableCustomer
    draft.by_number = True
    draft.look_at_all()
    draft.tell(sum(map(paid, ahead)))
    draft.want()


@intent(level=2, tags=(HANDS_OVER,))
def beyond_tools(draft: AirlineDraft) -> None:
    """Something that no tool can do: for a human agent."""
    topic, wish = draft.one(SCENARIO.texts("beyond_tools"))
    draft.hand_over(f"The customer asks for {topic}; everything else is done.")
    draft.want(wish=wish)
