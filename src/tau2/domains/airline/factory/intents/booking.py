"""Customers who want a new reservation."""

from __future__ import annotations

from tau2.domains.airline.factory.draft import AirlineDraft, arrival, best, pairs, seated
from tau2.domains.airline.factory.intents.bookings import (
    BookingRequest,
    booking_request,
    cheapest_booking,
    traveller,
)
from tau2.domains.airline.factory.intents.intent import BOOKS, intents
from tau2.domains.airline.factory.network import miles
from tau2.domains.airline.factory.phrasing import city, day_name, full_name
from tau2.domains.airline.fares import MOST_PASSENGERS
from tau2.taskgen.drafts import UnsuitableCustomer
from tau2.taskgen.phrasing import joined

INTENTS, intent = intents(__file__)

_FAR = 300  # miles: where changing planes makes sense


@intent(level=1, tags=(BOOKS,))
def book_cheapest(draft: AirlineDraft) -> None:
    """Book the cheapest nonstop flight."""
    booking, day = cheapest_booking(draft)
    name = booking.book_with()
    draft.want(booking=booking, day=day_name(day), name=name)


@intent(level=1, tags=(BOOKS,))
def book_by_time(draft: AirlineDraft) -> None:
    """Book a nonstop flight by the time of the day."""
    booking = booking_request(draft)
    day = draft.date()
    offers = booking.offers(day)
    early = draft.one((True, False))
    limit = "12:00:00"
    fitting = [
        flight for flight in offers if (flight.scheduled_departure_time_est < limit) == early
    ]
    if len(fitting) != 1 or len(offers) < 2:
        raise UnsuitableCustomer
    booking.legs.append((fitting[0], day))
    name = booking.book_with()
    draft.want(
        booking=booking,
        day=day_name(day),
        when="before noon" if early else "in the afternoon or evening",
        name=name,
    )


@intent(level=2, tags=(BOOKS,))
def book_round_trip(draft: AirlineDraft) -> None:
    """Book a round trip at the lowest fares."""
    booking = booking_request(draft)
    booking.round_trip = True
    out, back = sorted(draft.dates(2))
    booking.take_cheapest(out)
    booking.take_cheapest(back, back=True)
    name = booking.book_with()
    draft.want(
        booking=booking,
        out=day_name(out),
        back=day_name(back),
        destination=city(booking.destination),
        origin=city(booking.origin),
        name=name,
    )
    if draft.rng.random() < 0.4:
        draft.tell(booking.price)
        draft.behave("ask")


@intent(level=2, tags=(BOOKS,))
def book_connection(draft: AirlineDraft) -> None:
    """Book a connection where no nonstop flight exists."""
    booking = booking_request(draft)
    ends = draft.rng.sample(draft.index.airports, 2)
    booking.origin, booking.destination = ends
    day = draft.date()
    if (ends[0], ends[1]) in draft.index.routes or miles(*ends) < _FAR:
        raise UnsuitableCustomer
    draft.nonstop(booking.origin, booking.destination, day)
    options = [
        pair for pair in draft.connections(booking.origin, booking.destination, day)
        if len(seated(pair, booking.cabin, 1)) == len(pair)
    ]  # fmt: skip
    fast = draft.one((True, False))
    if fast:
        pair = best(options, lambda p: arrival(p[1]))
    else:
        pair = best(options, lambda p: sum(flight.prices[booking.cabin] for flight in p))
    booking.legs = [(flight, flight.date or day) for flight in pair]
    name = booking.book_with()
    draft.want(
        booking=booking,
        day=day_name(day),
        which_one="arrives first" if fast else "costs the least in total",
        name=name,
    )


@intent(level=2, tags=(BOOKS,))
def book_family(draft: AirlineDraft) -> None:
    """Book for the family, whose data are in the profile."""
    booking, day = cheapest_booking(draft, people=draft.one((2, 2, 3)))
    name = booking.book_with()
    others = [full_name(person) for person in booking.people[1:]]
    draft.want(booking=booking, day=day_name(day), others=others, name=name)


@intent(level=3, tags=(BOOKS,), held_out=True)
def book_too_many(draft: AirlineDraft) -> None:
    """Six passengers are refused; then five."""
    booking = booking_request(draft, cabin=draft.one(("basic_economy", "economy")))
    booking.bags = 0
    family = draft.user.name.last_name
    while len(booking.people) <= MOST_PASSENGERS:
        child = draft.stranger(family)
        if child.first_name not in {person.first_name for person in booking.people}:
            booking.people.append(child)
    left_out = booking.people.pop()
    day = draft.date()
    booking.take_cheapest(day)
    name = booking.book_with()
    others = [f"{full_name(person)} ({person.dob})" for person in [*booking.people[1:], left_out]]
    draft.want(
        booking=booking, day=day_name(day), others=others, left_out=full_name(left_out), name=name
    )


@intent(level=3, tags=(BOOKS,), held_out=True)
def book_cheapest_day(draft: AirlineDraft) -> None:
    """The cheapest of three days."""
    booking = booking_request(draft)
    days = sorted(draft.dates(3))
    offers = [(flight, day) for day in days for flight in booking.offers(day)]
    flight, day = best(offers, lambda offer: offer[0].prices[booking.cabin])
    booking.legs.append((flight, day))
    name = booking.book_with()
    draft.want(
        booking=booking, days=joined([day_name(other) for other in days], last="or"), name=name
    )


@intent(level=3, tags=(BOOKS,))
def book_same_flights(draft: AirlineDraft) -> None:
    """Nobody can be added to a reservation; then a reservation of its own on the same flights."""
    trip, which = draft.claim_named(
        lambda t: draft.is_open(t) and t.flight_type == "one_way" and len(t.flights) == 1
    )
    guest = draft.stranger()
    flown = trip.flights[0]
    booking = BookingRequest(
        draft,
        trip.origin,
        trip.destination,
        trip.cabin,
        [guest],
        bags=draft.one((0, 1)),
        insured=False,
    )
    offers = [
        f
        for f in booking.offers(flown.date)
        if (f.flight_number, flown.date) in pairs(trip.flights)
    ]
    booking.legs.append((draft.one(offers), flown.date))
    name = booking.book_with()
    draft.want(guest=guest, which=which, booking=booking, name=name)


@intent(level=3, tags=(BOOKS,))
def cancel_and_book_again(draft: AirlineDraft) -> None:
    """Cancel a fresh booking and book another day."""
    trip, which = draft.claim_named(
        lambda t: (
            draft.is_open(t)
            and t.cabin == "business"
            and t.flight_type == "one_way"
            and len(t.flights) == 1
        )
    )
    day = draft.date(but=[trip.flights[0].date])
    booking = BookingRequest(
        draft,
        trip.origin,
        trip.destination,
        "economy",
        [traveller(draft)],
        bags=1,
        insured=draft.one((True, False)),
    )
    draft.cancel(trip)
    booking.take_cheapest(day)
    name = booking.book_with()
    draft.want(which=which, day=day_name(day), booking=booking, name=name)
