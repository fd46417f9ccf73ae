"""The executor protocol, and the setup, units and events of a run as JSON between processes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Protocol

from tau2.data_model.run_config import run_config_kind
from tau2.data_model.simulation import SimulationRun
from tau2.data_model.tasks import Task
from tau2.evaluator.evaluator import EvaluationType
from tau2.runner.events import Event, SimulationRetried
from tau2.runner.executors.registrations import packed_registrations, register_packed
from tau2.runner.resolve import ResolvedRun, resolve
from tau2.runner.tasks import UnitSpec
from tau2.utils.json_types import JsonObject

HEARTBEAT: JsonObject = {"beat": True}
"""What a worker sends every `HEARTBEAT_INTERVAL` seconds."""

HEARTBEAT_INTERVAL = 1.0


class UnitExecutor(Protocol):
    """Plays units; `play` may be awaited as often at once as the run's `max_concurrency` says."""

    async def start(self) -> None:
        """Get ready."""

    async def play(self, spec: UnitSpec) -> SimulationRun:
        """Return the finished, graded simulation of a unit.

        An infrastructure failure is a record too.
        """

    async def close(self) -> None:
        """Stop whatever was started; units in progress are abandoned."""


@dataclass(frozen=True, slots=True)
class Setup:
    """What every worker of a run needs to know. It may hold keys, so it goes through pipes only."""

    run: ResolvedRun
    evaluation_type: EvaluationType
    shared: Path | None = None
    """Folder through which workers on one machine share provider limits."""
    saved: Path | None = None
    """Where the run is saved."""

    @property
    def slots(self) -> int:
        """Units that one worker plays at once."""
        config = self.run.config
        return ceil(config.max_concurrency / max(1, config.workers))

    def to_json(self) -> JsonObject:
        """Return the setup as JSON data."""
        return {
            "registrations": packed_registrations(self.run.config),
            "config": self.run.config.model_dump(mode="json"),
            "evaluation_type": self.evaluation_type.value,
            "shared": str(self.shared) if self.shared else None,
            "saved": str(self.saved) if self.saved else None,
        }

    @classmethod
    def from_json(cls, data: JsonObject) -> Setup:
        """Return the setup of JSON data; the names are resolved again in this process.

        Raise UnknownName, or ConfigError for what could not be sent from the run's process.
        """
        register_packed(data["registrations"])
        shared, saved = data["shared"], data["saved"]
        config = data["config"]
        return cls(
            resolve(run_config_kind(config).model_validate(config)),
            EvaluationType(data["evaluation_type"]),
            Path(shared) if shared else None,
            Path(saved) if saved else None,
        )


def spec_to_json(spec: UnitSpec) -> JsonObject:
    """Return a unit as JSON data."""
    return {
        "task": spec.task.model_dump(mode="json", exclude_unset=True),
        "trial": spec.trial,
        "seed": spec.seed,
    }


def spec_from_json(data: JsonObject) -> UnitSpec:
    """Return the unit of JSON data."""
    return UnitSpec(Task.model_validate(data["task"]), int(data["trial"]), int(data["seed"]))


def event_to_json(event: Event) -> JsonObject | None:
    """Return an event of a worker as JSON data; None for events that only the run itself emits."""
    if not isinstance(event, SimulationRetried):
        return None
    return {
        "task_id": event.task_id,
        "trial": event.trial,
        "attempt": event.attempt,
        "error": event.error,
    }


def event_from_json(data: JsonObject) -> Event:
    """Return the event of JSON data."""
    return SimulationRetried(**data)


def line(data: JsonObject) -> bytes:
    """Return one message between processes."""
    return json.dumps(data).encode() + b"\n"
