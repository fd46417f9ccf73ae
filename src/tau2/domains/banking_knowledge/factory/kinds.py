"""How the modules of the factory list the kinds of task."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tau2.domains.banking_knowledge.factory.draft import Draft
from tau2.taskgen.intents import Intent, collector

EASY = "easy"
"""One rule, and what it needs is said or found at once."""
HARD = "hard"
"""Several rules or records have to be combined, or what the customer expects is not right."""
LEVELS = (EASY, HARD)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind(Intent):
    """A kind of task."""

    act: Callable[[Draft], None]
    """Writes records, words and reference into a draft. Raises Unsuitable."""
    level: str = EASY
    shipped: int = 0
    """How many tasks of it come with the domain; 0: as many as of the other kinds of its level."""


def kinds() -> tuple[
    list[Kind], Callable[..., Callable[[Callable[[Draft], None]], Callable[[Draft], None]]]
]:
    """Return a list, and a decorator that adds a function to it as a kind."""
    return collector(Kind)
