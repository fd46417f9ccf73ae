"""The texts of a factory: kept in TOML files, with slots in braces.

A name has one text, or a list of texts to choose from. `{item}` is filled with what the customer
calls the item, `{item:capital}` likewise at the beginning of a sentence, a list of things with
"a, b and c".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from random import Random
from string import Formatter
from typing import Any

from tau2.environment.db import read_data_file
from tau2.taskgen.phrasing import capitalized, joined

Slots = Mapping[str, object]
"""Slot → what fills it."""


class Wording:
    """The texts of one TOML file, read when the first of them is needed."""

    def __init__(self, path: Path) -> None:
        """Take the texts from a file."""
        self._path = path
        self._texts: dict[tuple[str, ...], tuple[Any, ...]] = {}

    @cached_property
    def _content(self) -> dict[str, Any]:
        content: dict[str, Any] = read_data_file(self._path)
        return content

    def has(self, section: str, name: str) -> bool:
        """Return whether a section of the file has a text of that name."""
        return name in self._content.get(section, ())

    def texts(self, *names: str) -> tuple[Any, ...]:
        """Return the choices at a place of the file. Raise KeyError when there is none."""
        if names not in self._texts:
            found: Any = self._content
            for name in names:
                found = found[name]
            self._texts[names] = (found,) if isinstance(found, str) else tuple(found)
        return self._texts[names]


class Turns:
    """Gives texts their turn: none of a choice comes back before all of it were used."""

    def __init__(self, rng: Random) -> None:
        """Take the order of a choice from `rng`."""
        self._rng = rng
        self._waiting: dict[tuple[Any, ...], list[Any]] = {}

    def next(self, texts: tuple[Any, ...]) -> Any:
        """Return the text of a choice whose turn it is."""
        waiting = self._waiting.setdefault(texts, [])
        if not waiting:
            waiting += self._rng.sample(texts, len(texts))
        return waiting.pop()


class SlotFormatter(Formatter):
    """Fills the slots of a text with what a customer calls the things."""

    def __init__(self, name_of: Callable[[Any], str]) -> None:
        """Take the words for a thing from `name_of`."""
        self._name_of = name_of

    def fill(self, text: str, slots: Slots) -> str:
        """Return the text with its slots filled. Raise KeyError for a slot without a value."""
        return self.vformat(text, (), slots)

    def format_field(self, value: Any, format_spec: str) -> str:
        """Return a value as words."""
        things = value if isinstance(value, list) else [value]
        words = joined([self._name_of(thing) for thing in things])
        return capitalized(words) if format_spec == "capital" else words
