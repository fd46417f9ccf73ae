"""What the agent looks up, and what it finds."""

from __future__ import annotations

import json

import pytest


def test_a_profile_is_found_by_user_id(desk):
    profile = json.loads(desk.does("get_user_details", user_id="ann_oak_1"))
    assert profile["membership"] == "regular"
    assert profile["reservations"] == ["ONEWAY", "BASIC1", "ROUND1", "FLOWN1"]


def test_a_reservation_is_found_by_id(desk):
    found = json.loads(desk.does("get_reservation_details", reservation_id="ROUND1"))
    assert (found["cabin"], found["status"], len(found["flights"])) == ("economy", None, 2)


@pytest.mark.parametrize(
    ("tool", "arguments", "text"),
    [
        ("get_user_details", {"user_id": "nobody"}, "User nobody not found"),
        ("get_reservation_details", {"reservation_id": "NOTRIP"}, "Reservation NOTRIP not found"),
        (
            "get_flight_status",
            {"flight_number": "LKA9", "date": "2024-05-20"},
            "Flight LKA9 not found",
        ),
        (
            "get_flight_status",
            {"flight_number": "LKA1", "date": "2024-05-30"},
            "Flight LKA1 not found on date",
        ),
    ],
)
def test_what_is_not_there_is_an_error(desk, tool, arguments, text):
    assert text in desk.refuses(tool, **arguments)


@pytest.mark.parametrize(
    ("number", "date", "status"),
    [
        ("LKA1", "2024-05-20", "available"),
        ("LKA1", "2024-05-10", "landed"),
        ("LKA1", "2024-05-16", "cancelled"),
        ("LKA2", "2024-05-15", "delayed"),
    ],
)
def test_the_status_of_a_flight_is_a_matter_of_the_date(desk, number, date, status):
    assert desk.does("get_flight_status", flight_number=number, date=date) == status


def test_nonstop_flights_are_those_that_can_be_booked(desk):
    found = json.loads(
        desk.does("search_direct_flight", origin="SFO", destination="DEN", date="2024-05-20")
    )
    assert [offer["flight_number"] for offer in found] == ["LKA1", "LKA4"]
    assert found[0]["prices"] == {"basic_economy": 50, "economy": 100, "business": 300}
    assert found[0]["date"] == "2024-05-20"
    assert (
        desk.does("search_direct_flight", origin="SFO", destination="DEN", date="2024-05-16")
        == "[]"
    )


def test_the_original_leaves_the_date_of_nonstop_flights_out(strict_desk):
    found = json.loads(
        strict_desk.does("search_direct_flight", origin="SFO", destination="DEN", date="2024-05-20")
    )
    assert {offer["date"] for offer in found} == {None}


def test_the_original_takes_null_for_any_airport(desk, strict_desk):
    found = json.loads(
        strict_desk.does("search_direct_flight", origin=None, destination="DEN", date="2024-05-20")
    )
    assert len(found) == 2
    assert "origin" in desk.refuses(
        "search_direct_flight", origin=None, destination="DEN", date="2024-05-20"
    )


def pairs(content: str) -> list[list[tuple[str, str]]]:
    return [[(leg["flight_number"], leg["date"]) for leg in pair] for pair in json.loads(content)]


def test_a_connection_leaves_after_the_first_flight_has_arrived(desk):
    found = pairs(
        desk.does("search_onestop_flight", origin="SFO", destination="BOS", date="2024-05-20")
    )
    assert found == [
        [("LKA1", "2024-05-20"), ("LKA3", "2024-05-20")],
        [("LKA4", "2024-05-20"), ("LKA3", "2024-05-21")],
        [
            ("LKA4", "2024-05-20"),
            ("LKA6", "2024-05-21"),
        ],  # not LKA5, which leaves before LKA4 is there
    ]


def test_a_connection_may_lead_into_the_next_month(desk):
    found = pairs(
        desk.does("search_onestop_flight", origin="SFO", destination="BOS", date="2024-05-31")
    )
    assert [("LKA4", "2024-05-31"), ("LKA6", "2024-06-01")] in found


def test_the_original_finds_no_connection_into_a_one_digit_day_or_another_month(strict_desk):
    for date in ("2024-05-31", "2024-05-08"):
        found = pairs(
            strict_desk.does("search_onestop_flight", origin="SFO", destination="BOS", date=date)
        )
        assert not any(pair[0][0] == "LKA4" for pair in found)


def test_looking_never_changes_the_world(desk):
    before = desk.environment.get_db_hash()
    desk.does("search_onestop_flight", origin="SFO", destination="BOS", date="2024-05-20")
    desk.does("get_user_details", user_id="ann_oak_1")
    desk.does("list_all_airports")
    assert desk.environment.get_db_hash() == before


def test_airports_sums_and_handing_over(desk):
    assert len(json.loads(desk.does("list_all_airports"))) == 20
    assert desk.does("calculate", expression="2 * (100 + 30)") == "260.0"
    assert "Transfer" in desk.does("transfer_to_human_agents", summary="a lost suitcase")
