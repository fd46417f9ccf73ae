"""What the agent heard of the user, word by word."""

from __future__ import annotations

import pytest
from tests.calls import a_call
from tests.unit.report.conftest import a_run

from tau2.metrics.hearing import (
    WordErrors,
    hearing_of,
    marked_words,
    passages,
    spoken_words,
    word_errors,
)
from tau2.metrics.timeline import timeline_of


@pytest.mark.parametrize(
    ("said", "heard", "errors"),
    [
        ("my order please", "my order please", 0),
        ("my order please", "my older please", 1),
        ("my order please", "order please", 1),
        ("my order please", "oh my order please now", 2),
        ("my order please", "", 3),
        ("W23, right?", "w two three right", 0),
        ("zero one", "oh 1", 0),
    ],
)
def test_errors_are_counted_in_words_as_they_are_spoken(said, heard, errors):
    assert word_errors(said, heard).errors == errors


def test_nothing_said_has_no_rate():
    assert WordErrors(0, 0).rate is None
    assert WordErrors(1, 4).rate == 0.25


def test_a_number_is_compared_digit_by_digit():
    assert spoken_words("Order #W237, it's mine") == ["order", "w", "2", "3", "7", "it's", "mine"]


def test_a_transcript_belongs_to_what_was_said_since_the_one_before():
    ticks = a_call("uu.uu....uuu....bb..uu", "." * 22)
    ticks[6].user_transcript = "you you you you"
    ticks[12].user_transcript = "you"
    ticks[13].user_transcript = "you two"

    found = [(one.said, one.heard) for one in passages(timeline_of(ticks))]

    assert found == [("u u u u", "you you you you"), ("u u u", "you you two")]


def test_a_call_is_measured_as_a_whole():
    ticks = a_call("uuuu......", "......aaaa")
    ticks[5].user_transcript = "u u v u"

    found = hearing_of(a_run(ticks=ticks))

    assert found == WordErrors(1, 4)


def test_without_a_transcript_nothing_is_known_of_hearing():
    assert hearing_of(a_run(ticks=a_call("uuuu....", "....aaaa"))) is None
    assert hearing_of(a_run()) is None


def test_words_that_were_not_said_are_marked():
    marked = marked_words("It is order W23.", "It was order w two four")

    assert [word for word, is_right in marked if not is_right] == ["was", "four"]
