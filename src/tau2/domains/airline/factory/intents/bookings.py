"""A trip that a customer wants to book: finding it, paying for it, and putting it into words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from tau2.domains.airline.data_model import CabinClass, DirectFlight, Passenger, PaymentMethod
from tau2.domains.airline.factory.draft import AirlineDraft, best, seated
from tau2.domains.airline.factory.phrasing import CABIN_NAMES, bag_count, city
from tau2.domains.airline.fares import BAG_PRICE, INSURANCE_PRICE, free_bags
from tau2.taskgen.drafts import UnsuitableCustomer

_CABINS: tuple[CabinClass, ...] = ("basic_economy", "economy", "economy", "business")


@dataclass(slots=True)
class BookingRequest:
    """A trip as a customer imagines it, and the flights that were found for it."""

    draft: AirlineDraft
    origin: str
    destination: str
    cabin: CabinClass
    people: list[Passenger]
    bags: int
    insured: bool
    legs: list[tuple[DirectFlight, str]] = field(default_factory=list)
    """Flights with the day on which each leaves."""
    round_trip: bool = False

    @property
    def nonfree(self) -> int:
        """How many of the bags are paid for."""
        return max(
            0, self.bags - free_bags(self.draft.user.membership, self.cabin, len(self.people))
        )

    @property
    def price(self) -> int:
        """What all of it costs."""
        people = len(self.people)
        fares = sum(flight.prices[self.cabin] for flight, _ in self.legs) * people
        return fares + INSURANCE_PRICE * people * self.insured + BAG_PRICE * self.nonfree

    @property
    def route(self) -> str:
        """From where to where."""
        return f"from {city(self.origin)} to {city(self.destination)}"

    @property
    def extras(self) -> str:
        """Bags and insurance, so that no "no" can be taken for that of the other."""
        bags = bag_count(self.bags)
        if not self.insured:
            return f"no insurance and {bags}"
        return f"travel insurance {'but' if self.bags == 0 else 'and'} {bags}"

    @property
    def cabin_name(self) -> str:
        """What the customer calls the cabin."""
        return CABIN_NAMES[self.cabin]

    def offers(self, day: str, *, back: bool = False) -> list[DirectFlight]:
        """Return the nonstop flights of a day with room for everybody; the agent looks them up."""
        ends = (self.destination, self.origin) if back else (self.origin, self.destination)
        return seated(self.draft.nonstop(*ends, day), self.cabin, len(self.people))

    def take_cheapest(self, day: str, *, back: bool = False) -> None:
        """Take the cheapest nonstop flight of a day.

        Raise UnsuitableCustomer without a choice, or with a tie.
        """
        self.legs.append((best(self.offers(day, back=back), lambda f: f.prices[self.cabin]), day))

    def book_with(self) -> str:
        """Book with one method that covers it, and return what the customer calls it."""
        method = self.draft.payer(self.price)
        name = self.draft.named(method)
        self.book([(method, self.price)])
        return name

    def book(self, payments: Sequence[tuple[PaymentMethod, int]]) -> None:
        """Book it."""
        self.draft.do(
            "book_reservation",
            user_id=self.draft.user.user_id,
            origin=self.origin,
            destination=self.destination,
            flight_type="round_trip" if self.round_trip else "one_way",
            cabin=self.cabin,
            flights=[
                {"flight_number": flight.flight_number, "date": day} for flight, day in self.legs
            ],
            passengers=[person.model_dump() for person in self.people],
            payment_methods=[
                {"payment_id": method.id, "amount": amount} for method, amount in payments
            ],
            total_baggages=self.bags,
            nonfree_baggages=self.nonfree,
            insurance="yes" if self.insured else "no",
        )
        self.draft.spend(*(method for method, _ in payments))


def booking_request(
    draft: AirlineDraft, *, people: int = 1, cabin: CabinClass | None = None
) -> BookingRequest:
    """Return a trip, still without flights, between airports joined by nonstop flights."""
    origin, destination = draft.one(draft.index.routes)
    chosen: CabinClass = draft.one(_CABINS) if cabin is None else cabin
    saved = draft.user.saved_passengers
    everybody = [traveller(draft), *draft.rng.sample(saved, min(people - 1, len(saved)))]
    if len({person.first_name for person in everybody}) < people:
        raise UnsuitableCustomer
    return BookingRequest(
        draft=draft,
        origin=origin,
        destination=destination,
        cabin=chosen,
        people=everybody,
        bags=draft.one((0, 0, 1, 1, 2)) * (1 if people == 1 else 2),
        insured=draft.rng.random() < 0.35,
    )


def cheapest_booking(draft: AirlineDraft, *, people: int = 1) -> tuple[BookingRequest, str]:
    """Return a trip on the cheapest nonstop flight of a day, and the day."""
    booking = booking_request(draft, people=people)
    day = draft.date()
    booking.take_cheapest(day)
    return booking, day


def traveller(draft: AirlineDraft) -> Passenger:
    """Return the customer as a passenger."""
    name = draft.user.name
    return Passenger(first_name=name.first_name, last_name=name.last_name, dob=draft.user.dob)
