"""What a goal has to work with: one customer of the airline, and a record of what the ideal agent does.

A goal looks for what it needs (`Unfit` where that is missing), lets the ideal agent act through the domain's real
tools, and says in the customer's words what is wanted. Every look-up and change becomes part of the reference.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from random import Random
from typing import Any, TypeVar

from tau2.domains.airline.data_model import (
    CabinClass,
    Certificate,
    CreditCard,
    DirectFlight,
    FlightDB,
    GiftCard,
    Passenger,
    PaymentMethod,
    Reservation,
    ReservationFlight,
    User,
)
from tau2.domains.airline.factory import people
from tau2.domains.airline.factory.phrasing import BRANDS, city, day_name
from tau2.domains.airline.factory.travellers import birth_date
from tau2.domains.airline.fares import free_bags, is_recent
from tau2.domains.airline.reading import NEXT_DAY
from tau2.domains.airline.tools import AirlineTools
from tau2.environment.cow import clone, peek, peek_values
from tau2.errors import ToolError

T = TypeVar("T")

FIRST_DAY, LAST_DAY = 16, 30  # of May: when flights can be booked


class Unfit(Exception):
    """This customer cannot have this goal."""


class Atlas:
    """A world with what the goals ask of it again and again."""

    def __init__(self, world: FlightDB) -> None:
        """Note how every reservation stands; the world must not change from now on."""
        self.world = world
        self.user_ids = [user.user_id for user in peek_values(world.users) if user.reservations]
        flights = list(peek_values(world.flights))
        self.routes = sorted({(flight.origin, flight.destination) for flight in flights})
        """Pairs of airports that are joined by nonstop flights."""
        self.airports = sorted({flight.origin for flight in flights})
        self.standing = {
            trip.reservation_id: frozenset(self._status(flight) for flight in trip.flights)
            for trip in peek_values(world.reservations)
        }

    def _status(self, flight: ReservationFlight) -> str:
        found = peek(self.world.flights, flight.flight_number)
        status = peek(found.dates, flight.date) if found is not None else None
        return status.status if status is not None else "unknown"


class Case:
    """One customer with a fresh copy of the airline."""

    def __init__(self, atlas: Atlas, user_id: str, rng: Random) -> None:
        """Begin the reference with the customer's profile."""
        self.atlas, self.rng = atlas, rng
        self.tools = AirlineTools(atlas.world.view())
        self.user: User = self.tools.db.users[user_id]
        self.methods: dict[str, PaymentMethod] = clone(self.user.payment_methods)
        """The profile's payment methods at the start, under which the customer knows them."""
        self.trips: list[Reservation] = [
            self.tools.db.reservations[trip] for trip in self.user.reservations
        ]
        self.names = {person.first_name for trip in self.trips for person in trip.passengers}
        self.names |= {
            self.user.name.first_name,
            *(person.first_name for person in self.user.saved_passengers),
        }
        """First names that a stranger cannot have."""
        self.free = list(self.trips)
        """Reservations that no goal has claimed yet."""
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.communicate: list[str] = []
        self.wishes: list[str] = []
        self.manners: list[str] = []
        """How the customer behaves, goal by goal: as long as `wishes`."""
        self.unknown: list[str] = []
        self.spent: set[str] = set()
        """Gift cards and certificates that a goal has used; they are no longer what the customer remembers."""
        self.by_number = rng.random() < 0.6
        self.look("get_user_details", user_id=user_id)

    # --- choosing ---

    def say(self, *wordings: str) -> str:
        """Return one of the wordings."""
        return self.rng.choice(wordings)

    def one(self, choices: Iterable[T]) -> T:
        """Return one of the choices at random. Raise Unfit when there is none."""
        listed = list(choices)
        if not listed:
            raise Unfit
        return self.rng.choice(listed)

    def claim(self, fits: Callable[[Reservation], bool]) -> Reservation:
        """Return an unclaimed reservation of the customer that fits. Raise Unfit when there is none."""
        trip = self.one(trip for trip in self.free if fits(trip))
        self.free.remove(trip)
        return trip

    def standing(self, trip: Reservation) -> frozenset[str]:
        """Return the statuses of a reservation's flights."""
        return self.atlas.standing[trip.reservation_id]

    def is_open(self, trip: Reservation) -> bool:
        """Return whether nothing of a reservation has happened yet and nothing stands in the way."""
        return trip.status is None and self.standing(trip) == {"available"}

    def is_bound(self, trip: Reservation) -> bool:
        """Return whether a reservation is open and cannot be cancelled for a change of plans."""
        return self.is_open(trip) and not is_recent(trip) and trip.cabin != "business"

    def dates(
        self, count: int, *, but: Sequence[str] = (), least: str = "", most: str = ""
    ) -> list[str]:
        """Return some days on which flights can be booked, in random order. Raise Unfit when there are fewer."""
        days = [f"2024-05-{day:02}" for day in range(FIRST_DAY, LAST_DAY + 1)]
        fitting = [
            day
            for day in days
            if day not in but and (not least or day >= least) and (not most or day <= most)
        ]
        if len(fitting) < count:
            raise Unfit
        return self.rng.sample(fitting, count)

    def stranger(self, family: str = "") -> Passenger:
        """Return somebody nobody has heard of yet, with a first name that nobody else here has."""
        first = self.one(name for name in people.FIRST_NAMES if name not in self.names)
        self.names.add(first)
        return Passenger(
            first_name=first,
            last_name=family or self.rng.choice(people.LAST_NAMES),
            dob=birth_date(self.rng),
        )

    # --- what the customer says ---

    def want(self, *sentences: str) -> None:
        """Add what the customer wants; once for each goal."""
        self.wishes.append(" ".join(sentences))
        self.manners.append("")

    def behave(self, *sentences: str) -> None:
        """Add how the customer behaves in what was wanted last."""
        self.manners[-1] = " ".join([*filter(None, self.manners[-1:]), *sentences])

    def tell(self, amount: int) -> int:
        """Expect the agent to name a figure. Raise Unfit when it could be named by accident."""
        if amount < 20:
            raise Unfit
        self.communicate.append(str(amount))
        return amount

    # --- what the ideal agent does ---

    def look(self, name: str, **arguments: str) -> None:
        """Record a look-up, once."""
        if (name, arguments) not in self.calls:
            self.calls.append((name, arguments))

    def do(self, name: str, **arguments: Any) -> None:
        """Record a change and carry it out. Raise Unfit when the airline refuses it."""
        try:
            getattr(self.tools, name)(**arguments)
        except ToolError as error:
            raise Unfit(str(error)) from error
        self.calls.append((name, arguments))

    def hand_over(self, summary: str) -> None:
        """Transfer the customer to a human agent."""
        self.calls.append(("transfer_to_human_agents", {"summary": summary}))

    def check_flights(self, trip: Reservation) -> None:
        """Record looking up how a reservation's flights stand."""
        for flight in trip.flights:
            self.look("get_flight_status", flight_number=flight.flight_number, date=flight.date)

    def nonstop(self, origin: str, destination: str, day: str) -> list[DirectFlight]:
        """Return the nonstop flights of a day; the agent looks them up."""
        self.look("search_direct_flight", origin=origin, destination=destination, date=day)
        return self.tools.search_direct_flight(origin, destination, day)

    def connections(self, origin: str, destination: str, day: str) -> list[list[DirectFlight]]:
        """Return the connections of a day with one change; the agent looks them up."""
        self.look("search_onestop_flight", origin=origin, destination=destination, date=day)
        return self.tools.search_onestop_flight(origin, destination, day)

    def rebook(
        self,
        trip: Reservation,
        cabin: CabinClass,
        flights: Sequence[tuple[str, str]],
        method: PaymentMethod,
    ) -> int:
        """Change flights or cabin and return what it costs (negative: gives back)."""
        before = paid(trip)
        self.do(
            "update_reservation_flights",
            reservation_id=trip.reservation_id,
            cabin=cabin,
            flights=[{"flight_number": number, "date": day} for number, day in flights],
            payment_id=method.id,
        )
        self.use(method)
        return paid(trip) - before

    def add_bags(self, trip: Reservation, total: int, nonfree: int, method: PaymentMethod) -> None:
        """Change the bags of a reservation."""
        self.do(
            "update_reservation_baggages",
            reservation_id=trip.reservation_id,
            total_baggages=total,
            nonfree_baggages=nonfree,
            payment_id=method.id,
        )
        self.use(method)

    def rename(self, trip: Reservation, passengers: Sequence[Passenger]) -> None:
        """Change who flies."""
        self.do(
            "update_reservation_passengers",
            reservation_id=trip.reservation_id,
            passengers=[person.model_dump() for person in passengers],
        )

    def cancel(self, trip: Reservation) -> None:
        """Cancel a reservation."""
        self.do("cancel_reservation", reservation_id=trip.reservation_id)

    def use(self, *methods: PaymentMethod) -> None:
        """Note that gift cards and certificates are no longer what the customer remembers."""
        self.spent |= {method.id for method in methods if not isinstance(method, CreditCard)}

    # --- money ---

    def payer(self, amount: int) -> PaymentMethod:
        """Return a credit card or an unused gift card that covers an amount. Raise Unfit when there is none."""
        return self.one(
            method for method in self.methods.values()
            if isinstance(method, CreditCard)
            or (isinstance(method, GiftCard) and method.id not in self.spent and method.amount >= amount)
        )  # fmt: skip

    def card(self) -> CreditCard:
        """Return one of the customer's credit cards."""
        return self.one(
            method for method in self.methods.values() if isinstance(method, CreditCard)
        )

    def gift_card(self) -> GiftCard:
        """Return an unused gift card. Raise Unfit without one."""
        return self.one(
            m for m in self.methods.values() if isinstance(m, GiftCard) and m.id not in self.spent
        )

    def certificates(self) -> list[Certificate]:
        """Return the unused certificates, the largest first."""
        found = [
            m
            for m in self.methods.values()
            if isinstance(m, Certificate) and m.id not in self.spent
        ]
        return sorted(found, key=lambda method: -method.amount)

    def named(self, method: PaymentMethod) -> str:
        """Return what the customer calls a payment method. Raise Unfit when that could mean another one."""
        others = [
            m for m in self.methods.values() if m.source == method.source and m.id != method.id
        ]
        if isinstance(method, CreditCard):
            brand = f"your {BRANDS[method.brand]}"
            twins = [m for m in others if isinstance(m, CreditCard) and m.brand == method.brand]
            if any(m.last_four == method.last_four for m in twins):
                raise Unfit
            return f"{brand} ending in {method.last_four}" if twins else brand
        kind = "gift card" if isinstance(method, GiftCard) else "travel certificate"
        if not others:
            return f"your {kind}"
        if any(not isinstance(m, CreditCard) and m.amount == method.amount for m in others):
            raise Unfit
        return f"your {kind} with ${method.amount:.0f} on it"

    # --- trips in the customer's words ---

    def the_trip(self, trip: Reservation) -> str:
        """Return how the customer names a reservation, and record how the agent finds it."""
        words = _description(trip)
        if any(_description(other) == words for other in self.trips if other is not trip):
            self.by_number = True
        if not self.by_number:
            for other in self.trips[: self.trips.index(trip)]:
                self.look("get_reservation_details", reservation_id=other.reservation_id)
            text = "You do not have the reservation number at hand."
            self.unknown += [text] if text not in self.unknown else []
        self.look("get_reservation_details", reservation_id=trip.reservation_id)
        if not self.by_number:
            return words
        return self.say(
            f"reservation {trip.reservation_id}", f"{words} (reservation {trip.reservation_id})"
        )

    def look_at_all(self) -> None:
        """Record looking at every reservation of the customer."""
        for trip in self.trips:
            self.look("get_reservation_details", reservation_id=trip.reservation_id)

    def is_me(self, person: Passenger) -> bool:
        """Return whether a passenger is the customer."""
        name = self.user.name
        return (person.first_name, person.last_name) == (name.first_name, name.last_name)


def _description(trip: Reservation) -> str:
    """Return a reservation in a customer's words; two trips with the same words are not told apart by them."""
    kind = "round trip" if trip.flight_type == "round_trip" else "trip"
    return f"your {kind} from {city(trip.origin)} to {city(trip.destination)} on {day_name(trip.flights[0].date)}"


def paid(trip: Reservation) -> int:
    """Return what a reservation has cost so far."""
    return sum(payment.amount for payment in trip.payment_history)


def paid_bags(case: Case, trip: Reservation, total: int) -> int:
    """Return how many of `total` bags are paid for on a reservation, those paid for already included."""
    free = free_bags(case.user.membership, trip.cabin, len(trip.passengers))
    return max(trip.nonfree_baggages, total - free)


def ways(trip: Reservation) -> tuple[list[ReservationFlight], list[ReservationFlight]]:
    """Return the way out and the way back (empty for a one-way trip)."""
    if trip.flight_type == "one_way":
        return trip.flights, []
    turn = (
        next(i for i, flight in enumerate(trip.flights) if flight.destination == trip.destination)
        + 1
    )
    return trip.flights[:turn], trip.flights[turn:]


def pairs(flights: Iterable[ReservationFlight]) -> list[tuple[str, str]]:
    """Return flights as number and date."""
    return [(flight.flight_number, flight.date) for flight in flights]


def best(options: Sequence[T], key: Callable[[T], Any], *, least: int = 2) -> T:
    """Return the option with the smallest key. Raise Unfit when there is none, a tie, or too little choice."""
    ranked = sorted(options, key=key)
    if len(ranked) < least or (len(ranked) > 1 and key(ranked[0]) == key(ranked[1])):
        raise Unfit
    return ranked[0]


def seated(flights: Iterable[DirectFlight], cabin: CabinClass, people: int) -> list[DirectFlight]:
    """Return the flights with enough seats in a cabin."""
    return [flight for flight in flights if flight.available_seats[cabin] >= people]


def arrival(flight: DirectFlight) -> str:
    """Return when a flight arrives, fit for comparing; its date must be known, as in connections."""
    assert flight.date is not None
    time = flight.scheduled_arrival_time_est
    day = int(flight.date[-2:]) + (NEXT_DAY in time)
    return f"{flight.date[:-2]}{day:02}T{time.removesuffix(NEXT_DAY)}"
