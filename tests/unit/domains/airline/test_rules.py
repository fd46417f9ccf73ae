"""The policy, executed: what each rule finds in a conversation, and that references break none."""

from __future__ import annotations

from typing import Any

import pytest

from tau2.data_model.message import AssistantMessage, Message, ToolCall, UserMessage
from tau2.data_model.tasks import Action
from tau2.domains.airline.environment import get_environment, get_tasks
from tau2.domains.airline.rules import POLICY_RULES
from tau2.domains.airline.spec import DOMAIN
from tau2.environment.environment import Environment
from tau2.environment.policy_rules import check_trajectory

CONFIRMED = "confirmed before writing"
CARD = "credit_card_ann"
ANN = {"first_name": "Ann", "last_name": "Oak", "dob": "1980-01-02"}


class Talk:
    """A conversation that is played as it is written down."""

    def __init__(self, world: Environment, words: str = "I need help, and compensation.") -> None:
        self.start, self.world = world.fork(), world.fork()
        self.messages: list[Message] = [UserMessage(content=words)]

    def call(self, name: str, **arguments: Any) -> Talk:
        call = ToolCall(id=str(len(self.messages)), name=name, arguments=arguments)
        self.messages += [AssistantMessage(tool_calls=[call]), self.world.get_response(call)]
        return self

    def say(self, agent: str, user: str) -> Talk:
        self.messages += [AssistantMessage(content=agent), UserMessage(content=user)]
        return self

    def broken(self) -> set[str]:
        return {
            violation.rule
            for violation in check_trajectory(self.start, self.messages, POLICY_RULES)
        }


@pytest.fixture
def talk(desk) -> Talk:
    return Talk(desk.environment)


def ready(talk: Talk, user_id: str = "ann_oak_1") -> Talk:
    """Bring a conversation to where a change may be made."""
    return talk.call("get_user_details", user_id=user_id).say("Shall I do that?", "Yes, please.")


def flights(trip: str, cabin: str, *legs: tuple[str, str]) -> dict[str, Any]:
    listed = [{"flight_number": number, "date": date} for number, date in legs]
    return {"reservation_id": trip, "cabin": cabin, "flights": listed, "payment_id": CARD}


def booking(**changes: Any) -> dict[str, Any]:
    plain = {
        "user_id": "ann_oak_1", "origin": "SFO", "destination": "DEN", "flight_type": "one_way",
        "cabin": "economy", "flights": [{"flight_number": "LKA1", "date": "2024-05-20"}],
        "passengers": [ANN], "payment_methods": [{"payment_id": CARD, "amount": 100}],
        "total_baggages": 1, "nonfree_baggages": 0, "insurance": "no",
    }  # fmt: skip
    return plain | changes


def test_a_proper_booking_breaks_nothing(talk):
    assert ready(talk).call("book_reservation", **booking()).broken() == set()


def test_writing_without_a_look_at_the_profile_and_without_a_yes_is_found(talk):
    talk.call("book_reservation", **booking())
    assert talk.broken() == {"the customer is identified first", CONFIRMED}


def test_a_no_is_no_yes(talk):
    talk.call("get_user_details", user_id="ann_oak_1").say("Shall I book it?", "Hmm, let me think.")
    assert talk.call("book_reservation", **booking()).broken() == {CONFIRMED}


def test_what_the_tool_refuses_has_broken_nothing(talk):
    talk.call("book_reservation", **booking(payment_methods=[{"payment_id": CARD, "amount": 1}]))
    assert talk.broken() == set()


@pytest.mark.parametrize(
    ("name", "arguments", "rule"),
    [
        (
            "book_reservation",
            booking(
                payment_methods=[
                    {"payment_id": "certificate_ann", "amount": 60},
                    {"payment_id": "certificate_ann_2", "amount": 40},
                ]
            ),
            "at most one certificate, one credit card and three gift cards",
        ),
        (
            "book_reservation",
            booking(total_baggages=2, nonfree_baggages=0),
            "bags beyond the allowance are paid for, others not",
        ),
        ("book_reservation", booking(destination="BOS"), "origin, destination and trip type stay"),
        ("book_reservation", booking(flight_type="round_trip"),
         "origin, destination and trip type stay"),
        ("cancel_reservation", {"reservation_id": "ONEWAY"},
         "cancelled only for a permitted reason"),
        ("cancel_reservation", {"reservation_id": "FLOWN1"},
         "a trip flown in part is not cancelled"),
        (
            "update_reservation_flights",
            flights("BASIC1", "basic_economy", ("LKA1", "2024-05-21")),
            "flights in basic economy are not changed",
        ),
        (
            "update_reservation_flights",
            flights("FLOWN1", "economy", ("LKA1", "2024-05-20"), ("LKA2", "2024-05-20")),
            "flown flights and their cabin stay",
        ),
        (
            "update_reservation_flights",
            flights("ROUND1", "economy", ("LKA1", "2024-05-22"), ("LKA2", "2024-05-20")),
            "origin, destination and trip type stay",
        ),
        (
            "update_reservation_baggages",
            {"reservation_id": "ONEWAY", "total_baggages": 0, "nonfree_baggages": 0,
             "payment_id": CARD},
            "bags are never removed",
        ),
        ("send_certificate", {"user_id": "ann_oak_1", "amount": 100},
         "compensation as provided for"),
    ],
)  # fmt: skip
def test_a_broken_rule_is_found(talk, name, arguments, rule):
    assert rule in ready(talk).call(name, **arguments).broken()


def test_six_passengers_are_one_too_many(desk):
    desk.db.flights["LKA1"].dates["2024-05-20"].available_seats["economy"] = 9
    people = [ANN | {"first_name": name} for name in ("A", "B", "C", "D", "E", "F")]
    six = booking(
        passengers=people, payment_methods=[{"payment_id": CARD, "amount": 600}], total_baggages=0
    )
    assert (
        "at most five passengers"
        in ready(Talk(desk.environment)).call("book_reservation", **six).broken()
    )


def test_a_flight_that_leaves_too_early_is_no_connection(talk):
    legs = [
        {"flight_number": "LKA4", "date": "2024-05-20"},
        {"flight_number": "LKA5", "date": "2024-05-21"},
    ]
    early = booking(
        destination="BOS", flights=legs, payment_methods=[{"payment_id": CARD, "amount": 200}]
    )
    assert (
        "origin, destination and trip type stay"
        in ready(talk).call("book_reservation", **early).broken()
    )
    later = early | {"flights": [legs[0], {"flight_number": "LKA6", "date": "2024-05-21"}]}
    assert ready(Talk(talk.start)).call("book_reservation", **later).broken() == set()


def test_insurance_covers_health_and_weather_only(desk):
    desk.db.reservations["ONEWAY"].insurance = "yes"
    for words, broken in (("I have the flu.", False), ("I changed my mind.", True)):
        talk = ready(Talk(desk.environment, words)).call(
            "cancel_reservation", reservation_id="ONEWAY"
        )
        assert ("cancelled only for a permitted reason" in talk.broken()) is broken


@pytest.mark.parametrize(("trip", "user_id"), [("GONE16", "bob_oak_1")])
def test_a_disrupted_trip_may_be_cancelled_and_compensated(talk, trip, user_id):
    talk = ready(talk, user_id).call("cancel_reservation", reservation_id=trip)
    assert talk.call("send_certificate", user_id=user_id, amount=200).broken() == set()


def test_a_delay_is_compensated_after_the_change_only(desk):
    look = {"reservation_id": "LATE15"}
    change = flights("LATE15", "economy", ("LKA2", "2024-05-20")) | {
        "payment_id": "credit_card_bob"
    }
    give = {"user_id": "bob_oak_1", "amount": 50}
    before = ready(Talk(desk.environment), "bob_oak_1").call("send_certificate", **give)
    assert before.broken() == {"compensation as provided for"}
    after = ready(Talk(desk.environment), "bob_oak_1").call("get_reservation_details", **look)
    assert (
        after.call("update_reservation_flights", **change).call("send_certificate", **give).broken()
        == set()
    )


def test_compensation_is_not_brought_up_by_the_agent(desk):
    talk = ready(Talk(desk.environment, "My flight was cancelled."), "bob_oak_1")
    talk.call("send_certificate", user_id="bob_oak_1", amount=200)
    assert talk.broken() == {"compensation only when asked for"}


def test_cancelled_trips_and_trips_that_are_over_stay(desk):
    desk.db.reservations["FLOWN1"].flights = desk.db.reservations["FLOWN1"].flights[:1]
    talk = ready(Talk(desk.environment))
    talk.call(
        "update_reservation_passengers",
        reservation_id="FLOWN1",
        passengers=[ANN | {"dob": "1980-01-03"}],
    )
    assert talk.broken() == {"what is over is not changed"}


@pytest.mark.parametrize(
    "arguments",
    [
        {"reservation_id": 5},
        {"reservation_id": "ONEWAY", "flights": "x", "cabin": None, "payment_id": []},
        {},
    ],
)
def test_arguments_of_any_kind_are_survived(desk, arguments):
    for name in (
        "update_reservation_flights",
        "cancel_reservation",
        "send_certificate",
        "book_reservation",
    ):
        world = desk.environment.fork()
        call = ToolCall(id="x", name=name, arguments=arguments)
        for rule in POLICY_RULES:
            rule.check(world, call, [])


def test_references_obey_the_policy():
    assert DOMAIN.rules() is POLICY_RULES
    for task in get_tasks(None):
        talk = Talk(get_environment(), str(task.user_scenario.instructions))
        talk.say("Is that right?", "Yes.")
        for action in task.evaluation_criteria.actions:
            assert isinstance(action, Action)
            talk.call(action.name, **action.arguments)
        assert talk.broken() == set(), task.id
