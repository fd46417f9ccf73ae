"""What waits for the results of tool calls: found by id, in order, in time that does not grow."""

from __future__ import annotations

from tau2.environment.history import Waiting


def test_a_result_finds_its_call_by_id() -> None:
    waiting: Waiting[str] = Waiting()
    waiting.add([("a", "first"), ("b", "second"), ("a", "third")])

    assert waiting.take("b") == "second"
    assert waiting.take("a") == "first"
    assert list(waiting) == ["third"]


def test_what_was_taken_as_the_first_is_not_found_again() -> None:
    waiting: Waiting[str] = Waiting()
    waiting.add([("a", "first"), ("a", "second")])

    assert waiting.take_first() == "first"
    assert waiting.take("a") == "second"
    assert waiting.take("a") is None
    assert waiting.take_first() is None
