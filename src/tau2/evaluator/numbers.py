"""Numbers in text as people write them: currencies, units, separators of many countries.

`numbers_in` returns every value that a reader would see in a text. A form that countries read
differently ("1.234" is a decimal number in English and one thousand two hundred thirty-four in
German) yields both values. Digits inside codes ("W1234"), telephone numbers, dates and version
numbers are no numbers. Values are exact decimals.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

FIXED_SPACE = "\ue000"
"""Stands for every space that does not break a line.

Written between digits, it separates thousands.
"""

_FIXED_SPACES = "\u00a0\u2007\u2008\u2009\u200a\u202f"
_INVISIBLE = (
    "\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"
    "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
)
_MINUS = "\u2010\u2011\u2012\u2013\u2212\ufe63\uff0d"
_APOSTROPHES = "\u2018\u2019\u02bc\u00b4\u2032"
_RAISED_DIGITS = "\u00b9\u00b2\u00b3\u2070\u2074\u2075\u2076\u2077\u2078\u2079"

_CHARACTERS: dict[int, str] = {
    **{ord(space): FIXED_SPACE for space in _FIXED_SPACES},
    **{ord(mark): "" for mark in _INVISIBLE + "*`"},
    **{ord(minus): "-" for minus in _MINUS},
    **{ord(mark): "'" for mark in _APOSTROPHES},
    # Compatibility normalisation would join "10²" to "102".
    **{ord(digit): " " for digit in _RAISED_DIGITS},
    ord(FIXED_SPACE): " ",
    ord("\u2014"): " - ",
    ord("\u201c"): '"',
    ord("\u201d"): '"',
    ord("\u066b"): ".",
    ord("\u066c"): "'",
}

_CURRENCIES = frozenset(
    [
        "aed",
        "ars",
        "aud",
        "bdt",
        "bgn",
        "brl",
        "cad",
        "chf",
        "clp",
        "cny",
        "cop",
        "czk",
        "dkk",
        "egp",
        "eur",
        "gbp",
        "hkd",
        "huf",
        "idr",
        "ils",
        "inr",
        "isk",
        "jpy",
        "kes",
        "krw",
        "mad",
        "mxn",
        "myr",
        "ngn",
        "nok",
        "nzd",
        "pen",
        "php",
        "pkr",
        "pln",
        "ron",
        "rsd",
        "rub",
        "sar",
        "sek",
        "sgd",
        "thb",
        "try",
        "twd",
        "uah",
        "usd",
        "vnd",
        "zar",
        "rs",
        "re",
        "rp",
        "kr",
        "fr",
        "sfr",
        "ft",
        "kč",
        "kc",
        "zł",
        "zl",
        "lei",
        "din",
        "rm",
        "nt",
        "us",
        "ca",
        "au",
        "hk",
        "nz",
        "руб",
        "р",
        "грн",
        "лв",
        "dollar",
        "dollars",
        "euro",
        "euros",
        "cent",
        "cents",
        "pound",
        "pounds",
        "rupee",
        "rupees",
        "yen",
    ]
)
# Without the letters of seats ("12A" to "12K"): they make a number part of a code.
_UNITS = frozenset(
    [
        "kb",
        "mb",
        "gb",
        "tb",
        "pb",
        "kib",
        "mib",
        "gib",
        "tib",
        "kbit",
        "mbit",
        "gbit",
        "kbps",
        "mbps",
        "gbps",
        "bit",
        "bits",
        "byte",
        "bytes",
        "s",
        "sec",
        "secs",
        "second",
        "seconds",
        "ms",
        "min",
        "mins",
        "minute",
        "minutes",
        "h",
        "hr",
        "hrs",
        "hour",
        "hours",
        "day",
        "days",
        "wk",
        "wks",
        "week",
        "weeks",
        "mo",
        "mos",
        "month",
        "months",
        "y",
        "yr",
        "yrs",
        "year",
        "years",
        "am",
        "pm",
        "mm",
        "cm",
        "dm",
        "m",
        "km",
        "in",
        "ft",
        "yd",
        "mi",
        "mile",
        "miles",
        "g",
        "kg",
        "mg",
        "lb",
        "lbs",
        "oz",
        "t",
        "l",
        "dl",
        "cl",
        "ml",
        "gal",
        "kw",
        "mw",
        "kwh",
        "wh",
        "kv",
        "ma",
        "ah",
        "mah",
        "hz",
        "khz",
        "mhz",
        "ghz",
        "px",
        "pt",
        "pts",
        "pct",
        "x",
        "st",
        "std",
        "uhr",
        "го",
        "гб",
        "мб",
        "кб",
        "тб",
        "ч",
        "мин",
        "дн",
        "шт",
        "км",
        "кг",
    ]
)
_THOUSAND = "k"

_RUN = re.compile(rf"\d+(?:[.,'{FIXED_SPACE}]\d+)*")
_SPACED_GROUPS = re.compile(r"(?<![\d.,'])\d{1,3}(?: \d{3})+(?=[.,]\d{1,2}(?!\d)|(?![\d.,]| \d))")
_CODE = re.compile(r"(?<!\d)\d+(?:-\d+){2,}")
_GROUPED = re.compile(r"\d{1,3}(?:\.\d{3})+|\d{1,3}(?:,\d{3})+|\d{1,2}(?:,\d{2})+,\d{3}")
_WANTED = re.compile(
    r"(?P<sign>[-+]?) ?(?P<before>\D{0,8}?)(?P<late_sign>[-+]?)"
    rf"(?P<number>\.?\d[\d.,'{FIXED_SPACE}]*)"
    r" ?(?P<after>\D{0,8})"
)
_MOST_MARKS = 30  # on one letter, as in Unicode's "stream-safe" texts; no language needs four
_LONGEST_WORD = 8  # letters of a unit or currency; what is longer is neither
_LONGEST_NUMBER = 60  # characters; a longer run of digits is a code


_FOREIGN = re.compile(rf"[^\x00-\x7f]{{{_MOST_MARKS + 1},}}")
_MARKS_OF_CLASS_0 = "\u0f73\u0f75\u0f81\uff9e\uff9f"  # letters that decompose to nothing but marks


def normalised(text: str) -> str:
    """Return text in NFKC, case folded, with ASCII digits, plain minus signs and apostrophes.

    Of the marks on one letter, those after the 30th are left out.
    """
    # Sorting the marks of a letter, as normalisation does, takes quadratic time in their number.
    plain = _FOREIGN.sub(_without_piles, text.translate(_CHARACTERS))
    folded = unicodedata.normalize("NFKC", plain).casefold()
    if folded.isascii():
        return folded
    return "".join(str(unicodedata.decimal(character, character)) for character in folded)


def _without_piles(found: re.Match[str]) -> str:
    kept: list[str] = []
    marks = 0
    for character in found.group():
        is_mark = unicodedata.combining(character) or character in _MARKS_OF_CLASS_0
        marks = marks + 1 if is_mark else 0
        if marks <= _MOST_MARKS:
            kept.append(character)
    return "".join(kept)


def numbers_in(text: str) -> set[Decimal]:
    """Return the values of all numbers in a normalised text."""
    plain = _CODE.sub(" ", text)
    values: set[Decimal] = set()
    for match in _RUN.finditer(plain):
        values.update(_values_at(plain, match))
    for match in _SPACED_GROUPS.finditer(plain):
        values.update(_spaced_value(plain, match))
    return values


def wanted_number(text: str) -> tuple[Decimal, bool] | None:
    """Return a piece of information that is a number and nothing else, and whether it has a sign.

    A currency may stand on either side. None when the text is more than a number: "10 GB", "order
    5".
    """
    match = _WANTED.fullmatch(text.strip().replace(FIXED_SPACE, " "))
    if match is None:
        return None
    for word in (match["before"], match["after"]):
        if not _is_currency(word.strip()):
            return None
    sign = match["sign"] or match["late_sign"]
    number = match["number"].rstrip(".,'")
    if match["before"].strip().isalpha():
        number = number.removeprefix(".")  # the full stop of "Rs."
    readings = _readings(number)
    if not readings:
        return None
    # Where two readings are possible, information in task files is written the English way.
    value = min(readings)
    return (-value if sign == "-" else value), bool(sign)


def split_units(text: str) -> str:
    """Return a normalised text with spaces between numbers and adjoining units or currencies."""
    pieces: list[str] = []
    end = 0
    for match in _RUN.finditer(text):
        before = _word_before(text, match.start())
        if before and before in _CURRENCIES:
            pieces += [text[end : match.start()], " "]
            end = match.start()
        after = _word_after(text, match.end())
        if after and (after in _UNITS or after in _CURRENCIES):
            pieces += [text[end : match.end()], " "]
            end = match.end()
    pieces.append(text[end:])
    return "".join(pieces)


def is_cased(character: str) -> bool:
    """Return whether a character is a letter of a script with upper and lower case, such as Latin.

    Other scripts write numbers and words without spaces between them ("100円").
    """
    return character.isalpha() and (
        character.upper() != character or character.lower() != character
    )


def _is_currency(word: str) -> bool:
    """Return whether a word is empty or a currency ("usd", "rs.", "$", "us$")."""
    letters = word.rstrip(".")
    if not word or letters in _CURRENCIES:
        return True
    symbol = letters.lstrip("acnrsu")
    return bool(symbol) and all(map(_is_currency_symbol, symbol))


def _is_currency_symbol(character: str) -> bool:
    return unicodedata.category(character) == "Sc"


def _values_at(text: str, match: re.Match[str]) -> set[Decimal]:
    """Return what a run of digits and separators means where it stands.

    Nothing when it is part of a code.
    """
    run = match.group()
    if len(run) > _LONGEST_NUMBER:
        return set()
    start = _start_of_number(text, match.start())
    if start is None:
        return set()
    factor = _factor_after(text, match.end(), is_money=start.is_money)
    readings = _readings("." + run if start.is_fraction else run)
    sign = -1 if start.is_negative else 1
    return {sign * factor * value for value in readings} if factor else set()


def _spaced_value(text: str, match: re.Match[str]) -> set[Decimal]:
    """Return the value of space-grouped digits that a currency or decimals show to be one."""
    fraction = re.match(r"[.,]\d{1,2}(?!\d)", text[match.end() : match.end() + 4])
    end = match.end() + (fraction.end() if fraction else 0)
    before = text[: match.start()].rstrip()[-1:]
    after = text[end : end + 8].strip(" ")
    word = re.match(r"[^\W\d_]*", after)
    has_currency = _is_currency_symbol(before or " ") or _is_currency_symbol(after[:1] or " ")
    if word is not None and word.group() in _CURRENCIES:
        has_currency = True
    if not fraction and not has_currency:
        return set()
    decimals = fraction.group().replace(",", ".") if fraction else ""
    return {Decimal(match.group().replace(" ", "") + decimals)}


@dataclass(frozen=True, slots=True)
class _Start:
    """What stands before a number."""

    is_negative: bool = False
    is_fraction: bool = False
    is_money: bool = False


def _start_of_number(text: str, at: int) -> _Start | None:
    """Return what stands before the digits at `at`; None when they are part of a code."""
    before = text[at - 1] if at else " "
    if before == "." and text[max(0, at - 2) : at] != "..":
        word = _word_before(text, at - 1)
        if word:
            return _Start() if len(word) > 1 else None
        return _Start(is_fraction=True, is_negative=_is_minus(text, at - 2))
    if before == "-":
        return _sign(text, at - 1)
    if before == "_":
        return None
    if is_cased(before):
        word = _word_before(text, at)
        if word not in _CURRENCIES:
            return None
        return _Start(is_negative=_is_minus(text, at - len(word) - 1), is_money=True)
    if _is_currency_symbol(before):
        return _Start(is_negative=_is_minus(text, at - 2), is_money=True)
    return _Start()


def _sign(text: str, at: int) -> _Start | None:
    """Return what a hyphen at `at`, directly before digits, makes of them."""
    before = text[at - 1] if at else " "
    if is_cased(before) or before == "_":
        return None
    return _Start(is_negative=_is_minus(text, at))


def _is_minus(text: str, at: int) -> bool:
    """Return whether there is a minus sign at `at`; between two numbers the sign means a range."""
    if at < 0 or text[at] != "-":
        return False
    before = text[at - 1] if at else " "
    return not (before.isdigit() or is_cased(before) or before == "_")


def _factor_after(text: str, at: int, *, is_money: bool) -> int:
    """Return what the letters after a number multiply it by; 0 when they make it part of a code."""
    word = _word_after(text, at)
    if not word:
        return int(text[at : at + 1] != "_")
    if word == _THOUSAND and is_money:
        return 1000
    return int(word in _UNITS or word in _CURRENCIES)


def _word_before(text: str, at: int) -> str:
    """Return the letters that end at `at`.

    With digits or underscores among them they are a code, not a word.
    """
    start = at
    while start and at - start <= _LONGEST_WORD and is_cased(text[start - 1]):
        start -= 1
    if start and (text[start - 1].isdigit() or text[start - 1] == "_"):
        return text[start:at] + "#" if start < at else ""
    return text[start:at]


def _word_after(text: str, at: int) -> str:
    end = at
    while end < len(text) and end - at <= _LONGEST_WORD and is_cased(text[end]):
        end += 1
    if at < end < len(text) and (text[end].isdigit() or text[end] == "_"):
        return text[at:end] + "#"
    return text[at:end]


def _readings(run: str) -> set[Decimal]:
    """Return the values that digits with separators may mean."""
    marks = [character for character in run if not character.isdigit()]
    kinds = set(marks)
    if not kinds:
        return {Decimal(run)}
    if len(kinds) == 1:
        return _readings_of_one_mark(run, marks)
    return _readings_of_two_marks(run, marks)


def _readings_of_one_mark(run: str, marks: list[str]) -> set[Decimal]:
    mark = marks[0]
    joined = Decimal(run.replace(mark, "") or "0")
    grouped = _is_grouped(run, mark)
    if mark not in ".,":
        return {joined} if grouped else set(_separate(run, mark))
    if len(marks) > 1:
        if grouped:
            return {joined}
        # "1,2,3" is a list; "1.2.3" is a version or a date.
        return set(_separate(run, mark)) if mark == "," else set()
    decimal = Decimal(run.replace(mark, "."))
    if not grouped or run.startswith("0"):
        return {decimal}
    return {joined} if mark == "," else {decimal, joined}


def _readings_of_two_marks(run: str, marks: list[str]) -> set[Decimal]:
    last = marks[-1]
    whole, _, fraction = run.rpartition(last)
    others = set(marks[:-1])
    if last in ".," and len(others) == 1 and last not in others and _is_grouped(whole, marks[0]):
        return {Decimal(f"{whole.replace(marks[0], '')}.{fraction}")}
    for mark in (FIXED_SPACE, "'", ","):
        if mark in run:
            return {value for part in run.split(mark) for value in _readings(part)}
    return set()


def _separate(run: str, mark: str) -> Iterator[Decimal]:
    return (Decimal(part) for part in run.split(mark) if part)


def _is_grouped(run: str, mark: str) -> bool:
    """Return whether separators stand between thousands, or between hundreds as in India."""
    dotted = run.replace(mark, ",") if mark != "." else run
    return _GROUPED.fullmatch(dotted) is not None
