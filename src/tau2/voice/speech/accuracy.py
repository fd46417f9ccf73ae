"""How much of what was said was heard: word errors, and the values that matter.

Both texts are brought to one form first, so that "W two three" and "W23", or "$5" and "five
dollars", are the same. Word errors are counted on the words as they are spoken, digit by digit.
Values are ids, addresses, amounts, dates, numbers and names: a conversation fails by a wrong digit,
not by a wrong "please".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from tau2.errors import needs_extra
from tau2.voice.speech.heard import heard
from tau2.voice.speech.language import spoken_language
from tau2.voice.speech.spoken import spoken
from tau2.voice.speech.values import contains_value, key_of

_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)?")
_LETTER_WORD = re.compile(r"(?<=\b[A-Za-z])-(?=[a-z]{2})")
"""The hyphen of "e-mail", which some leave out."""
_VALUE = re.compile(r"[#$]?\w[\w@.,+'-]{0,200}")
_NAME = re.compile(r"[A-Z][a-z]{1,40}(?:[-'][A-Z]?[a-z]{1,40})?")
_SENTENCE_END = (".", "!", "?", ":", "…")


@dataclass(frozen=True, slots=True)
class WordErrors:
    """Word errors of one or several utterances."""

    words: int = 0
    """That were said."""
    substitutions: int = 0
    deletions: int = 0
    insertions: int = 0

    @property
    def errors(self) -> int:
        """All errors together."""
        return self.substitutions + self.deletions + self.insertions

    @property
    def rate(self) -> float | None:
        """Errors per word that was said; None where nothing was said."""
        return self.errors / self.words if self.words else None

    def __add__(self, other: WordErrors) -> WordErrors:
        return WordErrors(
            self.words + other.words,
            self.substitutions + other.substitutions,
            self.deletions + other.deletions,
            self.insertions + other.insertions,
        )


@dataclass(frozen=True, slots=True)
class ValuesHeard:
    """The values of one or several utterances, and which of them were not heard."""

    said: tuple[str, ...] = ()
    missed: tuple[str, ...] = ()

    @property
    def rate(self) -> float | None:
        """The share of values that was heard exactly; None where there was none."""
        return 1 - len(self.missed) / len(self.said) if self.said else None

    def __add__(self, other: ValuesHeard) -> ValuesHeard:
        return ValuesHeard(self.said + other.said, self.missed + other.missed)


class _Words(NamedTuple):
    said: list[str]
    heard: list[str]


def spoken_words(text: str, language: str = "en") -> list[str]:
    """Return the words of `text` as they are spoken: in lower case, numbers digit by digit."""
    form = spoken(heard(text, language=language), language=language)
    form = _LETTER_WORD.sub("", form)
    digits = spoken_language(language).digits
    words = []
    for word in _WORD.findall(form.casefold()):
        parts = re.findall(r"\d|[^\W\d_]+", word) if any(c.isdigit() for c in word) else [word]
        words += [digits[int(part)][0] if part.isdecimal() else part for part in parts]
    return words


def word_errors(said: str, understood: str, language: str = "en") -> WordErrors:
    """Compare what was said with what was understood, by jiwer's alignment."""
    words = _Words(spoken_words(said, language), spoken_words(understood, language))
    if not words.said:
        return WordErrors(insertions=len(words.heard))
    with needs_extra("voice", "jiwer"):
        import jiwer  # noqa: PLC0415  -- of an extra
    found = jiwer.process_words(" ".join(words.said), " ".join(words.heard))
    return WordErrors(len(words.said), found.substitutions, found.deletions, found.insertions)


def values_in(text: str, *, names: Sequence[str] = (), language: str = "en") -> list[str]:
    """Return the values of `text` in order, each once: what has digits or signs, and names.

    Args:
        text: In written or spoken form.
        names: Names that there are. Beside them, capitalized words within a sentence count.
        language: The code of a known language.
    """
    written = heard(text, language=language)
    months = set(spoken_language(language).months)
    values = []
    begins_sentence = True
    for token in written.split():
        found = _VALUE.search(token)
        core = found.group().rstrip(".,'-") if found else ""
        is_name = not begins_sentence and bool(_NAME.fullmatch(core)) and core not in months
        if any(c.isdigit() for c in core) or "@" in core or "_" in core or is_name:
            values.append(core)
        begins_sentence = token.endswith(_SENTENCE_END)
    values += [name for name in names if contains_value(written, name)]
    return list({key_of(value): value for value in values if key_of(value)}.values())


def values_heard(
    said: str, understood: str, *, names: Sequence[str] = (), language: str = "en"
) -> ValuesHeard:
    """Return the values of `said`, and which of them are not in `understood`."""
    values = values_in(said, names=names, language=language)
    written = heard(understood, language=language)
    missed = [value for value in values if not contains_value(written, value)]
    return ValuesHeard(tuple(values), tuple(missed))


def total_word_errors(utterances: Iterable[WordErrors]) -> WordErrors:
    """Return the errors of several utterances together."""
    return sum(utterances, WordErrors())


def total_values_heard(utterances: Iterable[ValuesHeard]) -> ValuesHeard:
    """Return the values of several utterances together."""
    return sum(utterances, ValuesHeard())
