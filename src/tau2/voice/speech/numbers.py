"""Number words and their values."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from tau2.voice.speech.language import SpokenLanguage

_FIGURES = re.compile(r"\d{1,9}|\d{1,3}(?:,\d{3}){1,2}")
_TEN = 10
_HUNDRED = 100
_THOUSAND = 1000
_SUFFIX = re.compile(r"(\d{1,2})(?:st|nd|rd|th)", re.IGNORECASE)


class Counted(NamedTuple):
    """A number that was found."""

    value: int
    end: int
    """The index behind its last word."""
    in_words: bool
    """Whether it was written in words rather than in figures."""


def number_at(words: Sequence[str], start: int, language: SpokenLanguage) -> Counted | None:
    """Return the number that begins at `start`, in figures or words; None where none does.

    Args:
        words: In lower case, without punctuation.
        start: An index of `words`.
        language: Whose number words are understood.
    """
    if start < len(words) and _FIGURES.fullmatch(words[start]):
        return Counted(int(words[start].replace(",", "")), start + 1, in_words=False)
    total = 0
    at = start
    below = _below_thousand(words, at, language)
    if below is None:
        return None
    if below.end < len(words) and words[below.end] == language.thousand:
        total = below.value * _THOUSAND
        at = below.end + 1
        rest = _below_thousand(words, _behind_and(words, at, language), language)
        if rest is None:
            return Counted(total, at, in_words=True)
        return Counted(total + rest.value, rest.end, in_words=True)
    return below


def _behind_and(words: Sequence[str], at: int, language: SpokenLanguage) -> int:
    return at + 1 if at < len(words) and words[at] == language.and_ else at


def _below_thousand(words: Sequence[str], at: int, language: SpokenLanguage) -> Counted | None:
    first = _below_hundred(words, at, language)
    if first is None or first.end >= len(words) or words[first.end] != language.hundred:
        return first
    value = first.value * _HUNDRED
    rest = _below_hundred(words, _behind_and(words, first.end + 1, language), language)
    if rest is None:
        return Counted(value, first.end + 1, in_words=True)
    return Counted(value + rest.value, rest.end, in_words=True)


def _below_hundred(words: Sequence[str], at: int, language: SpokenLanguage) -> Counted | None:
    if at >= len(words):
        return None
    word = words[at]
    tens, _, ones = word.partition("-")
    if tens in language.tens:
        value = _TEN * (language.tens.index(tens) + 2)
        digit = language.digit_of.get(ones, "")
        following = language.digit_of.get(words[at + 1], "") if at + 1 < len(words) else ""
        if digit not in {"", "0"}:
            return Counted(value + int(digit), at + 1, in_words=True)
        if not ones and following not in {"", "0"}:
            return Counted(value + int(following), at + 2, in_words=True)
        return Counted(value, at + 1, in_words=True) if not ones else None
    if word in language.teens:
        return Counted(_TEN + language.teens.index(word), at + 1, in_words=True)
    if word in language.digit_of:
        return Counted(int(language.digit_of[word]), at + 1, in_words=True)
    return None


def day_at(words: Sequence[str], start: int, language: SpokenLanguage) -> Counted | None:
    """Return the day of a month that begins at `start`: "20", "20th", "twentieth"."""
    if start >= len(words):
        return None
    suffixed = _SUFFIX.fullmatch(words[start])
    if suffixed:
        return _if_day(Counted(int(suffixed[1]), start + 1, in_words=False), language)
    for length in (2, 1):
        said = " ".join(words[start : start + length]).replace("-", " ")
        if said in language.day_of:
            return Counted(language.day_of[said], min(start + length, len(words)), in_words=True)
    counted = number_at(words, start, language)
    return _if_day(counted, language) if counted is not None else None


def _if_day(counted: Counted, language: SpokenLanguage) -> Counted | None:
    return counted if 1 <= counted.value <= len(language.ordinals) else None


def year_at(words: Sequence[str], start: int, language: SpokenLanguage) -> Counted | None:
    """Return the year that begins at `start`: "2024", "twenty twenty four"."""
    counted = number_at(words, start, language)
    if counted is None:
        return None
    if counted.in_words and _TEN <= counted.value < _HUNDRED:
        rest = number_at(words, counted.end, language)
        if rest is not None and rest.in_words and rest.value < _HUNDRED:
            counted = Counted(counted.value * _HUNDRED + rest.value, rest.end, in_words=True)
    return counted if counted.value in range(1900, 2100) else None
