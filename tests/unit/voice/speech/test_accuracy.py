"""What counts as heard: the words as they are spoken, and the values that matter."""

from __future__ import annotations

import random

import pytest

from tau2.metrics import hearing
from tau2.voice.speech.accuracy import (
    ValuesHeard,
    WordErrors,
    spoken_words,
    total_values_heard,
    total_word_errors,
    values_heard,
    values_in,
    word_errors,
)


def test_the_form_of_numbers_is_no_error() -> None:
    said = "Order #W9164527 for $43.19, on 2024-05-20, zip 78212!"
    understood = (
        "order w, nine one six four five two seven for forty three dollars and nineteen cents "
        "on May 20th 2024 zip seven, eight, two, one, two"
    )
    assert word_errors(said, understood).errors == 0
    assert word_errors("My e-mail, flight HTR208", "my email flight HTR-208").errors == 0
    assert spoken_words("W23") == ["w", "two", "three"]


def test_errors_are_counted_digit_by_digit() -> None:
    errors = word_errors("My id is W9164527.", "My ID was W9164528 please.")
    assert errors == WordErrors(words=11, substitutions=2, insertions=1)
    assert errors.rate == pytest.approx(3 / 11)


def test_reports_count_as_many_errors_without_the_extra() -> None:
    words = ["my", "order", "W23", "is", "late", "please"]
    draw = random.Random(14)
    for _ in range(50):
        said = " ".join(draw.choices(words, k=draw.randint(0, 8)))
        understood = " ".join(draw.choices(words, k=draw.randint(0, 8)))
        expected = word_errors(said, understood)
        reported = hearing.word_errors(said, understood)
        assert (reported.errors, reported.words) == (expected.errors, expected.words)


def test_nothing_said_has_no_rate() -> None:
    assert word_errors("", "You").insertions == 1
    assert word_errors("", "").rate is None
    assert word_errors("Hello there", "").deletions == 2


def test_values_are_ids_addresses_amounts_dates_numbers_and_names() -> None:
    text = (
        "Hello, I am Anna Okafor. Write to anna.okafor4@example.com about W9164527; it cost $43.19 "
        "on 2024-05-20. My user id is anna_okafor_12. In May I bought 3 shirts."
    )
    assert values_in(text) == [
        "Anna",
        "Okafor",
        "anna.okafor4@example.com",
        "W9164527",
        "$43.19",
        "2024-05-20",
        "anna_okafor_12",
        "3",
    ]
    assert values_in("please call sofia", names=["Sofia", "Tom"]) == ["Sofia"]


def test_a_wrong_digit_is_a_missed_value() -> None:
    heard = values_heard(
        "I am Anna Okafor, order W9164527.", "I am Anna Okaphor, order W, 9 1 6 4 5 2 7."
    )
    assert heard.said == ("Anna", "Okafor", "W9164527")
    assert heard.missed == ("Okafor",)
    assert heard.rate == pytest.approx(2 / 3)
    assert values_heard("Thank you very much.", "").rate is None


def test_utterances_add_up() -> None:
    total = total_word_errors([WordErrors(3, 1, 0, 0), WordErrors(1, 0, 1, 2)])
    assert total == WordErrors(4, 1, 1, 2)
    assert total.rate == 1.0
    values = total_values_heard([ValuesHeard(("a",), ()), ValuesHeard(("b",), ("b",))])
    assert values.rate == 0.5
    assert total_values_heard([]).rate is None
