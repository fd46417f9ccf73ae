"""The queue of the original's `tau2.runner.work`: units are leased, completed, or given back.

This package's runner does not use it (see `tau2.runner.batch`); it is for schedulers that were
written for the original.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from tau2.data_model.tasks import Task

Counts = dict[str, int]


@dataclass(frozen=True)
class WorkUnit:
    """One trial of one task of a run."""

    run_id: str
    task: Task
    trial: int
    seed: int | None = None

    @property
    def unit_id(self) -> str:
        """The name of the unit: `run/task/t<trial>`."""
        return f"{self.run_id}/{self.task.id}/t{self.trial}"


class WorkQueue:
    """Units that wait, are leased, are completed, or are dead; may be used from several threads."""

    def __init__(self, units: Iterable[WorkUnit] = (), max_attempts: int = 2) -> None:
        """Queue units in their order; one that failed `max_attempts` times is dead."""
        self.max_attempts = max_attempts
        self._waiting: deque[WorkUnit] = deque(units)
        self._leased: dict[str, tuple[WorkUnit, str]] = {}
        self._failures: dict[str, int] = {}
        self._completed: set[str] = set()
        self._dead: set[str] = set()
        self._lock = threading.Lock()

    def lease(self, worker_id: str = "") -> WorkUnit | None:
        """Return the next unit for a worker; None when none waits."""
        with self._lock:
            if not self._waiting:
                return None
            unit = self._waiting.popleft()
            self._leased[unit.unit_id] = (unit, worker_id)
            return unit

    def complete(self, worker_id: str, unit_id: str) -> Literal["ok", "stale"]:
        """Note that a worker has completed a unit; `stale` when the unit is not leased to it."""
        with self._lock:
            if self._released(worker_id, unit_id) is None:
                return "stale"
            self._completed.add(unit_id)
            return "ok"

    def fail(self, worker_id: str, unit_id: str) -> Literal["requeued", "dead", "stale"]:
        """Note that a unit failed: it waits again, or is dead after too many attempts."""
        with self._lock:
            unit = self._released(worker_id, unit_id)
            if unit is None:
                return "stale"
            self._failures[unit_id] = self._failures.get(unit_id, 0) + 1
            if self._failures[unit_id] >= self.max_attempts:
                self._dead.add(unit_id)
                return "dead"
            self._waiting.append(unit)
            return "requeued"

    def _released(self, worker_id: str, unit_id: str) -> WorkUnit | None:
        unit, holder = self._leased.get(unit_id, (None, ""))
        if unit is None or holder != worker_id:
            return None
        del self._leased[unit_id]
        return unit

    def counts(self) -> Counts:
        """Return how many units wait, are leased, are completed, and are dead."""
        with self._lock:
            return {
                "pending": len(self._waiting),
                "leased": len(self._leased),
                "completed": len(self._completed),
                "dead": len(self._dead),
            }

    @property
    def done(self) -> bool:
        """Whether nothing waits and nothing is leased."""
        with self._lock:
            return not self._waiting and not self._leased
