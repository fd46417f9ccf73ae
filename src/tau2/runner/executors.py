"""Where units are played: in this process, in worker processes, or on a Ray cluster. Results are the same."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any, Protocol

from tau2.data_model.simulation import SimulationRun, TextRunConfig
from tau2.data_model.tasks import Task
from tau2.evaluator.evaluator import EvaluationType
from tau2.runner.events import Event, SimulationRetried, Sink
from tau2.runner.inflight import inflight_of
from tau2.runner.play import Job, UnitPlayer
from tau2.runner.watching import watchers_of


class UnitExecutor(Protocol):
    """Plays units; `play` may be awaited as often at once as the run's `max_concurrency` says."""

    async def start(self) -> None:
        """Get ready."""

    async def play(self, job: Job) -> SimulationRun:
        """Return the finished, graded simulation of a unit; a failure of the surroundings is a record too."""

    async def close(self) -> None:
        """Stop whatever was started; units under way are abandoned."""


@dataclass(frozen=True, slots=True)
class Setup:
    """What every worker of a run needs to know; it may hold keys, so it goes through pipes only."""

    config: TextRunConfig
    evaluation_type: EvaluationType
    shared: Path | None = None
    """Folder through which workers on one machine share the limits of providers."""
    saved: Path | None = None
    """Where the run is saved."""

    @property
    def slots(self) -> int:
        """Units that one worker plays at once."""
        return ceil(self.config.max_concurrency / max(1, self.config.workers))

    def to_json(self) -> dict[str, Any]:
        """Return the setup as JSON data."""
        return {
            "config": self.config.model_dump(mode="json"),
            "evaluation_type": self.evaluation_type.value,
            "shared": str(self.shared) if self.shared else None,
            "saved": str(self.saved) if self.saved else None,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Setup:
        """Do the reverse."""
        shared, saved = data["shared"], data["saved"]
        return cls(
            TextRunConfig.model_validate(data["config"]),
            EvaluationType(data["evaluation_type"]),
            Path(shared) if shared else None,
            Path(saved) if saved else None,
        )


class LocalExecutor:
    """Plays on the running event loop."""

    def __init__(self, setup: Setup, sink: Sink) -> None:
        inflight = inflight_of(setup.config, setup.saved)
        watchers = watchers_of(setup.config, setup.saved)
        self._player = UnitPlayer(setup.config, setup.evaluation_type, sink, inflight=inflight, watchers=watchers)

    async def start(self) -> None:
        """Nothing to start."""

    async def play(self, job: Job) -> SimulationRun:
        """Play one unit."""
        return await self._player.play(job)

    async def close(self) -> None:
        """Let the threads go."""
        self._player.close()


def executor_of(setup: Setup, sink: Sink) -> UnitExecutor:
    """Return the executor that a configuration asks for. Raise MissingExtra for Ray without the package."""
    make = _MAKERS["ray" if setup.config.executor == "ray" else "processes" if setup.config.workers else "local"]
    return make(setup, sink)


def _processes(setup: Setup, sink: Sink) -> UnitExecutor:
    from tau2.runner.processes import ProcessExecutor  # noqa: PLC0415  -- only runs that ask for it load it

    return ProcessExecutor(setup, sink)


def _ray(setup: Setup, sink: Sink) -> UnitExecutor:
    from tau2.runner.ray_cluster import RayExecutor  # noqa: PLC0415  -- an optional package

    return RayExecutor(setup, sink)


_MAKERS: dict[str, Callable[[Setup, Sink], UnitExecutor]] = {
    "local": LocalExecutor,
    "processes": _processes,
    "ray": _ray,
}


def job_to_json(job: Job) -> dict[str, Any]:
    """Return a job as JSON data."""
    return {"task": job.task.model_dump(mode="json", exclude_unset=True), "trial": job.trial, "seed": job.seed}


def job_from_json(data: dict[str, Any]) -> Job:
    """Do the reverse."""
    return Job(Task.model_validate(data["task"]), int(data["trial"]), int(data["seed"]))


def event_to_json(event: Event) -> dict[str, Any] | None:
    """Return what a worker tells of an event; None for those that only the run itself reports."""
    if not isinstance(event, SimulationRetried):
        return None
    return {"task_id": event.task_id, "trial": event.trial, "attempt": event.attempt, "error": event.error}


def event_from_json(data: dict[str, Any]) -> Event:
    """Do the reverse."""
    return SimulationRetried(**data)


def line(data: dict[str, Any]) -> bytes:
    """Return one message between processes."""
    return json.dumps(data).encode() + b"\n"
