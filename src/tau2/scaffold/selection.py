"""Which operations, tools or tables of a source are taken (`--only`)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import TypeVar

from tau2.errors import ConfigError, quoted
from tau2.scaffold.source_text import one_line
from tau2.utils.text import first_of

T = TypeVar("T")
_MOST_SHOWN = 12  # names in a message


@dataclass(frozen=True, slots=True)
class Selection:
    """Patterns of names, as a shell has them; without any, everything is taken.

    Capitals do not matter, and `orders.*` means `orders*`, too.
    """

    patterns: tuple[str, ...] = ()

    def of(self, items: Sequence[T], names: Callable[[T], Iterable[str]], source: str) -> list[T]:
        """Return the items of which a name fits a pattern.

        Args:
            items: What there is.
            names: Returns what an item may be called, the name that people see first.
            source: What the items are from.

        Raises:
            ConfigError: a pattern fits nothing.
        """
        if not self.patterns:
            return list(items)
        called = [[name.casefold() for name in names(item)] for item in items]
        wanted: set[int] = set()
        for pattern in self.patterns:
            found = {place for place, known in enumerate(called) if _fits(pattern, known)}
            if not found:
                shown = first_of(
                    _nearest(pattern, [list(names(one)) for one in items]), _MOST_SHOWN
                )
                raise ConfigError(
                    f"--only {quoted(pattern)} fits nothing in {source}; there is {shown}"
                )
            wanted |= found
        return [item for place, item in enumerate(items) if place in wanted]


EVERYTHING = Selection()


def _nearest(pattern: str, names: Sequence[Sequence[str]]) -> list[str]:
    """Return names of items in one line each, those first that look like a pattern."""
    every = {name.casefold(): name for known in names for name in known}
    near = get_close_matches(pattern.casefold(), every, n=3)
    found = [*(every[name] for name in near), *(known[0] for known in names)]
    return list(dict.fromkeys(one_line(name, 60) for name in found))


def _fits(pattern: str, names: Iterable[str]) -> bool:
    spelled = pattern.strip().casefold()
    return any(
        fnmatchcase(name, spelled) or fnmatchcase(name, spelled.replace(".*", "*"))
        for name in names
    )
