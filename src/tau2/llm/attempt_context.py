"""Whose model calls these are: the attempt at a simulation that is being played in this context."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

NoteT = TypeVar("NoteT")


@dataclass(eq=False, slots=True)
class Playing:
    """One attempt at a simulation."""

    task_id: str
    trial: int
    seed: int | None
    simulation_id: str
    _notes: dict[Hashable, Any] = field(default_factory=dict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def note(self, owner: Hashable, make: Callable[[], NoteT]) -> NoteT:
        """Return what `owner` keeps about this attempt, made when it first asks; it is gone with the attempt."""
        with self._lock:
            if owner not in self._notes:
                self._notes[owner] = make()
            return cast("NoteT", self._notes[owner])


playing: ContextVar[Playing | None] = ContextVar("tau2_playing", default=None)
"""Set by the runner at the start of every attempt; None outside of runs."""
