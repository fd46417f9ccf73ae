"""Numbers with their nouns, and lists that say what they leave out."""

from __future__ import annotations

import pytest

from tau2.utils.text import first_of, plural


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
