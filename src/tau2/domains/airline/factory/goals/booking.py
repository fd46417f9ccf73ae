"""Customers who want a new reservation."""

from __future__ import annotations

from tau2.domains.airline.factory.case import Case, Unfit, arrival, best, pairs, seated
from tau2.domains.airline.factory.goals.goal import BOOKS, collector
from tau2.domains.airline.factory.goals.wishes import Wish, a_wish, traveller
from tau2.domains.airline.factory.network import miles
from tau2.domains.airline.factory.phrasing import city, day_name, full_name, joined
from tau2.domains.airline.fares import MOST_PASSENGERS

GOALS, goal = collector()

_FAR = 300  # miles: where changing planes makes sense


@goal(1, BOOKS)
def book_cheapest(case: Case) -> None:
    """Book the cheapest nonstop flight."""
    wish = a_wish(case)
    (day,) = case.dates(1)
    wish.take_cheapest(day)
    name = wish.book_with()
    case.want(
        case.say(
            f"You want to fly {wish.route} on {day_name(day)}, one way and nonstop, in {wish.cabin_name}.",
            f"You need a one-way ticket {wish.route} for {day_name(day)}. It should be nonstop and in "
            f"{wish.cabin_name}.",
        )
    )
    case.behave(
        f"You travel alone and take the cheapest flight that fits. You want {wish.extras}, and you pay with {name}."
    )


@goal(1, BOOKS)
def book_by_time(case: Case) -> None:
    """Book a nonstop flight by the time of the day."""
    wish = a_wish(case)
    (day,) = case.dates(1)
    offers = wish.offers(day)
    early = case.one((True, False))
    limit = "12:00:00"
    fitting = [
        flight for flight in offers if (flight.scheduled_departure_time_est < limit) == early
    ]
    if len(fitting) != 1 or len(offers) < 2:
        raise Unfit
    wish.legs.append((fitting[0], day))
    name = wish.book_with()
    case.want(
        f"You want to book a one-way trip {wish.route} on {day_name(day)} in {wish.cabin_name}. You only fly "
        f"nonstop, and it has to leave {'before noon' if early else 'in the afternoon or evening'} (EST)."
    )
    case.behave(f"It is for you alone, with {wish.extras}. Use {name}.")


@goal(2, BOOKS)
def book_round_trip(case: Case) -> None:
    """Book a round trip at the lowest fares."""
    wish = a_wish(case)
    wish.round_trip = True
    out, back = sorted(case.dates(2))
    wish.take_cheapest(out)
    wish.take_cheapest(back, back=True)
    name = wish.book_with()
    case.want(
        case.say(
            f"You would like to book a round trip {wish.route}: there on {day_name(out)}, back on {day_name(back)}.",
            f"You are planning a visit to {city(wish.destination)} from {day_name(out)} to {day_name(back)} and need "
            f"flights from {city(wish.origin)} and back.",
        )
    )
    case.behave(
        f"Only nonstop flights, {wish.cabin_name}, and the cheapest one each way. You are alone. You want "
        f"{wish.extras}. {name[0].upper()}{name[1:]} pays for all of it."
    )
    if case.rng.random() < 0.4:
        case.tell(wish.price)
        case.behave("Ask for the total before you agree.")


@goal(2, BOOKS)
def book_connection(case: Case) -> None:
    """Book a connection where no nonstop flight exists."""
    wish = a_wish(case)
    ends = case.rng.sample(case.atlas.airports, 2)
    wish.origin, wish.destination = ends
    (day,) = case.dates(1)
    if (ends[0], ends[1]) in case.atlas.routes or miles(*ends) < _FAR:
        raise Unfit
    case.nonstop(wish.origin, wish.destination, day)
    options = [
        pair for pair in case.connections(wish.origin, wish.destination, day)
        if len(seated(pair, wish.cabin, 1)) == len(pair)
    ]  # fmt: skip
    fast = case.one((True, False))
    if fast:
        pair = best(options, lambda p: arrival(p[1]))
    else:
        pair = best(options, lambda p: sum(flight.prices[wish.cabin] for flight in p))
    wish.legs = [(flight, flight.date or day) for flight in pair]
    name = wish.book_with()
    case.want(
        f"You have to get {wish.route} on {day_name(day)}, one way, in {wish.cabin_name}. If there is no nonstop "
        "flight, changing planes once is fine."
    )
    case.behave(
        f"Among the connections you want the one that {'arrives first' if fast else 'costs the least in total'}. "
        f"Nobody travels with you. {wish.extras.capitalize()}; {name} pays."
    )


@goal(2, BOOKS)
def book_family(case: Case) -> None:
    """Book for the family, whose data are in the profile."""
    wish = a_wish(case, people=case.one((2, 2, 3)))
    (day,) = case.dates(1)
    wish.take_cheapest(day)
    name = wish.book_with()
    others = [full_name(person) for person in wish.people[1:]]
    case.want(
        f"You want to book a one-way trip {wish.route} on {day_name(day)} for yourself and {joined(others)}, nonstop "
        f"and in {wish.cabin_name}."
    )
    case.behave(
        f"You do not have the birth dates in your head, but {joined(others)} should be saved in your profile. Take "
        f"the cheapest flight with room for all of you; {wish.extras} for all of you together. You want to pay with "
        f"{name}."
    )


@goal(3, BOOKS)
def book_too_many(case: Case) -> None:
    """Six passengers are refused; then five."""
    wish = a_wish(case, cabin=case.one(("basic_economy", "economy")))
    wish.bags = 0
    family = case.user.name.last_name
    while len(wish.people) <= MOST_PASSENGERS:
        child = case.stranger(family)
        if child.first_name not in {person.first_name for person in wish.people}:
            wish.people.append(child)
    left_out = wish.people.pop()
    (day,) = case.dates(1)
    wish.take_cheapest(day)
    name = wish.book_with()
    others = [f"{full_name(person)} ({person.dob})" for person in [*wish.people[1:], left_out]]
    case.want(
        f"The six of you want to fly {wish.route} on {day_name(day)}, one way, on the cheapest nonstop flight in "
        f"{wish.cabin_name} that has room for everybody: you, {joined(others)}. The dates are the birth dates."
    )
    case.behave(
        f"All of you have to be on one reservation. If six are too many, {full_name(left_out)} stays at home and you "
        f"book for the other five. You want {wish.extras} and pay with {name}."
    )


@goal(3, BOOKS)
def book_cheapest_day(case: Case) -> None:
    """The cheapest of three days."""
    wish = a_wish(case)
    days = sorted(case.dates(3))
    offers = [(flight, day) for day in days for flight in wish.offers(day)]
    flight, day = best(offers, lambda offer: offer[0].prices[wish.cabin])
    wish.legs.append((flight, day))
    name = wish.book_with()
    case.want(
        f"You want to fly {wish.route}, one way, nonstop and in {wish.cabin_name}. The day does not matter much: "
        f"{joined([day_name(other) for other in days], last='or')}, whichever is cheapest."
    )
    case.behave(
        f"You take the cheapest flight of these days. {wish.extras.capitalize()}, just you, and {name} pays."
    )


@goal(3, BOOKS)
def book_same_flights(case: Case) -> None:
    """Nobody can be added to a reservation; then a reservation of its own on the same flights."""
    trip = case.claim(
        lambda t: case.is_open(t) and t.flight_type == "one_way" and len(t.flights) == 1
    )
    which, guest = case.the_trip(trip), case.stranger()
    flown = trip.flights[0]
    wish = Wish(
        case,
        trip.origin,
        trip.destination,
        trip.cabin,
        [guest],
        bags=case.one((0, 1)),
        insured=False,
    )
    offers = [
        f for f in wish.offers(flown.date) if (f.flight_number, flown.date) in pairs(trip.flights)
    ]
    wish.legs.append((case.one(offers), flown.date))
    name = wish.book_with()
    case.want(
        f"You want to bring {full_name(guest)} along on {which} and have {guest.first_name} added to it as another "
        "passenger."
    )
    case.behave(
        f"If nobody can be added, you want a reservation of its own for {guest.first_name}, on exactly the same "
        f"flight and in the same cabin, with {wish.extras}. {guest.first_name} was born on {guest.dob}. You pay with "
        f"{name}."
    )


@goal(3, BOOKS)
def cancel_and_book_again(case: Case) -> None:
    """Cancel a fresh booking and book another day."""
    trip = case.claim(
        lambda t: (
            case.is_open(t)
            and t.cabin == "business"
            and t.flight_type == "one_way"
            and len(t.flights) == 1
        )
    )
    which = case.the_trip(trip)
    (day,) = case.dates(1, but=[trip.flights[0].date])
    wish = Wish(
        case,
        trip.origin,
        trip.destination,
        "economy",
        [traveller(case)],
        bags=1,
        insured=case.one((True, False)),
    )
    case.cancel(trip)
    wish.take_cheapest(day)
    name = wish.book_with()
    case.want(
        f"You want to cancel {which} because business is too expensive after all. You do not want it changed, you "
        "want it cancelled and refunded."
    )
    case.behave(
        f"When that is done, book a new one-way trip on the same route for {day_name(day)}: economy, nonstop, the "
        f"cheapest there is, for you alone, with {wish.extras}. {name[0].upper()}{name[1:]} pays for it."
    )
