"""What the airline's agent can do: everything that changes reservations, profiles and seats.

Every check comes before the first change, so a refused call leaves the airline as it was. The tools
do not know the whole policy: whether a cancellation or a change is permitted is for the agent to
judge.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any, TypeVar, cast

from pydantic import BaseModel

from tau2.domains.airline.data_model import (
    CabinClass,
    Certificate,
    CreditCard,
    Flight,
    FlightDateStatusAvailable,
    FlightInfo,
    FlightType,
    GiftCard,
    Insurance,
    Passenger,
    Payment,
    Reservation,
    ReservationFlight,
    User,
    own_flight,
)
from tau2.domains.airline.fares import BAG_PRICE, INSURANCE_PRICE
from tau2.domains.airline.lookups import NOW, AirlineLookups
from tau2.environment.cow import clone, peek
from tau2.environment.toolkit import ToolType, is_tool
from tau2.errors import ToolError

M = TypeVar("M", bound=BaseModel)

NEW_RESERVATION_IDS = (
    "HATHAT",
    "HATHAU",
    "HATHAV",
)  # what one conversation can book, in this order
NEW_CERTIFICATE_IDS = ("certificate_3221322", "certificate_3221323", "certificate_3221324")

_ISO_DATE = re.compile(r"\d{4}-\d\d-\d\d")


class AirlineTools(AirlineLookups):
    """The tools of the airline's agent: look-ups and changes."""

    @is_tool(ToolType.WRITE)
    def book_reservation(
        self,
        user_id: str,
        origin: str,
        destination: str,
        flight_type: FlightType,
        cabin: CabinClass,
        flights: list[FlightInfo],
        passengers: list[Passenger],
        payment_methods: list[Payment],
        total_baggages: int,
        nonfree_baggages: int,
        insurance: Insurance,
    ) -> Reservation:
        """Book a trip. Read everything back to the customer and get an explicit yes first.

        The price is the fares of all flights for all passengers, 30 dollars per passenger for
        insurance, and 50 dollars per bag that is not free; the payments must add up to it exactly.

        Args:
            user_id: The customer's id.
            origin: Airport code of three letters: where the trip starts.
            destination: Airport code where the trip goes to; of a round trip, where it turns.
            flight_type: "one_way" or "round_trip".
            cabin: The cabin of all flights.
            flights: Every flight of the trip with its date, in the order of travel, the way back
                included.
            passengers: Everybody who flies.
            payment_methods: What each method of the customer's profile pays, in whole dollars.
            total_baggages: Checked bags of all passengers together.
            nonfree_baggages: Those of them beyond the free allowance.
            insurance: Whether travel insurance is bought, "yes" or "no".

        Returns:
            The new reservation.
        """
        new_ids = (fresh for fresh in NEW_RESERVATION_IDS if fresh not in self.db.reservations)
        new_id = next(new_ids, None)
        if new_id is None:
            raise ToolError("Too many reservations")
        travellers = self._as_kept(_models(Passenger, passengers))
        payments = clone(_models(Payment, payment_methods))
        if not self.strict_compat:
            # Sorted by id, so that their order in the call makes no difference.
            payments.sort(key=lambda payment: payment.payment_id)
        trip = Reservation(
            reservation_id=new_id, user_id=user_id, created_at=NOW,
            flight_type=flight_type,
            origin=origin, destination=destination, cabin=cabin, flights=[], insurance=insurance,
            passengers=travellers, total_baggages=total_baggages, payment_history=payments,
            nonfree_baggages=nonfree_baggages,
        )  # fmt: skip
        return self._book(trip, _models(FlightInfo, flights), BAG_PRICE * nonfree_baggages)

    @is_tool(ToolType.WRITE)
    def cancel_reservation(self, reservation_id: str) -> Reservation:
        """Cancel a whole reservation.

        Every payment goes back to where it came from in 5 to 7 business days.

        Nothing is checked here: make sure that the policy permits it, explain it, and get an
        explicit yes first.

        Args:
            reservation_id: The reservation's id.

        Returns:
            The cancelled reservation.
        """
        reservation = self._changeable(reservation_id)
        reservation.payment_history += [
            Payment(payment_id=payment.payment_id, amount=-payment.amount)
            for payment in reservation.payment_history
        ]
        reservation.status = "cancelled"
        if not self.strict_compat:
            self._move_seats(reservation, [], reservation.cabin)
        return reservation

    @is_tool(ToolType.WRITE)
    def update_reservation_flights(
        self, reservation_id: str, cabin: CabinClass, flights: list[FlightInfo], payment_id: str
    ) -> Reservation:
        """Change the flights or the cabin of a reservation.

        A flight that stays, on the same date and in the same cabin, keeps its price; every other
        flight has today's price. The difference is charged at once, or refunded if it is negative.
        Read the change and the difference back to the customer and get an explicit yes first;
        whether the change is permitted is not checked here.

        Args:
            reservation_id: The reservation's id.
            cabin: The cabin of all flights; the present one if it shall not change.
            flights: Every flight of the trip after the change, in the order of travel, those that
                stay included.
            payment_id: The credit card or gift card of the customer's profile that pays or receives
                the difference.

        Returns:
            The changed reservation.
        """
        flights = _models(FlightInfo, flights)
        reservation = self._changeable(reservation_id)
        if not flights and not self.strict_compat:
            raise ToolError("Name at least one flight")
        user = self._user(reservation.user_id)
        people = len(reservation.passengers)
        changed = [
            _kept(reservation, flight, cabin) or self._booked(flight, cabin, people)
            for flight in flights
        ]
        price = sum(flight.price * people for flight in changed)
        price -= sum(flight.price for flight in reservation.flights) * people
        _settle(user, reservation, payment_id, price)
        if not self.strict_compat:
            self._move_seats(reservation, changed, cabin)
        reservation.flights = changed
        reservation.cabin = cabin
        return reservation

    @is_tool(ToolType.WRITE)
    def update_reservation_baggages(
        self, reservation_id: str, total_baggages: int, nonfree_baggages: int, payment_id: str
    ) -> Reservation:
        """Change how many checked bags a reservation has.

        Every further bag that is not free costs 50 dollars.

        Read the change and the price back to the customer and get an explicit yes first.

        Args:
            reservation_id: The reservation's id.
            total_baggages: Checked bags of all passengers together, after the change.
            nonfree_baggages: Those of them that are paid for, after the change, those paid for
                earlier included.
            payment_id: The credit card or gift card of the customer's profile that pays.

        Returns:
            The changed reservation.
        """
        reservation = self._changeable(reservation_id)
        self._require_bags(total_baggages, nonfree_baggages)
        price = BAG_PRICE * max(0, nonfree_baggages - reservation.nonfree_baggages)
        _settle(self._user(reservation.user_id), reservation, payment_id, price)
        reservation.total_baggages = total_baggages
        reservation.nonfree_baggages = nonfree_baggages
        return reservation

    @is_tool(ToolType.WRITE)
    def update_reservation_passengers(
        self, reservation_id: str, passengers: list[Passenger]
    ) -> Reservation:
        """Change who flies; the number of passengers stays.

        Read the names back and get an explicit yes first.

        Args:
            reservation_id: The reservation's id.
            passengers: Everybody who flies after the change, those who stay included.

        Returns:
            The changed reservation.
        """
        passengers = _models(Passenger, passengers)
        reservation = self._changeable(reservation_id)
        if len(passengers) != len(reservation.passengers):
            raise ToolError("Number of passengers does not match")
        reservation.passengers = self._as_kept(passengers)
        return reservation

    @is_tool(ToolType.WRITE)
    def send_certificate(self, user_id: str, amount: int) -> str:
        """Put a travel certificate into a customer's profile.

        Only as compensation that the policy provides for.

        Args:
            user_id: The customer's id.
            amount: US dollars.

        Returns:
            A confirmation with the certificate's id.
        """
        user = self._user(user_id)
        if not self.strict_compat and amount <= 0:
            raise ToolError("The amount must be positive")
        fresh = next(
            (name for name in NEW_CERTIFICATE_IDS if name not in user.payment_methods), None
        )
        if fresh is None:
            raise ToolError("Too many certificates")
        user.payment_methods[fresh] = Certificate(source="certificate", id=fresh, amount=amount)
        return f"Certificate {fresh} added to user {user_id} with amount {amount}."

    def _book(self, trip: Reservation, flights: list[FlightInfo], price: int) -> Reservation:
        """Book the flights for a reservation that has none yet; `price` is what its bags cost."""
        self._require_trip(flights, trip.total_baggages, trip.nonfree_baggages)
        user = self._user(trip.user_id)
        people = len(trip.passengers)
        trip.flights = [self._booked(flight, trip.cabin, people) for flight in flights]
        price += sum(flight.price * people for flight in trip.flights)
        price += INSURANCE_PRICE * people if trip.insurance == "yes" else 0
        self._require_payment(user, trip.payment_history, price)
        _collect(user, trip.payment_history)
        for flight in flights:
            self._take_seats(flight, trip.cabin, people)
        self.db.reservations[trip.reservation_id] = trip
        user.reservations.append(trip.reservation_id)
        return trip

    @classmethod
    def changes(cls, tool_name: str) -> bool:
        """Return whether a tool may change the airline; false for a name that is no tool."""
        return tool_name in cls._marks and cls._marks[tool_name].mutates

    def _changeable(self, reservation_id: str) -> Reservation:
        """Return a reservation that is not cancelled (in the original, it may be)."""
        reservation = self._reservation(reservation_id)
        if reservation.status == "cancelled" and not self.strict_compat:
            raise ToolError(f"Reservation {reservation_id} is cancelled")
        return reservation

    def _booked(self, wanted: FlightInfo, cabin: CabinClass, people: int) -> ReservationFlight:
        """Return a flight as it is booked today.

        Raise ToolError when it is not to be had for so many.
        """
        flight = self._flight(wanted.flight_number)
        date = wanted.date
        status = self._status(wanted.flight_number, date)
        if not isinstance(status, FlightDateStatusAvailable):
            raise ToolError(f"Flight {flight.flight_number} not available on date {date}")
        if status.available_seats[cabin] < people:
            raise ToolError(f"Not enough seats on flight {flight.flight_number}")
        return ReservationFlight(
            flight_number=flight.flight_number,
            origin=flight.origin,
            destination=flight.destination,
            date=date,
            price=status.prices[cabin],
        )

    def _take_seats(
        self, flight: FlightInfo | ReservationFlight, cabin: CabinClass, people: int
    ) -> None:
        """Book seats (a negative number: give them back) on a flight that can still be booked."""
        shared: Flight | None = peek(self.db.flights, flight.flight_number)
        if shared is None or not isinstance(
            peek(shared.dates, flight.date), FlightDateStatusAvailable
        ):
            return  # what was cancelled or flown has no seats to give back
        status = own_flight(self.db.flights, flight.flight_number).dates[flight.date]
        assert isinstance(status, FlightDateStatusAvailable)
        status.available_seats[cabin] -= people

    def _move_seats(
        self, reservation: Reservation, flights: list[ReservationFlight], cabin: CabinClass
    ) -> None:
        """Give back the seats of a reservation and take those of `flights`."""
        people = len(reservation.passengers)
        for flight in reservation.flights:
            if cabin != reservation.cabin or flight not in flights:
                self._take_seats(flight, reservation.cabin, -people)
        for flight in flights:
            if cabin != reservation.cabin or flight not in reservation.flights:
                self._take_seats(flight, cabin, people)

    def _as_kept(self, passengers: list[Passenger]) -> list[Passenger]:
        """Return passengers sorted by name, so that their order in a call makes no difference."""
        kept = clone(passengers)
        if self.strict_compat:
            return kept
        for person in kept:
            if not _ISO_DATE.fullmatch(person.dob):
                raise ToolError(f"Date of birth {person.dob} is not of the form YYYY-MM-DD")
        return sorted(kept, key=lambda person: (person.last_name, person.first_name, person.dob))

    def _require_trip(
        self, flights: Sequence[FlightInfo], total_baggages: int, nonfree_baggages: int
    ) -> None:
        if self.strict_compat:
            return
        if not flights:
            raise ToolError("Name at least one flight")
        self._require_bags(total_baggages, nonfree_baggages)

    def _require_bags(self, total_baggages: int, nonfree_baggages: int) -> None:
        if not self.strict_compat and not 0 <= nonfree_baggages <= total_baggages:
            raise ToolError("Bags are counted from 0, and no more can be paid for than there are")

    def _require_payment(self, user: User, payments: Sequence[Payment], price: int) -> None:
        """Raise ToolError unless the payments can be made and add up to the price."""
        paid_with: Counter[str] = Counter()
        for payment in payments:
            if payment.payment_id not in user.payment_methods:
                raise ToolError(f"Payment method {payment.payment_id} not found")
            if payment.amount <= 0 and not self.strict_compat:
                raise ToolError("Every payment must be positive")
            method = user.payment_methods[payment.payment_id]
            # The original looks at each payment by itself and so accepts a method that is named
            # twice.
            paid_with[method.id] += payment.amount
            drawn = payment.amount if self.strict_compat else paid_with[method.id]
            if not isinstance(method, CreditCard) and method.amount < drawn:
                raise ToolError(f"Not enough balance in payment method {payment.payment_id}")
        if not self.strict_compat and len(paid_with) < len(payments):
            raise ToolError("Name every payment method once")
        paid = sum(payment.amount for payment in payments)
        if paid != price:
            raise ToolError(
                f"Payment amount does not add up, total price is {price}, but paid {paid}"
            )


def _models(kind: type[M], values: Any) -> list[M]:
    """Return plain data as models; anything else stays as it is."""
    if all(isinstance(value, dict) for value in values):
        return [kind(**value) for value in values]
    return cast("list[M]", values)


def _collect(user: User, payments: Sequence[Payment]) -> None:
    """Take money from gift cards; a certificate is used up."""
    for payment in payments:
        method = user.payment_methods[payment.payment_id]
        if isinstance(method, GiftCard):
            method.amount -= payment.amount
        elif isinstance(method, Certificate):
            del user.payment_methods[payment.payment_id]


def _settle(user: User, reservation: Reservation, payment_id: str, price: int) -> None:
    """Charge (or, below 0, refund) a change.

    Raise ToolError when the method cannot be used for it.
    """
    if payment_id not in user.payment_methods:
        raise ToolError("Payment method not found")
    method = user.payment_methods[payment_id]
    if isinstance(method, Certificate):
        raise ToolError("Certificate cannot be used to update reservation")
    if isinstance(method, GiftCard):
        if method.amount < price:
            raise ToolError("Gift card balance is not enough")
        method.amount -= price
    if price != 0:
        reservation.payment_history.append(Payment(payment_id=payment_id, amount=price))


def _kept(
    reservation: Reservation, wanted: FlightInfo, cabin: CabinClass
) -> ReservationFlight | None:
    """Return the flight of the reservation that stays, with the price paid, or None."""
    if cabin != reservation.cabin:
        return None
    same = (
        f
        for f in reservation.flights
        if f.flight_number == wanted.flight_number and f.date == wanted.date
    )
    return next(same, None)
