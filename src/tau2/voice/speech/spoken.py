"""Written text as it is spoken: ids digit by digit, addresses with their signs, amounts in words.

A synthesizer reads "W9164527" as a quantity of millions, or not at all. `spoken` writes such texts
out, and removes the marks of Markdown; `heard` is its inverse. `spelled` says a value letter by
letter, with or without the words of a spelling alphabet.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import NamedTuple, TypeAlias

from tau2.voice.speech.language import SpokenLanguage, spoken_language


class Spelling(StrEnum):
    """How the words inside of ids and addresses are said."""

    WORDS = "words"
    """"anna" as a word."""
    LETTERS = "letters"
    """"A, N, N, A"."""
    ALPHABET = "alphabet"
    """"A, as in Anna, N, as in Nora, …"."""


class _Part(NamedTuple):
    """A word, a letter, a digit or a sign of something that is spelled."""

    text: str
    is_letter: bool = False


Form: TypeAlias = Callable[[str, Spelling, SpokenLanguage], str | None]
"""Says a token if it has this form; None if not."""

_BEFORE = "([{\"'“‘<*_~`"
_AFTER = ")]}\"'”’>*~`.,;:!?…"
_MARKS = "*_~`"
"""Of Markdown."""
_EMAIL = re.compile(r"(?<![\w.+'-])[\w.+'-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}")
_SNAKE = re.compile(r"[A-Za-z0-9]{1,40}(?:_[A-Za-z0-9-]{1,40}){1,8}")
_DATE = re.compile(r"(\d{4})-(\d{2})-(\d{2})")
_MONEY = re.compile(r"\$(\d{1,3}(?:,\d{3}){1,4}|\d{1,12})(?:\.(\d{2}))?")
_PHONE = re.compile(r"(?:\+?\d{1,2}[-.])?\(?\d{3}\)?[-.]\d{3}[-.]\d{4}")
_CODE = re.compile(r"#?[A-Za-z0-9]{1,40}(?:-[A-Za-z0-9]{1,40}){0,8}")
_SIZE = re.compile(r"\d{1,12}x\d{1,12}")
_QUANTITY = re.compile(r"\d{1,12}([A-Za-z]{1,12}(?:\.[A-Za-z])?)")
_PERCENT = re.compile(r"(\d[\d.,]{0,12})%")
_RUN = re.compile(r"[^\W\d_]+|\d|\S")
_LINK = re.compile(r"\[([^\[\]]{1,300})\]\([^()\s]{0,2000}\)")
_LINE_START = re.compile(r"\s{0,40}(?:#{1,6}\s|[-*•+]\s|>\s)")
_LONGEST_TOKEN = 200  # characters; a longer one is no id
_FEWEST_DIGITS = 5  # from which a number is an id rather than a quantity
_YEARS = range(1900, 2100)
_SYMBOLS = frozenset({"So", "Sk", "Cs", "Co", "Cn", "Cc", "Cf"})
"""Categories of characters that have no sound."""


def spoken(text: str, *, spelling: Spelling = Spelling.WORDS, language: str = "en") -> str:
    """Return `text` as it is spoken.

    Args:
        text: As it is written; Markdown is understood.
        spelling: How words inside of ids and addresses are said.
        language: The code of a known language.
    """
    return " ".join(token.said for token in spoken_tokens(text, spelling, language))


class SpokenToken(NamedTuple):
    """A token of a text, without marks of Markdown, and how it is spoken."""

    written: str
    said: str


def spoken_tokens(
    text: str, spelling: Spelling = Spelling.WORDS, language: str = "en"
) -> list[SpokenToken]:
    """Return the tokens of `text` that have a sound."""
    words = spoken_language(language)
    tokens = [
        SpokenToken(token.strip(_MARKS), _token(token, spelling, words))
        for token in _plain(text).split()
    ]
    return [token for token in tokens if token.said]


def spelled(value: str, *, alphabet: bool = False, language: str = "en") -> str:
    """Return a value letter by letter, digit by digit.

    Args:
        value: A name, an id or an address.
        alphabet: Whether letters are explained: "A as in Anna".
        language: The code of a known language.
    """
    words = spoken_language(language)
    style = Spelling.ALPHABET if alphabet else Spelling.LETTERS
    parts = []
    for number, word in enumerate(value.split()):
        parts += [_Part(words.sign(" "))] if number else []
        parts += _parts(word, style, words)
    return _joined(parts)


def _plain(text: str) -> str:
    """Return `text` without the marks of Markdown and without characters that have no sound."""
    lines = []
    for line in _LINK.sub(r"\1", text).splitlines():
        begin = _LINE_START.match(line)
        bare = line[begin.end() if begin else 0 :].strip()
        if bare.rstrip(_MARKS)[-1:].isalnum():
            bare += "."
        lines.append(bare.replace("|", ",").replace("**", ""))
    joined = " ".join(line for line in lines if line)
    if "\n" not in text.strip() and text.strip()[-1:].isalnum():
        joined = joined.removesuffix(".")
    return "".join(c for c in joined if c == " " or unicodedata.category(c) not in _SYMBOLS)


def _token(token: str, spelling: Spelling, words: SpokenLanguage) -> str:
    """Return one token as it is spoken."""
    if len(token) > _LONGEST_TOKEN:
        return token
    core = token.lstrip(_BEFORE).rstrip(_AFTER)
    start = token.find(core)
    before = token[:start]
    after = token[start + len(core) :]
    if core in {"&", "@", "+"}:
        return words.sign(core)
    for form in _FORMS:
        said = form(core, spelling, words)
        if said is not None:
            return f"{before.strip(_MARKS)}{said}{after.strip(_MARKS)}"
    return f"{before.strip(_MARKS)}{core}{after.strip(_MARKS)}"


def _email(core: str, spelling: Spelling, words: SpokenLanguage) -> str | None:
    if not _EMAIL.fullmatch(core):
        return None
    local, _, domain = core.partition("@")
    parts = [*_parts(local, spelling, words), _Part(words.sign("@"))]
    return _joined([*parts, *_parts(domain, Spelling.WORDS, words)])


def _snake(core: str, spelling: Spelling, words: SpokenLanguage) -> str | None:
    return _joined(_parts(core, spelling, words)) if _SNAKE.fullmatch(core) else None


def _date(core: str, _spelling: Spelling, words: SpokenLanguage) -> str | None:
    found = _DATE.fullmatch(core)
    if not found or not 1 <= int(found[2]) <= len(words.months):
        return None
    return f"{words.months[int(found[2]) - 1]} {int(found[3])}, {found[1]}"


def _money(core: str, _spelling: Spelling, words: SpokenLanguage) -> str | None:
    found = _MONEY.fullmatch(core)
    if not found:
        return None
    dollars = int(found[1].replace(",", ""))
    cents = int(found[2] or 0)
    said = []
    if dollars or not cents:
        said.append(f"{dollars:,} {words.dollars[1 if dollars == 1 else 0]}")
    if cents:
        said.append(f"{cents} {words.cents[1 if cents == 1 else 0]}")
    return f" {words.and_} ".join(said)


def _phone(core: str, _spelling: Spelling, _words: SpokenLanguage) -> str | None:
    if not _PHONE.fullmatch(core):
        return None
    return ", ".join(" ".join(group) for group in re.findall(r"\d+", core))


def _number(core: str, _spelling: Spelling, words: SpokenLanguage) -> str | None:
    percent = _PERCENT.fullmatch(core)
    if percent:
        return f"{percent[1]} {words.sign('%')}"
    bare = core.removeprefix("#")
    if not (bare.isascii() and bare.isdigit()):
        return None
    is_year = len(bare) == 4 and int(bare) in _YEARS  # noqa: PLR2004  -- digits of a year
    is_id = len(bare) >= _FEWEST_DIGITS or (bare[0] == "0" and len(bare) > 1)
    is_id = is_id or (len(bare) == _FEWEST_DIGITS - 1 and not is_year)
    return " ".join(bare) if is_id else bare


def _code(core: str, spelling: Spelling, words: SpokenLanguage) -> str | None:
    if not _CODE.fullmatch(core) or _SIZE.fullmatch(core):
        return None
    quantity = _QUANTITY.fullmatch(core)
    if quantity and quantity[1].lower() in words.units:
        return None
    bare = core.removeprefix("#")
    parts = bare.split("-")
    has_mixed = any(not part.isalpha() and not part.isdigit() for part in parts)
    has_letter = any(len(part) == 1 and part.isalpha() for part in parts)
    has_number = any(part.isdigit() for part in parts)
    if not has_mixed and not (has_letter and has_number):
        return bare if bare != core else None
    return _joined(_parts(bare, max(spelling, Spelling.LETTERS, key=_CARE.index), words))


_CARE = (Spelling.WORDS, Spelling.LETTERS, Spelling.ALPHABET)
_FORMS: tuple[Form, ...] = (_email, _snake, _date, _money, _phone, _number, _code)


def _parts(text: str, spelling: Spelling, words: SpokenLanguage) -> Iterator[_Part]:
    """Yield the words or letters, digits and signs of `text`."""
    for run in _RUN.findall(text):
        if not run.isalpha():
            yield _Part(run if run.isdigit() else words.sign(run))
        elif spelling is Spelling.WORDS and len(run) > 1:
            yield _Part(run)
        else:
            for letter in run.upper():
                example = words.alphabet.get(letter) if spelling is Spelling.ALPHABET else None
                said = f"{letter}, {words.as_in[0]} {example[0]}" if example else letter
                yield _Part(said, is_letter=True)


def _joined(parts: Iterator[_Part] | list[_Part]) -> str:
    """Return parts with a pause around every letter, so that each is understood."""
    said = ""
    before: _Part | None = None
    for part in parts:
        if before is not None:
            said += ", " if before.is_letter or part.is_letter else " "
        said += part.text
        before = part
    return said
