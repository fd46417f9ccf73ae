"""What the agent changes, what is refused, and that a refused call changes nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest

ANN = {"first_name": "Ann", "last_name": "Oak", "dob": "1980-01-02"}
BEA = {"first_name": "Bea", "last_name": "Fir", "dob": "1990-03-04"}
CARD, GIFT, CERTIFICATE = "credit_card_ann", "gift_card_ann", "certificate_ann"


def booking(**changes: Any) -> dict[str, Any]:
    """Return a booking that costs 130 dollars: one seat in economy, insured."""
    plain = {
        "user_id": "ann_oak_1", "origin": "SFO", "destination": "DEN", "flight_type": "one_way",
        "cabin": "economy", "flights": [{"flight_number": "LKA1", "date": "2024-05-20"}],
        "passengers": [ANN], "payment_methods": [{"payment_id": CARD, "amount": 130}],
        "total_baggages": 1, "nonfree_baggages": 0, "insurance": "yes",
    }  # fmt: skip
    return plain | changes


def seats(desk, number: str, date: str, cabin: str = "economy") -> int:
    return desk.db.flights[number].dates[date].available_seats[cabin]


def test_a_booking_takes_seats_and_money(desk):
    made = json.loads(desk.does("book_reservation", **booking()))
    assert (made["reservation_id"], made["created_at"]) == ("HATHAT", "2024-05-15T15:00:00")
    assert made["flights"][0]["price"] == 100
    assert desk.db.users["ann_oak_1"].reservations[-1] == "HATHAT"
    assert seats(desk, "LKA1", "2024-05-20") == 3


def test_bags_and_insurance_are_part_of_the_price(desk):
    two = booking(
        passengers=[ANN, BEA],
        total_baggages=3,
        nonfree_baggages=1,
        payment_methods=[{"payment_id": CARD, "amount": 2 * 100 + 2 * 30 + 50}],
    )
    assert json.loads(desk.does("book_reservation", **two))["nonfree_baggages"] == 1


def test_gift_cards_are_drawn_on_and_certificates_used_up(desk):
    payments = [{"payment_id": GIFT, "amount": 70}, {"payment_id": CERTIFICATE, "amount": 60}]
    made = json.loads(desk.does("book_reservation", **booking(payment_methods=payments)))
    profile = desk.db.users["ann_oak_1"].payment_methods
    assert profile[GIFT].amount == 80
    assert CERTIFICATE not in profile
    assert [payment["payment_id"] for payment in made["payment_history"]] == [CERTIFICATE, GIFT]


def test_the_order_of_passengers_and_payments_means_nothing(db):
    from tests.unit.domains.airline.conftest import Desk

    worlds = []
    for swapped in (1, -1):
        desk = Desk(db.fork())
        payments = [{"payment_id": GIFT, "amount": 100}, {"payment_id": CARD, "amount": 160}]
        desk.does(
            "book_reservation",
            **booking(passengers=[ANN, BEA][::swapped], payment_methods=payments[::swapped]),
        )
        worlds.append(desk.environment.get_db_hash())
    assert worlds[0] == worlds[1]


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"user_id": "nobody"}, "User nobody not found"),
        ({"flights": [{"flight_number": "LKA9", "date": "2024-05-20"}]}, "Flight LKA9 not found"),
        ({"flights": [{"flight_number": "LKA1", "date": "2024-05-30"}]}, "not found on date"),
        ({"flights": [{"flight_number": "LKA1", "date": "2024-05-16"}]}, "not available on date"),
        ({"flights": []}, "at least one flight"),
        (
            {
                "flights": [{"flight_number": "LKA3", "date": "2024-05-23"}],
                "passengers": [ANN, BEA],
            },
            "Not enough seats",
        ),
        (
            {"payment_methods": [{"payment_id": "credit_card_bob", "amount": 130}]},
            "credit_card_bob not found",
        ),
        ({"payment_methods": [{"payment_id": CERTIFICATE, "amount": 130}]}, "Not enough balance"),
        (
            {"payment_methods": [{"payment_id": CARD, "amount": 131}]},
            "total price is 130, but paid 131",
        ),
        (
            {
                "payment_methods": [
                    {"payment_id": CARD, "amount": 200},
                    {"payment_id": GIFT, "amount": -70},
                ]
            },
            "positive",
        ),
        (
            {"payment_methods": [{"payment_id": GIFT, "amount": 65}] * 2},
            "every payment method once",
        ),
        (
            {"payment_methods": [{"payment_id": CERTIFICATE, "amount": 65}] * 2},
            "Not enough balance",
        ),
        ({"total_baggages": 0, "nonfree_baggages": 1}, "Bags are counted"),
        ({"passengers": [ANN | {"dob": "January 2, 1980"}]}, "YYYY-MM-DD"),
        ({"cabin": "first"}, "cabin"),
        ({"insurance": "maybe"}, "insurance"),
    ],
)
def test_a_booking_that_cannot_be_is_refused_whole(desk, changes, text):
    assert text in desk.refuses("book_reservation", **booking(**changes))


def test_a_fourth_booking_is_refused(desk):
    made = [
        json.loads(desk.does("book_reservation", **booking()))["reservation_id"] for _ in range(3)
    ]
    assert made == ["HATHAT", "HATHAU", "HATHAV"]
    assert "Too many reservations" in desk.refuses("book_reservation", **booking())


def test_a_cancellation_reverses_every_payment_and_frees_the_seats(desk):
    before = seats(desk, "LKA2", "2024-05-22")
    gone = json.loads(desk.does("cancel_reservation", reservation_id="ROUND1"))
    assert gone["status"] == "cancelled"
    assert [payment["amount"] for payment in gone["payment_history"]] == [370, -370]
    assert seats(desk, "LKA2", "2024-05-22") == before + 2


def test_cancelling_a_flight_that_the_airline_cancelled_frees_no_seat(desk):
    desk.does("cancel_reservation", reservation_id="GONE16")
    assert desk.db.flights["LKA1"].dates["2024-05-16"].status == "cancelled"


def test_what_is_cancelled_stays_as_it_is(desk):
    desk.does("cancel_reservation", reservation_id="ONEWAY")
    flights = [{"flight_number": "LKA1", "date": "2024-05-21"}]
    for name, arguments in (
        ("cancel_reservation", {}),
        (
            "update_reservation_flights",
            {"cabin": "economy", "flights": flights, "payment_id": CARD},
        ),
        (
            "update_reservation_baggages",
            {"total_baggages": 2, "nonfree_baggages": 1, "payment_id": CARD},
        ),
        ("update_reservation_passengers", {"passengers": [BEA]}),
    ):
        assert "is cancelled" in desk.refuses(name, reservation_id="ONEWAY", **arguments)


def test_the_original_cancels_twice_and_refunds_the_refund(strict_desk):
    strict_desk.does("cancel_reservation", reservation_id="ONEWAY")
    again = json.loads(strict_desk.does("cancel_reservation", reservation_id="ONEWAY"))
    assert [payment["amount"] for payment in again["payment_history"]] == [90, -90, -90, 90]
    assert seats(strict_desk, "LKA1", "2024-05-20") == 4


def change(
    trip: str, *flights: tuple[str, str], cabin: str = "economy", payment_id: str = CARD
) -> dict[str, Any]:
    return {
        "reservation_id": trip, "cabin": cabin, "payment_id": payment_id,
        "flights": [{"flight_number": number, "date": date} for number, date in flights],
    }  # fmt: skip


def test_a_flight_that_stays_keeps_its_price(desk):
    changed = desk.does(
        "update_reservation_flights",
        **change("ROUND1", ("LKA1", "2024-05-20"), ("LKA2", "2024-05-21")),
    )
    found = json.loads(changed)
    assert [flight["price"] for flight in found["flights"]] == [90, 100]
    assert found["payment_history"][-1] == {"payment_id": CARD, "amount": 2 * (100 - 95)}
    assert (seats(desk, "LKA2", "2024-05-21"), seats(desk, "LKA2", "2024-05-22")) == (2, 6)
    assert seats(desk, "LKA1", "2024-05-20") == 4


def test_another_cabin_costs_todays_price_and_moves_the_seats(desk):
    changed = desk.does(
        "update_reservation_flights", **change("ONEWAY", ("LKA1", "2024-05-20"), cabin="business")
    )
    assert json.loads(changed)["payment_history"][-1]["amount"] == 300 - 90
    assert seats(desk, "LKA1", "2024-05-20", "business") == 3
    assert seats(desk, "LKA1", "2024-05-20") == 5


def test_a_cheaper_trip_gives_money_back_to_a_gift_card(desk):
    cheaper = change("ONEWAY", ("LKA1", "2024-05-20"), cabin="basic_economy", payment_id=GIFT)
    desk.does("update_reservation_flights", **cheaper)
    assert desk.db.users["ann_oak_1"].payment_methods[GIFT].amount == 150 + 40


def test_the_original_moves_no_seats(strict_desk):
    strict_desk.does(
        "update_reservation_flights", **change("ONEWAY", ("LKA1", "2024-05-20"), cabin="business")
    )
    assert seats(strict_desk, "LKA1", "2024-05-20", "business") == 4


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (change("NOTRIP", ("LKA1", "2024-05-20")), "Reservation NOTRIP not found"),
        (change("ONEWAY", ("LKA9", "2024-05-20")), "Flight LKA9 not found"),
        (change("ONEWAY", ("LKA1", "2024-05-30")), "not found on date"),
        (change("ONEWAY", ("LKA1", "2024-05-16")), "not available on date"),
        (change("ROUND1", ("LKA3", "2024-05-23")), "Not enough seats"),
        (change("ONEWAY"), "at least one flight"),
        (
            change("ONEWAY", ("LKA1", "2024-05-21"), payment_id="credit_card_bob"),
            "Payment method not found",
        ),
        (
            change("ONEWAY", ("LKA1", "2024-05-21"), payment_id=CERTIFICATE),
            "Certificate cannot be used",
        ),
        (
            change("ONEWAY", ("LKA1", "2024-05-21"), cabin="business", payment_id=GIFT),
            "balance is not enough",
        ),
    ],
)
def test_a_change_that_cannot_be_is_refused_whole(desk, arguments, text):
    assert text in desk.refuses("update_reservation_flights", **arguments)


def bags(total: int, nonfree: int, payment_id: str = CARD, trip: str = "ONEWAY") -> dict[str, Any]:
    return {
        "reservation_id": trip, "total_baggages": total, "nonfree_baggages": nonfree,
        "payment_id": payment_id,
    }  # fmt: skip


def test_a_bag_that_is_not_free_costs_fifty_dollars(desk):
    changed = json.loads(desk.does("update_reservation_baggages", **bags(3, 2, GIFT)))
    assert changed["payment_history"][-1] == {"payment_id": GIFT, "amount": 100}
    assert desk.db.users["ann_oak_1"].payment_methods[GIFT].amount == 50


def test_a_free_bag_leaves_no_payment(desk):
    changed = json.loads(desk.does("update_reservation_baggages", **bags(2, 0)))
    assert (changed["total_baggages"], len(changed["payment_history"])) == (2, 1)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (bags(2, 1, trip="NOTRIP"), "Reservation NOTRIP not found"),
        (bags(2, 1, "credit_card_bob"), "Payment method not found"),
        (bags(2, 1, CERTIFICATE), "Certificate cannot be used"),
        (bags(9, 4, GIFT), "Gift card balance is not enough"),
        (bags(1, 2), "Bags are counted"),
        (bags(-1, -1), "Bags are counted"),
    ],
)
def test_bags_that_cannot_be_are_refused(desk, arguments, text):
    assert text in desk.refuses("update_reservation_baggages", **arguments)


def test_passengers_are_replaced_but_not_counted_anew(desk):
    cat = {"first_name": "Cat", "last_name": "Ash", "dob": "2000-05-06"}
    changed = json.loads(
        desk.does("update_reservation_passengers", reservation_id="ROUND1", passengers=[ANN, cat])
    )
    assert changed["passengers"] == [cat, ANN]
    text = desk.refuses("update_reservation_passengers", reservation_id="ROUND1", passengers=[ANN])
    assert "Number of passengers does not match" in text
    assert "not found" in desk.refuses(
        "update_reservation_passengers", reservation_id="NOTRIP", passengers=[ANN]
    )


def test_a_certificate_goes_into_the_profile(desk):
    assert "certificate_3221322" in desk.does("send_certificate", user_id="cat_oak_1", amount=100)
    assert desk.db.users["cat_oak_1"].payment_methods["certificate_3221322"].amount == 100
    assert "not found" in desk.refuses("send_certificate", user_id="nobody", amount=100)
    assert "positive" in desk.refuses("send_certificate", user_id="cat_oak_1", amount=0)


def test_a_fourth_certificate_is_refused(desk):
    for _ in range(3):
        desk.does("send_certificate", user_id="cat_oak_1", amount=50)
    assert "Too many certificates" in desk.refuses(
        "send_certificate", user_id="cat_oak_1", amount=50
    )


def test_a_change_of_one_world_is_not_seen_in_another(desk):
    before = desk.environment.get_db_hash()
    child = desk.environment.fork()
    child.make_tool_call("book_reservation", **booking())
    child.make_tool_call("cancel_reservation", reservation_id="ROUND1")
    assert desk.environment.get_db_hash() == before
    grandchild = child.fork()
    middle = child.get_db_hash()
    grandchild.make_tool_call("book_reservation", **booking())
    assert child.get_db_hash() == middle != grandchild.get_db_hash()


def test_a_plain_database_works_like_a_view(db):
    from tau2.domains.airline.data_model import FlightDB
    from tau2.domains.airline.environment import get_environment

    plain, view = get_environment(FlightDB.model_validate(db.model_dump())), get_environment(db)
    for world in (plain, view):
        world.make_tool_call("book_reservation", **booking())
        world.make_tool_call("cancel_reservation", reservation_id="ROUND1")
    assert plain.get_db_hash() == view.get_db_hash()
    assert plain.same_state(view)
