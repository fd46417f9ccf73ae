"""Customers whose flights were cancelled or delayed and who want something for it."""

from __future__ import annotations

from tau2.domains.airline.data_model import Reservation
from tau2.domains.airline.factory.case import Case, Unfit, best, paid, paid_bags, seated
from tau2.domains.airline.factory.goals.goal import ASKS, SENDS, collector
from tau2.domains.airline.factory.phrasing import day_name
from tau2.domains.airline.factory.trips import FLOWN
from tau2.domains.airline.fares import CANCELLED_COMPENSATION, DELAYED_COMPENSATION, is_recent

GOALS, goal = collector()


def qualifies(case: Case, trip: Reservation) -> bool:
    """Return whether a reservation entitles its customer to compensation at all."""
    return case.user.membership != "regular" or trip.insurance == "yes" or trip.cabin == "business"


def _hit(case: Case, trip: Reservation, status: str) -> bool:
    """Return whether a reservation has a cancelled (or a delayed) flight, and not both."""
    other = {"cancelled": "delayed", "delayed": "cancelled"}[status]
    return (
        trip.status is None and status in case.standing(trip) and other not in case.standing(trip)
    )


def _on_ground(case: Case, trip: Reservation) -> bool:
    return not case.standing(trip) & FLOWN


def _complaint(case: Case, trip: Reservation, which: str) -> str:
    flight = next(
        f
        for f in trip.flights
        if case.tools.get_flight_status(f.flight_number, f.date) == "cancelled"
    )
    return case.say(
        f"The airline cancelled a flight of {which}, and you are upset about it.",
        f"You complain that your flight on {day_name(flight.date)} was cancelled. It belongs to {which}.",
    )


@goal(2, SENDS)
def compensate_cancelled(case: Case) -> None:
    """Compensation for a cancelled flight."""
    trip = case.claim(lambda t: _hit(case, t, "cancelled") and qualifies(case, t))
    which = case.the_trip(trip)
    case.check_flights(trip)
    case.do(
        "send_certificate",
        user_id=case.user.user_id,
        amount=CANCELLED_COMPENSATION * len(trip.passengers),
    )
    case.want(_complaint(case, trip, which))
    case.behave(
        case.say(
            "Ask what the airline will do to make up for it. You do not want to change or cancel anything now.",
            "You want compensation for the trouble, and you say so. Leave the reservation itself alone; you will "
            "deal with it later.",
        )
    )


@goal(3, SENDS)
def compensate_exaggerated(case: Case) -> None:
    """An exaggerated claim for a cancelled flight."""
    trip = case.claim(
        lambda t: _hit(case, t, "cancelled") and qualifies(case, t) and len(t.passengers) < 4
    )
    which = case.the_trip(trip)
    people = len(trip.passengers)
    case.check_flights(trip)
    case.do("send_certificate", user_id=case.user.user_id, amount=CANCELLED_COMPENSATION * people)
    case.want(
        _complaint(case, trip, which),
        case.say(
            f"You want to be compensated for all {('two', 'three', 'four', 'five')[people]} people on it.",
            f"You demand a certificate of ${CANCELLED_COMPENSATION * people + 400} for it.",
        ),
    )
    case.behave(
        "Be firm at first. If the agent tells you what the airline really gives in such a case, accept that. You do "
        "not want the reservation changed or cancelled."
    )


@goal(3, SENDS)
def cancel_disrupted_and_compensate(case: Case) -> None:
    """Cancel a disrupted trip and ask for compensation."""
    trip = case.claim(
        lambda t: _hit(case, t, "cancelled") and qualifies(case, t) and _on_ground(case, t)
    )
    which = case.the_trip(trip)
    case.check_flights(trip)
    case.cancel(trip)
    case.do(
        "send_certificate",
        user_id=case.user.user_id,
        amount=CANCELLED_COMPENSATION * len(trip.passengers),
    )
    case.want(
        _complaint(case, trip, which), "You want the whole reservation cancelled and refunded."
    )
    case.behave(
        "Once the cancellation is done, ask whether you get anything for the trouble on top of the refund."
    )


@goal(2)
def cancel_disrupted_without_compensation(case: Case) -> None:
    """Compensation is refused to who does not qualify; the trip is cancelled."""
    trip = case.claim(
        lambda t: _hit(case, t, "cancelled") and not qualifies(case, t) and _on_ground(case, t)
    )
    which = case.the_trip(trip)
    case.check_flights(trip)
    case.cancel(trip)
    case.want(
        _complaint(case, trip, which), "You want your money back and a voucher for your trouble."
    )
    case.behave(
        case.say(
            "You want the whole reservation cancelled. If there is no voucher for you, ask once why, and leave it "
            "at that.",
            "Cancelling all of it is what matters most to you. Press for the voucher at most twice.",
        )
    )


@goal(3, SENDS)
def change_delayed_and_compensate(case: Case) -> None:
    """Change a delayed trip to another day and ask for compensation."""
    trip = case.claim(
        lambda t: _hit(case, t, "delayed") and qualifies(case, t) and _on_ground(case, t)
        and t.cabin != "basic_economy" and t.flight_type == "one_way"
    )  # fmt: skip
    which, people = case.the_trip(trip), len(trip.passengers)
    case.check_flights(trip)
    (day,) = case.dates(1, most="2024-05-20")
    offers = seated(case.nonstop(trip.origin, trip.destination, day), trip.cabin, people)
    flight = best(offers, lambda f: f.prices[trip.cabin])
    method = case.card()
    name = case.named(method)
    case.rebook(trip, trip.cabin, [(flight.flight_number, day)], method)
    case.do("send_certificate", user_id=case.user.user_id, amount=DELAYED_COMPENSATION * people)
    case.want(
        f"You are sitting at the airport, and your flight is delayed for hours. It is {which}. You have had enough "
        f"and want to fly on {day_name(day)} instead, on the cheapest nonstop flight in the cabin you have."
    )
    case.behave(
        f"Any difference in price goes through {name}. When the new flight is booked, you ask for compensation for "
        "the delay."
    )


@goal(3, SENDS)
def cancel_delayed_and_compensate(case: Case) -> None:
    """Cancel a delayed trip and ask for compensation."""
    trip = case.claim(
        lambda t: _hit(case, t, "delayed") and qualifies(case, t) and _on_ground(case, t)
        and (is_recent(t) or t.cabin == "business")
    )  # fmt: skip
    which = case.the_trip(trip)
    case.check_flights(trip)
    case.cancel(trip)
    case.do(
        "send_certificate",
        user_id=case.user.user_id,
        amount=DELAYED_COMPENSATION * len(trip.passengers),
    )
    case.want(
        f"Because of a delay today you will miss what you wanted to travel for, so you want {which} cancelled "
        "altogether."
    )
    case.behave("When it is cancelled, you also ask for compensation because of the delay.")


@goal(2, ASKS)
def complain_about_delay(case: Case) -> None:
    """Compensation for a delay without a change is refused."""
    trip = case.claim(lambda t: _hit(case, t, "delayed") and _on_ground(case, t))
    which = case.the_trip(trip)
    case.check_flights(trip)
    case.tell(paid(trip))
    case.want(f"You complain about today's delay on {which} and want a voucher as compensation.")
    case.behave(
        "You will take the delayed flight anyway, so nothing is to be changed or cancelled. If there is no voucher, "
        "ask at least how much you paid for this trip in total, since you want to write to the newspaper about it."
    )


@goal(2)
def claim_false_delay(case: Case) -> None:
    """A delay that there is not; the trip stays and gets a bag."""
    trip = case.claim(case.is_open)
    if not qualifies(case, trip):
        raise Unfit
    which = case.the_trip(trip)
    case.check_flights(trip)
    method = case.card()
    name = case.named(method)
    total = trip.total_baggages + 1
    case.add_bags(trip, total, paid_bags(case, trip, total), method)
    case.want(
        f"You heard that the flights of {which} will all be late, and you want compensation for that now. You also "
        "want one more checked bag on it."
    )
    case.behave(
        f"If the agent finds no delay, drop the compensation. For the bag you would pay with {name}. You change "
        "nothing else."
    )
