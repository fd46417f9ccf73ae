"""Customers who want a new reservation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from tau2.domains.airline.data_model import CabinClass, DirectFlight, Passenger, PaymentMethod
from tau2.domains.airline.factory.case import Case, Unfit, arrives_next_day, best, pairs, seated
from tau2.domains.airline.factory.goals.goal import BOOKS, collector
from tau2.domains.airline.factory.network import miles
from tau2.domains.airline.factory.phrasing import (
    CABIN_NAMES,
    bag_count,
    city,
    clock_name,
    day_name,
    full_name,
    joined,
)
from tau2.domains.airline.fares import BAG_PRICE, INSURANCE_PRICE, MOST_PASSENGERS, free_bags

GOALS, goal = collector()

_CABINS: tuple[CabinClass, ...] = ("basic_economy", "economy", "economy", "business")
_FAR = 300  # miles: where changing planes makes sense


@dataclass(slots=True)
class Wish:
    """A trip as a customer imagines it."""

    origin: str
    destination: str
    cabin: CabinClass
    people: list[Passenger]
    bags: int
    insured: bool
    legs: list[DirectFlight] = field(default_factory=list)
    days: list[str] = field(default_factory=list)
    round_trip: bool = False

    def add(self, flight: DirectFlight, day: str) -> None:
        """Take a flight on a day."""
        self.legs.append(flight)
        self.days.append(day)

    def nonfree(self, case: Case) -> int:
        """Return how many of the bags are paid for."""
        return max(0, self.bags - free_bags(case.user.membership, self.cabin, len(self.people)))

    def price(self, case: Case) -> int:
        """Return what all of it costs."""
        fares = sum(flight.prices[self.cabin] for flight in self.legs) * len(self.people)
        return fares + INSURANCE_PRICE * len(self.people) * self.insured + BAG_PRICE * self.nonfree(case)


def _wish(case: Case, *, people: int = 1, cabin: CabinClass | None = None) -> Wish:
    """Return a trip between two airports that are joined by nonstop flights."""
    origin, destination = case.one(case.atlas.routes)
    travellers = [_me(case)]
    travellers += case.rng.sample(case.user.saved_passengers, min(people - 1, len(case.user.saved_passengers)))
    if len(travellers) < people or len({person.first_name for person in travellers}) < people:
        raise Unfit
    return Wish(
        origin=origin,
        destination=destination,
        cabin=cabin or case.one(_CABINS),
        people=travellers,
        bags=case.one((0, 0, 1, 1, 2)) * (1 if people == 1 else 2),
        insured=case.rng.random() < 0.35,  # noqa: PLR2004  -- a share
    )


def _me(case: Case) -> Passenger:
    name = case.user.name
    return Passenger(first_name=name.first_name, last_name=name.last_name, dob=case.user.dob)


def _offers(case: Case, wish: Wish, day: str, *, back: bool = False) -> list[DirectFlight]:
    ends = (wish.destination, wish.origin) if back else (wish.origin, wish.destination)
    flights = seated(case.nonstop(*ends, day), wish.cabin, len(wish.people))
    return [flight for flight in flights if not arrives_next_day(flight)]


def _cheapest(case: Case, wish: Wish, day: str, *, back: bool = False) -> None:
    wish.add(best(_offers(case, wish, day, back=back), lambda f: f.prices[wish.cabin]), day)


def _book(case: Case, wish: Wish, payments: Sequence[tuple[PaymentMethod, int]]) -> None:
    case.do(
        "book_reservation",
        user_id=case.user.user_id,
        origin=wish.origin,
        destination=wish.destination,
        flight_type="round_trip" if wish.round_trip else "one_way",
        cabin=wish.cabin,
        flights=[
            {"flight_number": f.flight_number, "date": day} for f, day in zip(wish.legs, wish.days, strict=True)
        ],
        passengers=[person.model_dump() for person in wish.people],
        payment_methods=[{"payment_id": method.id, "amount": amount} for method, amount in payments],
        total_baggages=wish.bags,
        nonfree_baggages=wish.nonfree(case),
        insurance="yes" if wish.insured else "no",
    )
    case.use(*(method for method, _ in payments))


def _book_with(case: Case, wish: Wish, *, cards: bool = True) -> str:
    """Book with one method and return what the customer calls it."""
    method = case.payer(wish.price(case), cards=cards)
    name = case.named(method)
    _book(case, wish, [(method, wish.price(case))])
    return name


def _route(wish: Wish) -> str:
    return f"from {city(wish.origin)} to {city(wish.destination)}"


def _extras(wish: Wish) -> str:
    insurance = "travel insurance" if wish.insured else "no insurance"
    return f"{bag_count(wish.bags)} and {insurance}"


def _cabin(wish: Wish) -> str:
    return CABIN_NAMES[wish.cabin]


@goal(1, "book the cheapest nonstop flight", BOOKS)
def book_cheapest(case: Case) -> None:
    wish = _wish(case)
    (day,) = case.dates(1)
    _cheapest(case, wish, day)
    name = _book_with(case, wish)
    case.want(
        case.say(
            f"You want to fly {_route(wish)} on {day_name(day)}, one way and nonstop, in {_cabin(wish)}.",
            f"You need a one-way ticket {_route(wish)} for {day_name(day)}. It should be nonstop and in {_cabin(wish)}.",
        )
    )
    case.behave(
        f"You travel alone and take the cheapest flight that fits. You want {_extras(wish)}, and you pay with {name}."
    )


@goal(1, "book a nonstop flight by the time of the day", BOOKS)
def book_by_time(case: Case) -> None:
    wish = _wish(case)
    (day,) = case.dates(1)
    offers = _offers(case, wish, day)
    early = case.one((True, False))
    limit = "12:00:00"
    fitting = [flight for flight in offers if (flight.scheduled_departure_time_est < limit) == early]
    if len(fitting) != 1 or len(offers) < 2:  # noqa: PLR2004  -- a choice
        raise Unfit
    wish.add(fitting[0], day)
    name = _book_with(case, wish)
    case.want(
        f"You want to book a one-way trip {_route(wish)} on {day_name(day)} in {_cabin(wish)}. You only fly nonstop, and "
        f"it has to leave {'before' if early else 'after'} {clock_name(limit).replace(':00', '')} EST."
    )
    case.behave(f"It is for you alone, with {_extras(wish)}. Use {name}.")


@goal(2, "book a round trip at the lowest fares", BOOKS)
def book_round_trip(case: Case) -> None:
    wish = _wish(case)
    wish.round_trip = True
    out, back = sorted(case.dates(2))
    _cheapest(case, wish, out)
    _cheapest(case, wish, back, back=True)
    name = _book_with(case, wish)
    case.want(
        case.say(
            f"You would like to book a round trip {_route(wish)}: there on {day_name(out)}, back on {day_name(back)}.",
            f"You are planning a visit to {city(wish.destination)} from {day_name(out)} to {day_name(back)} and need flights "
            f"from {city(wish.origin)} and back.",
        )
    )
    case.behave(
        f"Only nonstop flights, {_cabin(wish)}, and the cheapest one each way. You are alone. You want {_extras(wish)}. "
        f"{name[0].upper()}{name[1:]} pays for all of it."
    )
    if case.rng.random() < 0.4:  # noqa: PLR2004  -- a share
        case.tell(wish.price(case))
        case.behave("Ask for the total before you agree.")


@goal(2, "book a connection where no nonstop flight exists", BOOKS)
def book_connection(case: Case) -> None:
    wish = _wish(case)
    ends = case.rng.sample(case.atlas.airports, 2)
    wish.origin, wish.destination = ends
    (day,) = case.dates(1)
    if (ends[0], ends[1]) in case.atlas.routes or miles(*ends) < _FAR:
        raise Unfit
    case.nonstop(wish.origin, wish.destination, day)
    options = [
        pair for pair in case.connections(wish.origin, wish.destination, day)
        if len(seated(pair, wish.cabin, 1)) == len(pair) and not any(map(arrives_next_day, pair))
    ]  # fmt: skip
    fast = case.one((True, False))
    if fast:
        pair = best(options, lambda p: p[1].scheduled_arrival_time_est)
    else:
        pair = best(options, lambda p: sum(flight.prices[wish.cabin] for flight in p))
    for flight in pair:
        wish.add(flight, day)
    name = _book_with(case, wish)
    case.want(
        f"You have to get {_route(wish)} on {day_name(day)}, one way, in {_cabin(wish)}. If there is no nonstop flight, "
        "changing planes once is fine."
    )
    case.behave(
        f"Among the connections you want the one that {'arrives first' if fast else 'costs the least in total'}. "
        f"Nobody travels with you. {_extras(wish).capitalize()}; {name} pays."
    )


@goal(2, "book with a certificate and a card for the rest", BOOKS)
def book_with_certificate(case: Case) -> None:
    wish = _wish(case)
    (day,) = case.dates(1)
    _cheapest(case, wish, day)
    certificate, card, price = case.one(case.certificates()), case.card(), wish.price(case)
    voucher, name = case.named(certificate), case.named(card)
    if certificate.amount >= price:
        raise Unfit
    _book(case, wish, [(certificate, int(certificate.amount)), (card, price - int(certificate.amount))])
    case.want(
        f"You want to use {voucher} for a one-way flight {_route(wish)} on {day_name(day)}: nonstop, {_cabin(wish)}, as cheap "
        "as possible."
    )
    case.behave(f"What the certificate does not cover goes on {name}. You fly alone, with {_extras(wish)}.")


@goal(2, "use up a gift card and pay the rest with a credit card", BOOKS)
def book_with_gift_card(case: Case) -> None:
    wish = _wish(case)
    (day,) = case.dates(1)
    _cheapest(case, wish, day)
    gift, card, price = case.gift_card(), case.card(), wish.price(case)
    gift_name, name = case.named(gift), case.named(card)
    if not 0 < gift.amount < price:
        raise Unfit
    _book(case, wish, [(gift, int(gift.amount)), (card, price - int(gift.amount))])
    case.want(
        f"You would like to fly {_route(wish)} on {day_name(day)}, one way, on the cheapest nonstop flight in {_cabin(wish)}."
    )
    case.behave(
        f"Use up all the money on {gift_name} first; {name} pays what is left. For yourself only, with {_extras(wish)}."
    )


@goal(2, "book for the family, whose data are in the profile", BOOKS)
def book_family(case: Case) -> None:
    wish = _wish(case, people=case.one((2, 2, 3)))
    (day,) = case.dates(1)
    _cheapest(case, wish, day)
    name = _book_with(case, wish)
    others = [full_name(person) for person in wish.people[1:]]
    case.want(
        f"You want to book a one-way trip {_route(wish)} on {day_name(day)} for yourself and {joined(others)}, nonstop and in "
        f"{_cabin(wish)}."
    )
    case.behave(
        "You do not have the birth dates in your head, but the others should be saved in your profile. "
        f"Take the cheapest flight with room for all of you; {_extras(wish)} for all of you together. "
        f"You want to pay with {name}."
    )


@goal(2, "two certificates are refused; then the larger one and a card", BOOKS)
def book_with_two_certificates(case: Case) -> None:
    wish = _wish(case)
    (day,) = case.dates(1)
    _cheapest(case, wish, day)
    certificates, card, price = case.certificates(), case.card(), wish.price(case)
    if len(certificates) != 2 or certificates[0].amount == certificates[1].amount:  # noqa: PLR2004  -- two
        raise Unfit
    if certificates[0].amount + certificates[1].amount >= price:
        raise Unfit
    larger, name = certificates[0], case.named(card)
    _book(case, wish, [(larger, int(larger.amount)), (card, price - int(larger.amount))])
    case.want(
        f"You want a one-way flight {_route(wish)} on {day_name(day)}, the cheapest nonstop one in {_cabin(wish)}. You have two "
        f"travel certificates and want to use both of them, and {name} for the rest."
    )
    case.behave(
        f"If only one certificate is allowed, use the larger one and let {name} pay more. You are the only passenger and want "
        f"{_extras(wish)}."
    )


@goal(2, "a card that is not in the profile is refused; then one that is", BOOKS)
def book_with_foreign_card(case: Case) -> None:
    wish = _wish(case)
    (day,) = case.dates(1)
    _cheapest(case, wish, day)
    name = _book_with(case, wish)
    digits = f"{case.rng.randrange(10_000):04}"
    case.want(
        f"You are after the cheapest nonstop flight {_route(wish)} on {day_name(day)} in {_cabin(wish)}, one way. You want to "
        f"put it on your new American Express card, which ends in {digits}."
    )
    case.behave(
        f"The card is not in your profile. If the agent cannot use it, take {name} instead. You fly alone and want "
        f"{_extras(wish)}."
    )


@goal(3, "six passengers are refused; then five", BOOKS)
def book_too_many(case: Case) -> None:
    wish = _wish(case, cabin=case.one(("basic_economy", "economy")))
    wish.bags = 0
    family = case.user.name.last_name
    while len(wish.people) <= MOST_PASSENGERS:
        child = case.stranger(family)
        if child.first_name not in {person.first_name for person in wish.people}:
            wish.people.append(child)
    left_out = wish.people.pop()
    (day,) = case.dates(1)
    _cheapest(case, wish, day)
    name = _book_with(case, wish)
    others = [f"{full_name(person)} ({person.dob})" for person in [*wish.people[1:], left_out]]
    case.want(
        f"The six of you want to fly {_route(wish)} on {day_name(day)}, one way, on the cheapest nonstop flight in "
        f"{_cabin(wish)} that has room for everybody: you, {joined(others)}. The dates are the birth dates."
    )
    case.behave(
        f"All of you have to be on one reservation. If six are too many, {full_name(left_out)} stays at home and you book for "
        f"the other five. You want {_extras(wish)} and pay with {name}."
    )


@goal(3, "business within a budget, otherwise economy", BOOKS)
def book_within_budget(case: Case) -> None:
    wish = _wish(case, cabin="business")
    wish.bags, wish.insured = 0, False
    (day,) = case.dates(1)
    business = best(_offers(case, wish, day), lambda f: f.prices["business"])
    affordable = case.one((True, False))
    price = business.prices["business"]
    budget = 25 * (price // 25 + 1) if affordable else 25 * ((price - 1) // 25)
    if affordable:
        wish.add(business, day)
    else:
        wish.cabin = "economy"
        _cheapest(case, wish, day)
    name = _book_with(case, wish)
    case.want(
        f"You want to go {_route(wish)} on {day_name(day)}, one way and nonstop. If a seat in business costs no more than "
        f"${budget}, you take the cheapest one of those; otherwise the cheapest seat in economy."
    )
    case.behave(f"Basic economy is out of the question. You are alone and want {_extras(wish)}. Pay with {name}.")


@goal(3, "the cheapest of three days", BOOKS)
def book_cheapest_day(case: Case) -> None:
    wish = _wish(case)
    days = sorted(case.dates(3))
    offers = [(flight, day) for day in days for flight in _offers(case, wish, day)]
    flight, day = best(offers, lambda offer: offer[0].prices[wish.cabin])
    wish.add(flight, day)
    name = _book_with(case, wish)
    case.want(
        f"You want to fly {_route(wish)}, one way, nonstop and in {_cabin(wish)}. The day does not matter much: "
        f"{joined([day_name(other) for other in days], last='or')}, whichever is cheapest."
    )
    case.behave(
        f"You take the cheapest flight of these days. {_extras(wish).capitalize()}, just you, and {name} pays."
    )


@goal(3, "nobody can be added to a reservation; then a reservation of its own on the same flights", BOOKS)
def book_same_flights(case: Case) -> None:
    trip = case.claim(lambda t: case.is_open(t) and t.flight_type == "one_way" and len(t.flights) == 1)
    which, guest = case.the_trip(trip), case.stranger()
    flown = trip.flights[0]
    wish = Wish(trip.origin, trip.destination, trip.cabin, [guest], bags=case.one((0, 1)), insured=False)
    offers = [f for f in _offers(case, wish, flown.date) if (f.flight_number, flown.date) in pairs(trip.flights)]
    wish.add(case.one(offers), flown.date)
    name = _book_with(case, wish)
    case.want(
        f"You want to bring {full_name(guest)} along on {which} and have {guest.first_name} added to it as another passenger."
    )
    case.behave(
        f"If nobody can be added, you want a reservation of its own for {guest.first_name}, on exactly the same flight and in "
        f"the same cabin, with {_extras(wish)}. {guest.first_name} was born on {guest.dob}. You pay with {name}."
    )


@goal(3, "cancel a fresh booking and book another day", BOOKS)
def cancel_and_book_again(case: Case) -> None:
    trip = case.claim(
        lambda t: case.is_open(t) and t.cabin == "business" and t.flight_type == "one_way" and len(t.flights) == 1
    )
    which = case.the_trip(trip)
    (day,) = case.dates(1, but=[trip.flights[0].date])
    wish = Wish(trip.origin, trip.destination, "economy", [_me(case)], bags=1, insured=case.one((True, False)))
    case.cancel(trip)
    _cheapest(case, wish, day)
    name = _book_with(case, wish)
    case.want(
        f"You want to cancel {which} because business is too expensive after all. You do not want it changed, you want it "
        "cancelled and refunded."
    )
    case.behave(
        f"When that is done, book a new one-way trip on the same route for {day_name(day)}: economy, nonstop, the cheapest there "
        f"is, for you alone, with {_extras(wish)}. {name[0].upper()}{name[1:]} pays for it."
    )
