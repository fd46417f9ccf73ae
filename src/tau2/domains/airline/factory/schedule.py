"""The airline's timetable for May 2024: flights, their fares and states by day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import Random

from tau2.domains.airline.data_model import (
    CabinClass,
    Flight,
    FlightDateStatus,
    FlightDateStatusAvailable,
    FlightDateStatusCancelled,
    FlightDateStatusDelayed,
    FlightDateStatusFlying,
    FlightDateStatusLanded,
    FlightDateStatusOnTime,
)
from tau2.domains.airline.factory.network import miles, routes
from tau2.domains.airline.lookups import NEXT_DAY, NOW

AIRLINE_CODE = "LKA"
FIRST_NUMBER = 101
DAYS = tuple(date(2024, 5, day).isoformat() for day in range(1, 31))
CLOCK = datetime.fromisoformat(NOW)
TODAY = CLOCK.date().isoformat()
CABINS: tuple[CabinClass, ...] = ("basic_economy", "economy", "business")
CAPACITY: dict[CabinClass, int] = {"basic_economy": 24, "economy": 48, "business": 14}
"""Seats of every aircraft."""

_BANDS = {
    2: ((6 * 60, 12 * 60), (13 * 60, 22 * 60)),
    3: ((6 * 60, 10 * 60), (11 * 60, 15 * 60), (16 * 60, 22 * 60)),
}
"""Flights a day → when each of them may leave, in minutes of the day."""
_STEP = 15  # minutes: departures are on the quarter of an hour
_TAXI = 40  # minutes of a flight that do not depend on its length
_MILES_A_MINUTE = 7.8
_CANCELLED_BEFORE = 0.07  # share of past flights that the airline cancelled
_CANCELLED_TODAY = 0.05
_CANCELLED_AHEAD = 0.03
_DELAYED = 0.4  # share of the flights still to leave today


@dataclass(frozen=True, slots=True)
class Fares:
    """What a flight costs per passenger on each date, by cabin (US dollars)."""

    by_date: dict[str, dict[CabinClass, int]]


def build_schedule(rng: Random) -> tuple[dict[str, Flight], dict[str, Fares]]:
    """Return every flight and its fares by flight number; nobody is on board yet."""
    flights: dict[str, Flight] = {}
    fares: dict[str, Fares] = {}
    for origin, destination, times in routes(rng):
        for band in _BANDS[times]:
            number = f"{AIRLINE_CODE}{FIRST_NUMBER + len(flights)}"
            fares[number] = _fares(rng, miles(origin, destination))
            flights[number] = _flight(rng, number, (origin, destination), band, fares[number])
    return flights, fares


def _fares(rng: Random, distance: float) -> Fares:
    usual = (45 + 0.05 * distance) * rng.uniform(0.85, 1.25)
    by_date: dict[str, dict[CabinClass, int]] = {}
    for day in DAYS:
        economy = usual * rng.uniform(0.75, 1.4)
        by_date[day] = {
            "basic_economy": round(economy * rng.uniform(0.5, 0.72)),
            "economy": round(economy),
            "business": round(economy * rng.uniform(2.2, 3.4)),
        }
    return Fares(by_date)


def _flight(
    rng: Random, number: str, route: tuple[str, str], band: tuple[int, int], fares: Fares
) -> Flight:
    departs = rng.randrange(*band, _STEP)
    minutes = 5 * round((_TAXI + miles(*route) / _MILES_A_MINUTE) / 5)
    return Flight(
        flight_number=number,
        origin=route[0],
        destination=route[1],
        scheduled_departure_time_est=_clock(departs),
        scheduled_arrival_time_est=_clock(departs + minutes),
        dates={day: _status(rng, day, departs, minutes, fares) for day in DAYS},
    )


def _clock(minutes: int) -> str:
    days, minute = divmod(minutes, 24 * 60)
    return f"{minute // 60:02}:{minute % 60:02}:00{NEXT_DAY if days else ''}"


def _status(rng: Random, day: str, departs: int, minutes: int, fares: Fares) -> FlightDateStatus:
    if day > TODAY:
        if rng.random() < _CANCELLED_AHEAD:
            return FlightDateStatusCancelled(status="cancelled")
        return FlightDateStatusAvailable(
            status="available", available_seats=dict(CAPACITY), prices=fares.by_date[day]
        )
    planned = datetime.fromisoformat(day) + timedelta(minutes=departs)
    if rng.random() < (_CANCELLED_TODAY if day == TODAY else _CANCELLED_BEFORE):
        return FlightDateStatusCancelled(status="cancelled")
    left = planned + timedelta(minutes=rng.randint(-5, 35))
    there = left + timedelta(minutes=minutes + rng.randint(-12, 12))
    if there <= CLOCK:
        return FlightDateStatusLanded(
            status="landed",
            actual_departure_time_est=left.isoformat(),
            actual_arrival_time_est=there.isoformat(),
        )
    if left <= CLOCK:
        return FlightDateStatusFlying(
            status="flying",
            actual_departure_time_est=left.isoformat(),
            estimated_arrival_time_est=there.isoformat(),
        )
    return _still_here(rng, planned, minutes)


def _still_here(rng: Random, planned: datetime, minutes: int) -> FlightDateStatus:
    """Return the state of a flight of today that has not left; late if it should have."""
    if planned <= CLOCK or rng.random() < _DELAYED:
        leaves = max(planned, CLOCK) + timedelta(minutes=5 * rng.randint(10, 40))
        return FlightDateStatusDelayed(
            status="delayed",
            estimated_departure_time_est=leaves.isoformat(),
            estimated_arrival_time_est=(leaves + timedelta(minutes=minutes)).isoformat(),
        )
    return FlightDateStatusOnTime(
        status="on time",
        estimated_departure_time_est=planned.isoformat(),
        estimated_arrival_time_est=(planned + timedelta(minutes=minutes)).isoformat(),
    )
