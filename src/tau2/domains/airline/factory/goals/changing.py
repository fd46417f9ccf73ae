"""Customers who want other flights, and may have them."""

from __future__ import annotations

from tau2.domains.airline.data_model import DirectFlight, Reservation, ReservationFlight
from tau2.domains.airline.factory.case import (
    Case,
    Unfit,
    arrival,
    best,
    pairs,
    seated,
    ways,
)
from tau2.domains.airline.factory.goals.goal import collector
from tau2.domains.airline.factory.phrasing import city, clock_name, day_name

GOALS, goal = collector()


def movable(case: Case, trip: Reservation) -> bool:
    """Return whether a reservation's flights may be changed."""
    return case.is_open(trip) and trip.cabin != "basic_economy"


def _offers(
    case: Case, trip: Reservation, leg: list[ReservationFlight], day: str
) -> list[DirectFlight]:
    """Return the nonstop flights that could take the place of one direction of a trip."""
    flights = case.nonstop(leg[0].origin, leg[-1].destination, day)
    return seated(flights, trip.cabin, len(trip.passengers))


def _way(trip: Reservation, *, back: bool) -> str:
    if trip.flight_type == "one_way":
        return "the flight"
    return "the way back" if back else "the way out"


def _pick(case: Case, trip: Reservation, offers: list[DirectFlight]) -> tuple[DirectFlight, str]:
    """Return one of several flights and the words that tell it from the others."""
    if len(offers) < 2:
        raise Unfit
    flight = case.one(offers)
    others = [other for other in offers if other is not flight]
    price, leaves = flight.prices[trip.cabin], flight.scheduled_departure_time_est
    words = {
        "the cheapest nonstop flight": price < min(other.prices[trip.cabin] for other in others),
        "the first nonstop flight": leaves < min(o.scheduled_departure_time_est for o in others),
        "the last nonstop flight": leaves > max(o.scheduled_departure_time_est for o in others),
    }
    return flight, case.one(text for text, true in words.items() if true)


@goal(2)
def move_trip(case: Case) -> None:
    """Move a one-way trip to another day."""
    trip = case.claim(lambda t: movable(case, t) and t.flight_type == "one_way")
    (day,) = case.dates(1, but=[flight.date for flight in trip.flights])
    which = case.the_trip(trip)
    flight, words = _pick(case, trip, _offers(case, trip, trip.flights, day))
    method = case.card()
    name = case.named(method)
    case.rebook(trip, trip.cabin, [(flight.flight_number, day)], method)
    case.want(
        case.say(
            f"You want to move {which} to {day_name(day)}, and you would like {words}.",
            f"You have to travel on {day_name(day)} after all. Have {which} moved to {words} on that date.",
        )
    )
    case.behave(
        f"Stay in the cabin you have. Whatever is to be paid or comes back goes through {name}."
    )


@goal(2)
def move_return(case: Case) -> None:
    """Move the way back of a round trip and keep the way out."""
    trip = case.claim(lambda t: movable(case, t) and t.flight_type == "round_trip")
    out, back = ways(trip)
    (day,) = case.dates(1, but=[back[0].date], least=_after(out[-1].date))
    which = case.the_trip(trip)
    flight, words = _pick(case, trip, _offers(case, trip, back, day))
    method = case.card()
    name = case.named(method)
    cost = case.rebook(trip, trip.cabin, [*pairs(out), (flight.flight_number, day)], method)
    longer = "longer" if day > back[0].date else "for a shorter time"
    case.want(
        case.say(
            f"You will stay in {city(trip.destination)} {longer} than planned: you want to return on "
            f"{day_name(day)}. This is about {which}.",
            f"You want to change only the way back of {which}. The new day is {day_name(day)}.",
        )
    )
    case.behave(
        f"You choose {words} in the cabin you have, and the way out stays as it is. {name[0].upper()}{name[1:]} is "
        "used for the difference."
    )
    if cost > 0 and case.rng.random() < 0.4:
        case.tell(cost)
        case.behave("Ask what the change costs in total before you agree.")


def _after(date: str) -> str:
    return f"2024-05-{int(date[-2:]) + 1:02}"


@goal(2)
def same_day(case: Case) -> None:
    """Another flight on the same day."""
    trip = case.claim(lambda t: movable(case, t))
    is_back = case.one((False, bool(ways(trip)[1])))
    leg = ways(trip)[is_back]
    which = case.the_trip(trip)
    offers = [
        flight
        for flight in _offers(case, trip, leg, leg[0].date)
        if (flight.flight_number, leg[0].date) not in pairs(leg)
    ]
    booked = _leaving(case, leg[0])
    later = case.one((True, False))
    fitting = [
        flight for flight in offers if (flight.scheduled_departure_time_est > booked) == later
    ]
    flight = best(fitting, lambda f: f.scheduled_departure_time_est, least=1)
    if len(fitting) > 1:
        raise Unfit
    method = case.card()
    name = case.named(method)
    out, back = ways(trip)
    new = (flight.flight_number, leg[0].date)
    changed = [*pairs(out), new] if is_back else [new, *pairs(back)]
    case.rebook(trip, trip.cabin, changed, method)
    case.want(
        f"{'The way back' if is_back else 'The departure'} of {which} is too {'early' if later else 'late'} for you. "
        f"On the same day you want a nonstop flight that leaves {'later' if later else 'earlier'}."
    )
    case.behave(
        f"Take the one the agent finds, in the cabin you have, and use {name} for any difference in price."
    )


def _leaving(case: Case, flight: ReservationFlight) -> str:
    return case.tools.db.flights[flight.flight_number].scheduled_departure_time_est


@goal(2)
def go_nonstop(case: Case) -> None:
    """A nonstop flight instead of a change of planes."""
    trip = case.claim(lambda t: movable(case, t) and any(len(way) > 1 for way in ways(t)))
    out, back = ways(trip)
    legs = [leg for leg in (out, back) if len(leg) > 1]
    leg = case.one(legs)
    which = case.the_trip(trip)
    flight, words = _pick(case, trip, _offers(case, trip, leg, leg[0].date))
    method = case.card()
    name = case.named(method)
    new = (flight.flight_number, leg[0].date)
    case.rebook(trip, trip.cabin, [new, *pairs(back)] if leg is out else [*pairs(out), new], method)
    way = _way(trip, back=leg is not out)
    case.want(
        f"You have to change planes on {'the way back of ' if way == 'the way back' else ''}{which}, and you found "
        "out that there are nonstop flights. You want one of those on the same day."
    )
    rest = "" if not back else " Leave the other direction alone."
    case.behave(
        f"If there are several, you take {words}, in the same cabin.{rest} The difference goes to or from {name}."
    )


@goal(3)
def move_within_budget(case: Case) -> None:
    """Move a trip only if it stays within a budget; otherwise another day."""
    trip = case.claim(lambda t: movable(case, t) and t.flight_type == "one_way")
    first, second = case.dates(2, but=[flight.date for flight in trip.flights])
    which, people = case.the_trip(trip), len(trip.passengers)
    fares = sum(flight.price for flight in trip.flights)
    choices = []
    for day in (first, second):
        flight = best(_offers(case, trip, trip.flights, day), lambda f: f.prices[trip.cabin])
        choices.append((day, flight, (flight.prices[trip.cabin] - fares) * people))
    costs = [cost for _, _, cost in choices]
    if costs[0] < 30 or abs(costs[0] - costs[1]) < 20:
        raise Unfit
    within = case.one((True, False))
    budget = 10 * (costs[0] // 10 + 2) if within else 10 * ((costs[0] - 1) // 10)
    if not within and costs[1] > budget:
        raise Unfit
    day, flight, _ = choices[0 if within else 1]
    method = case.card()
    name = case.named(method)
    case.rebook(trip, trip.cabin, [(flight.flight_number, day)], method)
    if within:
        case.calls = [call for call in case.calls if call[1].get("date") != second]
    case.want(
        f"You want to move {which} to {day_name(first)}, onto the cheapest nonstop flight in the cabin you have. "
        f"That may cost up to ${budget} more in total, for everybody."
    )
    case.behave(
        f"If it costs more than that, you take the cheapest nonstop flight on {day_name(second)} instead. Any "
        f"difference goes through {name}."
    )


@goal(3)
def change_mind(case: Case) -> None:
    """A change of mind about the new day."""
    trip = case.claim(lambda t: movable(case, t) and t.flight_type == "one_way")
    first, second = case.dates(2, but=[flight.date for flight in trip.flights])
    which = case.the_trip(trip)
    if not _offers(case, trip, trip.flights, first):
        raise Unfit
    flight = best(_offers(case, trip, trip.flights, second), lambda f: f.prices[trip.cabin])
    method = case.card()
    name = case.named(method)
    case.rebook(trip, trip.cabin, [(flight.flight_number, second)], method)
    case.want(f"You want {which} moved. The new day should be {day_name(first)}.")
    case.behave(
        f"As soon as the agent offers flights on {day_name(first)}, you remember that you have an appointment on "
        f"that day. You want {day_name(second)} instead, and there the cheapest nonstop flight in your cabin. Use "
        f"{name}."
    )


@goal(2)
def move_both(case: Case) -> None:
    """Move both ways of a round trip."""
    trip = case.claim(lambda t: movable(case, t) and t.flight_type == "round_trip")
    out, back = ways(trip)
    days = sorted(case.dates(2, but=[out[0].date, back[0].date]))
    which = case.the_trip(trip)
    flights = [
        best(_offers(case, trip, leg, day), lambda f: f.prices[trip.cabin])
        for leg, day in zip((out, back), days, strict=True)
    ]
    method = case.card()
    name = case.named(method)
    new = [(flight.flight_number, day) for flight, day in zip(flights, days, strict=True)]
    cost = case.rebook(trip, trip.cabin, new, method)
    case.want(
        f"You want to move {which}: out on {day_name(days[0])}, back on {day_name(days[1])}, nonstop both ways and "
        "as cheap as it gets in your cabin."
    )
    case.behave(f"Pay with {name}, or take a refund there.")
    if abs(cost) >= 20 and case.rng.random() < 0.5:
        case.tell(abs(cost))
        case.behave(
            "You want to know by how many dollars the trip gets dearer or cheaper altogether."
        )


@goal(3)
def move_to_connection(case: Case) -> None:
    """Leave by a time of the day, among connections with one change."""
    trip = case.claim(lambda t: movable(case, t) and t.flight_type == "one_way")
    (day,) = case.dates(1, but=[flight.date for flight in trip.flights])
    which, people = case.the_trip(trip), len(trip.passengers)
    if case.nonstop(trip.origin, trip.destination, day):
        raise Unfit
    limit = case.one(("14:00:00", "18:00:00", "21:00:00"))
    in_time = [
        pair for pair in case.connections(trip.origin, trip.destination, day)
        if len(seated(pair, trip.cabin, people)) == len(pair) and arrival(pair[1]) <= f"{day}T{limit}"
    ]  # fmt: skip
    pair = best(in_time, lambda p: sum(flight.prices[trip.cabin] for flight in p))
    method = case.card()
    name = case.named(method)
    case.rebook(trip, trip.cabin, [(flight.flight_number, day) for flight in pair], method)
    case.want(
        f"You want {which} moved to {day_name(day)}, and you have to be in {city(trip.destination)} by "
        f"{clock_name(limit)} (EST) on that day."
    )
    case.behave(
        "Changing planes once is fine. Of what arrives in time, you want what costs the least, in the same cabin. "
        f"Use {name} for the difference."
    )
