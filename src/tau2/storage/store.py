"""Where a run lies on disk: what is there already, and one durable file per finished simulation.

A simulation is a file, written atomically and synced; then a checksummed line of the journal, synced too; then it
counts. Nothing else is written while a run goes on, so the cost of saving one does not grow with their number.
Opening a run reads the journal and checks the files against it without parsing them; the index (or, on request, the
single-file form) is written when the run ends. One process at a time writes a run.
"""

from __future__ import annotations

import logging
import os
import shutil
import socket
import threading
import weakref
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tau2.data_model.simulation import Info, ResultsFormat, SimulationRun, Unit
from tau2.data_model.tasks import Task
from tau2.errors import ConfigError, DataFileError
from tau2.storage.compatibility import refuse_differences, task_digest
from tau2.storage.files import write_atomically
from tau2.storage.inspection import REPLAYED, Damage, Inspection, damage_of, inspect_run
from tau2.storage.journal import (
    GRADED,
    UNGRADED,
    Dropped,
    Finished,
    Journal,
    Opened,
    Stored,
    rank_of,
)
from tau2.storage.lock import LOCK_NAME, RunLock
from tau2.storage.repair import changed_tasks, known_run, put_aside, repair
from tau2.storage.results import (
    Results,
    collector_paused,
    companion,
    content_of,
    decode_simulation,
    digest,
    encode_results,
    indexed,
    journal_file,
    order_of,
    results_file,
    save_simulation,
    simulation_file,
    simulations_folder,
)
from tau2.utils.utils import get_now

__all__ = ["RunStore", "Unit", "counts"]

logger = logging.getLogger(__name__)

_HELD = 256  # simulations kept in memory for `finish`; the others are read back, so that a long run does not grow


class RunStore:
    """One run on disk, or in memory only when `path` is None. `save` may be called from several threads."""

    def __init__(self, path: Path | None, results_format: ResultsFormat = "dir") -> None:
        """Point at a results file; nothing is touched yet."""
        self.path = path
        self.format: ResultsFormat = results_format
        self.results: Results | None = None
        self.damage: list[Damage] = []
        """What was not as it was written, and what was done about it."""
        self._entries: dict[Unit, Stored] = {}
        self._held: dict[str, SimulationRun] = {}
        self._played: set[Unit] = set()
        """Units that were played since the run was opened, whatever came of it."""
        self._counting = threading.Lock()
        self._journal: Journal | None = None
        self._closing: weakref.finalize[[RunLock, Journal | None], RunStore] | None = None

    @property
    def folder(self) -> Path | None:
        """The folder of the run."""
        return results_file(self.path).parent if self.path is not None else None

    @property
    def entries(self) -> tuple[Stored, ...]:
        """What is stored, one record per unit, without reading the simulations."""
        with self._counting:
            return tuple(self._entries.values())

    def exists(self) -> bool:
        """Return whether a run lies there already."""
        return self.path is not None and results_file(self.path).exists()

    # --- opening ----------------------------------------------------------------------------------------------------

    def open(
        self,
        info: Info,
        tasks: list[Task],
        *,
        resume: bool,
        settings: Mapping[str, Any] | None = None,
    ) -> Results:
        """Start a run, or continue the one that lies there; what of it is damaged is in `damage` afterwards.

        `settings` are compared like the fields of `info` (see `run_settings`); they must hold no secrets.

        Raises:
            ConfigError: a run lies there and `resume` is false, it is not the same run (each difference named), or
                another process is writing it.
            DataFileError: nothing says what the run is.
        """
        if self.path is None:
            self.results = Results(info=info, tasks=tasks)
            return self.results
        lock = RunLock(companion(self.path, LOCK_NAME))
        try:
            if self.exists() or (resume and journal_file(self.path).exists()):
                self.results = self._continued(
                    self.path, info, tasks, settings or {}, resume=resume
                )
            else:
                self.results = self._begun(
                    self.path, Results(info=info, tasks=tasks), settings or {}
                )
        except BaseException:
            _let_go(lock, self._journal)
            raise
        self._closing = weakref.finalize(self, _let_go, lock, self._journal)
        return self.results

    def _begun(self, path: Path, results: Results, settings: Mapping[str, Any]) -> Results:
        if any(simulations_folder(path).glob("*.json")):
            raise ConfigError(
                f"{simulations_folder(path)} holds simulations of another run; "
                "choose another name with save_to (--save-to)"
            )
        content = encode_results(results, "dir")
        self._journal = Journal.create(journal_file(path), [_opening(results, settings, content)])
        write_atomically(results_file(path), content)
        return results

    def _continued(
        self,
        path: Path,
        info: Info,
        tasks: list[Task],
        settings: Mapping[str, Any],
        *,
        resume: bool,
    ) -> Results:
        if not resume:
            raise ConfigError(
                f"{self.folder} holds a run already; continue it with auto_resume (--auto-resume), "
                "or choose another name with save_to (--save-to)"
            )
        inspection = inspect_run(path)
        stored = known_run(inspection, tasks, path)
        stored_settings = inspection.opened.settings if inspection.opened is not None else {}
        refuse_differences(
            path,
            stored=stored.info,
            now=info,
            stored_settings=stored_settings,
            settings=settings,
            changed_tasks=changed_tasks(inspection, stored.tasks, tasks),
        )
        repair(inspection, path)
        merged = _merged(stored, info, tasks)
        content = encode_results(merged, "dir")
        opening = _opening(merged, {**stored_settings, **settings}, content)
        self._journal = _journal_of(inspection, opening, path)
        write_atomically(results_file(path), content)
        self._entries = inspection.entries
        self._name(inspection.damage)
        return merged

    def _name(self, damage: Iterable[Damage]) -> None:
        for one in damage:
            logger.warning("%s: %s", self.folder, one)
            self.damage.append(one)

    # --- while the run goes on --------------------------------------------------------------------------------------

    def has(self, unit: Unit) -> bool:
        """Return whether a unit is finished: graded, or played since the run was opened."""
        entry = self._entries.get(unit)
        return entry is not None and (entry.rank == GRADED or unit in self._played)

    def save(self, run: SimulationRun) -> bool:
        """Make a finished simulation durable, then count it; return whether it is the one kept of its unit.

        A unit keeps its first grade: a second simulation of it is not stored. A lesser attempt (failed for its
        surroundings, or a conversation without a grade) goes when a better or equal one is durable. The same
        simulation, graded now or again, replaces itself. Threads may save at once, though not the same unit.

        Raises:
            OSError: the disk failed; the simulation is not counted.
        """
        with self._counting:
            known = self._entries.get(run.unit)
        if known is not None and known.id != run.id and not _is_better(rank_of(run), known):
            logger.warning(
                "%s: %s trial %s is stored as %s; this one is left out",
                run.id,
                *known.unit,
                known.id,
            )
            return False
        record = (
            self._made_durable(run, known)
            if self.path is not None
            else Stored.of(run, content_of(run))
        )
        with self._counting:
            self._entries[record.unit] = record
            self._played.add(record.unit)
            if known is not None:
                self._held.pop(known.id, None)
            if self.path is None or len(self._held) < _HELD:
                self._held[run.id] = run
        return True

    def _made_durable(self, run: SimulationRun, known: Stored | None) -> Stored:
        """Write file and line. A file that replaces itself is announced first: either content then has its line."""
        folder, journal = simulations_folder(self._path()), self._writing()
        if known is not None and known.id == run.id:
            record = Stored.of(run, content_of(run))
            journal.append(record)
            save_simulation(run, folder)
            return record
        replaces = known.id if known is not None else None
        record = Stored.of(run, save_simulation(run, folder), replaces=replaces)
        journal.append(record)
        if replaces is not None:
            simulation_file(folder, replaces).unlink(missing_ok=True)
        return record

    def ungraded(self) -> list[SimulationRun]:
        """Return the stored conversations that have no score because their judge failed; grade and `save` them."""
        waiting = [entry for entry in self.entries if entry.rank == UNGRADED]
        return [run for run in map(self._load, waiting) if run is not None]

    def verify(self) -> list[Unit]:
        """Read every stored simulation, put damaged ones aside, and return their units, which are open again.

        Opening a run does the same, unless it is larger than 256 MiB; then only sizes were compared.
        """
        if self.path is None:
            return []
        folder = simulations_folder(self.path)
        found = [
            (entry, damage_of(simulation_file(folder, entry.id), entry)) for entry in self.entries
        ]
        for entry, problem in found:
            if problem is not None:
                self._drop(entry, problem)
        return [entry.unit for entry, problem in found if problem is not None]

    def _load(self, entry: Stored) -> SimulationRun | None:
        """Return a stored simulation; a damaged one is put aside and None."""
        if entry.id in self._held:
            return self._held[entry.id]
        file = simulation_file(simulations_folder(self._path()), entry.id)
        try:
            content = file.read_bytes()
            if digest(content) == entry.sha256:
                return decode_simulation(content, file)
            problem = "its content is not as it was written"
        except (OSError, DataFileError) as error:
            problem = str(error)
        self._drop(entry, problem)
        return None

    def _drop(self, entry: Stored, problem: str) -> None:
        path = self._path()
        file = simulation_file(simulations_folder(path), entry.id)
        self._writing().append(Dropped(id=entry.id, reason=problem))
        put_aside(file, path)
        with self._counting:
            self._entries.pop(entry.unit, None)
            self._played.discard(entry.unit)
            self._held.pop(entry.id, None)
        what = f"{problem}; it is put aside and {REPLAYED}"
        self._name([Damage("simulation", f"{file.parent.name}/{file.name}", what)])

    # --- the end ----------------------------------------------------------------------------------------------------

    def finish(self) -> Results:
        """Write the index (or the single file) and return the whole run, in the order of trials and tasks.

        A stored simulation that turns out to be damaged is put aside, named in `damage`, and no part of the results.
        """
        if self.results is None:
            raise ConfigError("the run was never opened")
        try:
            with collector_paused():
                runs = [run for run in map(self._load, self.entries) if run is not None]
            results = self.results.model_copy(
                update={"simulations": sorted(runs, key=order_of(self.results))}
            )
            if self.path is not None:
                self._write(results)
        finally:
            self.close()
        return results

    def _write(self, results: Results) -> None:
        path = self._path()
        content = encode_results(indexed(results), self.format)
        self._writing().append(Finished(results=digest(content), form=self.format))
        write_atomically(results_file(path), content)
        if self.format == "json":
            shutil.rmtree(simulations_folder(path), ignore_errors=True)

    def close(self) -> None:
        """Let go of the run without ending it; whatever was saved can be continued. Again does nothing."""
        if self._closing is not None:
            self._closing()
        self._journal = None

    def _path(self) -> Path:
        if self.path is None:
            raise ConfigError("this run is kept in memory only")
        return self.path

    def _writing(self) -> Journal:
        if self._journal is None:
            raise ConfigError(f"{self.folder}: the run is not open")
        return self._journal


def counts(run: SimulationRun) -> bool:
    """Return whether a stored simulation is an outcome; one that failed for its surroundings is played again."""
    return rank_of(run) == GRADED


def _is_better(rank: int, known: Stored) -> bool:
    return known.rank < GRADED and rank >= known.rank


def _opening(results: Results, settings: Mapping[str, Any], content: bytes) -> Opened:
    return Opened(
        time=get_now(),
        host=socket.gethostname(),
        pid=os.getpid(),
        info=results.info.model_dump(mode="json"),
        settings=dict(settings),
        tasks={task.id: task_digest(task) for task in results.tasks},
        results=digest(content),
    )


def _journal_of(inspection: Inspection, opening: Opened, path: Path) -> Journal:
    """Go on with a sound journal, or write it anew from what was found."""
    if not inspection.must_rewrite and not inspection.inline:
        journal = Journal(journal_file(path), inspection.sequence)
        journal.append(opening)
        return journal
    before = opening.model_copy(
        update={"results": inspection.results_digest}
    )  # until the new results file is there
    return Journal.create(journal_file(path), [before, opening, *inspection.entries.values()])


def _merged(stored: Results, info: Info, tasks: list[Task]) -> Results:
    known = {task.id for task in stored.tasks}
    return Results(
        timestamp=stored.timestamp,
        info=info.model_copy(update={"num_trials": max(info.num_trials, stored.info.num_trials)}),
        tasks=[*stored.tasks, *(task for task in tasks if task.id not in known)],
    )


def _let_go(lock: RunLock, journal: Journal | None) -> None:
    if journal is not None:
        journal.close()
    lock.release()
