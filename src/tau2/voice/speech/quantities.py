"""Dates, amounts and numbers in recognized text."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from tau2.voice.speech.language import SpokenLanguage
from tau2.voice.speech.numbers import Counted, day_at, number_at, year_at
from tau2.voice.speech.pieces import Kind, Piece, is_sentence_end, merged

_DOLLARS = re.compile(r"\$(\d[\d,]{0,12})(?:\.(\d{2}))?")
_FIGURE_DOLLARS = re.compile(r"(\d[\d,]{0,12})\.(\d{2})")
_LARGEST_IN_WORDS = 12
"""What is counted in words also when it is written: "two items"."""
_LONGEST_NUMBER = 12
"""In words."""
_HUNDRED = 100


class _Found(NamedTuple):
    """What stands in the place of some pieces."""

    text: str
    end: int


def with_dates(pieces: Sequence[Piece], language: SpokenLanguage) -> list[Piece]:
    """Write dates with a year as "2024-05-20", and others as "May 20"."""
    words = [piece.word for piece in pieces]

    def date_at(at: int) -> _Found | None:
        return _month_first(pieces, words, at, language) or _day_first(words, at, language)

    return _with_values(pieces, date_at)


def _with_values(pieces: Sequence[Piece], value_at: Callable[[int], _Found | None]) -> list[Piece]:
    """Merge the pieces of each value; `value_at` returns the one that begins at an index."""
    result: list[Piece] = []
    at = 0
    while at < len(pieces):
        found = value_at(at)
        if found is None:
            result.append(pieces[at])
            at += 1
        else:
            result.append(merged(pieces[at : found.end], found.text, Kind.VALUE))
            at = found.end
    return result


def _month_first(
    pieces: Sequence[Piece], words: Sequence[str], at: int, language: SpokenLanguage
) -> _Found | None:
    """Return "May 20th, 2024"; "may", with a small letter, is a verb."""
    month = language.month_of.get(words[at])
    if month is None or not pieces[at].core[0].isupper() or is_sentence_end(pieces[at]):
        return None
    start = at + 1
    found = day_at(words[start : _clause_end(pieces, start)], 0, language)
    if found is None:
        return None
    day = found._replace(end=start + found.end)
    return _date(month, day, year_at(words, day.end, language), language)


def _day_first(words: Sequence[str], at: int, language: SpokenLanguage) -> _Found | None:
    """Return "the 20th of May 2024"."""
    start = at + 1 if words[at] == "the" else at
    day = day_at(words, start, language)
    if day is None or day.end + 1 >= len(words) or words[day.end] != "of":
        return None
    month = language.month_of.get(words[day.end + 1])
    if month is None:
        return None
    end = day.end + 2
    return _date(
        month, Counted(day.value, end, in_words=False), year_at(words, end, language), language
    )


def _date(month: int, day: Counted, year: Counted | None, language: SpokenLanguage) -> _Found:
    if year is None:
        return _Found(f"{language.months[month - 1]} {day.value}", day.end)
    return _Found(f"{year.value:04}-{month:02}-{day.value:02}", year.end)


def with_amounts(pieces: Sequence[Piece], language: SpokenLanguage) -> list[Piece]:
    """Write amounts as "$43.19"."""
    words = [piece.word for piece in pieces]
    return _with_values(pieces, lambda at: _amount(words, at, language))


def _amount(words: Sequence[str], at: int, language: SpokenLanguage) -> _Found | None:
    dollars = _dollars(words, at, language)
    cents = _cents(words, at if dollars is None else dollars.end, language)
    if dollars is None:
        return None if cents is None else _Found(f"$0.{cents.value:02}", cents.end)
    if cents is not None:
        return _Found(f"${dollars.value}.{cents.value:02}", cents.end)
    whole = _FIGURE_DOLLARS.fullmatch(words[at].removeprefix("$"))
    return _Found(f"${dollars.value}.{whole[2]}" if whole else f"${dollars.value}", dollars.end)


def _dollars(words: Sequence[str], at: int, language: SpokenLanguage) -> Counted | None:
    """Return the dollars that begin here, in words or behind a sign."""
    signed = _DOLLARS.fullmatch(words[at])
    if signed:
        end = at + 1 + int(at + 1 < len(words) and words[at + 1] in language.dollars)
        return Counted(int(signed[1].replace(",", "")), end, in_words=False)
    figures = _FIGURE_DOLLARS.fullmatch(words[at])
    counted = number_at(words, at, language)
    if figures:
        counted = Counted(int(figures[1].replace(",", "")), at + 1, in_words=False)
    if counted is None or counted.end >= len(words) or words[counted.end] not in language.dollars:
        return None
    return Counted(counted.value, counted.end + 1, counted.in_words)


def _cents(words: Sequence[str], at: int, language: SpokenLanguage) -> Counted | None:
    start = at + 1 if at < len(words) and words[at] == language.and_ else at
    counted = number_at(words, start, language)
    if counted is None or counted.value >= _HUNDRED:
        return None
    if counted.end >= len(words) or words[counted.end] not in language.cents:
        return None
    return Counted(counted.value, counted.end + 1, counted.in_words)


def with_numbers(pieces: Sequence[Piece], language: SpokenLanguage) -> list[Piece]:
    """Write larger numbers in figures: "twenty five" as "25", but "two items" as it is."""
    result: list[Piece] = []
    words = [piece.word if piece.kind is Kind.WORD else "" for piece in pieces]
    at = 0
    while at < len(pieces):
        # A number ends with its clause.
        clause = words[at : _clause_end(pieces, at)]
        counted = number_at(clause, 0, language) if words[at] else None
        if counted is None or not counted.in_words:
            result.append(pieces[at])
            at += 1
            continue
        text = str(counted.value) if counted.value > _LARGEST_IN_WORDS else pieces[at].core
        result.append(merged(pieces[at : at + counted.end], text, Kind.WORD))
        at += counted.end
    return result


def _clause_end(pieces: Sequence[Piece], start: int) -> int:
    """Return the index behind the first piece from `start` on that punctuation follows.

    It is at most the length of the longest number away.
    """
    last = min(len(pieces), start + _LONGEST_NUMBER)
    return next((at + 1 for at in range(start, last) if pieces[at].after), last)
