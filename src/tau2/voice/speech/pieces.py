"""Recognized text in pieces: words and values with the punctuation around them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

_BEGINS = re.compile(r"[\w$#]")
_ENDS = re.compile(r"[\w%]")
_PAUSES = frozenset(",.;:-–—…'\"!?")


class Kind(StrEnum):
    """What a piece is known to be."""

    WORD = "word"
    """Not looked into yet, or ordinary text."""
    CODE = "code"
    """Letters and digits that were spelled."""
    VALUE = "value"
    """In its written form; it is not changed again."""


class Piece(NamedTuple):
    """A word or a value."""

    before: str
    """Punctuation."""
    core: str
    after: str
    """Punctuation."""
    kind: Kind = Kind.WORD

    @property
    def word(self) -> str:
        """The core in lower case; empty for a value."""
        return "" if self.kind is Kind.VALUE else self.core.lower()


def pieces_of(text: str) -> list[Piece]:
    """Return the words of `text`."""
    return [_piece(token) for token in text.split()]


def _piece(token: str) -> Piece:
    begin = _BEGINS.search(token)
    start = begin.start() if begin else len(token)
    backward = _ENDS.search(token[::-1])
    end = max(start, len(token) - backward.start()) if backward else start
    return Piece(token[:start], token[start:end], token[end:])


def joined(pieces: Sequence[Piece]) -> str:
    """Return the text of pieces."""
    return " ".join(f"{piece.before}{piece.core}{piece.after}" for piece in pieces)


def merged(pieces: Sequence[Piece], core: str, kind: Kind) -> Piece:
    """Return one piece in the place of several."""
    return Piece(pieces[0].before, core, pieces[-1].after, kind)


def is_pause(left: Piece, right: Piece) -> bool:
    """Return whether nothing but a pause is between two pieces."""
    return set(left.after) <= _PAUSES and set(right.before) <= _PAUSES


def is_sentence_end(piece: Piece) -> bool:
    """Return whether a sentence may end with this piece."""
    return any(sign in piece.after for sign in ".!?…")
