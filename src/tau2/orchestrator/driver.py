"""What the drivers of an episode and of a call have in common: their parts, clock and record."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any, ClassVar

from tau2.data_model.tasks import Task
from tau2.environment.environment import Environment
from tau2.environment.task_setup import TaskSetup, copies_of
from tau2.orchestrator.episode import Limits, Progress
from tau2.orchestrator.tracing import TurnTracer
from tau2.participant.monitoring import MonitorSetup
from tau2.utils.json_types import JsonObject


class EpisodeDriver:
    """Base of what plays one simulation to its end.

    A subclass has `agent`, `user` and `_progress`, and sets `_began` and `_start_time` again when
    the simulation starts.
    """

    mode: ClassVar[str]
    """How the record names the kind of simulation."""
    _progress: Progress

    def __init__(
        self,
        domain: str,
        environment: Environment,
        task: Task,
        limits: Limits,
        *,
        seed: int | None,
        simulation_id: str | None,
        environment_factory: Callable[[], Environment] | None,
        now: Callable[[], str] | None,
        user_monitor: MonitorSetup | None,
    ) -> None:
        """Take what is played, and by which limits; see the subclasses."""
        self.domain = domain
        self.environment = environment
        self.task = task
        self.limits = limits
        self.seed = seed
        self.simulation_id = simulation_id or str(uuid.uuid4())
        self.agent_state: Any = None
        self.user_state: Any = None
        self.task_setup = TaskSetup(task, environment_factory or copies_of(environment, task))
        self.tracer: TurnTracer | None = None
        """Traces tool calls and, of an episode, turns."""
        self.user_monitor = user_monitor
        self._now = now
        self._began = time.perf_counter()
        self._start_time = self._stamp()

    # Names under which downstream code reads how a simulation stands.
    num_errors = property(lambda self: self._progress.errors)
    user_errors = property(lambda self: self._progress.user_errors)
    done = property(lambda self: self._progress.done)
    termination_reason = property(lambda self: self._progress.termination_reason)
    max_steps = property(lambda self: self.limits.max_steps)
    max_errors = property(lambda self: self.limits.max_errors)
    timeout = property(lambda self: self.limits.timeout)
    start_time = property(lambda self: self._start_time)
    elapsed = property(lambda self: time.perf_counter() - self._began)

    def _stamp(self) -> str:
        if self._now is not None:
            return self._now()
        return datetime.now().isoformat()  # noqa: DTZ005  -- the public format is local time

    def _remaining(self) -> float | None:
        """Return the seconds left until the time limit, at least 0; None without a limit."""
        if self.limits.timeout is None:
            return None
        return max(0.0, self.limits.timeout - float(self.elapsed))

    def _identity(self) -> dict[str, Any]:
        """Return the fields of a record that say what was played, when, and how it ended."""
        return {
            "id": self.simulation_id,
            "task_id": self.task.id,
            "timestamp": self._start_time,
            "start_time": self._start_time,
            "end_time": self._stamp(),
            "duration": self.elapsed,
            "termination_reason": self._progress.termination_reason,
            "seed": self.seed,
            "mode": self.mode,
        }

    def _remarks(self, monitored: JsonObject | None) -> JsonObject:
        """Return what a record says of a failure, and what the user's monitor found."""
        remarks: JsonObject = {}
        if self._progress.note:
            remarks["error"] = self._progress.note
        if monitored is not None:
            remarks["user_monitor"] = monitored
        return remarks
