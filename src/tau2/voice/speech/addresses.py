"""E-mail addresses and ids with signs in recognized text."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tau2.voice.speech.language import SpokenLanguage
from tau2.voice.speech.pieces import Kind, Piece, is_pause, merged

_LABEL = re.compile(r"[A-Za-z0-9-]{1,63}")
_DOMAIN = re.compile(r"[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){0,4}\.[A-Za-z]{2,12}")
_LOCAL = re.compile(r"[A-Za-z0-9._+'-]{1,64}")
_PART = re.compile(r"[\w-]{1,64}")
_LOCAL_SIGNS = frozenset("._-+")


def with_addresses(pieces: Sequence[Piece], language: SpokenLanguage) -> list[Piece]:
    """Write "anna underscore li 4 2 at example dot com" as "anna_li42@example.com"."""
    return _with_signs(_with_emails(list(pieces), language), language)


def _with_emails(pieces: list[Piece], language: SpokenLanguage) -> list[Piece]:
    at = 0
    while at < len(pieces):
        if language.sign_of.get(pieces[at].word) == "@":
            domain, end = _domain(pieces, at + 1, language)
            start, local = _local(pieces, at, language)
            if domain and local:
                address = f"{local}@{domain}".lower()
                pieces[start:end] = [merged(pieces[start:end], address, Kind.VALUE)]
                at = start
        at += 1
    return pieces


def _domain(pieces: Sequence[Piece], start: int, language: SpokenLanguage) -> tuple[str, int]:
    """Return the domain that begins at `start`, and the index behind it; "" where there is none."""
    if start >= len(pieces):
        return "", start
    labels = pieces[start].core
    at = start + 1
    while (
        at + 1 < len(pieces)
        and language.sign_of.get(pieces[at].word) == "."
        and _LABEL.fullmatch(pieces[at + 1].core)
    ):
        labels += f".{pieces[at + 1].core}"
        at += 2
    before, _, last = labels.rpartition(".")
    labels = f"{before}.{language.like_domains.get(last.lower(), last)}"
    if not _DOMAIN.fullmatch(labels) or labels.rpartition(".")[2].lower() not in language.domains:
        return "", start
    return labels, at


def _local(pieces: Sequence[Piece], end: int, language: SpokenLanguage) -> tuple[int, str]:
    """Return where the part before "at" begins, and this part."""
    at = end
    local = ""
    while at > 0:
        start, element = _element(pieces, at, language)
        if not element:
            break
        local = element + local
        at = start
        sign = language.sign_of.get(pieces[at - 1].word, "") if at else ""
        if sign not in _LOCAL_SIGNS or not sign:
            break
        local = sign + local
        at -= 1
    return at, local.lstrip("._-+")


def _element(pieces: Sequence[Piece], end: int, language: SpokenLanguage) -> tuple[int, str]:
    """Return the word, the digits, or the word with digits that ends before `end`."""
    at = end
    digits = ""
    while at > 0 and (digit := _digits(pieces[at - 1], language)):
        digits = digit + digits
        at -= 1
    word = pieces[at - 1] if at else None
    if word is None or not _LOCAL.fullmatch(word.core) or not _is_name(word, language):
        return at, digits
    if digits and not is_pause(word, pieces[at]):
        return at, digits
    return at - 1, word.core + digits


def _digits(piece: Piece, language: SpokenLanguage) -> str:
    figures = piece.core.replace("-", "")
    if figures.isdigit():
        return figures
    return language.digit_of.get(piece.word) or language.like_digits.get(piece.word, "")


def _is_name(piece: Piece, language: SpokenLanguage) -> bool:
    return piece.word not in language.introductions and piece.word not in language.sign_of


def _with_signs(pieces: list[Piece], language: SpokenLanguage) -> list[Piece]:
    """Join what "underscore" connects, and codes that "dash" connects."""
    at = 1
    while at + 1 < len(pieces):
        sign = language.sign_of.get(pieces[at].word, "")
        left = pieces[at - 1]
        right = pieces[at + 1]
        is_joined = sign == "_" and _connects(left) and _connects(right)
        is_joined = is_joined or (sign in {"-", " "} and _is_code(left) and _is_code(right))
        if is_joined and is_pause(left, pieces[at]) and is_pause(pieces[at], right):
            core = f"{left.core}{sign}{right.core}"
            core = core.lower() if sign == "_" else core
            pieces[at - 1 : at + 2] = [merged(pieces[at - 1 : at + 2], core, Kind.CODE)]
        else:
            at += 1
    return pieces


def _connects(piece: Piece) -> bool:
    return piece.kind is not Kind.VALUE and bool(_PART.fullmatch(piece.core))


def _is_code(piece: Piece) -> bool:
    return (
        piece.kind is Kind.CODE
        or piece.core.isdigit()
        or (len(piece.core) == 1 and piece.core.isalpha())
    )
