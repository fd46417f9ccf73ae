"""How a language says ids, addresses, amounts and dates: word lists in TOML files.

A language is a file in `languages/`, named by its code. It is used in both directions: `spoken`
says what is written, and `heard` writes what was understood.
"""

from __future__ import annotations

import tomllib
from functools import cached_property, lru_cache
from importlib import resources

from pydantic import BaseModel, ConfigDict, ValidationError

from tau2.errors import DataFileError, UnknownName

_FOLDER = resources.files("tau2.voice.speech") / "languages"


class SpokenLanguage(BaseModel):
    """The word lists of one language. A misspelt key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    language: str
    """Its code, such as "en"."""
    digits: tuple[tuple[str, ...], ...]
    """The names of 0 to 9; the first of each is what we say."""
    teens: tuple[str, ...]
    """10 to 19."""
    tens: tuple[str, ...]
    """20, 30, … 90."""
    hundred: str
    thousand: str
    and_: str
    """What connects hundreds and tens, and dollars and cents."""
    ordinals: tuple[str, ...]
    """1st to 31st."""
    repeats: dict[str, int]
    """Words that say that what follows is repeated."""
    months: tuple[str, ...]
    dollars: tuple[str, ...]
    cents: tuple[str, ...]
    units: frozenset[str]
    """Of quantities, in lower case: a number with one of them is no id."""
    domains: frozenset[str]
    """The last parts of addresses on the internet."""
    before_one: frozenset[str]
    """Words behind which "one" is no digit."""
    like_domains: dict[str, str]
    """Words that sound like the last part of an address on the internet."""
    introductions: frozenset[str]
    """Words before an address or number that are no part of it."""
    as_in: tuple[str, ...]
    """Between a letter and a word that begins with it."""
    signs: dict[str, tuple[str, ...]]
    """A sign and its names."""
    like_digits: dict[str, str]
    """Words that sound like a digit."""
    like_letters: dict[str, str]
    """How the names of letters are written."""
    alphabet: dict[str, tuple[str, ...]]
    """A letter and the words that stand for it; the first of each is what we say."""

    @cached_property
    def digit_of(self) -> dict[str, str]:
        """Return word → digit, in lower case."""
        return {name: str(digit) for digit, names in enumerate(self.digits) for name in names}

    @cached_property
    def sign_of(self) -> dict[str, str]:
        """Return name → sign, in lower case."""
        return {name.lower(): sign for sign, names in self.signs.items() for name in names}

    @cached_property
    def letter_of(self) -> dict[str, str]:
        """Return word of the spelling alphabet → letter, in lower case."""
        return {word.lower(): letter for letter, words in self.alphabet.items() for word in words}

    @cached_property
    def month_of(self) -> dict[str, int]:
        """Return name of a month → its number, in lower case."""
        return {name.lower(): number for number, name in enumerate(self.months, 1)}

    @cached_property
    def day_of(self) -> dict[str, int]:
        """Return ordinal → day of a month, in lower case."""
        return {name: number for number, name in enumerate(self.ordinals, 1)}

    @cached_property
    def first_of_as_in(self) -> frozenset[str]:
        """The first words of the phrases in `as_in`."""
        return frozenset(phrase.split()[0] for phrase in self.as_in)

    @cached_property
    def connecting_words(self) -> frozenset[str]:
        """The names of signs within ids, in lower case."""
        return frozenset(name.lower() for sign in "_- " for name in self.signs.get(sign, ())) | {
            self.sign(".").lower()
        }

    def sign(self, sign: str) -> str:
        """Return what we say for a sign; the sign itself where the language has no name."""
        names = self.signs.get(sign)
        return names[0] if names else sign


def spoken_languages() -> tuple[str, ...]:
    """Return the codes of the languages that are known."""
    names = (entry.name for entry in _FOLDER.iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml")))


@lru_cache(maxsize=16)
def spoken_language(code: str) -> SpokenLanguage:
    """Return the word lists of a language.

    Raises:
        UnknownName: There is no such language; the message names those that there are.
        DataFileError: Its file cannot be used.
    """
    if code not in spoken_languages():
        raise UnknownName("spoken language", code, spoken_languages())
    content = tomllib.loads((_FOLDER / f"{code}.toml").read_text(encoding="utf-8"))
    try:
        return SpokenLanguage(and_=content.pop("and"), **content)
    except (KeyError, ValidationError) as error:
        raise DataFileError(
            f"the word lists of language {code!r} cannot be used: {error}"
        ) from error
