"""Builds the airline: flights, travellers and reservations, consistent by construction.

No seat is sold twice, every reservation is paid to the dollar and was booked before it leaves, bags
and prices are what the policy makes of them, and cancelled trips are cancelled by the domain's own
tool.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from tau2.domains.airline.data_model import (
    CabinClass,
    CreditCard,
    Flight,
    FlightDateStatusAvailable,
    FlightDB,
    GiftCard,
    Insurance,
    Passenger,
    Payment,
    Reservation,
    ReservationFlight,
    User,
)
from tau2.domains.airline.factory.schedule import CABINS, CAPACITY, CLOCK, build_schedule
from tau2.domains.airline.factory.travellers import (
    make_passenger,
    make_traveller,
    pick,
    reservation_id,
)
from tau2.domains.airline.factory.trips import TRIP_KINDS, Leg, Timetable, first_moment
from tau2.domains.airline.fares import BAG_PRICE, INSURANCE_PRICE, free_bags
from tau2.domains.airline.tools import NEW_CERTIFICATE_IDS, AirlineTools
from tau2.seeds import derive_seed
from tau2.taskgen.ids import FreshIds

_PEOPLE = ((1, 55), (2, 27), (3, 10), (4, 5), (5, 3))  # passengers of a reservation, percent
_CABIN_SHARES: tuple[tuple[CabinClass, int], ...] = (
    ("basic_economy", 30),
    ("economy", 45),
    ("business", 25),
)
_INSURED = 0.33  # share of the reservations with travel insurance
_OTHERS_FLY = 0.1  # share of the reservations that are for other people only
_CANCELLED = 0.04  # share of the reservations that are cancelled already
_RECENT = 0.2  # share of the trips yet to start that were booked within the last day
_BOOKED_AHEAD = 18  # days, at most
_MOST_RESERVATIONS = 8  # of one traveller
_FARE_DRIFT = (0.82, 1.15)  # what was paid, as a part of today's fare
_LOAD = (
    0.45,
    1.08,
)  # part of the seats that travellers of other companies hold; above 1 is sold out
_DAY = timedelta(hours=24)
_MARGIN = timedelta(
    hours=1
)  # nothing was booked so near to 24 hours ago that one could argue about it


@dataclass(frozen=True, slots=True)
class AirlineScale:
    """How large the world is; the flights are always the same number."""

    users: int = 500
    reservations: int = 2000
    tasks: int = 100


def build_world(seed: int, scale: AirlineScale | None = None) -> FlightDB:
    """Return the airline of a seed."""
    rng = Random(derive_seed(seed, "airline", "world"))  # noqa: S311  -- no secrets
    return _AirlineBuilder(rng, scale or AirlineScale()).build()


class _AirlineBuilder:
    def __init__(self, rng: Random, scale: AirlineScale) -> None:
        self.rng = rng
        self.scale = scale
        self.ids = FreshIds(rng, taken=NEW_CERTIFICATE_IDS)
        self.flights, self.fares = build_schedule(rng)
        self.timetable = Timetable(self.flights)
        self.reservations: dict[str, Reservation] = {}
        self.sold: Counter[tuple[str, str, CabinClass]] = Counter()

    def build(self) -> FlightDB:
        travellers = [make_traveller(self.rng, self.ids) for _ in range(self.scale.users)]
        for traveller, count in zip(travellers, self._counts(), strict=True):
            made = sorted(
                (self._reservation(traveller) for _ in range(count)),
                key=lambda trip: trip.created_at,
            )
            traveller.reservations = [trip.reservation_id for trip in made]
            self.reservations |= {trip.reservation_id: trip for trip in made}
        self._sell_seats_to_others()
        db = FlightDB(
            flights=self.flights,
            users={traveller.user_id: traveller for traveller in travellers},
            reservations=self.reservations,
        )
        self._cancel_some(db)
        return db

    def _counts(self) -> list[int]:
        """Return how many reservations each traveller has."""
        counts = [1] * self.scale.users
        while sum(counts) < self.scale.reservations:
            lucky = self.rng.randrange(len(counts))
            counts[lucky] += counts[lucky] < _MOST_RESERVATIONS
        return counts

    def _reservation(self, traveller: User) -> Reservation:
        cabin = pick(self.rng, _CABIN_SHARES)
        passengers = self._passengers(traveller)
        out, back = self._trip(cabin, len(passengers))
        flights = [self._booked(flight, day, cabin) for flight, day in out + back]
        for flight in flights:
            self.sold[flight.flight_number, flight.date, cabin] += len(passengers)
        insurance: Insurance = "yes" if self.rng.random() < _INSURED else "no"
        free = free_bags(traveller.membership, cabin, len(passengers))
        bags = self.rng.randint(
            0, min(free, 2 * len(passengers)) + self.rng.choice((0, 0, 0, 1, 2))
        )
        price = sum(flight.price for flight in flights) * len(passengers)
        price += INSURANCE_PRICE * len(passengers) * (insurance == "yes") + BAG_PRICE * max(
            0, bags - free
        )
        return Reservation(
            reservation_id=reservation_id(self.ids),
            user_id=traveller.user_id,
            origin=out[0][0].origin,
            destination=out[-1][0].destination,
            flight_type="round_trip" if back else "one_way",
            cabin=cabin,
            flights=flights,
            passengers=passengers,
            payment_history=self._payments(traveller, price),
            created_at=self._created(first_moment(out)),
            total_baggages=bags,
            nonfree_baggages=max(0, bags - free),
            insurance=insurance,
        )

    def _passengers(self, traveller: User) -> list[Passenger]:
        name = traveller.name
        count = pick(self.rng, _PEOPLE)
        people = [] if self.rng.random() < _OTHERS_FLY else [
            Passenger(first_name=name.first_name, last_name=name.last_name, dob=traveller.dob)
        ]  # fmt: skip
        people += self.rng.sample(
            traveller.saved_passengers, min(len(traveller.saved_passengers), count - len(people))
        )
        while len(people) < count:
            stranger = make_passenger(self.rng, name.last_name)
            if stranger.first_name not in {person.first_name for person in people}:
                people.append(stranger)
        return sorted(people, key=lambda person: (person.last_name, person.first_name, person.dob))

    def _trip(self, cabin: CabinClass, people: int) -> tuple[list[Leg], list[Leg]]:
        kind = pick(self.rng, [(kind, kind.share) for kind in TRIP_KINDS])
        while True:
            trip = self.timetable.trip(self.rng, kind)
            if trip is None:
                continue
            sold = [
                self.sold[flight.flight_number, day, cabin] for flight, day in trip[0] + trip[1]
            ]
            if max(sold) + people <= CAPACITY[cabin]:
                return trip

    def _booked(self, flight: Flight, day: str, cabin: CabinClass) -> ReservationFlight:
        fare = self.fares[flight.flight_number].by_date[day][cabin]
        return ReservationFlight(
            flight_number=flight.flight_number,
            origin=flight.origin,
            destination=flight.destination,
            date=day,
            price=round(fare * self.rng.uniform(*_FARE_DRIFT)),
        )

    def _payments(self, traveller: User, price: int) -> list[Payment]:
        """Pay a price, mostly by one method; a used certificate is no longer in the profile."""
        methods = traveller.payment_methods.values()
        cards = [method.id for method in methods if isinstance(method, CreditCard)]
        gifts = [method.id for method in methods if isinstance(method, GiftCard)]
        way = self.rng.random()
        if gifts and way < 0.3:
            return [Payment(payment_id=self.rng.choice(gifts), amount=price)]
        card = self.rng.choice(cards)
        first = self.rng.choice((50, 100, 150, 200))
        if way < 0.85 or first >= price:
            return [Payment(payment_id=card, amount=price)]
        other = (
            self.rng.choice(gifts)
            if gifts and self.rng.random() < 0.5
            else self.ids.digits(7, "certificate_")
        )
        parts = [
            Payment(payment_id=card, amount=price - first),
            Payment(payment_id=other, amount=first),
        ]
        return sorted(parts, key=lambda payment: payment.payment_id)

    def _created(self, leaves: str) -> str:
        """Return when a trip that leaves at a moment was booked: before that, and before now."""
        last = min(CLOCK, datetime.fromisoformat(leaves) - timedelta(hours=3))
        recent = self.rng.random() < _RECENT and last == CLOCK
        earliest, latest = (
            (CLOCK - _DAY + _MARGIN, CLOCK)
            if recent
            else (last - timedelta(days=_BOOKED_AHEAD), last)
        )
        if not recent and latest > CLOCK - _DAY - _MARGIN:
            latest = CLOCK - _DAY - _MARGIN
        seconds = int((latest - earliest).total_seconds())
        return (earliest + timedelta(seconds=self.rng.randrange(60, seconds))).isoformat()

    def _sell_seats_to_others(self) -> None:
        for number, flight in self.flights.items():
            for day, status in flight.dates.items():
                if not isinstance(status, FlightDateStatusAvailable):
                    continue
                for cabin in CABINS:
                    others = round(self.rng.uniform(*_LOAD) * CAPACITY[cabin])
                    status.available_seats[cabin] = max(
                        0, CAPACITY[cabin] - self.sold[number, day, cabin] - others
                    )

    def _cancel_some(self, db: FlightDB) -> None:
        tools = AirlineTools(db)
        for reservation in list(db.reservations.values()):
            whole = all(
                isinstance(self._status(flight), FlightDateStatusAvailable)
                for flight in reservation.flights
            )
            if whole and self.rng.random() < _CANCELLED:
                tools.cancel_reservation(reservation.reservation_id)

    def _status(self, flight: ReservationFlight) -> object:
        return self.flights[flight.flight_number].dates[flight.date]
