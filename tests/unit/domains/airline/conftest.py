"""An airline small enough to see at a glance: three customers, six flights, five reservations."""

from __future__ import annotations

from typing import Any

import pytest

from tau2.data_model.message import ToolCall, ToolMessage
from tau2.domains.airline.data_model import FlightDB
from tau2.domains.airline.environment import get_environment

HOME = {
    "address1": "1 Elm Lane",
    "address2": "",
    "city": "Reno",
    "country": "USA",
    "state": "NV",
    "zip": "89501",
}
OPEN_DAYS = ("2024-05-20", "2024-05-21", "2024-05-22", "2024-05-31", "2024-06-01")


def open_day(
    basic: int = 50, economy: int = 100, business: int = 300, seats: int = 4
) -> dict[str, Any]:
    cabins = ("basic_economy", "economy", "business")
    return {
        "status": "available",
        "available_seats": dict.fromkeys(cabins, seats),
        "prices": dict(zip(cabins, (basic, economy, business), strict=True)),
    }


LANDED = {
    "status": "landed",
    "actual_departure_time_est": "2024-05-10T08:00:00",
    "actual_arrival_time_est": "2024-05-10T10:00:00",
}
DELAYED = {
    "status": "delayed",
    "estimated_departure_time_est": "2024-05-15T19:00:00",
    "estimated_arrival_time_est": "2024-05-15T21:00:00",
}
CANCELLED = {"status": "cancelled"}


def flight(number: str, route: str, times: str, **dates: dict[str, Any]) -> dict[str, Any]:
    origin, destination = route.split("-")
    departs, arrives = times.split("-")
    return {
        "flight_number": number,
        "origin": origin,
        "destination": destination,
        "scheduled_departure_time_est": departs,
        "scheduled_arrival_time_est": arrives,
        "dates": {day: open_day() for day in OPEN_DAYS}
        | {f"2024-05-{day[1:]}": found for day, found in dates.items()},
    }


FLIGHTS = (
    flight(
        "LKA1", "SFO-DEN", "08:00:00-11:00:00", d10=LANDED, d16=CANCELLED, d23=open_day(economy=120)
    ),
    flight("LKA2", "DEN-SFO", "12:00:00-15:00:00", d15=DELAYED),
    flight("LKA3", "DEN-BOS", "13:00:00-17:00:00", d23=open_day(seats=1)),
    flight("LKA4", "SFO-DEN", "22:00:00-00:30:00+1"),
    flight("LKA5", "DEN-BOS", "00:15:00-04:00:00"),
    flight("LKA6", "DEN-BOS", "00:45:00-04:30:00"),
)

ANN = {"first_name": "Ann", "last_name": "Oak", "dob": "1980-01-02"}
BEA = {"first_name": "Bea", "last_name": "Fir", "dob": "1990-03-04"}


def methods(owner: str) -> dict[str, dict[str, Any]]:
    found = (
        {
            "source": "credit_card",
            "id": f"credit_card_{owner}",
            "brand": "visa",
            "last_four": "1234",
        },
        {"source": "gift_card", "id": f"gift_card_{owner}", "amount": 150},
        {"source": "certificate", "id": f"certificate_{owner}", "amount": 80},
        {"source": "certificate", "id": f"certificate_{owner}_2", "amount": 60},
    )
    return {method["id"]: dict(method) for method in found}


def user(name: str, membership: str, trips: list[str]) -> dict[str, Any]:
    return {
        "user_id": f"{name}_oak_1", "name": {"first_name": name.title(), "last_name": "Oak"},
        "address": dict(HOME), "email": f"{name}@example.org", "dob": "1980-01-02",
        "payment_methods": methods(name), "saved_passengers": [], "membership": membership,
        "reservations": trips,
    }  # fmt: skip


def trip(
    trip_id: str, owner: str, legs: list[tuple[str, str, int]], **changes: Any
) -> dict[str, Any]:
    routes = {found["flight_number"]: found for found in FLIGHTS}
    flights = [
        {
            "flight_number": number, "origin": routes[number]["origin"],
            "destination": routes[number]["destination"], "date": day, "price": price,
        }
        for number, day, price in legs
    ]  # fmt: skip
    people = changes.get("passengers", [ANN])
    plain = {
        "reservation_id": trip_id, "user_id": f"{owner}_oak_1", "origin": flights[0]["origin"],
        "destination": flights[0]["destination"], "flight_type": "one_way", "cabin": "economy",
        "flights": flights, "passengers": people, "created_at": "2024-05-01T12:00:00",
        "total_baggages": 1, "nonfree_baggages": 0, "payment_history": [
            {"payment_id": f"credit_card_{owner}",
             "amount": sum(price for *_, price in legs) * len(people)}
        ],
        "insurance": "no",
    }  # fmt: skip
    return plain | changes


TRIPS = (
    trip("ONEWAY", "ann", [("LKA1", "2024-05-20", 90)]),
    trip("BASIC1", "ann", [("LKA1", "2024-05-20", 40)], cabin="basic_economy", total_baggages=0),
    trip("ROUND1", "ann", [("LKA1", "2024-05-20", 90), ("LKA2", "2024-05-22", 95)],
         flight_type="round_trip", passengers=[ANN, BEA]),
    trip("FLOWN1", "ann", [("LKA1", "2024-05-10", 90), ("LKA2", "2024-05-20", 95)],
         flight_type="round_trip"),
    trip("GONE16", "bob", [("LKA1", "2024-05-16", 90)], passengers=[ANN, BEA]),
    trip("LATE15", "bob", [("LKA2", "2024-05-15", 90)]),
)  # fmt: skip


@pytest.fixture
def db() -> FlightDB:
    data = {
        "flights": {found["flight_number"]: found for found in FLIGHTS},
        "users": {
            found["user_id"]: found
            for found in (
                user("ann", "regular", ["ONEWAY", "BASIC1", "ROUND1", "FLOWN1"]),
                user("bob", "silver", ["GONE16", "LATE15"]),
                user("cat", "gold", []),
            )
        },
        "reservations": {found["reservation_id"]: found for found in TRIPS},
    }
    return FlightDB.model_validate(data).fork()


class Desk:
    """The airline with an agent who calls tools by name."""

    def __init__(self, db: FlightDB, *, strict: bool = False) -> None:
        self.environment = get_environment(db)
        self.environment.strict_compat = strict
        self.environment.tools.strict_compat = strict
        self.db = db

    def call(self, name: str, **arguments: Any) -> ToolMessage:
        return self.environment.get_response(ToolCall(id="c", name=name, arguments=arguments))

    def refuses(self, name: str, **arguments: Any) -> str:
        """Return why a call is refused; nothing may have changed."""
        before = self.environment.get_db_hash()
        result = self.call(name, **arguments)
        assert result.error, result.content
        assert self.environment.get_db_hash() == before
        return result.content

    def does(self, name: str, **arguments: Any) -> str:
        result = self.call(name, **arguments)
        assert not result.error, result.content
        return result.content


@pytest.fixture
def desk(db) -> Desk:
    return Desk(db)


@pytest.fixture
def strict_desk(db) -> Desk:
    return Desk(db, strict=True)
