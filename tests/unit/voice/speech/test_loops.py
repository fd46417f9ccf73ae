"""What a recognizer invents by repeating itself is cut off; what people repeat is not."""

from __future__ import annotations

import pytest

from tau2.voice.speech.loops import without_loops


def test_speech_is_left_alone() -> None:
    said = "No, no, no, I said the blue shirt, the blue shirt, not the red one."
    assert without_loops(said, 5) == (said, False)


@pytest.mark.parametrize("said", ["0 0 0 0 0 0 0 0", "five five five five five five", "9 9 9 9"])
def test_repeated_digits_are_a_number(said: str) -> None:
    assert without_loops(said, 4) == (said, False)


def test_a_repeated_word_is_kept_once() -> None:
    looped = "My number is number" + " number" * 40
    assert without_loops(looped, 10) == ("My number is number", True)


def test_a_repeated_sentence_is_kept_once() -> None:
    looped = "Hello. " + "I would like to return it. " * 9
    assert without_loops(looped, 60) == ("Hello. I would like to return it.", True)


def test_more_than_anybody_can_say_is_cut_off() -> None:
    text = " ".join(str(number) for number in range(1000, 1100))
    kept, has_looped = without_loops(text, 2)
    assert has_looped
    assert text.startswith(kept)
    assert len(kept) < 100


def test_it_takes_no_time_for_a_long_text() -> None:
    text = " ".join(str(number % 977) for number in range(5000))
    assert without_loops(text, 1e6) == (text, False)
