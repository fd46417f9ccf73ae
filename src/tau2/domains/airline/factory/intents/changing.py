"""Customers who want other flights, and may have them."""

from __future__ import annotations

from tau2.domains.airline.data_model import DirectFlight, Reservation
from tau2.domains.airline.factory.draft import (
    AirlineDraft,
    arrival,
    best,
    pairs,
    seated,
    ways,
)
from tau2.domains.airline.factory.intents.intent import intents
from tau2.domains.airline.factory.phrasing import city, clock_name, day_name
from tau2.taskgen.drafts import UnsuitableCustomer

INTENTS, intent = intents(__file__)


def movable(draft: AirlineDraft, trip: Reservation) -> bool:
    """Return whether a reservation's flights may be changed."""
    return draft.is_open(trip) and trip.cabin != "basic_economy"


def _pick(
    draft: AirlineDraft, trip: Reservation, offers: list[DirectFlight]
) -> tuple[DirectFlight, str]:
    """Return one of several flights and the words that tell it from the others."""
    if len(offers) < 2:
        raise UnsuitableCustomer
    flight = draft.one(offers)
    others = [other for other in offers if other is not flight]
    price = flight.prices[trip.cabin]
    leaves = flight.scheduled_departure_time_est
    words = {
        "the cheapest nonstop flight": price < min(other.prices[trip.cabin] for other in others),
        "the first nonstop flight": leaves < min(o.scheduled_departure_time_est for o in others),
        "the last nonstop flight": leaves > max(o.scheduled_departure_time_est for o in others),
    }
    return flight, draft.one(text for text, true in words.items() if true)


@intent(level=2)
def move_trip(draft: AirlineDraft) -> None:
    """Move a one-way trip to another day."""
    trip = draft.claim(lambda t: movable(draft, t) and t.flight_type == "one_way")
    day = draft.date(but=[flight.date for flight in trip.flights])
    which = draft.the_trip(trip)
    flight, words = _pick(draft, trip, draft.offers(trip, trip.flights, day))
    method, name = draft.named_card()
    draft.rebook(trip, trip.cabin, [(flight.flight_number, day)], method)
    draft.want(which=which, day=day_name(day), words=words, name=name)


@intent(level=2)
def move_return(draft: AirlineDraft) -> None:
    """Move the way back of a round trip and keep the way out."""
    trip = draft.claim(lambda t: movable(draft, t) and t.flight_type == "round_trip")
    out, back = ways(trip)
    first_day = f"2024-05-{int(out[-1].date[-2:]) + 1:02}"
    day = draft.date(but=[back[0].date], least=first_day)
    which = draft.the_trip(trip)
    flight, words = _pick(draft, trip, draft.offers(trip, back, day))
    method, name = draft.named_card()
    cost = draft.rebook(trip, trip.cabin, [*pairs(out), (flight.flight_number, day)], method)
    longer = "longer" if day > back[0].date else "for a shorter time"
    draft.want(
        destination=city(trip.destination),
        longer=longer,
        day=day_name(day),
        which=which,
        words=words,
        name=name,
    )
    if cost > 0 and draft.rng.random() < 0.4:
        draft.tell(cost)
        draft.behave("ask")


@intent(level=2, held_out=True)
def same_day(draft: AirlineDraft) -> None:
    """Another flight on the same day."""
    trip = draft.claim(lambda t: movable(draft, t))
    is_back = draft.one((False, bool(ways(trip)[1])))
    leg = ways(trip)[is_back]
    which = draft.the_trip(trip)
    offers = [
        flight
        for flight in draft.offers(trip, leg, leg[0].date)
        if (flight.flight_number, leg[0].date) not in pairs(leg)
    ]
    booked = draft.tools.db.flights[leg[0].flight_number].scheduled_departure_time_est
    later = draft.one((True, False))
    fitting = [
        flight for flight in offers if (flight.scheduled_departure_time_est > booked) == later
    ]
    flight = best(fitting, lambda f: f.scheduled_departure_time_est, least=1)
    if len(fitting) > 1:
        raise UnsuitableCustomer
    method, name = draft.named_card()
    out, back = ways(trip)
    new = (flight.flight_number, leg[0].date)
    changed = [*pairs(out), new] if is_back else [new, *pairs(back)]
    draft.rebook(trip, trip.cabin, changed, method)
    draft.want(
        part="The way back" if is_back else "The departure",
        which=which,
        too="early" if later else "late",
        change="later" if later else "earlier",
        name=name,
    )


@intent(level=2)
def go_nonstop(draft: AirlineDraft) -> None:
    """A nonstop flight instead of a change of planes."""
    trip = draft.claim(lambda t: movable(draft, t) and any(len(way) > 1 for way in ways(t)))
    out, back = ways(trip)
    legs = [leg for leg in (out, back) if len(leg) > 1]
    leg = draft.one(legs)
    which = draft.the_trip(trip)
    flight, words = _pick(draft, trip, draft.offers(trip, leg, leg[0].date))
    method, name = draft.named_card()
    new = (flight.flight_number, leg[0].date)
    draft.rebook(
        trip, trip.cabin, [new, *pairs(back)] if leg is out else [*pairs(out), new], method
    )
    draft.want(
        which=which,
        way="" if leg is out else "the way back of ",
        words=words,
        rest=" Leave the other direction alone." if back else "",
        name=name,
    )


@intent(level=3, held_out=True)
def move_within_budget(draft: AirlineDraft) -> None:
    """Move a trip only if it stays within a budget; otherwise another day."""
    trip = draft.claim(lambda t: movable(draft, t) and t.flight_type == "one_way")
    first, second = draft.dates(2, but=[flight.date for flight in trip.flights])
    which = draft.the_trip(trip)
    people = len(trip.passengers)
    fares = sum(flight.price for flight in trip.flights)
    choices = []
    for day in (first, second):
        flight = draft.cheapest(trip, trip.flights, day)
        choices.append((day, flight, (flight.prices[trip.cabin] - fares) * people))
    costs = [cost for _, _, cost in choices]
    if costs[0] < 30 or abs(costs[0] - costs[1]) < 20:
        raise UnsuitableCustomer
    within = draft.one((True, False))
    budget = 10 * (costs[0] // 10 + 2) if within else 10 * ((costs[0] - 1) // 10)
    if not within and costs[1] > budget:
        raise UnsuitableCustomer
    day, flight, _ = choices[0 if within else 1]
    method, name = draft.named_card()
    if not within:
        with draft.tempted("consent"):
            draft.rebook(trip, trip.cabin, [(choices[0][1].flight_number, first)], method)
    draft.rebook(trip, trip.cabin, [(flight.flight_number, day)], method)
    if within:
        draft.calls = [call for call in draft.calls if call[1].get("date") != second]
    draft.want(
        which=which, first=day_name(first), budget=budget, second=day_name(second), name=name
    )


@intent(level=3)
def change_mind(draft: AirlineDraft) -> None:
    """A change of mind about the new day."""
    trip = draft.claim(lambda t: movable(draft, t) and t.flight_type == "one_way")
    first, second = draft.dates(2, but=[flight.date for flight in trip.flights])
    which = draft.the_trip(trip)
    hasty = draft.cheapest(trip, trip.flights, first)
    flight = draft.cheapest(trip, trip.flights, second)
    method, name = draft.named_card()
    with draft.tempted("consent"):
        draft.rebook(trip, trip.cabin, [(hasty.flight_number, first)], method)
    draft.rebook(trip, trip.cabin, [(flight.flight_number, second)], method)
    draft.want(which=which, first=day_name(first), second=day_name(second), name=name)


@intent(level=2)
def move_both(draft: AirlineDraft) -> None:
    """Move both ways of a round trip."""
    trip = draft.claim(lambda t: movable(draft, t) and t.flight_type == "round_trip")
    out, back = ways(trip)
    days = sorted(draft.dates(2, but=[out[0].date, back[0].date]))
    which = draft.the_trip(trip)
    flights = [draft.cheapest(trip, leg, day) for leg, day in zip((out, back), days, strict=True)]
    method, name = draft.named_card()
    new = [(flight.flight_number, day) for flight, day in zip(flights, days, strict=True)]
    cost = draft.rebook(trip, trip.cabin, new, method)
    draft.want(which=which, out=day_name(days[0]), back=day_name(days[1]), name=name)
    if abs(cost) >= 20 and draft.rng.random() < 0.5:
        draft.tell(abs(cost))
        draft.behave("ask")


@intent(level=3)
def move_to_connection(draft: AirlineDraft) -> None:
    """Leave by a time of the day, among connections with one change."""
    trip = draft.claim(lambda t: movable(draft, t) and t.flight_type == "one_way")
    day = draft.date(but=[flight.date for flight in trip.flights])
    which = draft.the_trip(trip)
    people = len(trip.passengers)
    if draft.nonstop(trip.origin, trip.destination, day):
        raise UnsuitableCustomer
    limit = draft.one(("14:00:00", "18:00:00", "21:00:00"))
    in_time = [
        pair
        for pair in draft.connections(trip.origin, trip.destination, day)
        if len(seated(pair, trip.cabin, people)) == len(pair)
        and arrival(pair[1]) <= f"{day}T{limit}"
    ]
    pair = best(in_time, lambda p: sum(flight.prices[trip.cabin] for flight in p))
    method, name = draft.named_card()
    draft.rebook(trip, trip.cabin, [(flight.flight_number, day) for flight in pair], method)
    draft.want(
        which=which,
        day=day_name(day),
        destination=city(trip.destination),
        time=clock_name(limit),
        name=name,
    )
