"""What callers of one language say besides sentences: a pack of word lists, stored as data.

A pack is a TOML file in `packs/`, named by its language. `load_pack` reads one of ours or the file
of a caller's own language.
"""

from __future__ import annotations

import re
import tomllib
from functools import lru_cache
from importlib import resources
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tau2.errors import DataFileError, UnknownName

_PACKS = resources.files("tau2.voice.turn_taking") / "packs"
_WORD = re.compile(r"\w+")

Phrases = Field(min_length=1)


class LanguagePack(BaseModel):
    """The word lists of one language. A misspelt key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    language: str
    """Its code, such as "en"."""
    name: str
    backchannels: tuple[str, ...] = Phrases
    """What a listener says to show that it listens."""
    plain_backchannels: tuple[str, ...] = Phrases
    """The same in words, for synthesizers that make other words of an "mm-hmm"."""
    non_directed_phrases: tuple[str, ...] = Phrases
    """What a caller says to someone else in the room."""
    vocal_tics: tuple[str, ...] = Phrases
    """Sounds that mean nothing: throats cleared, fillers."""
    stop_words: tuple[str, ...] = Phrases
    """With what a speaker asks another to stop talking."""
    yes_words: tuple[str, ...] = Phrases
    no_words: tuple[str, ...] = Phrases
    presence_checks: tuple[str, ...] = Phrases
    """What a caller says after a long silence."""
    not_understood: tuple[str, ...] = Phrases
    """What a caller says who heard speech and understood no word."""

    def is_backchannel(self, text: str) -> bool:
        """Return whether `text` is nothing but a backchannel."""
        words = _words(text)
        known = (*self.backchannels, *self.plain_backchannels)
        return any(words == _words(phrase) for phrase in known)

    def asks_to_stop(self, text: str) -> bool:
        """Return whether `text` begins with a stop word, as "wait, ..." does."""
        words = _words(text)
        begins = [_words(phrase) for phrase in self.stop_words]
        return any(words[: len(begin)] == begin for begin in begins)

    def answer(self, text: str) -> bool | None:
        """Return what the first yes or no word of `text` says; None if there is none."""
        yes = {" ".join(_words(word)) for word in self.yes_words}
        no = {" ".join(_words(word)) for word in self.no_words}
        for word in _words(text):
            if word in yes:
                return True
            if word in no:
                return False
        return None


def _words(text: str) -> list[str]:
    return _WORD.findall(text.casefold())


def languages() -> tuple[str, ...]:
    """Return the codes of the languages that have a pack here."""
    names = (entry.name for entry in _PACKS.iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml")))


@lru_cache(maxsize=16)
def load_pack(language: str | Path = "en") -> LanguagePack:
    """Return a pack: of ours, by its code, or the one in a file.

    Raise UnknownName for a code without a pack, DataFileError for a file that is no pack.
    """
    if isinstance(language, Path):
        source = str(language)
        text = _text_of(language)
    else:
        if language not in languages():
            raise UnknownName("language pack", language, languages())
        source = f"{language}.toml"
        text = (_PACKS / source).read_text(encoding="utf-8")
    try:
        return LanguagePack.model_validate(tomllib.loads(text))
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise DataFileError(f"{source} is no language pack: {error}") from error


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataFileError(f"{path} cannot be read: {error}") from error
