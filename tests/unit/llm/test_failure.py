"""Which failures may pass, which are final, and how long to wait."""

from __future__ import annotations

import pickle
from types import SimpleNamespace
from typing import Any

import pytest

from tau2.config import DEFAULT_RETRY_MAX_WAIT
from tau2.errors import (
    ContextWindowExceeded,
    DeadlineExceeded,
    EmptyCompletion,
    ModelRefused,
    ModelUnavailable,
)
from tau2.llm.attempts import back_off
from tau2.llm.failure import CallFailed, converted_errors, from_exception, from_status, retry_after

NOW = 1_700_000_000.0


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504, 529])
def test_these_may_pass(status: int) -> None:
    failure = from_status(status, "", {}, NOW)
    assert (failure.temporary, failure.verdict) == (True, ModelUnavailable)


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 409, 413, 422])
def test_these_are_final(status: int) -> None:
    failure = from_status(status, "", {}, NOW)
    assert (failure.temporary, failure.verdict) == (False, ModelRefused)


@pytest.mark.parametrize(
    "body",
    [
        '{"error": {"message": "x", "code": "context_length_exceeded"}}',
        '{"error": {"message": "exceeds the size", "type": "exceed_context_size_error"}}',
        '{"message": "maximum context length is 4096"}',
        "Prompt is too long: 9000 tokens",
        '{"detail": "Please reduce the length of the messages"}',
    ],
)
def test_many_words_for_too_long(body: str) -> None:
    assert from_status(400, body, {}, NOW).verdict is ContextWindowExceeded


def test_a_rate_limit_that_speaks_of_tokens_is_a_rate_limit() -> None:
    assert from_status(429, "too many tokens per minute", {}, NOW).temporary


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ('{"error": {"message": "why"}}', "why"),
        ('{"error": "why"}', "why"),
        ('{"message": "why"}', "why"),
        ("why", "why"),
        ('["why"]', "['why']"),
        ("", "no explanation"),
        ("[" * 100_000, "[" * 1000),
        ("null", "None"),
    ],
)
def test_the_providers_words_are_found_in_any_body(body: str, text: str) -> None:
    assert from_status(400, body, {}, NOW).text == text


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "5"}, 5.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after": "Tue, 14 Nov 2023 22:13:50 GMT"}, 30.0),
        ({"retry-after": "Tue, 14 Nov 2000 22:13:50 GMT"}, 0.0),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "soon"}, None),
        ({}, None),
    ],
)
def test_retry_after_in_every_spelling(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers, NOW) == seconds


def test_back_off_has_full_jitter_and_no_luck() -> None:
    waits = [back_off(f"request {number}", 3) for number in range(200)]
    assert waits == [back_off(f"request {number}", 3) for number in range(200)]
    assert min(waits) < 1
    assert max(waits) > 7
    assert all(0 <= back_off("x", attempt) <= DEFAULT_RETRY_MAX_WAIT for attempt in (0, 5, 10_000))
    assert all(back_off(f"request {number}", 0) <= 1.0 for number in range(50))


class StatusError(Exception):
    """As client libraries raise them."""

    def __init__(self, status: int, headers: dict[str, str] | None = None) -> None:
        super().__init__("from the library")
        self.status_code = status
        self.response = SimpleNamespace(headers=headers or {})


class APIConnectionError(Exception):
    """Named like the one of the openai package."""


class ContextWindowExceededError(StatusError):
    """Named like the one of litellm."""


def test_exceptions_of_client_libraries_are_judged_by_what_they_carry() -> None:
    limited = from_exception(StatusError(429, {"Retry-After": "4"}), NOW)
    assert limited is not None
    assert (limited.temporary, limited.retry_after) == (True, 4.0)
    for passing in (APIConnectionError("x"), ConnectionResetError(), TimeoutError()):
        judged = from_exception(passing, NOW)
        assert judged is not None
        assert judged.temporary
    refused = from_exception(StatusError(401), NOW)
    assert refused is not None
    assert refused.verdict is ModelRefused
    too_long = from_exception(ContextWindowExceededError(400), NOW)
    assert too_long is not None
    assert too_long.verdict is ContextWindowExceeded


def test_our_own_errors_keep_their_kind() -> None:
    for error in (
        ModelUnavailable("x"),
        ModelRefused("x"),
        EmptyCompletion("x"),
        ContextWindowExceeded("x"),
    ):
        judged = from_exception(error, NOW)
        assert judged is not None
        assert judged.verdict is type(error)
    original = CallFailed("x", temporary=True, retry_after=9)
    wrapped = ModelUnavailable("gave up")
    wrapped.__cause__ = original
    judged = from_exception(wrapped, NOW)
    assert judged is not None
    assert judged.retry_after == 9


@pytest.mark.parametrize("error", [KeyError("x"), ZeroDivisionError(), DeadlineExceeded("x")])
def test_bugs_and_deadlines_are_not_judged(error: Exception) -> None:
    assert from_exception(error, NOW) is None
    with pytest.raises(type(error)), converted_errors(()):
        raise error


def test_a_foreign_library_may_be_judged_whatever_it_raises() -> None:
    with (
        pytest.raises(CallFailed, match=r"KeyError: .*\[redacted\]"),
        converted_errors(["hunter22"], every=True),
    ):
        raise KeyError("hunter22")


@pytest.mark.parametrize(
    "error", [ModelUnavailable("x"), ModelRefused("x"), ContextWindowExceeded("x")]
)
def test_final_errors_cross_process_boundaries(error: Any) -> None:
    assert str(pickle.loads(pickle.dumps(error))) == "x"
