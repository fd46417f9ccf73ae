"""What the agent heard of the user, word by word."""

from __future__ import annotations

import time

import pytest
from tests.calls import a_call

from tau2.metrics.hearing import (
    WordErrors,
    heard_by_agent,
    heard_by_user,
    hearing,
    marked_words,
    passages,
    strays,
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
        ("zero one", "0 1", 0),
    ],
)
def test_errors_are_counted_in_words_as_they_are_spoken(said, heard, errors):
    assert word_errors(said, heard).errors == errors


def test_nothing_said_has_no_rate():
    assert WordErrors(0, 0).rate is None
    assert WordErrors(1, 4).rate == 0.25


def test_a_transcript_belongs_to_what_was_said_since_the_one_before():
    ticks = a_call("uu.uu....uuu....bb..uu", "." * 22)
    ticks[6].user_transcript = "you you you you"
    ticks[12].user_transcript = "you"
    ticks[13].user_transcript = "you two"

    found = [(one.said, one.heard) for one in passages(timeline_of(ticks))]

    assert found == [("you you you you", "you you you you"), ("you you you", "you you two")]


def heard_at(ticks, tick: int, began: float, ended: float, text: str) -> None:
    """Let the agent's provider report what was said between two times, in seconds."""
    chunk = ticks[tick].agent_chunk
    chunk.raw_data = {
        "user_activity": [
            {"kind": "speech_started", "at_ms": began * 1000},
            {"kind": "transcript", "at_ms": ended * 1000, "text": text},
        ]
    }


def test_a_transcript_with_a_time_belongs_to_what_was_said_then():
    # Segments at 0 to 1 s, a backchannel at 2 to 2.4 s, 3 to 4 s, 5 to 6 s; the last is not heard.
    ticks = a_call("uuuuu.....bb...uuuuu.....uuuuu.....uuu", "." * 38)
    heard_at(ticks, 7, 0.3, 1.2, "first")
    heard_at(ticks, 13, 2.2, 2.6, "good man")
    heard_at(ticks, 23, 4.4, 4.6, "a cough")
    heard_at(ticks, 32, 5.3, 6.1, "third")

    timeline = timeline_of(ticks)

    assert [one.heard for one in passages(timeline)] == ["first", "", "third"]
    assert [one.text for one in strays(timeline)] == ["a cough"]


def test_a_call_is_measured_as_a_whole():
    ticks = a_call("uuuu......", "......aaaa")
    ticks[5].user_transcript = "you you who you"

    found = heard_by_agent(timeline_of(ticks))

    assert found is not None
    assert found.words == WordErrors(1, 4)


def test_what_the_user_understood_is_compared_with_what_the_agent_says_it_said():
    ticks = a_call("......uuuu", "aaaa......")
    assert ticks[6].user_chunk is not None
    ticks[6].user_chunk.raw_data = {
        "heard": {"text": "your older W24", "transcript": "your order W24", "start_tick": 0,
                  "word_error_rate": 0.25}
    }  # fmt: skip

    found = heard_by_user(timeline_of(ticks))

    assert str(found) == "20.0% of 5 words wrong, 1 of 1 value right"


def test_a_user_that_reads_the_agent_s_transcript_hears_nothing():
    ticks = a_call("......uuuu", "aaaa......")
    assert ticks[6].user_chunk is not None
    ticks[6].user_chunk.raw_data = {"heard": {"text": "a", "transcript": "a", "start_tick": 0}}

    assert heard_by_user(timeline_of(ticks)) is None


def test_without_a_transcript_nothing_is_known_of_hearing():
    timeline = timeline_of(a_call("uuuu....", "....aaaa"))

    assert heard_by_agent(timeline) is None
    assert heard_by_user(timeline) is None


@pytest.mark.parametrize(
    ("said", "heard", "lost"),
    [
        ("My order is W9164527.", "my order is w nine one six four five two seven", 0),
        ("My order is W9164527.", "my order is w nine one six four five two", 1),
        ("It is anna.brown51@example.com", "it is anna dot brown five one at example dot com", 0),
        ("It is anna.brown51@example.com", "it is anna dot brawn five one at example dot com", 1),
        ("To Main Street 12, Denver, please", "to main street 12 dember please", 1),
        ("Hello. I'm Anna.", "hello i'm hannah", 1),
        ("Hello. Please help me. Thanks.", "hello please help me", 0),
    ],
)
def test_a_value_is_right_when_all_of_it_was_understood(said, heard, lost):
    assert hearing(said, heard).misheard_values == lost


def test_words_that_were_not_said_are_marked():
    marked = marked_words("It is order W23.", "It was order w two four")

    assert [word for word, is_right in marked if not is_right] == ["was", "four"]


@pytest.mark.parametrize("part", ["1", "a1 ", "x Anna ", "a@b.c "])
def test_a_text_without_end_is_compared_in_a_moment(part):
    text = part * 100_000
    began = time.process_time()

    hearing(text, text[::-1])
    marked_words(text, text[::-1])

    assert time.process_time() - began < 10
