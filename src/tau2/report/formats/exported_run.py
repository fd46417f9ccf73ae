"""A stored run that is read one simulation at a time, and what exports of it have in common."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from tau2.data_model.message import Message, MultiToolMessage
from tau2.data_model.simulation import SessionUsage, SimulationRun
from tau2.metrics.outcomes import outcome_of, run_passed
from tau2.report.cleaner import Cleaner
from tau2.storage.results import Results, simulations_folder
from tau2.utils import finite_json
from tau2.utils.finite_json import without_constants
from tau2.utils.json_types import JsonObject, JsonValue

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_LONGEST_NAME = 120


@dataclass(frozen=True)
class ExportedRun:
    """A run on disk, under the name that its exports give it."""

    name: str
    path: Path

    @cached_property
    def about(self) -> Results:
        """What the run was and its tasks, without simulations."""
        return Results.load_metadata(self.path)

    def simulations(self) -> Iterator[SimulationRun]:
        """Yield the simulations that `Results.load` returns, one by one.

        The folder of a run that did not end may hold several attempts at one trial: it is read
        twice, to know which of them counts. Raise DataFileError for one that cannot be read.
        """
        counted = self._counted_attempts()
        for run in Results.iter_simulations(self.path):
            if counted is None or run.id in counted:
                yield run

    def _counted_attempts(self) -> frozenset[str] | None:
        """Return the ids of the simulations that count; None when all do."""
        is_ended = self.about.simulation_index is not None
        if is_ended or not simulations_folder(self.path).is_dir():
            return None
        best: dict[object, tuple[bool, str, str]] = {}
        for run in Results.iter_simulations(self.path):
            trial = (run.task_id, run.trial, run.seed) if run.trial is not None else run.id
            # Of several attempts a scored one counts, else the earliest.
            rank = (not run.is_scored, run.timestamp, run.id)
            best[trial] = min(rank, best.get(trial, rank))
        return frozenset(run_id for _, _, run_id in best.values())


def single_messages(run: SimulationRun) -> Iterator[Message]:
    """Yield the messages of a simulation, each tool result for itself."""
    for message in run.get_messages():
        yield from message.tool_messages if isinstance(message, MultiToolMessage) else (message,)


def called_model(model: str | None, usage: SessionUsage | None) -> str | None:
    """Return the model of a participant; None where it is known that it called none.

    Settings of a run name a model for participants that need none, too.
    """
    return model if usage is None or usage.model_calls else None


def result_of(run: SimulationRun) -> JsonObject:
    """Return how a simulation ended and what it earned; what is not known is left out."""
    reward = run.reward_info
    parts = (reward.reward_breakdown if reward else None) or {}
    error = (run.info or {}).get("error")
    return known(
        task_id=run.task_id,
        trial=run.trial,
        seed=run.seed,
        outcome=outcome_of(run).value,
        passed=run_passed(run) if run.is_scored else None,
        reward=reward.reward if reward else None,
        reward_breakdown={basis.value: score for basis, score in parts.items()} or None,
        termination_reason=run.termination_reason.value,
        error=None if error is None else str(error),
        duration_seconds=run.duration,
    )


def known(**values: Any) -> JsonObject:
    """Return the values that are not None."""
    return {name: value for name, value in values.items() if value is not None}


def as_json(document: JsonValue, clean: Cleaner) -> bytes:
    """Return a document as JSON without credentials; numbers that JSON does not have are null."""
    data = clean.data(without_constants(document))
    return f"{finite_json.dumps(data, indent=2)}\n".encode()


def file_stem(name: str) -> str:
    """Return a name as it may be part of a file name; names that differ stay different."""
    safe = _UNSAFE.sub("-", name).strip(".-")[:_LONGEST_NAME]
    if safe == name:
        return safe
    return f"{safe or 'unnamed'}-{hashlib.sha256(name.encode('utf-8', 'replace')).hexdigest()[:8]}"
