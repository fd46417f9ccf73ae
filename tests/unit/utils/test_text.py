"""Numbers with their nouns, and lists that say what they leave out."""

from __future__ import annotations

import pytest

from tau2.utils.text import duration_text, first_of, natural_key, plural


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0 tasks"), (1, "1 task"), (2, "2 tasks"), (1302, "1,302 tasks")]
)
def test_a_number_has_the_right_form_of_its_noun(number, text):
    assert plural(number, "task") == text


def test_a_long_list_says_how_many_are_left_out():
    assert first_of(["a", "b"], 2) == "a, b"
    assert first_of(["a", "b", "c"], 2) == "a, b (+1 more)"
    assert first_of((name for name in "abc"), 1, "; ") == "a (+2 more)"
    assert first_of([], 2) == ""


def test_names_are_sorted_as_people_do():
    names = ["task_10", "task_2", "b", "a10b2", "a10b10", "task_2b", "10", "9", "007", ""]
    expected = ["", "007", "9", "10", "a10b2", "a10b10", "b", "task_2", "task_2b", "task_10"]
    assert sorted(names, key=natural_key) == expected
    assert min("x" + "9" * 10_000, "x1", key=natural_key) == "x1"
    assert natural_key("a01") != natural_key("a1"), "names that differ have different keys"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0.0 s"), (4.24, "4.2 s"), (60, "1:00"), (725, "12:05"), (3750, "1:02:30")],
)
def test_how_long_something_took(seconds, text):
    assert duration_text(seconds) == text
