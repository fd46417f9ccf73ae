"""Customers who want to cancel and may."""

from __future__ import annotations

from tau2.domains.airline.data_model import Reservation
from tau2.domains.airline.factory.case import Case, Unfit, paid
from tau2.domains.airline.factory.goals.goal import ALL_TRIPS, HANDS_OVER, collector
from tau2.domains.airline.factory.phrasing import city, day_name
from tau2.domains.airline.factory.trips import FLOWN
from tau2.domains.airline.fares import is_recent

GOALS, goal = collector()

CHANGED_PLANS = (
    "your plans have changed",
    "the meeting you wanted to attend is no longer taking place",
    "the friends you wanted to visit will be away",
    "you have to work on these days after all",
    "you found out that you cannot get the days off",
)
ILLNESS = (
    "you have come down with pneumonia",
    "you broke your ankle and the doctor told you not to travel",
    "you have to have surgery that week",
    "you caught the flu and are in no state to fly",
)
WEATHER = (
    "a tropical storm is forecast where you are going",
    "there are flood warnings for your destination",
    "a heavy storm has been announced for that day",
)


def changed_plans(case: Case) -> str:
    """Return a reason that no insurance covers."""
    return case.say(*CHANGED_PLANS)


@goal(1)
def cancel_recent(case: Case) -> None:
    """Cancel within 24 hours of booking."""
    trip = case.claim(
        lambda t: case.is_open(t) and is_recent(t) and t.cabin != "business" and t.insurance == "no"
    )
    which, why = case.the_trip(trip), changed_plans(case)
    case.cancel(trip)
    case.want(
        case.say(
            f"You want to cancel {which} because {why}. You booked it less than a day ago.",
            f"You would like {which} cancelled. The reason is that {why}.",
            f"You booked too quickly: please have {which} cancelled, as {why}.",
        )
    )
    case.behave(
        case.say(
            "You expect your money back.", "Agree when the agent explains how the refund works."
        )
    )


@goal(1)
def cancel_business(case: Case) -> None:
    """Cancel a business reservation."""
    trip = case.claim(lambda t: case.is_open(t) and not is_recent(t) and t.cabin == "business")
    which, why = case.the_trip(trip), changed_plans(case)
    case.cancel(trip)
    case.want(
        case.say(
            f"You want to cancel {which}, because {why}.",
            f"You cannot make {which} and want it cancelled: {why}.",
        )
    )
    case.behave(
        "Give that as the reason if you are asked. You agree to a refund to whatever you paid with."
    )


@goal(2)
def cancel_disrupted(case: Case) -> None:
    """Cancel what the airline itself has disrupted."""
    trip = case.claim(
        lambda t: (
            _disrupted(case, t)
            and not is_recent(t)
            and t.cabin != "business"
            and t.insurance == "no"
        )
    )
    which = case.the_trip(trip)
    case.check_flights(trip)
    case.cancel(trip)
    case.want(
        case.say(
            f"You got a message that the airline has cancelled a flight of {which}. You want to cancel all of it "
            "now.",
            f"One of the flights of {which} was taken out of the timetable, so the trip makes no sense any more and "
            "you want it cancelled.",
        )
    )
    case.behave(
        case.say(
            "You do not want other flights instead.",
            "You know nothing more about it than that; let the agent look it up. Other flights are no use to you.",
        )
    )


def _disrupted(case: Case, trip: Reservation) -> bool:
    standing = case.standing(trip)
    return (
        trip.status is None and "cancelled" in standing and standing <= {"cancelled", "available"}
    )


@goal(2)
def cancel_insured(case: Case) -> None:
    """Cancel for health or weather with insurance; the reason only comes out when asked."""
    trip = case.claim(lambda t: case.is_bound(t) and t.insurance == "yes")
    which = case.the_trip(trip)
    why = case.say(*ILLNESS, *WEATHER)
    case.cancel(trip)
    case.want(
        case.say(
            f"You want to cancel {which}. The reason is that {why}.",
            f"You need to cancel {which}.",
            f"You will not be able to take {which}, so it has to be cancelled.",
        )
    )
    case.behave(
        case.say(
            f"If the agent asks for the reason, say that {why}. You believe that you bought insurance.",
            f"When the agent asks why, the honest answer is that {why}.",
        )
    )


@goal(2)
def cancel_and_count(case: Case) -> None:
    """Cancel and say how much comes back."""
    trip = case.claim(lambda t: case.is_open(t) and (is_recent(t) or t.cabin == "business"))
    which, why, amount = case.the_trip(trip), changed_plans(case), paid(trip)
    case.cancel(trip)
    case.tell(amount)
    case.want(
        case.say(
            f"You want to cancel {which} since {why}, and you need the exact amount that you will get back.",
            f"You want {which} cancelled; {why}. Ask for the exact sum of the refund and when it will arrive.",
        )
    )
    case.behave("Do not end the conversation before you have been told the amount in dollars.")


@goal(3)
def cancel_for_one_then_all(case: Case) -> None:
    """Cancel for one passenger only, which cannot be; then for all."""
    trip = case.claim(
        lambda t: (
            case.is_open(t) and len(t.passengers) > 1 and (is_recent(t) or t.cabin == "business")
        )
    )
    which = case.the_trip(trip)
    person = case.one(p for p in trip.passengers if not case.is_me(p))
    if [p.first_name for p in trip.passengers].count(person.first_name) > 1:
        raise Unfit
    case.cancel(trip)
    case.want(
        f"{person.first_name} {person.last_name} can no longer come along on {which}. You want {person.first_name} "
        "taken off it and that part of the money refunded, while everybody else flies as planned."
    )
    case.behave(
        f"If the agent says that this is not possible for {person.first_name} alone, you do not want anybody else in "
        "that place: have the whole reservation cancelled for everybody, as it is a change of plans for all of you."
    )


@goal(3, ALL_TRIPS)
def cancel_what_can_be(case: Case) -> None:
    """Cancel every reservation for which that is permitted, and no other."""
    ahead = [
        trip for trip in case.trips if trip.status is None and case.standing(trip) != {"landed"}
    ]
    may = [trip for trip in ahead if is_recent(trip) or trip.cabin == "business"]
    if not all(map(case.is_open, ahead)) or not 0 < len(may) < len(ahead):
        raise Unfit
    why = changed_plans(case)
    case.by_number = True
    case.look_at_all()
    for trip in may:
        case.cancel(trip)
    case.want(
        case.say(
            f"You want to get out of all trips that are still ahead of you, because {why}. You want every one of "
            "them cancelled that can be cancelled with a full refund.",
            f"This month has turned out differently: {why}. Of all your upcoming trips, have those cancelled for "
            "which you get the money back.",
        )
    )
    case.behave(
        case.say(
            "You do not know how many there are. Trips that cannot be cancelled shall stay just as they are.",
            "You have no list of your reservations; let the agent go through them. Accept it if some cannot be "
            "cancelled, and change nothing about those.",
        ),
        "You are not ill and there is no trouble with the weather.",
    )


@goal(2, HANDS_OVER)
def cancel_half_flown(case: Case) -> None:
    """Cancel a trip of which a part is flown: for a human agent."""
    trip = case.claim(
        lambda t: (
            t.status is None and bool(case.standing(t) & FLOWN) and "available" in case.standing(t)
        )
    )
    which = case.the_trip(trip)
    case.check_flights(trip)
    last = trip.flights[-1]
    case.hand_over(f"The customer wants to cancel {trip.reservation_id}, of which a part is flown.")
    case.want(
        case.say(
            f"You have used a part of {which}, but you will drive home with friends. You want the rest cancelled and "
            "refunded.",
            f"You want {which} cancelled as far as you have not used it yet. The flight to {city(last.destination)} "
            f"on {day_name(last.date)} is of no use to you any more.",
        )
    )
    case.behave("If the agent wants to pass you on to a colleague for that, you agree.")
