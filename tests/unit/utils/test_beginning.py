"""The beginning of a long text, prepared for people: no half secret stands at its end."""

from __future__ import annotations

from tau2.llm.secrets import Redactor
from tau2.utils.text import beginning_of

SECRET = "sk-a-secret-of-this-run"
_REDACTED = Redactor([SECRET]).text


def test_a_short_text_is_prepared_as_a_whole() -> None:
    assert beginning_of(f"key {SECRET}", 100, _REDACTED) == "key [redacted]"
    assert beginning_of("abcdef", 3, str.upper) == "ABC… (+3 characters)"


def test_of_a_long_text_only_the_beginning_is_prepared() -> None:
    read: list[int] = []

    def note(text: str) -> str:
        read.append(len(text))
        return text

    assert beginning_of("a" * 5_000_000, 10, note) == "aaaaaaaaaa… (+4,999,990 characters)"
    assert max(read) < 50_000


def test_a_secret_that_is_cut_in_two_is_not_shown() -> None:
    for offset in range(len(SECRET)):
        text = "x" * offset + SECRET * 10_000
        shown = beginning_of(text, 30_000, _REDACTED)
        assert "secret" not in shown
