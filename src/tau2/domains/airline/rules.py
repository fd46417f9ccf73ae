"""The airline's policy as executable rules; `policy.md` is what they stand for.

The tools check what a database can check (seats, balances, sums); these rules check the rest.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from pydantic import ValidationError

from tau2.data_model.message import Message, ToolCall
from tau2.domains.airline.data_model import CabinClass, Flight, FlightDB, Reservation, User
from tau2.domains.airline.fares import (
    CANCELLED_COMPENSATION,
    DELAYED_COMPENSATION,
    FLOWN,
    MOST_CERTIFICATES,
    MOST_CREDIT_CARDS,
    MOST_GIFT_CARDS,
    MOST_PASSENGERS,
    free_bags,
    is_recent,
    qualifies_for_compensation,
)
from tau2.domains.airline.lookups import NEXT_DAY
from tau2.environment.cow import peek
from tau2.environment.environment import Environment
from tau2.environment.policy_rules import Check, Rule, calls_done, confirmed_first, customer_words

_MOST_USED = {
    "certificate": MOST_CERTIFICATES,
    "credit_card": MOST_CREDIT_CARDS,
    "gift_card": MOST_GIFT_CARDS,
}
"""Kind of payment method → how many of it pay for one booking."""

_COVERED = re.compile(
    r"\b(?:ill|illness|sick\w*|unwell|flu|fever|covid|pneumonia|surgery|operation|hospital\w*|"
    r"doctor\w*|injur\w*|broken?|"
    r"ankle|health|medical|accident|pregnan\w*|storms?|weather|hurricane|snow\w*|blizzard|"
    r"flood\w*|tornado\w*|ice)\b",
    re.IGNORECASE,
)
_ASKS_COMPENSATION = re.compile(
    r"\b(?:compensat\w*|certificates?|vouchers?|make (?:it )?up (?:for|to)|"
    r"for (?:the|my|your) trouble|gesture|inconvenience)\b",
    re.IGNORECASE,
)


def _db(world: Environment) -> FlightDB:
    assert world.tools is not None
    db: FlightDB = world.tools.db
    return db


def _trip(world: Environment, call: ToolCall) -> Reservation | None:
    """Return the reservation a call is about, shared."""
    return peek(_db(world).reservations, str(call.arguments.get("reservation_id")))


def _owner(world: Environment, call: ToolCall) -> User | None:
    """Return the customer a call is about, shared."""
    trip = _trip(world, call)
    user_id = trip.user_id if trip is not None else str(call.arguments.get("user_id"))
    return peek(_db(world).users, user_id)


def _status(world: Environment, number: str, date: str) -> str:
    flight = peek(_db(world).flights, number)
    status = peek(flight.dates, date) if flight is not None else None
    return status.status if status is not None else "unknown"


def _statuses(world: Environment, trip: Reservation) -> set[str]:
    return {_status(world, flight.flight_number, flight.date) for flight in trip.flights}


def _listed(call: ToolCall, name: str) -> list[Mapping[str, Any]]:
    """Return the objects in an argument that is a list; the tool refuses anything else."""
    values = call.arguments.get(name)
    if isinstance(values, list):
        return [value for value in values if isinstance(value, Mapping)]
    return []


def _wanted(call: ToolCall) -> list[tuple[str, str]]:
    return [
        (str(flight.get("flight_number")), str(flight.get("date")))
        for flight in _listed(call, "flights")
    ]


def _number(call: ToolCall, name: str) -> int:
    value = call.arguments.get(name)
    try:
        return int(value) if isinstance(value, int | float | str) else 0
    except ValueError:
        return 0


def _earlier(before: Sequence[Message], *names: str) -> list[ToolCall]:
    """Return the calls of some tools that were carried out, in order."""
    return [call for call, _ in calls_done(before) if call.name in names]


def not_identified(world: Environment, call: ToolCall, before: Sequence[Message]) -> str | None:
    """The profile of the customer concerned was looked up before."""
    user = _owner(world, call)
    seen = {earlier.arguments.get("user_id") for earlier in _earlier(before, "get_user_details")}
    if user is None or user.user_id in seen:
        return None
    return f"the profile of {user.user_id} was never looked up"


def over(world: Environment, call: ToolCall, _before: Sequence[Message]) -> str | None:
    """Nothing changes on a reservation that is cancelled or flown to its end."""
    trip = _trip(world, call)
    if trip is None:
        return None
    if trip.status == "cancelled":
        return f"reservation {trip.reservation_id} is cancelled already"
    if _statuses(world, trip) <= FLOWN:
        return f"reservation {trip.reservation_id} is flown to its end"
    return None


def too_many_passengers(
    _world: Environment, call: ToolCall, _before: Sequence[Message]
) -> str | None:
    """A reservation has five passengers at most."""
    people = len(_listed(call, "passengers"))
    return f"{people} passengers on one reservation" if people > MOST_PASSENGERS else None


def payment_mix(world: Environment, call: ToolCall, _before: Sequence[Message]) -> str | None:
    """One certificate, one credit card and three gift cards at most pay for a booking."""
    user = _owner(world, call)
    methods = user.payment_methods if user is not None else {}
    ids = {str(payment.get("payment_id")) for payment in _listed(call, "payment_methods")}
    used = Counter[str](methods[payment_id].source for payment_id in ids if payment_id in methods)
    broken = [
        f"{used[kind]} of the kind {kind}" for kind, most in _MOST_USED.items() if used[kind] > most
    ]
    return f"paid with {', '.join(broken)}" if broken else None


def wrong_bag_charge(world: Environment, call: ToolCall, _before: Sequence[Message]) -> str | None:
    """As many bags are paid for as exceed the free allowance, and none is paid for twice."""
    user = _owner(world, call)
    trip = _trip(world, call)
    if user is None:
        return None
    cabin: CabinClass = trip.cabin if trip is not None else call.arguments.get("cabin", "economy")
    people = len(trip.passengers) if trip is not None else len(_listed(call, "passengers"))
    if cabin not in {"basic_economy", "economy", "business"}:
        return None
    before = trip.nonfree_baggages if trip is not None else 0
    right = max(before, _number(call, "total_baggages") - free_bags(user.membership, cabin, people))
    paid = _number(call, "nonfree_baggages")
    return None if paid == right else f"{paid} bags paid for where it should be {right}"


def bags_removed(world: Environment, call: ToolCall, _before: Sequence[Message]) -> str | None:
    """Checked bags are added, never removed."""
    trip = _trip(world, call)
    total = _number(call, "total_baggages")
    if trip is None or total >= trip.total_baggages:
        return None
    return f"{trip.total_baggages} bags became {total}"


def basic_economy_changed(
    world: Environment, call: ToolCall, _before: Sequence[Message]
) -> str | None:
    """A reservation in basic economy keeps its flights."""
    trip = _trip(world, call)
    if trip is None or trip.cabin != "basic_economy":
        return None
    same = sorted(_wanted(call)) == sorted(
        (flight.flight_number, flight.date) for flight in trip.flights
    )
    return None if same else f"flights of {trip.reservation_id} changed in basic economy"


def flown_changed(world: Environment, call: ToolCall, _before: Sequence[Message]) -> str | None:
    """Flown flights stay, and with them the cabin."""
    trip = _trip(world, call)
    if trip is None or not _statuses(world, trip) & FLOWN:
        return None
    if call.arguments.get("cabin") != trip.cabin:
        return f"the cabin of {trip.reservation_id} changed after a flight was flown"
    flown = [f for f in trip.flights if _status(world, f.flight_number, f.date) in FLOWN]
    gone = [f.flight_number for f in flown if (f.flight_number, f.date) not in _wanted(call)]
    return f"flown flights were taken out: {', '.join(gone)}" if gone else None


def route_changed(world: Environment, call: ToolCall, _before: Sequence[Message]) -> str | None:
    """Flights lead from the origin to the destination (and back), each after the one before."""
    trip = _trip(world, call)
    facts = trip.model_dump() if trip is not None else call.arguments
    legs = [(peek(_db(world).flights, number), date) for number, date in _wanted(call)]
    flights = [(flight, date) for flight, date in legs if flight is not None]
    if len(flights) < len(legs) or not flights:
        return None  # the tool refuses it
    start = facts.get("origin")
    destination = facts.get("destination")
    stops = [flights[0][0].origin, *(flight.destination for flight, _ in flights)]
    joined = all(one.destination == other.origin for (one, _), (other, _) in pairwise(flights))
    ends = (start, start) if facts.get("flight_type") == "round_trip" else (start, destination)
    if not joined or (stops[0], stops[-1]) != ends or destination not in stops:
        kind = facts.get("flight_type")
        return f"the flights do not lead from {start} to {destination} as a {kind} trip"
    if any(_leaves(later) < _arrives(earlier) for earlier, later in pairwise(flights)):
        return "a flight leaves before the one before it has arrived"
    return None


Leg = tuple[Flight, str]


def _leaves(leg: Leg) -> str:
    return f"{leg[1]}T{leg[0].scheduled_departure_time_est}"


def _arrives(leg: Leg) -> str:
    """Return when a flight arrives; within one month, so that counting up the day will do."""
    time = leg[0].scheduled_arrival_time_est
    date = leg[1]
    if time.endswith(NEXT_DAY):
        date = f"{date[:8]}{int(date[8:]) + 1:02}"
    return f"{date}T{time.removesuffix(NEXT_DAY)}"


def no_reason_to_cancel(
    world: Environment, call: ToolCall, before: Sequence[Message]
) -> str | None:
    """Cancelled within 24 hours, in business, when the airline disrupted it, or insured for it."""
    trip = _trip(world, call)
    if (
        trip is None
        or is_recent(trip)
        or trip.cabin == "business"
        or "cancelled" in _statuses(world, trip)
    ):
        return None
    if trip.insurance == "no":
        return f"{trip.reservation_id} was cancelled without a permitted reason"
    words = customer_words(before)
    if words and not _COVERED.search(words):
        return f"{trip.reservation_id} was cancelled for a reason that its insurance does not cover"
    return None


def flown_cancelled(world: Environment, call: ToolCall, _before: Sequence[Message]) -> str | None:
    """What is flown in part is not cancelled."""
    trip = _trip(world, call)
    if trip is None or not _statuses(world, trip) & FLOWN:
        return None
    return f"{trip.reservation_id} was cancelled although a part of it is flown"


def compensation(world: Environment, call: ToolCall, before: Sequence[Message]) -> str | None:
    """A certificate is what the policy provides for a disrupted reservation."""
    user = _owner(world, call)
    if user is None:
        return None
    permitted: set[int] = set()
    for trip_id in user.reservations:
        trip = peek(_db(world).reservations, trip_id)
        if trip is not None and qualifies_for_compensation(user.membership, trip):
            permitted |= _compensation_for(world, trip, before)
    amount = _number(call, "amount")
    if amount in permitted:
        return None
    known = ", ".join(f"${value}" for value in sorted(permitted)) or "nothing"
    return f"a certificate of ${amount}, where {known} is provided for"


def _compensation_for(world: Environment, trip: Reservation, before: Sequence[Message]) -> set[int]:
    people = len(trip.passengers)
    changes = _earlier(before, "update_reservation_flights", "cancel_reservation")
    is_changed = any(
        change.arguments.get("reservation_id") == trip.reservation_id for change in changes
    )
    statuses = _statuses(world, trip) | (
        _statuses_before(world, trip, before) if is_changed else set()
    )
    if "cancelled" in statuses:
        return {CANCELLED_COMPENSATION * people}
    return {DELAYED_COMPENSATION * people} if is_changed and "delayed" in statuses else set()


def _statuses_before(world: Environment, trip: Reservation, before: Sequence[Message]) -> set[str]:
    """Return how the flights stand that the reservation had when it was first looked at."""
    for call, result in calls_done(before):
        if (
            call.name == "get_reservation_details"
            and call.arguments.get("reservation_id") == trip.reservation_id
        ):
            try:
                return _statuses(world, Reservation.model_validate_json(result.content or ""))
            except ValidationError:
                continue  # a recorded result may be anything
    return set()


def unasked_compensation(
    _world: Environment, _call: ToolCall, before: Sequence[Message]
) -> str | None:
    """Compensation is never brought up by the agent."""
    words = customer_words(before)
    return None if _ASKS_COMPENSATION.search(words) else "the customer never asked for compensation"


def _on(names: tuple[str, ...], check: Check) -> Check:
    """Return a check that is made of some tools only."""
    return lambda world, call, before: check(world, call, before) if call.name in names else None


_BOOK = "book_reservation"
_FLIGHTS = "update_reservation_flights"
_BAGS = "update_reservation_baggages"
_PEOPLE = "update_reservation_passengers"
_CANCEL = "cancel_reservation"
_CERTIFICATE = "send_certificate"

POLICY_RULES: tuple[Rule, ...] = (
    Rule("the customer is identified first", not_identified),
    confirmed_first(),
    Rule("what is over is not changed", over),
    Rule("at most five passengers", _on((_BOOK, _PEOPLE), too_many_passengers)),
    Rule(
        "at most one certificate, one credit card and three gift cards", _on((_BOOK,), payment_mix)
    ),
    Rule(
        "bags beyond the allowance are paid for, others not", _on((_BOOK, _BAGS), wrong_bag_charge)
    ),
    Rule("bags are never removed", _on((_BAGS,), bags_removed)),
    Rule("flights in basic economy are not changed", _on((_FLIGHTS,), basic_economy_changed)),
    Rule("flown flights and their cabin stay", _on((_FLIGHTS,), flown_changed)),
    Rule("origin, destination and trip type stay", _on((_BOOK, _FLIGHTS), route_changed)),
    Rule("cancelled only for a permitted reason", _on((_CANCEL,), no_reason_to_cancel)),
    Rule("a trip flown in part is not cancelled", _on((_CANCEL,), flown_cancelled)),
    Rule("compensation as provided for", _on((_CERTIFICATE,), compensation)),
    Rule("compensation only when asked for", _on((_CERTIFICATE,), unasked_compensation)),
)
"""Every rule that can be judged from a trajectory and the world it began in."""
