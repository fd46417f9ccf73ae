"""What the airline's agent can look up. Nothing here changes the airline."""

from __future__ import annotations

from collections import defaultdict
from datetime import date as calendar_date
from datetime import timedelta

from tau2.domains.airline.data_model import (
    AirportCode,
    AirportInfo,
    DirectFlight,
    Flight,
    FlightDateStatus,
    FlightDateStatusAvailable,
    FlightDB,
    Reservation,
    User,
)
from tau2.environment import arithmetic
from tau2.environment.cow import peek, peek_values
from tau2.environment.toolkit import ToolKitBase, ToolType, is_tool
from tau2.errors import ToolError

NOW = "2024-05-15T15:00:00"
"""The airline's clock stands still (EST)."""

AIRPORTS = (
    ("SFO", "San Francisco"), ("JFK", "New York"), ("LAX", "Los Angeles"), ("ORD", "Chicago"),
    ("DFW", "Dallas"),
    ("DEN", "Denver"), ("SEA", "Seattle"), ("ATL", "Atlanta"), ("MIA", "Miami"), ("BOS", "Boston"),
    ("PHX", "Phoenix"), ("IAH", "Houston"), ("LAS", "Las Vegas"), ("MCO", "Orlando"),
    ("EWR", "Newark"),
    ("CLT", "Charlotte"), ("MSP", "Minneapolis"), ("DTW", "Detroit"), ("PHL", "Philadelphia"),
    ("LGA", "LaGuardia"),
)  # fmt: skip

NEXT_DAY = "+1"
"""Ends an arrival time on the day after departure."""


class AirlineLookups(ToolKitBase):
    """Look-ups over the airline's database.

    Whatever a tool returns belongs to this world alone (`db.users[...]` copies a shared record when
    it is first touched); what it only inspects is peeked at, because copying hundreds of flights to
    find one is slow.
    """

    db: FlightDB

    def __init__(self, db: FlightDB, strict_compat: bool = False) -> None:
        """Work over `db`; `strict_compat` reproduces the original where scores depend on it."""
        super().__init__(db)
        self.strict_compat = strict_compat

    def _user(self, user_id: str) -> User:
        if user_id not in self.db.users:
            raise ToolError(f"User {user_id} not found")
        return self.db.users[user_id]

    def _reservation(self, reservation_id: str) -> Reservation:
        if reservation_id not in self.db.reservations:
            raise ToolError(f"Reservation {reservation_id} not found")
        return self.db.reservations[reservation_id]

    def _flight(self, flight_number: str) -> Flight:
        """Return a flight; shared, not to be mutated."""
        flight: Flight | None = peek(self.db.flights, flight_number)
        if flight is None:
            raise ToolError(f"Flight {flight_number} not found")
        return flight

    def _status(self, flight_number: str, date: str) -> FlightDateStatus:
        """Return a flight's state on a date; shared, not to be mutated."""
        flight = self._flight(flight_number)
        if date not in flight.dates:
            raise ToolError(f"Flight {flight_number} not found on date {date}")
        status = peek(flight.dates, date)
        assert status is not None
        return status

    @is_tool(ToolType.READ)
    def get_user_details(self, user_id: str) -> User:
        """Look up a customer's profile.

        Args:
            user_id: The customer's id: first name, last name and digits, joined by underscores.

        Returns:
            The profile.
        """
        return self._user(user_id)

    @is_tool(ToolType.READ)
    def get_reservation_details(self, reservation_id: str) -> Reservation:
        """Look up a reservation.

        Args:
            reservation_id: Six letters and digits.

        Returns:
            The reservation; its status is "cancelled" or null.
        """
        return self._reservation(reservation_id)

    @is_tool(ToolType.READ)
    def get_flight_status(self, flight_number: str, date: str) -> str:
        """Look up how a flight stands on a date.

        Args:
            flight_number: The flight number.
            date: Date of departure as YYYY-MM-DD.

        Returns:
            One of "available", "on time", "delayed", "flying", "landed" and "cancelled".
        """
        return self._status(flight_number, date).status

    @is_tool(ToolType.READ)
    def list_all_airports(self) -> AirportInfo:
        """List every airport the airline flies to.

        Returns:
            Airport codes with their cities.
        """
        return [AirportCode(iata=iata, city=city) for iata, city in AIRPORTS]

    @is_tool(ToolType.READ)
    def search_direct_flight(self, origin: str, destination: str, date: str) -> list[DirectFlight]:
        """Find the flights between two airports that can be booked on a date.

        Args:
            origin: Airport code of three letters.
            destination: Airport code of three letters.
            date: Date of departure as YYYY-MM-DD.

        Returns:
            The flights with times, seats left and prices per passenger by cabin; empty if there is
            none.
        """
        shown = None if self.strict_compat else date
        return [_offer(flight, date, shown) for flight in self._bookable(origin, destination, date)]

    @is_tool(ToolType.READ)
    def search_onestop_flight(
        self, origin: str, destination: str, date: str
    ) -> list[list[DirectFlight]]:
        """Find connections with one change of planes that can be booked on a date.

        Args:
            origin: Airport code of three letters.
            destination: Airport code of three letters.
            date: Date on which the first flight leaves, as YYYY-MM-DD.

        Returns:
            Pairs of flights, each with its own date; the second leaves after the first has arrived.
        """
        pairs: list[list[DirectFlight]] = []
        onward: dict[str, dict[str, list[DirectFlight]]] = {}
        for first in self._bookable(origin, None, date):
            day, arrival = self._arrival(first, date)
            if day not in onward:
                onward[day] = defaultdict(list)
                for second in self._bookable(None, destination, day):
                    onward[day][second.origin].append(_offer(second, day, day))
            offer = _offer(first, date, date)
            pairs += [
                [offer, second]
                for second in onward[day].get(first.destination, ())
                if second.scheduled_departure_time_est >= arrival
            ]
        return pairs

    def _bookable(self, origin: str | None, destination: str | None, date: str) -> list[Flight]:
        """Return the flights that can be booked on a date; shared, not to be mutated.

        None means any airport.
        """
        on_route = [
            flight
            for flight in peek_values(self.db.flights)
            if (origin is None or flight.origin == origin)
            and (destination is None or flight.destination == destination)
        ]
        bookable = []
        for flight in on_route:
            status = peek(flight.dates, date)
            if status is not None and status.status == "available":
                bookable.append(flight)
        return bookable

    def _arrival(self, flight: Flight, date: str) -> tuple[str, str]:
        """Return the date and time at which a flight that leaves on `date` arrives.

        The original adds one to the day of May without a leading zero and leaves the mark in the
        time; `strict_compat` keeps both.
        """
        time = flight.scheduled_arrival_time_est
        if NEXT_DAY not in time:
            return date, time
        if self.strict_compat:
            return f"2024-05-{int(date[-2:]) + 1}", time
        following = calendar_date.fromisoformat(date) + timedelta(days=1)
        return following.isoformat(), time.removesuffix(NEXT_DAY)

    @is_tool(ToolType.GENERIC)
    def calculate(self, expression: str) -> str:
        """Work out an arithmetic expression, for totals, refunds and price differences.

        Args:
            expression: Numbers, the operators + - * / and parentheses.

        Returns:
            The value, rounded to two decimals.
        """
        return arithmetic.calculate(expression)

    @is_tool(ToolType.GENERIC)
    def transfer_to_human_agents(self, summary: str) -> str:
        """Hand the customer over to a human agent, with a summary of the matter.

        Only where the policy says so: the request is permitted, but beyond what these tools can do.

        Args:
            summary: What the customer wants and what was done so far.

        Returns:
            A confirmation.
        """
        return "Transfer successful"


def _offer(flight: Flight, date: str, shown: str | None) -> DirectFlight:
    """Return a flight as it is offered on a date."""
    status = peek(flight.dates, date)
    assert isinstance(status, FlightDateStatusAvailable)
    return DirectFlight(
        flight_number=flight.flight_number,
        origin=flight.origin,
        destination=flight.destination,
        status="available",
        scheduled_departure_time_est=flight.scheduled_departure_time_est,
        scheduled_arrival_time_est=flight.scheduled_arrival_time_est,
        date=shown,
        available_seats=status.available_seats,
        prices=status.prices,
    )
