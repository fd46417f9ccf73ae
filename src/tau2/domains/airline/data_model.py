"""The records of the airline: flights by date, travellers, and reservations."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, SerializerFunctionWrapHandler, model_serializer

from tau2.config import domain_dir
from tau2.environment.cow import Table
from tau2.environment.db import DB
from tau2.environment.domain import load_reference_db

FlightType = Literal["round_trip", "one_way"]
CabinClass = Literal["business", "economy", "basic_economy"]
Insurance = Literal["yes", "no"]
MembershipLevel = Literal["gold", "silver", "regular"]


class AirportCode(BaseModel):
    """An airport."""

    iata: str
    city: str


AirportInfo = list[AirportCode]


class Name(BaseModel):
    """A person's name."""

    first_name: str
    last_name: str


class Address(BaseModel):
    """A postal address; `address2` (apartment, suite or unit) may be empty text or null."""

    address1: str
    address2: str | None = None
    city: str
    country: str
    state: str
    zip: str


class Payment(BaseModel):
    """A payment of a reservation in whole US dollars; a negative one is a refund."""

    payment_id: str = Field(description="Id of a payment method in the user's profile")
    amount: int = Field(description="US dollars")


class PaymentMethodBase(BaseModel):
    """What every payment method has."""

    source: str
    id: str


class CreditCard(PaymentMethodBase):
    """A credit card."""

    source: Literal["credit_card"]
    brand: str
    last_four: str


class GiftCard(PaymentMethodBase):
    """A gift card with what is left on it (US dollars)."""

    source: Literal["gift_card"]
    amount: float


class Certificate(PaymentMethodBase):
    """A travel certificate (US dollars); it is used up by one booking, whatever is left on it."""

    source: Literal["certificate"]
    amount: float


PaymentMethod = CreditCard | GiftCard | Certificate


class Passenger(BaseModel):
    """Somebody who flies."""

    first_name: str = Field(description="Given name")
    last_name: str = Field(description="Family name")
    dob: str = Field(description="Date of birth as YYYY-MM-DD")


class FlightDateStatusAvailable(BaseModel):
    """The flight can be booked: seats left and price per passenger (US dollars), by cabin."""

    status: Literal["available"]
    available_seats: dict[CabinClass, int]
    prices: dict[CabinClass, int]


class FlightDateStatusOnTime(BaseModel):
    """The flight leaves soon, as planned, and can no longer be booked."""

    status: Literal["on time"]
    estimated_departure_time_est: str
    estimated_arrival_time_est: str


class FlightDateStatusFlying(BaseModel):
    """The flight is in the air."""

    status: Literal["flying"]
    actual_departure_time_est: str
    estimated_arrival_time_est: str


class FlightDateStatusLanded(BaseModel):
    """The flight is over."""

    status: Literal["landed"]
    actual_departure_time_est: str
    actual_arrival_time_est: str


class FlightDateStatusCancelled(BaseModel):
    """The airline cancelled the flight."""

    status: Literal["cancelled"]


class FlightDateStatusDelayed(BaseModel):
    """The flight leaves later than planned; it has not left yet and can no longer be booked."""

    status: Literal["delayed"]
    estimated_departure_time_est: str
    estimated_arrival_time_est: str


FlightDateStatus = Annotated[
    FlightDateStatusAvailable
    | FlightDateStatusLanded
    | FlightDateStatusCancelled
    | FlightDateStatusDelayed
    | FlightDateStatusFlying
    | FlightDateStatusOnTime,
    Field(discriminator="status"),
]


class FlightBase(BaseModel):
    """What every view of a flight has; origin and destination are airport codes."""

    flight_number: str
    origin: str
    destination: str


class Flight(FlightBase):
    """A daily flight; a `+1` after the arrival time means the next day."""

    scheduled_departure_time_est: str
    scheduled_arrival_time_est: str
    dates: dict[str, FlightDateStatus]
    """By date of departure (YYYY-MM-DD).

    In a world that sold seats it is a copy-on-write view: see `own_flight`.
    """

    @model_serializer(mode="wrap")
    def _serialize_dates(self, handler: SerializerFunctionWrapHandler) -> Any:
        """Hand pydantic a plain dict: it serialises a view as an unknown object otherwise."""
        if not isinstance(self.dates, Table):
            return handler(self)
        return handler(self.model_copy(update={"dates": self.dates.plain()}))


class DirectFlight(FlightBase):
    """A flight that can be booked on one date."""

    status: Literal["available"]
    scheduled_departure_time_est: str
    scheduled_arrival_time_est: str
    date: str | None = None
    available_seats: dict[CabinClass, int]
    prices: dict[CabinClass, int]


class ReservationFlight(FlightBase):
    """One flight of a reservation with its price per passenger when it was booked (US dollars)."""

    date: str
    price: int


class FlightInfo(BaseModel):
    """Which flight on which day."""

    flight_number: str = Field(description="Flight number")
    date: str = Field(description="Date of departure as YYYY-MM-DD")


class User(BaseModel):
    """A traveller's profile."""

    user_id: str
    name: Name
    address: Address
    email: str
    dob: str
    payment_methods: dict[str, PaymentMethod]
    """By payment id."""
    saved_passengers: list[Passenger]
    membership: MembershipLevel
    reservations: list[str]


class Reservation(BaseModel):
    """A booked trip."""

    reservation_id: str
    user_id: str
    origin: str
    destination: str
    flight_type: FlightType
    cabin: CabinClass
    flights: list[ReservationFlight]
    """In the order of travel; all in the same cabin."""
    passengers: list[Passenger]
    payment_history: list[Payment]
    created_at: str
    """EST, such as 2024-05-10T12:00:00."""
    total_baggages: int
    """Checked bags of all passengers together."""
    nonfree_baggages: int
    """Those of them that were paid for."""
    insurance: Insurance
    status: Literal["cancelled"] | None = None


class FlightDB(DB):
    """The airline's database."""

    flights: dict[str, Flight] = Field(description="Flights by flight number")
    users: dict[str, User] = Field(description="Travellers by user id")
    reservations: dict[str, Reservation] = Field(description="Reservations by reservation id")


def own_flight(flights: MutableMapping[str, Flight], flight_number: str) -> Flight:
    """Return a world's own copy of a flight, whose dates are copied when they are touched.

    A flight has a state for every day of the month; copying them all to sell one seat would be most
    of the work.
    """
    if isinstance(flights, Table) and flights.peek(flight_number) is flights.base.get(
        flight_number
    ):
        shared = flights.base[flight_number]
        flights[flight_number] = shared.model_copy(update={"dates": Table(shared.dates)})
    return flights[flight_number]


def get_db() -> FlightDB:
    """Return a fresh copy of the domain's database."""
    return load_reference_db(FlightDB, domain_dir("airline") / "db.json")
