"""The attempt at a simulation for which model calls are made."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

StateT = TypeVar("StateT")


@dataclass(eq=False, slots=True)
class AttemptContext:
    """One attempt at a simulation, and what middleware keeps for as long as the attempt lasts."""

    task_id: str
    trial: int
    seed: int | None
    simulation_id: str
    _states: dict[Hashable, Any] = field(default_factory=dict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def state_of(self, owner: Hashable, make: Callable[[], StateT]) -> StateT:
        """Return the state that `owner` keeps for this attempt; the first call makes it."""
        with self._lock:
            if owner not in self._states:
                self._states[owner] = make()
            return cast("StateT", self._states[owner])


current_attempt: ContextVar[AttemptContext | None] = ContextVar(
    "tau2_current_attempt", default=None
)
"""None outside of runs; set through `use_attempt`, which also resets it."""


@contextmanager
def use_attempt(attempt: AttemptContext) -> Iterator[None]:
    """Attribute every model call of this context to `attempt` until the block ends."""
    token = current_attempt.set(attempt)
    try:
        yield
    finally:
        current_attempt.reset(token)
