"""Finds trips in the timetable: nonstop or with one change, on given days, in a given state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

from tau2.domains.airline.data_model import Flight
from tau2.domains.airline.factory.network import miles
from tau2.domains.airline.factory.schedule import DAYS
from tau2.domains.airline.fares import FLOWN
from tau2.domains.airline.lookups import NEXT_DAY

Leg = tuple[Flight, str]
"""A flight and the date on which it leaves."""

_NONSTOP_FIRST = 0.9  # share of trips that take a nonstop flight where there is one
_SERVED = 0.7  # share of trips between airports that are joined by nonstop flights
_NEAR = 150  # miles: nobody flies to a neighbouring airport
_CHANGE = (45, 300)  # minutes between two flights of one trip, least and most


@dataclass(frozen=True, slots=True)
class TripKind:
    """A kind of trip by how its flights stand now."""

    share: int
    """Percent of the reservations."""
    days: tuple[int, int]
    """First and last day of May on which it may start."""
    back: tuple[int, int]
    """Least and most days until the way back."""
    must: frozenset[str] = frozenset()
    """At least one flight stands like this."""
    never: frozenset[str] = frozenset()
    """No flight stands like this."""
    round_trip: float = 0.55
    """Share of round trips."""


TRIP_KINDS = (
    TripKind(61, (16, 28), (1, 8), never=frozenset({"cancelled"})),
    TripKind(
        12,
        (1, 12),
        (1, 5),
        never=frozenset({"cancelled", "available", "on time", "delayed", "flying"}),
    ),
    TripKind(9, (9, 15), (3, 12), must=FLOWN, never=frozenset({"cancelled"}), round_trip=1.0),
    TripKind(9, (15, 15), (2, 9), must=frozenset({"delayed"}), never=FLOWN | {"cancelled"}),
    TripKind(9, (15, 27), (1, 8), must=frozenset({"cancelled"}), never=FLOWN | {"delayed"}),
)


class Timetable:
    """Flights by route."""

    def __init__(self, flights: Mapping[str, Flight]) -> None:
        """Index the flights."""
        self.by_route: dict[tuple[str, str], list[Flight]] = {}
        for flight in flights.values():
            self.by_route.setdefault((flight.origin, flight.destination), []).append(flight)
        self.neighbours: dict[str, list[str]] = {}
        for origin, destination in self.by_route:
            self.neighbours.setdefault(origin, []).append(destination)

    def way(self, rng: Random, origin: str, destination: str, day: str) -> list[Leg] | None:
        """Return a way from one airport to another that starts on a day, or None."""
        nonstop = self.by_route.get((origin, destination), [])
        if nonstop and rng.random() < _NONSTOP_FIRST:
            return [(rng.choice(nonstop), day)]
        changes = [stop for stop in self.neighbours[origin] if (stop, destination) in self.by_route]
        rng.shuffle(changes)
        for stop in changes:
            pairs = [
                [(first, day), (second, day)]
                for first in self.by_route[origin, stop]
                for second in self.by_route[stop, destination]
                if _CHANGE[0] <= minutes_between(first, second) <= _CHANGE[1]
            ]
            if pairs:
                return rng.choice(pairs)
        return None

    def _ends(self, rng: Random) -> tuple[str, str]:
        while True:
            origin, destination = rng.sample(sorted(self.neighbours), 2)
            if rng.random() < _SERVED:
                destination = rng.choice(self.neighbours[origin])
            if miles(origin, destination) > _NEAR:
                return origin, destination

    def trip(self, rng: Random, kind: TripKind) -> tuple[list[Leg], list[Leg]] | None:
        """Return a random way out and back ([] if one-way), or None when it does not fit."""
        origin, destination = self._ends(rng)
        starts = rng.randint(*kind.days)
        out = self.way(rng, origin, destination, DAYS[starts - 1])
        back: list[Leg] | None = []
        if rng.random() < kind.round_trip:
            returns = starts + rng.randint(*kind.back)
            if returns > len(DAYS):
                return None
            back = self.way(rng, destination, origin, DAYS[returns - 1])
        if out is None or back is None:
            return None
        statuses = {flight.dates[day].status for flight, day in out + back}
        fits = statuses.isdisjoint(kind.never) and (
            not kind.must or not statuses.isdisjoint(kind.must)
        )
        return (out, back) if fits else None


def minutes_between(first: Flight, second: Flight) -> int:
    """Return the minutes between the arrival of one flight and the departure of another."""
    if NEXT_DAY in first.scheduled_arrival_time_est:
        return -1
    return _minute(second.scheduled_departure_time_est) - _minute(first.scheduled_arrival_time_est)


def _minute(clock: str) -> int:
    return int(clock[:2]) * 60 + int(clock[3:5])


def first_moment(out: list[Leg]) -> str:
    """Return when a trip leaves, as planned."""
    flight, day = out[0]
    return f"{day}T{flight.scheduled_departure_time_est}"
