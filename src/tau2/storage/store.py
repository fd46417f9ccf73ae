"""A stored run: what is there already, and one durable file per finished simulation.

A simulation is written to a file of its own, atomically and synced; then a record is appended to
the journal, synced too; then the simulation counts. Nothing else is written while a run goes on, so
the cost of saving does not grow with the number of simulations. Opening a run reads the journal and
checks the files against it without parsing them. The index (or, on request, the single-file form)
is written when the run ends. Only one process at a time writes a run.
"""

from __future__ import annotations

import errno
import logging
import os
import shutil
import socket
import threading
import weakref
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from hashlib import sha256
from pathlib import Path

from tau2.data_model.outline import Facts
from tau2.data_model.simulation import Info, ResultsFormat, SimulationRun, Unit
from tau2.data_model.tasks import Task
from tau2.errors import ConfigError, DataFileError
from tau2.storage.compatibility import refuse_differences, task_digest
from tau2.storage.files import Stamp, stamp_of, write_atomically, write_pieces_atomically
from tau2.storage.inspection import PLAYED_AGAIN, Damage, Inspection, damage_of, inspect_run
from tau2.storage.journal import (
    Dropped,
    Finished,
    Journal,
    Opened,
    Rank,
    Stored,
    rank_of,
)
from tau2.storage.lock import LOCK_NAME, RunLock
from tau2.storage.on_demand import of_single_file
from tau2.storage.repair import changed_tasks, known_run, put_aside, renew, repair
from tau2.storage.results import (
    Results,
    collector_paused,
    companion,
    content_of,
    decode_simulation,
    digest,
    encode_index,
    encode_results,
    journal_file,
    order_of,
    pieces_of_single_file,
    results_file,
    save_simulation,
    simulation_file,
    simulations_folder,
)
from tau2.storage.stored_simulations import Shelf, StoredSimulations
from tau2.utils.json_types import JsonMapping
from tau2.utils.utils import get_now

__all__ = ["RunStore", "Unit"]

logger = logging.getLogger(__name__)

# Simulations kept in memory for whoever uses the results. The others are read from disk again, so
# that memory does not grow with the run.
_HELD = 256


class RunStore:
    """One run on disk, or in memory only if `path` is None.

    `save` may be called from several threads.
    """

    def __init__(self, path: Path | None, results_format: ResultsFormat = "dir") -> None:
        """Name a results file or folder; nothing is read or written yet."""
        self.path = path
        self.format: ResultsFormat = results_format
        self.results: Results | None = None
        self.damage: list[Damage] = []
        """What was not as it was written, and what was done about it."""
        self._entries: dict[Unit, Stored] = {}
        self._held: dict[str, SimulationRun] = {}
        self._played: set[Unit] = set()
        """Units that were played since the run was opened, with any outcome."""
        self._is_checked = False
        """Whether the files were found whole when the run was opened, and none was added since."""
        self._index: bytes | None = None
        """The index that was found, while it lists what is stored."""
        self._lock = threading.Lock()
        self._journal: Journal | None = None
        self._closing: weakref.finalize[[RunLock, Journal | None], RunStore] | None = None

    @property
    def folder(self) -> Path | None:
        """The folder of the run."""
        return results_file(self.path).parent if self.path is not None else None

    @property
    def entries(self) -> tuple[Stored, ...]:
        """The records of what is stored, one per unit; no simulation is read."""
        with self._lock:
            return tuple(self._entries.values())

    def exists(self) -> bool:
        """Return whether a run is stored there already."""
        return self.path is not None and results_file(self.path).exists()

    # --- opening ----------------------------------------------------------------------------------

    def open(
        self,
        info: Info,
        tasks: list[Task],
        *,
        resume: bool,
        settings: JsonMapping | None = None,
    ) -> Results:
        """Start a run, or continue the one that is stored there.

        Damage found is in `damage` afterwards.

        `settings` are compared like the fields of `info` (see `run_settings`); they must not hold
        secrets.

        Raises:
            ConfigError: a run is stored there and `resume` is false, it was run with other settings
                (each difference is named), or another process is writing it.
            DataFileError: no file says what the run is.
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
            _release(lock, self._journal)
            raise
        self._closing = weakref.finalize(self, _release, lock, self._journal)
        return self.results

    def _begun(self, path: Path, results: Results, settings: JsonMapping) -> Results:
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
        settings: JsonMapping,
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
        renew(inspection, path)
        merged = _merged(stored, info, tasks)
        content = encode_results(merged, "dir")
        opening = _opening(merged, {**stored_settings, **settings}, content)
        self._journal = _journal_of(inspection, opening, path)
        write_atomically(results_file(path), content)
        self._entries = inspection.entries
        self._is_checked = inspection.is_untouched
        self._index = inspection.index
        self._report(inspection.damage)
        return merged

    def _report(self, damage: Iterable[Damage]) -> None:
        for one in damage:
            logger.warning("%s: %s", self.folder, one)
            self.damage.append(one)

    # --- while the run goes on --------------------------------------------------------------------

    def has(self, unit: Unit) -> bool:
        """Return whether a unit is finished: graded, or played since the run was opened."""
        entry = self._entries.get(unit)
        return entry is not None and (entry.rank == Rank.GRADED or unit in self._played)

    def save(self, run: SimulationRun) -> bool:
        """Make a finished simulation durable, then count it.

        Return whether it is the one that its unit keeps.

        A unit keeps its first graded simulation; a second one is not stored. One of a lower rank
        (see `Rank`) is removed when one of the same or a higher rank is durable. A simulation that
        was graded again replaces itself. Threads may save at the same time, but not the same unit.

        Raises:
            OSError: the disk failed; the simulation is not counted.
        """
        with self._lock:
            known = self._entries.get(run.unit)
        if known is not None and not (
            known.id == run.id or (known.rank is not Rank.GRADED and rank_of(run) >= known.rank)
        ):
            text = "%s is not stored: %s trial %s is stored as %s already"
            logger.warning(text, run.id, *known.unit, known.id)
            return False
        if self.path is not None:
            record = self._make_durable(run, known)
        else:
            record = Stored.of(run, content_of(run))
        with self._lock:
            self._entries[record.unit] = record
            self._played.add(record.unit)
            self._is_checked = False
            self._index = None
            if known is not None:
                self._held.pop(known.id, None)
            if self.path is None or len(self._held) < _HELD:
                self._held[run.id] = run
        return True

    def _make_durable(self, run: SimulationRun, known: Stored | None) -> Stored:
        """Write the file of a simulation and its record."""
        folder = simulations_folder(self._path())
        journal = self._writing_in_place()
        if known is not None and known.id == run.id:
            # The record comes first here: after a crash, both the old and the new content of the
            # file have a record.
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
        """Return the stored conversations whose judge failed, to be graded and saved again."""
        ungraded = [entry for entry in self.entries if entry.rank is Rank.UNGRADED]
        return [run for run in map(self._load, ungraded) if run is not None]

    def verify(self) -> list[Unit]:
        """Read every stored simulation; return the units of damaged ones, which are put aside.

        Opening a run does the same, unless it is larger than 256 MiB: then only sizes are compared.
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
        """Return a stored simulation; None for a damaged one, which is put aside."""
        if entry.id in self._held:
            return self._held[entry.id]
        try:
            return read_stored(simulations_folder(self._path()), entry)
        except DataFileError as error:
            self._drop(entry, str(error))
        return None

    def _drop(self, entry: Stored, problem: str) -> None:
        path = self._path()
        file = simulation_file(simulations_folder(path), entry.id)
        self._writing_in_place().append(Dropped(id=entry.id, reason=problem))
        put_aside(file, path)
        with self._lock:
            self._entries.pop(entry.unit, None)
            self._played.discard(entry.unit)
            self._index = None
            self._held.pop(entry.id, None)
        what = f"{problem}; it is put aside and {PLAYED_AGAIN}"
        self._report([Damage("simulation", f"{file.parent.name}/{file.name}", what)])

    # --- the end ----------------------------------------------------------------------------------

    def finish(self) -> Results:
        """Write the index (or the single file) and return the run, ordered by trials and tasks.

        The simulations of a folder are read when they are used. One that was touched since it was
        stored is read now; if it is damaged, it is put aside, added to `damage`, and left out of
        the results.
        """
        if self.results is None:
            raise ConfigError("the run was never opened")
        try:
            if self.path is not None:
                self._writing_in_place()
            if self.path is None:
                runs = sorted(self._held.values(), key=order_of(self.results))
                return self._with(runs)
            with collector_paused():
                return self._written()
        finally:
            self.close()

    def _written(self) -> Results:
        """Check what was touched, write the results file, and return what it lists."""
        if not self._is_checked:
            self._check_touched()
        if self.format == "json":
            return self._written_to_single_file()
        results = self._with(self._simulations())
        content = encode_index(results, self._index)
        self._writing_in_place().append(Finished(results=digest(content), form="dir"))
        write_atomically(results_file(self._path()), content)
        return results

    def _written_to_single_file(self) -> Results:
        """Move everything into the results file, one simulation after another."""
        path = self._path()
        stored: list[Stored] = []
        content = sha256()

        def pieces() -> Iterator[bytes]:
            for piece in pieces_of_single_file(self._with([]), self._loaded(stored)):
                content.update(piece)
                yield piece

        def ready() -> None:
            finished = Finished(results=content.hexdigest(), form="json")
            self._writing_in_place().append(finished)

        write_pieces_atomically(results_file(path), pieces(), ready=ready)
        shutil.rmtree(simulations_folder(path), ignore_errors=True)
        return of_single_file(path, self._with([]), [entry.outline for entry in stored])

    def _with(self, runs: list[SimulationRun] | StoredSimulations) -> Results:
        assert self.results is not None, "checked by `finish`"
        return self.results.model_copy(update={"simulations": runs})

    def _ordered(self) -> list[Stored]:
        assert self.results is not None, "checked by `finish`"
        return sorted(self.entries, key=order_of(self.results))

    def _loaded(self, stored: list[Stored]) -> Iterator[SimulationRun]:
        """Yield what is stored, in order, and add its records to `stored`.

        Damaged simulations are put aside.
        """
        for entry in self._ordered():
            run = self._load(entry)
            if run is not None:
                stored.append(entry)
                yield run

    def _simulations(self) -> StoredSimulations:
        """Return what is stored, in order, to be read when it is used."""
        entries = self._ordered()
        folder = simulations_folder(self._path())
        items = [self._held.get(entry.id, entry) for entry in entries]
        return StoredSimulations(items, Shelf(partial(read_stored, folder)))

    def _check_touched(self) -> None:
        """Read the simulations that were touched since they were stored, and renew their records.

        Damaged ones are put aside.
        """
        folder = simulations_folder(self._path())
        stamps = _stamps(folder)
        renewed = []
        for entry in self.entries:
            stamp = stamps.get(entry.id)
            if (stamp is not None and stamp == entry.stamp) or entry.id in self._held:
                continue
            run = self._load(entry)
            if run is not None:
                renewed.append(replace(entry, facts=Facts.of(run), stamp=stamp))
        if renewed:
            self._writing().extend(renewed)
            self._entries.update({entry.unit: entry for entry in renewed})

    def close(self) -> None:
        """Close the run without finishing it; it can be continued. May be called again."""
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

    def _writing_in_place(self) -> Journal:
        """Return the journal. Raise FileNotFoundError when the run's folder was taken away.

        It is not made again: what was stored would not be in it.
        """
        journal = self._writing()
        if not journal.is_in_place():
            raise FileNotFoundError(
                errno.ENOENT, "the folder of the run was removed while it was written", self.folder
            )
        return journal


def read_stored(folder: Path, entry: Stored) -> SimulationRun:
    """Return a stored simulation. Raise DataFileError for one that is not as it was written."""
    file = simulation_file(folder, entry.id)
    try:
        content = file.read_bytes()
    except OSError as problem:
        reason = problem.strerror or problem
        raise DataFileError(
            f"{file}: cannot be read ({reason}); the folder of a run has to stay where it is while "
            "its results are used"
        ) from problem
    if digest(content) != entry.sha256:
        raise DataFileError(f"{file}: its content is not as it was written")
    return decode_simulation(content, file)


def _stamps(folder: Path) -> dict[str, Stamp]:
    """Return the stamp of every file of a folder, by its name without the suffix."""
    if not folder.is_dir():
        return {}
    with os.scandir(folder) as files:
        return {file.name.removesuffix(".json"): stamp_of(file.stat()) for file in files}


def _opening(results: Results, settings: JsonMapping, content: bytes) -> Opened:
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
    """Return the sound journal of a run that continues, or a new one with what was found."""
    if not inspection.must_rewrite and not inspection.inline:
        journal = Journal(journal_file(path), inspection.sequence)
        journal.append(opening)
        return journal
    # The journal is replaced before the results file, so it must hold the digest of the old file,
    # too.
    before = opening.model_copy(update={"results": inspection.results_digest})
    return Journal.create(journal_file(path), [before, opening, *inspection.entries.values()])


def _merged(stored: Results, info: Info, tasks: list[Task]) -> Results:
    known = {task.id for task in stored.tasks}
    return Results(
        timestamp=stored.timestamp,
        info=info.model_copy(update={"num_trials": max(info.num_trials, stored.info.num_trials)}),
        tasks=[*stored.tasks, *(task for task in tasks if task.id not in known)],
    )


def _release(lock: RunLock, journal: Journal | None) -> None:
    if journal is not None:
        journal.close()
    lock.release()
