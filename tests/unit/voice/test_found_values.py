"""What was heard where a value was said."""

from __future__ import annotations

import time

import pytest

from tau2.voice.found_values import find_value


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ("that would be x 8 9 7 1 4 for the serial number", "X89714"),
        ("it's w-9164527 i think", "#W9164527"),
        ("my phone is 555 297 53 41 okay", "555-297-5341"),
        ("it is november 19th 2020.", "2020-11-19"),
        ("on the 19th of november, 2020", "2020-11-19"),
        ("1315 dollars and 19 cents", "1315.19"),
        ("it was $1,315.19", "1315.19"),
        ("580 dollars", "580.00"),
        ("f breathnach underscore 79 at example dot net", "fbreathnach_79@example.net"),
        ("i am ambrose harrowgate underscore 3115", "ambrose_harrowgate_3115"),
        ("please mark task 1 as done", "task_1"),
        ("the title is important meeting", "Important Meeting"),
        ("x o 1", "X01"),
        ("ann dot lee at example dotnet", "ann.lee@example.net"),
        ("at 12 elm street sweet 357", "Suite 357"),
        ("apartment 28 i think", "Apt 28"),
        ("hector thorvold, it is HECTOR THORVALD80998", "Thorvald"),
        ("it is ULRIK, a BENKIRANE32827.", "Ulrika"),
        ("fbr. ea. thna, c-h_79 at example.net.", "fbreathnach_79@example.net"),
        ("january 15, year 2 0 2 2", "2022-01-15"),
        ("wilmington, d19824", "19824"),
        ("it is 1518 D pfeiffer lane", "1518D Pfeiffer Lane"),
    ],
)
def test_a_value_is_found_however_it_is_written(said, wanted):
    found = find_value(said, wanted)
    assert found is not None
    assert found.is_exact
    assert found.text == wanted


@pytest.mark.parametrize(
    ("said", "wanted", "heard"),
    [
        ("x 8 9 7 4 4", "X89714", "X89744"),
        ("my phone is 555 297 53 47", "555-297-5341", "555-297-5347"),
        ("november 18th 2020", "2020-11-19", "2020-11-18"),
        ("november 90 2020", "2020-11-19", "november 90 2020"),
        ("1350 dollars and 19 cents", "1315.19", "1350.19"),
        ("590 dollars", "580.00", "590.00"),
        ("f breath knock 79 at example dot net", "fbreathnach79@example.net", None),
        ("i'm siobahn fry billa", "Siobhan Przybyla", "Siobahn Fry Billa"),
        ("W91645", "#W9164527", "W91645"),
    ],
)
def test_what_was_heard_instead_is_returned_in_the_form_of_the_value(said, wanted, heard):
    found = find_value(said, wanted)
    assert found is not None
    assert 0.4 < found.share < 1
    assert heard is None or found.text == heard


def test_what_was_not_said_is_not_found():
    assert find_value("hello there", "Siobhan Przybyla", 0.5) is None
    assert find_value("", "X1") is None
    assert find_value("anything", "?!") is None


def test_of_several_places_the_most_similar_counts_and_then_the_last():
    exact = find_value("x 9 9, no, x 1 2", "X12")
    assert exact is not None
    assert exact.is_exact
    last = find_value("x 1 3, no, x 1 4", "X12")
    assert last is not None
    assert last.text == "X14"


def test_a_long_text_takes_little_time():
    start = time.process_time()
    find_value("twelve dogs and 123 cats " * 10_000, "Siobhan Przybyla", 0.5)
    assert time.process_time() - start < 1
