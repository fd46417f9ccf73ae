"""A draft of an airline task: one customer, and a record of what the ideal agent does.

An intent looks for what it needs (`UnsuitableCustomer` where that is missing), lets the ideal agent
act through the domain's real tools, and says in the customer's words what is wanted. Every look-up
and change becomes part of the reference.
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
from tau2.domains.airline.factory.phrasing import BRANDS, FORMATTER, city, day_name
from tau2.domains.airline.factory.travellers import PEOPLE, birth_date
from tau2.domains.airline.fares import free_bags, is_recent
from tau2.domains.airline.lookups import NEXT_DAY
from tau2.domains.airline.tools import AirlineTools
from tau2.environment.cow import clone, peek, peek_values
from tau2.taskgen.drafts import TaskDraft, UnsuitableCustomer
from tau2.taskgen.wording import Wording

T = TypeVar("T")

_KNOWS_NUMBERS = 0.4  # share of customers who have their reservation numbers at hand
BOOKABLE_DAYS = [f"2024-05-{day:02}" for day in range(16, 31)]


class AirlineIndex:
    """A world with what intents ask of it again and again."""

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


class AirlineDraft(TaskDraft[AirlineTools]):
    """One customer with a fresh copy of the airline."""

    _wording: Wording
    """Where texts come from; every intent calls `use` before it asks for one."""
    _section: str

    def __init__(self, index: AirlineIndex, user_id: str, rng: Random) -> None:
        """Begin the reference with the customer's profile."""
        super().__init__(AirlineTools(index.world.view()), rng)
        self.index = index
        self.user: User = self.tools.db.users[user_id]
        self.methods: dict[str, PaymentMethod] = clone(self.user.payment_methods)
        """The profile's payment methods at the start, under which the customer knows them."""
        self.trips: list[Reservation] = [
            self.tools.db.reservations[trip] for trip in self.user.reservations
        ]
        self.names = {person.first_name for trip in self.trips for person in trip.passengers}
        self.names |= {person.first_name for person in self.user.saved_passengers}
        self.names.add(self.user.name.first_name)
        """First names that a stranger cannot have."""
        self.free = list(self.trips)
        """Reservations that no intent has claimed yet."""
        self.wishes: list[str] = []
        """What the customer wants, intent by intent."""
        self.manners: list[list[str]] = []
        """How the customer behaves, intent by intent: as long as `wishes`."""
        self.spent: set[str] = set()
        """Gift cards and certificates used so far: the customer remembers another balance."""
        self.involved = {user_id}
        """Customers that no other task may be about."""
        self.by_number = rng.random() < _KNOWS_NUMBERS
        self.look("get_user_details", user_id=user_id)

    # --- what the customer says ---

    def use(self, wording: Wording, section: str) -> None:
        """Take texts from a section of a wording from now on."""
        self._wording = wording
        self._section = section

    def text(self, part: str, /, **slots: object) -> str:
        """Return a text of the section in use, one at random where there are several."""
        return self.section_text(self._section, part, **slots)

    def section_text(self, section: str, part: str, /, **slots: object) -> str:
        """Return a text of some section of the wording in use."""
        texts = self._wording.texts(section, part)
        text = texts[0] if len(texts) == 1 else self.rng.choice(texts)
        return FORMATTER.fill(text, slots)

    def want(self, **slots: object) -> None:
        """Add what the customer wants, and how the customer behaves; once for each intent."""
        self.wishes.append(self.text("wish", **slots))
        self.manners.append([])
        if self._wording.has(self._section, "manner"):
            self.behave("manner", **slots)

    def behave(self, part: str, /, **slots: object) -> None:
        """Add how the customer behaves in what was wanted last."""
        self.add_manner(self.text(part, **slots))

    def add_manner(self, sentence: str) -> None:
        """Add a sentence on how the customer behaves in what was wanted last."""
        self.manners[-1].append(sentence)

    def tell(self, amount: int) -> int:
        """Expect the agent to name a figure.

        Raises:
            UnsuitableCustomer: the figure is so small that it could be named by accident.
        """
        if amount < 20:
            raise UnsuitableCustomer
        self.communicate.append(str(amount))
        return amount

    # --- choosing ---

    def claim(self, fits: Callable[[Reservation], bool]) -> Reservation:
        """Return an unclaimed reservation of the customer that fits.

        Raise UnsuitableCustomer when there is none.
        """
        trip = self.one(trip for trip in self.free if fits(trip))
        self.free.remove(trip)
        return trip

    def claim_named(self, fits: Callable[[Reservation], bool]) -> tuple[Reservation, str]:
        """Return an unclaimed reservation that fits, and how the customer names it."""
        trip = self.claim(fits)
        return trip, self.the_trip(trip)

    def misrecorded(self, trip: Reservation) -> tuple[Passenger, Passenger]:
        """Return a passenger and the same person with another birth date.

        No profile and no other reservation says what that person's birth date is, so that nothing
        contradicts the correction but the record that is corrected.
        """
        known = {(p.first_name, p.last_name) for p in self.user.saved_passengers}
        for other in self.trips:
            if other is not trip:
                known |= {(p.first_name, p.last_name) for p in other.passengers}
        person = self.one(
            p
            for p in trip.passengers
            if not self.is_me(p) and (p.first_name, p.last_name) not in known
        )
        self.require_unique_first_name(trip, person)
        dob = birth_date(self.rng)
        if dob == person.dob:
            raise UnsuitableCustomer
        return person, person.model_copy(update={"dob": dob})

    def one_passenger(self, trip: Reservation) -> Passenger:
        """Return a passenger whose first name no other passenger has."""
        person = self.one(trip.passengers)
        self.require_unique_first_name(trip, person)
        return person

    def standing(self, trip: Reservation) -> frozenset[str]:
        """Return the statuses of a reservation's flights."""
        return self.index.standing[trip.reservation_id]

    def is_open(self, trip: Reservation) -> bool:
        """Return whether a reservation is not cancelled and all its flights can be booked."""
        return trip.status is None and self.standing(trip) == {"available"}

    def is_bound(self, trip: Reservation) -> bool:
        """Return whether a reservation is open and cannot be cancelled for a change of plans."""
        return self.is_open(trip) and not is_recent(trip) and trip.cabin != "business"

    def dates(
        self, count: int, *, but: Sequence[str] = (), least: str = "", most: str = "9999"
    ) -> list[str]:
        """Return some days on which flights can be booked, in random order, from `least` to `most`.

        Raises:
            UnsuitableCustomer: there are fewer.
        """
        return self.some(
            (day for day in BOOKABLE_DAYS if day not in but and least <= day <= most), count
        )

    def date(self, *, but: Sequence[str] = (), least: str = "", most: str = "9999") -> str:
        """Return a day as `dates` does."""
        return self.dates(1, but=but, least=least, most=most)[0]

    def stranger(self, family: str = "") -> Passenger:
        """Return somebody nobody has heard of yet, with a first name that nobody else here has."""
        first = self.one(name for name in PEOPLE.first_names if name not in self.names)
        self.names.add(first)
        return Passenger(
            first_name=first,
            last_name=family or self.rng.choice(PEOPLE.last_names),
            dob=birth_date(self.rng),
        )

    # --- what the ideal agent does ---

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

    def offers(
        self, trip: Reservation, leg: Sequence[ReservationFlight], day: str
    ) -> list[DirectFlight]:
        """Return the nonstop flights that could take the place of one direction of a trip."""
        flights = self.nonstop(leg[0].origin, leg[-1].destination, day)
        return seated(flights, trip.cabin, len(trip.passengers))

    def cheapest(
        self, trip: Reservation, leg: Sequence[ReservationFlight], day: str
    ) -> DirectFlight:
        """Return the cheapest of the offers. Raise UnsuitableCustomer without a choice."""
        return best(self.offers(trip, leg, day), lambda flight: flight.prices[trip.cabin])

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
        self.spend(method)
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
        self.spend(method)

    def rename(self, trip: Reservation, passengers: Sequence[Passenger]) -> None:
        """Change who flies."""
        self.do(
            "update_reservation_passengers",
            reservation_id=trip.reservation_id,
            passengers=[person.model_dump() for person in passengers],
        )

    def replace(self, trip: Reservation, person: Passenger, other: Passenger) -> None:
        """Put somebody in the place of a passenger."""
        self.rename(trip, [other if one is person else one for one in trip.passengers])

    def cancel(self, trip: Reservation) -> None:
        """Cancel a reservation."""
        self.do("cancel_reservation", reservation_id=trip.reservation_id)

    def compensate(self, trip: Reservation, amount: int) -> None:
        """Send a certificate with an amount for each passenger."""
        total = amount * len(trip.passengers)
        self.do("send_certificate", user_id=self.user.user_id, amount=total)

    def spend(self, *methods: PaymentMethod) -> None:
        """Note that gift cards and certificates are no longer what the customer remembers."""
        self.spent |= {method.id for method in methods if not isinstance(method, CreditCard)}

    # --- money ---

    def payer(self, amount: int) -> PaymentMethod:
        """Return a credit card or an unused gift card that covers an amount.

        Raise UnsuitableCustomer when there is none.
        """
        return self.one(
            method
            for method in self.methods.values()
            if isinstance(method, CreditCard)
            or (
                isinstance(method, GiftCard)
                and method.id not in self.spent
                and method.amount >= amount
            )
        )

    def card(self) -> CreditCard:
        """Return one of the customer's credit cards."""
        return self.one(
            method for method in self.methods.values() if isinstance(method, CreditCard)
        )

    def gift_card(self) -> GiftCard:
        """Return an unused gift card. Raise UnsuitableCustomer without one."""
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

    def named_payer(self, amount: int) -> tuple[PaymentMethod, str]:
        """Return a method that covers an amount, and what the customer calls it."""
        method = self.payer(amount)
        return method, self.named(method)

    def named_card(self) -> tuple[CreditCard, str]:
        """Return one of the customer's credit cards, and what the customer calls it."""
        card = self.card()
        return card, self.named(card)

    def named(self, method: PaymentMethod) -> str:
        """Return what the customer calls a payment method.

        Raise UnsuitableCustomer when that could mean another one.
        """
        others = [
            m for m in self.methods.values() if m.source == method.source and m.id != method.id
        ]
        if isinstance(method, CreditCard):
            brand = f"your {BRANDS[method.brand]}"
            twins = [m for m in others if isinstance(m, CreditCard) and m.brand == method.brand]
            if any(m.last_four == method.last_four for m in twins):
                raise UnsuitableCustomer
            return f"{brand} ending in {method.last_four}" if twins else brand
        kind = "gift card" if isinstance(method, GiftCard) else "travel certificate"
        if not others:
            return f"your {kind}"
        if any(not isinstance(m, CreditCard) and m.amount == method.amount for m in others):
            raise UnsuitableCustomer
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
            self.lacks_number = True
        self.look("get_reservation_details", reservation_id=trip.reservation_id)
        if not self.by_number:
            return words
        number = f"reservation {trip.reservation_id}"
        return self.rng.choice((number, f"{words} ({number})"))

    def look_at_all(self) -> None:
        """Record looking at every reservation of the customer."""
        for trip in self.trips:
            self.look("get_reservation_details", reservation_id=trip.reservation_id)

    def require_unique_first_name(self, trip: Reservation, person: Passenger) -> None:
        """Raise UnsuitableCustomer when another passenger has the same first name."""
        names = [passenger.first_name for passenger in trip.passengers]
        if names.count(person.first_name) > 1:
            raise UnsuitableCustomer

    def is_me(self, person: Passenger) -> bool:
        """Return whether a passenger is the customer."""
        name = self.user.name
        return (person.first_name, person.last_name) == (name.first_name, name.last_name)


def _description(trip: Reservation) -> str:
    """Return a reservation in a customer's words, which may fit several."""
    kind = "round trip" if trip.flight_type == "round_trip" else "trip"
    route = f"from {city(trip.origin)} to {city(trip.destination)}"
    return f"your {kind} {route} on {day_name(trip.flights[0].date)}"


def paid(trip: Reservation) -> int:
    """Return what a reservation has cost so far."""
    return sum(payment.amount for payment in trip.payment_history)


def paid_bags(draft: AirlineDraft, trip: Reservation, total: int) -> int:
    """Return how many of `total` bags are paid for on a reservation, now or earlier."""
    free = free_bags(draft.user.membership, trip.cabin, len(trip.passengers))
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
    """Return the option with the smallest key.

    Raise UnsuitableCustomer when there is none, a tie, or too little choice.
    """
    ranked = sorted(options, key=key)
    if len(ranked) < least or (len(ranked) > 1 and key(ranked[0]) == key(ranked[1])):
        raise UnsuitableCustomer
    return ranked[0]


def seated(flights: Iterable[DirectFlight], cabin: CabinClass, people: int) -> list[DirectFlight]:
    """Return the flights with enough seats in a cabin."""
    return [flight for flight in flights if flight.available_seats[cabin] >= people]


def arrival(flight: DirectFlight) -> str:
    """Return when a flight with a known date arrives, for comparing."""
    assert flight.date is not None
    time = flight.scheduled_arrival_time_est
    day = int(flight.date[-2:]) + (NEXT_DAY in time)
    return f"{flight.date[:-2]}{day:02}T{time.removesuffix(NEXT_DAY)}"
