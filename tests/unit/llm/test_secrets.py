"""Credentials never get into what is shown or stored."""

from __future__ import annotations

import pytest

from tau2.llm import redact_args
from tau2.llm.secrets import REDACTED, Redactor, redact, secrets_in_args


def test_secrets_are_keys_and_the_values_of_unusual_headers() -> None:
    args = {
        "api_key": "key-of-mine",
        "api_base": "http://public",
        "extra_headers": {"X-Auth": "header-secret", "Accept": "application/json"},
        "temperature": 1,
    }
    assert secrets_in_args(args) == {"key-of-mine", "header-secret"}


@pytest.mark.parametrize("placeholder", ["EMPTY", "none", "x", ""])
def test_placeholders_are_no_secrets(placeholder: str) -> None:
    assert secrets_in_args({"api_key": placeholder}) == frozenset()


@pytest.mark.parametrize(
    "text", ["sk-proj-abcdef123456", "sk-abc***wxyz", "Bearer abc.def-ghi", "gsk_abcdefgh1234"]
)
def test_what_looks_like_a_key_is_hidden_even_when_unknown(text: str) -> None:
    assert redact(f"wrong key {text} given") == f"wrong key {REDACTED} given"


def test_longer_secrets_go_first() -> None:
    assert redact("abcd-efgh", ["abcd", "abcd-efgh"]) == REDACTED


def test_stored_arguments_keep_all_but_credentials() -> None:
    args = {"api_key": "k", "api_base": "http://x", "extra_headers": {"A": "b"}, "temperature": 0.0}
    assert redact_args(args) == {
        "api_key": REDACTED,
        "api_base": "http://x",
        "extra_headers": REDACTED,
        "temperature": 0.0,
    }


def test_what_is_kept_of_data_is_bounded_and_changes_nothing():
    redactor = Redactor(["my-own-password"])
    texts = [f"{number} my-own-password {'x' * 50_000}" for number in range(50)]
    for _ in range(2):
        assert redactor.data(texts) == [redactor.text(text) for text in texts]
        assert sum(map(len, redactor._kept)) <= 2_000_000
