"""The generation loop: distinct tasks, each from a seed of its own."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import NamedTuple

from tau2.data_model.tasks import Task
from tau2.errors import ConfigError, UnknownName

SEEN = "seen"
"""Kinds of task that training tasks may be of."""
NEW = "new"
"""Kinds of task that are held out: no training task is of one."""
KINDS = (SEEN, NEW)
HELD_OUT_SPLITS = ("test", "test_new")
"""Splits about whose customers no task is generated."""


class Candidate(NamedTuple):
    """A draft that could become a task."""

    keys: frozenset[str]
    """What no other task may share with it."""
    write: Callable[[], Task]
    """Returns the task; called only when the candidate is new."""


def check_request(
    n: int, difficulty: str | None, difficulties: Collection[str], kinds: str = SEEN
) -> None:
    """Raise ConfigError for a negative number, UnknownName for an unknown difficulty or kinds."""
    if n < 0:
        raise ConfigError(f"n must not be negative: {n}")
    if difficulty is not None and difficulty not in difficulties:
        raise UnknownName("difficulty", difficulty, difficulties)
    if kinds not in KINDS:
        raise UnknownName("kinds", kinds, KINDS)


def distinct_tasks(
    n: int,
    candidates: Callable[[int], Iterable[Candidate | None]],
    *,
    known: Iterable[str] = (),
    exhausted: Callable[[int], Exception],
) -> list[Task]:
    """Return `n` tasks of which no two share a key, nor one of the `known` keys with other tasks.

    `candidates` yields the attempts at the task of a number (None: one that failed). It must depend
    on the number alone, so that the first tasks of a seed are the same whatever `n` is. When it
    ends without a new candidate, `exhausted(number)` is raised.
    """
    seen = set(known)
    tasks = []
    for number in range(n):
        for candidate in candidates(number):
            if candidate is not None and seen.isdisjoint(candidate.keys):
                seen |= candidate.keys
                tasks.append(candidate.write())
                break
        else:
            raise exhausted(number)
    return tasks
