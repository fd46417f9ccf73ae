"""Invented ids."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from random import Random


class FreshIds:
    """Ids of any form, never twice the same."""

    def __init__(self, rng: Random, taken: Iterable[str] = ()) -> None:
        """Draw from `rng`, and never return one of the ids that are `taken`."""
        self.rng = rng
        self._taken = set(taken)

    def digits(self, count: int, prefix: str = "") -> str:
        """Return `prefix` and `count` digits, the first of them not 0."""
        return self.draw(lambda: f"{prefix}{self.rng.randrange(10 ** (count - 1), 10**count)}")

    def draw(self, make: Callable[[], str]) -> str:
        """Return the first result of `make` that is new."""
        while (made := make()) in self._taken:
            pass
        self._taken.add(made)
        return made
