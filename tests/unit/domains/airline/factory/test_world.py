"""A made world holds together, whatever the seed.

The committed one is what the default seed gives.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from tests.reference import REFERENCE, needs_reference

from tau2.config import domain_dir
from tau2.domains.airline.data_model import CreditCard, FlightDateStatusAvailable, FlightDB
from tau2.domains.airline.factory.__main__ import DEFAULT_SEED, main, write_data
from tau2.domains.airline.factory.schedule import CABINS, CAPACITY, DAYS, TODAY
from tau2.domains.airline.factory.world import AirlineScale, build_world
from tau2.domains.airline.fares import BAG_PRICE, INSURANCE_PRICE, free_bags
from tau2.domains.airline.lookups import NEXT_DAY, NOW

FILES = ("db.json", "tasks.json", "split_tasks.json")
BEFORE_NOW, AHEAD = {"landed", "cancelled"}, {"available", "cancelled"}
TODAYS = {"landed", "flying", "delayed", "on time", "cancelled"}


@pytest.fixture(scope="module", params=[DEFAULT_SEED, 4], ids=["committed", "another seed"])
def world(request) -> FlightDB:
    return build_world(request.param)


@pytest.mark.slow
def test_the_committed_files_are_what_the_default_seed_gives(tmp_path):
    write_data(DEFAULT_SEED, tmp_path)
    for name in FILES:
        assert (tmp_path / name).read_bytes() == (domain_dir("airline") / name).read_bytes(), name


def test_another_seed_gives_another_world(tmp_path):
    small = AirlineScale(users=40, reservations=160, tasks=3)
    write_data(1, tmp_path / "one", small)
    write_data(2, tmp_path / "two", small)
    for name in FILES[:2]:
        assert (tmp_path / "one" / name).read_bytes() != (tmp_path / "two" / name).read_bytes()


def test_the_command_line_writes_the_files(tmp_path, monkeypatch):
    seen: list[tuple[int, Path]] = []
    monkeypatch.setattr(
        "tau2.domains.airline.factory.__main__.write_data",
        lambda seed, out: seen.append((seed, out)),
    )
    main(["--seed", "9", "--out", str(tmp_path)])
    assert seen == [(9, tmp_path)]


def test_the_world_has_the_promised_size(world):
    assert (len(world.flights), len(world.users), len(world.reservations)) == (300, 500, 2000)
    assert all(tuple(flight.dates) == DAYS for flight in world.flights.values())
    assert (domain_dir("airline") / "db.json").stat().st_size < 4_000_000


def test_flights_stand_as_the_clock_says(world):
    for flight in world.flights.values():
        for day, status in flight.dates.items():
            allowed = BEFORE_NOW if day < TODAY else TODAYS if day == TODAY else AHEAD
            assert status.status in allowed, (flight.flight_number, day)
        today = flight.dates[TODAY]
        if today.status in {"landed", "flying"}:
            assert today.actual_departure_time_est <= NOW
        if today.status in {"on time", "delayed"}:
            assert today.estimated_departure_time_est > NOW


def test_no_seat_is_sold_twice(world):
    sold: Counter[tuple[str, str, str]] = Counter()
    for trip in world.reservations.values():
        if trip.status is None:
            sold.update(
                {
                    (flight.flight_number, flight.date, trip.cabin): len(trip.passengers)
                    for flight in trip.flights
                }
            )
    for flight in world.flights.values():
        for day, status in flight.dates.items():
            if isinstance(status, FlightDateStatusAvailable):
                for cabin in CABINS:
                    left, ours = (
                        status.available_seats[cabin],
                        sold[flight.flight_number, day, cabin],
                    )
                    assert left >= 0
                    assert left + ours <= CAPACITY[cabin]


def test_better_cabins_cost_more(world):
    for flight in world.flights.values():
        for status in flight.dates.values():
            if isinstance(status, FlightDateStatusAvailable):
                prices = [status.prices[cabin] for cabin in CABINS]
                assert prices == sorted(set(prices))


def test_every_reservation_is_a_trip_that_can_be_flown(world):
    for trip in world.reservations.values():
        stops = [trip.flights[0].origin, *(flight.destination for flight in trip.flights)]
        end = trip.origin if trip.flight_type == "round_trip" else trip.destination
        assert (stops[0], stops[-1]) == (trip.origin, end)
        assert trip.destination in stops
        for one, other in pairwise(trip.flights):
            assert one.destination == other.origin
            assert arrival(world, one) <= departure(world, other)
        for flight in trip.flights:
            found = world.flights[flight.flight_number]
            assert (found.origin, found.destination) == (flight.origin, flight.destination)


def departure(world, flight) -> datetime:
    return datetime.fromisoformat(
        f"{flight.date}T{world.flights[flight.flight_number].scheduled_departure_time_est}"
    )


def arrival(world, flight) -> datetime:
    time = world.flights[flight.flight_number].scheduled_arrival_time_est
    there = datetime.fromisoformat(f"{flight.date}T{time.removesuffix(NEXT_DAY)}")
    return there + timedelta(days=NEXT_DAY in time)


def test_every_reservation_was_booked_before_it_leaves_and_before_now(world):
    for trip in world.reservations.values():
        assert trip.created_at < NOW
        assert datetime.fromisoformat(trip.created_at) < departure(world, trip.flights[0])


def test_nobody_can_argue_about_the_24_hours(world):
    limit = datetime.fromisoformat(NOW) - timedelta(hours=24)
    for trip in world.reservations.values():
        assert abs(datetime.fromisoformat(trip.created_at) - limit) > timedelta(minutes=59)


def test_every_reservation_is_paid_to_the_dollar(world):
    for trip in world.reservations.values():
        people = len(trip.passengers)
        price = (
            sum(flight.price for flight in trip.flights) * people
            + BAG_PRICE * trip.nonfree_baggages
        )
        price += INSURANCE_PRICE * people * (trip.insurance == "yes")
        expected = 0 if trip.status == "cancelled" else price
        assert sum(payment.amount for payment in trip.payment_history) == expected
        owner = world.users[trip.user_id]
        for payment in trip.payment_history:
            assert payment.payment_id in owner.payment_methods or payment.payment_id.startswith(
                "certificate_"
            )


def test_bags_are_charged_as_the_policy_says(world):
    for trip in world.reservations.values():
        free = free_bags(world.users[trip.user_id].membership, trip.cabin, len(trip.passengers))
        assert trip.nonfree_baggages == max(0, trip.total_baggages - free)


def test_ids_are_keys_and_reservations_belong_to_one_user(world):
    assert all(user_id == user.user_id for user_id, user in world.users.items())
    listed = [trip_id for user in world.users.values() for trip_id in user.reservations]
    assert sorted(listed) == sorted(world.reservations)
    assert all(
        world.reservations[t].user_id == u.user_id
        for u in world.users.values()
        for t in u.reservations
    )
    methods = [method_id for user in world.users.values() for method_id in user.payment_methods]
    assert len(methods) == len(set(methods))
    assert all(
        any(isinstance(m, CreditCard) for m in user.payment_methods.values())
        for user in world.users.values()
    )


def test_every_kind_of_trouble_occurs(world):
    standing = Counter(
        status
        for trip in world.reservations.values()
        if trip.status is None
        for status in {world.flights[f.flight_number].dates[f.date].status for f in trip.flights}
    )
    assert all(standing[status] >= 50 for status in ("cancelled", "delayed", "landed", "available"))
    assert sum(trip.status == "cancelled" for trip in world.reservations.values()) >= 20


@needs_reference
def test_no_id_is_one_of_the_public_data(world):
    public = FlightDB.load(REFERENCE / "tau2" / "domains" / "airline" / "db.json")
    assert world.users.keys().isdisjoint(public.users)
    assert world.flights.keys().isdisjoint(public.flights)
    families = {user.name.last_name for user in public.users.values()}
    assert families.isdisjoint(user.name.last_name for user in world.users.values())


@needs_reference
def test_no_committed_reservation_is_one_of_the_public_data():
    public = FlightDB.load(REFERENCE / "tau2" / "domains" / "airline" / "db.json")
    assert (
        FlightDB.load(domain_dir("airline") / "db.json")
        .reservations.keys()
        .isdisjoint(public.reservations)
    )
