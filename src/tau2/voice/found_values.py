"""Finds a value in recognized speech: what was heard where somebody said it.

Recognized speech spells, splits and mishears values. `find_value` finds the words that are most
like a wanted value, wherever they stand, and returns them in the value's form. Whoever knows what
was said measures with it how well it was heard; a scripted participant takes what it heard, right
or wrong, and a simulated customer compares what is read back.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from tau2.voice.speech.language import spoken_language

_LONGEST_TEXT = 2_000  # characters of what was said that are searched: its end
_LONGEST_VALUE = 80
_LANGUAGE = "en"  # the words below are English too
_TOKEN = re.compile(r"[^\W\d_]+|\d+")
"""Letters and digits by themselves: what was spelled is often written together."""
_DAY = re.compile(r"(\d{4})-(\d\d)-(\d\d)")
_AMOUNT = re.compile(r"\$?(\d{1,12})\.(\d\d)")
_SENTENCE_END = re.compile(r"\.(?=\s|$)")
_SPELLED_ON = re.compile(r"(?<=\b[a-z0-9])-(?=[a-z0-9](?![a-z0-9]))")
_DOT_HOST = re.compile(r"\bdot(?=(?:com|net|org)\b)")
_UNIT = re.compile(r"(?:apt|apartment|suite|sweet|unit) (\w{1,8})")
_UNIT_WORDS = ("apt", "app", "apartment", "suite", "sweet", "unit")
_ORDINAL = re.compile(r"\b(\d{1,2})(?:st|nd|rd|th)\b")
_SIGN_WORDS = frozenset({"underscore", "dash", "hyphen", "hash"})
_MAIL_SIGNS = {"at": "@", "dot": ".", "underscore": "_", "dash": "-", "hyphen": "-"}
_BETWEEN = frozenset({"the", "of", "and", "year", "dollars", "dollar", "cents", "cent"})
"""Words inside of dates and amounts that say nothing."""


@dataclass(frozen=True, slots=True)
class FoundValue:
    """What was heard where a value was said."""

    text: str
    """In the form of the value."""
    share: float
    """How much of the value was heard as it is, from 0 to 1; 1 says that all of it was."""

    @property
    def is_exact(self) -> bool:
        """Whether the value was heard as it is."""
        return self.share == 1


def find_value(said: str, wanted: str, least: float = 0.0) -> FoundValue | None:
    """Return what was heard of `wanted` in `said`, or None if less than `least` of it was.

    Case, spaces and punctuation do not matter. Of several places, the most similar counts; of
    equally similar ones, the last.
    """
    text = said[-_LONGEST_TEXT:].lower()
    target = wanted[:_LONGEST_VALUE].lower()
    best: FoundValue | None = None
    tokens = _tokens(text, target)
    is_code = _is_code(target)
    compared = [_folded(token) for token in tokens] if is_code else tokens
    for key in _keys(target):
        place = _closest(compared, _folded(key) if is_code else key)
        if place is None:
            continue
        share = max(0.0, 1 - place.distance / len(key))
        if share >= max(least, best.share if best is not None else 0.0) and share > 0:
            words = tokens[place.start : place.end]
            best = FoundValue(wanted if share == 1 else _in_form(words, wanted), share)
    return best


def _keys(target: str) -> Iterator[str]:
    """Yield the ways in which a value may stand in speech, without spaces and punctuation."""
    day = _DAY.fullmatch(target)
    amount = _AMOUNT.fullmatch(target)
    if day is not None:
        year, month, of_month = day[1], int(day[2]), int(day[3])
        names = spoken_language(_LANGUAGE).months
        name = names[month - 1].lower() if 1 <= month <= len(names) else str(month)
        yield f"{year}{day[2]}{day[3]}"
        yield f"{month}{of_month}{year}"
        yield f"{of_month}{name}{year}"
        yield f"{name}{of_month}{year}"
    elif amount is not None:
        yield f"{amount[1]}{amount[2]}"
        if not int(amount[2]):
            yield amount[1]
    else:
        key = "".join(_tokens(target, target))
        if key:
            yield key
        unit = _UNIT.fullmatch(target)
        if unit is not None:
            # The second line of an address: there is one such word in it, whichever was heard.
            yield from (f"{word}{unit[1]}" for word in _UNIT_WORDS)


def _tokens(text: str, target: str) -> list[str]:
    """Return the words of what was said as they are compared with a value of this kind."""
    if _DAY.fullmatch(target) or _AMOUNT.fullmatch(target):
        plain = re.sub(r"(?<=\d)[,.](?=\d)", "", text)
        words = _TOKEN.findall(_ORDINAL.sub(r"\1", plain))
        return [word for word in words if word not in _BETWEEN]
    if "@" in target:
        # What ends a sentence, and hyphens between letters that were spelled, are no signs.
        bare = _SPELLED_ON.sub("", _SENTENCE_END.sub(" ", text))
        signs = _DOT_HOST.sub("dot ", re.sub(r"[^\w\s@.+-]", " ", bare))
        marked = re.sub(r"([@_.+-])", r" \1 ", signs)
        return [_MAIL_SIGNS.get(word, word) for word in marked.split()]
    words = _TOKEN.findall(text)
    if not _is_code(target):
        return words
    digits = spoken_language(_LANGUAGE).digit_of
    return [digits.get(word, word) for word in words if word not in _SIGN_WORDS]


def _is_code(target: str) -> bool:
    """Return whether a value is read out sign by sign, so that an o may be a zero."""
    return " " not in target and any(char.isdigit() for char in target)


def _folded(text: str) -> str:
    return text.replace("o", "0")


@dataclass(frozen=True, slots=True)
class _Place:
    distance: int
    start: int
    end: int


def _closest(tokens: Sequence[str], key: str) -> _Place | None:
    """Return the run of tokens that has the smallest edit distance to `key`, the last of several.

    The edit distance between the key and every run is computed in one pass over the text: a row
    holds, for each beginning of the key, the least distance of a run that ends here, and where that
    run begins. Runs begin at tokens.
    """
    # A cell is one number, `distance * step - start`: of two cells, the smaller has the smaller
    # distance or, of equal distances, the later start.
    step = len(tokens) + 1
    row = [number * step for number in range(len(key) + 1)]
    best: _Place | None = None
    for at, token in enumerate(tokens):
        # A run may begin here: then nothing was heard before. Of equals, the earlier run counts.
        row = [
            cell if cell <= number * step else number * step - at for number, cell in enumerate(row)
        ]
        for char in token:
            row = _next_row(row, key, char, step)
        distance = -(-row[-1] // step)
        if distance < len(key) and (best is None or distance <= best.distance):
            best = _Place(distance, distance * step - row[-1], at + 1)
    return best


def _next_row(row: Sequence[int], key: str, char: str, step: int) -> list[int]:
    """Return the cells of a run that is one character longer."""
    left = row[0] + step
    new = [left]
    for wanted, diagonal, above in zip(key, row, row[1:], strict=False):
        left = min(diagonal if wanted == char else diagonal + step, above + step, left + step)
        new.append(left)
    return new


def _in_form(words: Sequence[str], wanted: str) -> str:
    """Return words that were heard in the form that the wanted value has."""
    target = wanted.lower()
    if _DAY.fullmatch(target):
        return _as_day(words)
    if _AMOUNT.fullmatch(target):
        return _as_amount(words, target)
    if "@" in target:
        return "".join(words)
    if _is_code(target):
        return _as_code("".join(words), wanted)
    written = " ".join(words)
    return written if wanted.islower() else written.title()


def _as_day(words: Sequence[str]) -> str:
    """Return a date as YYYY-MM-DD, or the words where they name none."""
    numbers = [int(word) for word in words if word.isdigit()]
    months = spoken_language(_LANGUAGE).month_of
    month = next((months[word] for word in words if word in months), 0)
    years = [number for number in numbers if number > 31]  # noqa: PLR2004  -- no day of a month
    days = [number for number in numbers if number not in years]
    if not month and days:
        month = days.pop(0)
    try:
        return date(years[0], month, days[0]).isoformat()
    except (IndexError, ValueError):
        return " ".join(words)


def _as_amount(words: Sequence[str], target: str) -> str:
    digits = "".join(char for word in words for char in word if char.isdigit())
    if target.endswith(".00") and len(digits) <= len(target.rstrip("0").strip("$.")):
        return f"{digits}.00"
    return f"{digits[:-2]}.{digits[-2:]}"


def _as_code(heard: str, wanted: str) -> str:
    """Return signs in the case and with the separators of the wanted value, as far as they fit."""
    signs = heard if any(char.islower() for char in wanted) else heard.upper()
    if len(signs) != sum(char.isalnum() for char in wanted):
        return signs
    left = iter(signs)
    return "".join(next(left) if char.isalnum() else char for char in wanted)
