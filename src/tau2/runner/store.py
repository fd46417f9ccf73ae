"""Where a run lies on disk: what is there already, and one durable file per finished simulation.

While a run goes on, every simulation is a file of its own, written atomically and synced before it is counted, and
nothing else is rewritten: the cost of saving one does not grow with their number. The index (or, on request, the
single-file form) is written when the run ends; opening a run reads the files and not the index.
"""

from __future__ import annotations

import logging
import shutil
from pathlib import Path
from typing import Any

from tau2.data_model.results_io import (
    iter_simulations,
    load_metadata,
    results_file,
    save_metadata,
    save_results,
    save_simulation,
    simulation_file,
    simulations_folder,
)
from tau2.data_model.simulation import NO_SCORE, Info, Results, ResultsFormat, SimulationIndexEntry, SimulationRun
from tau2.data_model.tasks import Task
from tau2.errors import ConfigError

logger = logging.getLogger(__name__)

Unit = tuple[str, int]
"""Task id and trial: what is played once."""

_FREE = frozenset({"num_trials", "git_commit", "engine_version", "task_split_name"})
"""Fields that may differ when a run is continued: they do not change what one simulation is."""

_PARTS = frozenset({"user_info", "agent_info", "environment_info"})


class RunStore:
    """One run on disk, or in memory only when `path` is None."""

    def __init__(self, path: Path | None, results_format: ResultsFormat = "dir") -> None:
        """Point at a results file; nothing is touched yet."""
        self.path = path
        self.format: ResultsFormat = results_format
        self.results: Results | None = None
        self._by_unit: dict[Unit, SimulationRun] = {}
        self._failed: dict[Unit, list[SimulationRun]] = {}
        """Stored attempts that are no outcome; each stays until its unit has one."""

    @property
    def folder(self) -> Path | None:
        """The folder of the run."""
        return results_file(self.path).parent if self.path is not None else None

    def exists(self) -> bool:
        """Return whether a run lies there already."""
        return self.path is not None and results_file(self.path).exists()

    def open(self, info: Info, tasks: list[Task], *, resume: bool) -> Results:
        """Start a run, or continue the one that lies there.

        Raises:
            ConfigError: a run lies there and `resume` is false, or it is not the same run (each difference named).
        """
        if self.exists():
            if not resume:
                raise ConfigError(
                    f"{self.folder} holds a run already; continue it with auto_resume (--auto-resume), "
                    "or choose another name with save_to (--save-to)"
                )
            self.results = self._continued(info, tasks)
        else:
            self._refuse_strangers()
            self.results = Results(info=info, tasks=tasks)
            if self.path is not None:
                save_metadata(self.results, self.path)
        return self.results

    def _refuse_strangers(self) -> None:
        """Raise ConfigError rather than mix a new run with simulations whose results file is gone."""
        folder = simulations_folder(self.path) if self.path is not None else None
        if folder is not None and any(folder.glob("*.json")):
            raise ConfigError(
                f"{folder} holds simulations of another run; choose another name with save_to (--save-to)"
            )

    def _continued(self, info: Info, tasks: list[Task]) -> Results:
        path = self._path()
        stored = load_metadata(path)
        _refuse_differences(stored, info, tasks, path)
        stored_runs = list(iter_simulations(path))
        self._by_unit = {unit_of(run): run for run in stored_runs if counts(run)}
        for run in stored_runs:
            if not self.has(unit_of(run)):
                self._failed.setdefault(unit_of(run), []).append(run)
        known = {task.id for task in stored.tasks}
        merged = Results(
            timestamp=stored.timestamp,
            info=info.model_copy(update={"num_trials": max(info.num_trials, stored.info.num_trials)}),
            tasks=[*stored.tasks, *(task for task in tasks if task.id not in known)],
        )
        self._as_folder(path, stored_runs)
        save_metadata(merged, path)
        return merged

    def _as_folder(self, path: Path, runs: list[SimulationRun]) -> None:
        """Give every stored simulation its own file, so that a single-file run can be continued durably."""
        folder = simulations_folder(path)
        for run in runs:
            if not simulation_file(folder, run.id).exists():
                save_simulation(run, folder)

    def _path(self) -> Path:
        if self.path is None:
            raise ConfigError("this run is kept in memory only")
        return self.path

    def has(self, unit: Unit) -> bool:
        """Return whether a unit is finished."""
        return unit in self._by_unit

    def save(self, run: SimulationRun) -> None:
        """Make a finished simulation durable, then count it; earlier failed attempts at the unit go."""
        unit = unit_of(run)
        if self.path is not None:
            folder = simulations_folder(self.path)
            save_simulation(run, folder)
            for replaced in self._failed.get(unit, ()):
                simulation_file(folder, replaced.id).unlink(missing_ok=True)
        self._failed.pop(unit, None)
        self._by_unit[unit] = run

    def finish(self) -> Results:
        """Write the index (or the single file) and return the whole run, in the order of trials and tasks."""
        if self.results is None:
            raise ConfigError("the run was never opened")
        order = {task.id: position for position, task in enumerate(self.results.tasks)}
        runs = [*self._by_unit.values(), *(run for attempts in self._failed.values() for run in attempts)]
        runs.sort(key=lambda run: (run.trial or 0, order.get(run.task_id, len(order))))
        results = self.results.model_copy(update={"simulations": runs})
        if self.path is not None:
            self._write(results)
        return results

    def _write(self, results: Results) -> None:
        path = self._path()
        if self.format == "json":
            save_results(results, path, "json")
            shutil.rmtree(simulations_folder(path), ignore_errors=True)
            return
        index = [SimulationIndexEntry.of(run) for run in results.simulations]
        save_metadata(results.model_copy(update={"simulation_index": index}), path)


def unit_of(run: SimulationRun) -> Unit:
    """Return which unit a simulation is of."""
    return run.task_id, run.trial or 0


def counts(run: SimulationRun) -> bool:
    """Return whether a stored simulation is an outcome; one that failed for its surroundings is played again."""
    return run.termination_reason not in NO_SCORE and run.reward_info is not None


def _refuse_differences(stored: Results, info: Info, tasks: list[Task], path: Path) -> None:
    """Raise ConfigError when the stored run was played differently; every difference is named, field by field."""
    mine = _fields(info.model_dump(mode="json"))
    theirs = _fields(stored.info.model_dump(mode="json", exclude_unset=True))  # an older version knew fewer fields
    different = [
        f"  {name}: stored {_short(theirs[name])}, now {_short(mine[name])}"
        for name in mine
        if name not in _FREE and name in theirs and mine[name] != theirs[name]
    ]
    now = {task.id: task for task in tasks}
    changed = [task.id for task in stored.tasks if task.id in now and not _same_task(task, now[task.id])]
    if changed:
        different.append(f"  tasks modified: {_short(changed)}")
    if different:
        lines = "\n".join(different)
        raise ConfigError(
            f"{path} was run differently, so its results cannot be continued:\n{lines}\n"
            "repeat the run with the stored settings, or save to another name (--save-to)"
        )


def _fields(info: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a record by name, those of its parts as `agent_info.llm`."""
    fields: dict[str, Any] = {}
    for name, value in info.items():
        if name in _PARTS and isinstance(value, dict):
            fields.update({f"{name}.{part}": inner for part, inner in value.items()})
        else:
            fields[name] = value
    return fields


def _same_task(mine: Task, theirs: Task) -> bool:
    """Compare tasks as they are stored; the times at which recorded messages were read are not part of them."""
    skip = {"initial_state": {"message_history": {"__all__": {"timestamp"}}}}
    return mine.model_dump(mode="json", exclude=skip) == theirs.model_dump(mode="json", exclude=skip)


def _short(value: object, most: int = 120) -> str:
    text = repr(value)
    return text if len(text) <= most else text[: most - 3] + "..."
