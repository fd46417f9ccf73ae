"""Inspection of a stored run: which simulations are whole, and what is damaged.

It changes nothing on disk.
"""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from tau2.data_model.simulation import SimulationRun, Unit
from tau2.errors import ConfigError, DataFileError
from tau2.storage.files import PART, Stamp, stamp_of
from tau2.storage.journal import (
    Dropped,
    Finished,
    JournalContent,
    Opened,
    Rank,
    Stored,
    rank_of,
    read_journal,
)
from tau2.storage.results import (
    Content,
    Saved,
    collector_paused,
    decode_results,
    decode_simulation,
    decode_without_index,
    digest,
    encode_simulation,
    journal_file,
    parse_simulation,
    results_file,
    simulation_file,
    simulations_folder,
)
from tau2.utils.finite_json import refuse_constant
from tau2.utils.json_types import JsonValue

# Bytes of files that were touched since their record was written. Of more than that, only sizes are
# compared; the simulations are checked when they are read.
_READ_AT_ONCE = 1 << 28

_COARSEST_CLOCK = 2_000_000_000
"""Nanoseconds within which a file system may give two changes the same time."""

_OBJECT = re.compile(r'\n    (?=\{\n      "id": )')
"""Where a task or a simulation begins in a single file, as `encode_results` indents it."""

PLAYED_AGAIN = "its unit is played again"


class _File(NamedTuple):
    """A simulation's file, as the folder lists it."""

    size: int
    stamp: Stamp


class Inline(NamedTuple):
    """A sound simulation of the single-file form, as its file would be."""

    task_id: str
    trial: int | None
    content: bytes


@dataclass(frozen=True, slots=True)
class Damage:
    """Something on disk that is not as it was written."""

    kind: str
    """`journal`, `results`, `simulation`, `unlisted` (a sound simulation without its line) or
    `duplicate`."""
    where: str
    """The file, and the place in it if known."""
    what: str
    """What is wrong, and what was done about it."""

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


@dataclass(slots=True)
class Inspection:
    """A stored run as it was found."""

    content: Content | None = None
    """The results file; None if it cannot be read."""
    simulations: list[JsonValue] | None = None
    """The simulations of the single-file form, not validated; None for a folder."""
    results_digest: str = ""
    """SHA-256 of the results file; empty if there is none."""
    is_as_recorded: bool = True
    """Whether the journal holds the digest of the results file."""
    finished: str = ""
    """SHA-256 of the results file with which the run ended, if nobody opened it since."""
    is_journal_sound: bool = True
    written: int = 0
    """When the journal was last written, in nanoseconds."""
    opened: Opened | None = None
    """The latest record of what the run is."""
    sequence: int = 0
    """How many records the journal holds."""
    must_rewrite: bool = False
    """Whether the journal has to be written anew."""
    entries: dict[Unit, Stored] = field(default_factory=dict)
    earlier: dict[str, Stored] = field(default_factory=dict)
    """By id, the record before the latest: a crash may have come between a record and the file it
    announces."""
    replaced: set[str] = field(default_factory=set)
    """Ids of simulations that others replaced."""
    ids: set[str] = field(default_factory=set)
    """Every id in the journal."""
    inline: dict[str, Inline] = field(default_factory=dict)
    """Sound simulations of the single-file form, by id."""
    aside: list[Path] = field(default_factory=list)
    """Files to put aside; they are never deleted."""
    damaged_content: dict[str, bytes] = field(default_factory=dict)
    """Content to put aside under these names, of files that are written anew."""
    whole: dict[str, Stamp] = field(default_factory=dict)
    """By id, files that were read and are whole, and that their records do not know like this."""
    is_untouched: bool = False
    """Whether every simulation has a record, and its file is as the record says."""
    leftovers: list[Path] = field(default_factory=list)
    """Files that only a crash leaves; they are removed."""
    damage: list[Damage] = field(default_factory=list)

    @property
    def index(self) -> bytes | None:
        """The results file from its index on; None where it may not list what is stored."""
        ended = self.finished != "" and self.finished == self.results_digest
        is_same = ended and self.is_untouched and not self.damage
        return self.content.from_index if is_same and self.content is not None else None

    def found(self, kind: str, where: str, what: str) -> None:
        """Add damage; the journal must then be written anew."""
        self.damage.append(Damage(kind, where, what))
        self.must_rewrite = True


def inspect_run(path: Path) -> Inspection:
    """Return what is stored of a run. Raise DataFileError if no file says what the run is."""
    inspection = Inspection()
    with collector_paused():
        _read_results(inspection, path, _read_records(inspection, path))
        if inspection.simulations is not None:
            _inspect_inline(inspection, path)
        else:
            _inspect_folder(inspection, path)
    return inspection


# --- the journal and the results file -------------------------------------------------------------


def _read_records(inspection: Inspection, path: Path) -> list[str]:
    """Add what the journal says; return the digests that the results file may have."""
    file = journal_file(path)
    journal = read_journal(file)
    if journal is None:
        inspection.found("journal", file.name, "there is none; it is written anew from the files")
        journal = JournalContent([], [])
    for where, problem in journal.problems:
        inspection.found("journal", where, f"{problem}; the journal is put aside and written anew")
    if journal.problems:
        inspection.is_journal_sound = False
        inspection.damaged_content[file.name] = file.read_bytes()
    inspection.sequence = len(journal.records)
    inspection.written = file.stat().st_mtime_ns if file.exists() else 0
    digests = []
    for record in journal.records:
        if isinstance(record, Stored):
            _add_record(inspection, record)
        elif isinstance(record, Dropped):
            inspection.entries = {
                unit: entry for unit, entry in inspection.entries.items() if entry.id != record.id
            }
        else:
            digests.append(record.results)
            if isinstance(record, Opened):
                inspection.opened = record
    last = journal.records[-1] if journal.records else None
    inspection.finished = last.results if isinstance(last, Finished) else ""
    # A record is written before the results file, so after a crash the file may be the one before.
    return digests[-2:]


def _add_record(inspection: Inspection, record: Stored) -> None:
    """Add what is stored of a unit.

    The simulation of higher rank, and of two graded ones the first.
    """
    inspection.ids.add(record.id)
    known = inspection.entries.get(record.unit)
    if known is not None and known.id == record.id:
        inspection.earlier[record.id] = known
    elif known is not None:
        lesser = record.rank < known.rank or known.rank is Rank.GRADED
        if lesser and record.replaces != known.id:
            return
        inspection.replaced.add(known.id)
    inspection.replaced.discard(record.id)
    inspection.entries[record.unit] = record


def _read_results(inspection: Inspection, path: Path, digests: list[str]) -> None:
    file = results_file(path)
    try:
        content = file.read_bytes()
        inspection.results_digest = digest(content)
        inspection.is_as_recorded = not digests or inspection.results_digest in digests
        # What is as we wrote it has the index that the journal says.
        decode = decode_without_index if inspection.results_digest in digests else decode_results
        inspection.content = decode(content, file)
        inspection.simulations = inspection.content.simulations
    except (OSError, DataFileError) as problem:
        if inspection.opened is None:
            raise DataFileError(f"{file}: {_reason(problem)}") from problem
        inspection.is_as_recorded = False
        inspection.found(
            "results", file.name, f"{_reason(problem)}; it is written anew from the journal"
        )
    else:
        if inspection.is_as_recorded:
            return
        what = "it is not as it was written; the settings in the journal are used"
        inspection.found("results", file.name, what)
    if inspection.results_digest:
        # Under another suffix, because a file *.json in that folder would be taken for a run.
        inspection.damaged_content[f"{file.name}.damaged"] = content
        if inspection.simulations is None and not simulations_folder(path).is_dir():
            inspection.simulations = salvaged(content)


def salvaged(content: bytes) -> list[JsonValue] | None:
    """Return the simulations that can still be read in a damaged single file.

    None if there are none.
    """
    found = []
    decoder = json.JSONDecoder(parse_constant=refuse_constant)
    for piece in _OBJECT.split(content.decode("utf-8", "replace")):
        # A piece that cannot be read is skipped: the journal says which simulation is missing.
        with suppress(ValueError, RecursionError):
            raw, _ = decoder.raw_decode(piece)
            if isinstance(raw, dict) and "start_time" in raw:
                found.append(raw)
    return found or None


def _reason(problem: Exception) -> str:
    if isinstance(problem, OSError):
        return f"cannot be read ({problem.strerror})"
    return str(problem).partition(": ")[2] or str(problem)


# --- simulations in files -------------------------------------------------------------------------


def _inspect_folder(inspection: Inspection, path: Path) -> None:
    folder = simulations_folder(path)
    found = dict(_files(inspection, folder))
    # A simulation that was replaced is removed after the record of the other one; a crash may come
    # between.
    for name in inspection.replaced & found.keys():
        inspection.leftovers.append(folder / f"{name}.json")
        del found[name]
    touched: dict[Unit, _File | None] = {}
    for unit, entry in inspection.entries.items():
        file = found.pop(entry.id, None)
        if (
            file is None
            or file.size != entry.size
            or not is_untouched(entry, file.stamp, inspection.written)
            or entry.facts is None
        ):
            touched[unit] = file
    inspection.is_untouched = not touched and not found
    read = sum(file.size for file in touched.values() if file is not None) <= _READ_AT_ONCE
    for unit, file in touched.items():
        entry = inspection.entries[unit]
        problem = _problem(entry, file, folder, read=read)
        before = inspection.earlier.get(entry.id) if problem is not None else None
        if before is not None and _problem(before, file, folder, read=True) is None:
            inspection.entries[unit] = before
            inspection.must_rewrite = True
        elif problem is not None:
            _put_aside(inspection, unit, folder, problem, exists=file is not None)
        elif file is not None and read and (entry.stamp != file.stamp or entry.facts is None):
            inspection.whole[entry.id] = file.stamp
    _adopt(inspection, [folder / f"{name}.json" for name in found])


def is_untouched(entry: Stored, stamp: Stamp, written: int) -> bool:
    """Return whether a file is as it was when it was last known to be whole.

    A file that was changed shortly before the journal was last written (at `written`, in
    nanoseconds) may have been changed again without another time.
    """
    return entry.stamp == stamp and stamp.changed < written - _COARSEST_CLOCK


def _files(inspection: Inspection, folder: Path) -> Iterator[tuple[str, _File]]:
    """Yield every simulation file by name; add half-written files to the leftovers."""
    if not folder.is_dir():
        return
    with os.scandir(folder) as files:
        for file in files:
            name = file.name
            if name.endswith(".json"):
                if file.is_file():
                    status = file.stat()
                    yield name[:-5], _File(status.st_size, stamp_of(status))
            elif name.endswith(PART):
                inspection.leftovers.append(Path(file.path))


def _problem(entry: Stored, file: _File | None, folder: Path, *, read: bool) -> str | None:
    """Return what is wrong with the file of an entry."""
    if file is None:
        return "it is missing"
    if file.size != entry.size:
        return f"it has {file.size} bytes, where {entry.size} were written"
    return damage_of(folder / f"{entry.id}.json", entry) if read else None


def damage_of(file: Path, entry: Stored) -> str | None:
    """Read a simulation's file; return what is wrong with it, or None."""
    try:
        is_whole = digest(file.read_bytes()) == entry.sha256
    except OSError as problem:
        return _reason(problem)
    return None if is_whole else "its content is not as it was written"


def _put_aside(
    inspection: Inspection, unit: Unit, folder: Path, problem: str, *, exists: bool
) -> None:
    entry = inspection.entries.pop(unit)
    file = folder / f"{entry.id}.json"
    what = f"{problem}; {'it is put aside and ' if exists else ''}{PLAYED_AGAIN}"
    inspection.found("simulation", f"{folder.name}/{file.name}", what)
    if exists:
        inspection.aside.append(file)


def _adopt(inspection: Inspection, files: list[Path]) -> None:
    """Add sound simulations that have no record.

    Of several simulations of one unit, the one of higher rank is kept, then the earlier one.
    """
    found = [pair for file in sorted(files) if (pair := _sound(inspection, file)) is not None]
    _refuse_without_trial([run for run, _ in found])
    found.sort(key=lambda pair: (-rank_of(pair[0]), pair[0].timestamp, pair[0].id))
    for run, saved in found:
        record = Stored.of(run, saved)
        file = saved.path
        where = f"{file.parent.name}/{file.name}"
        known = inspection.entries.get(record.unit)
        if known is not None and known.rank >= record.rank:
            inspection.aside.append(file)
            what = f"{known.id} is of the same task and trial; this one is put aside"
            inspection.found("duplicate", where, what)
            continue
        inspection.entries[record.unit] = record
        if known is not None:
            # A failed attempt may be removed; a conversation, even without a grade, is kept.
            is_failed = known.rank is Rank.FAILED
            lesser = inspection.leftovers if is_failed else inspection.aside
            lesser.append(file.with_name(f"{known.id}.json"))
        if inspection.sequence:  # without a journal, no simulation has a record
            what = "the journal has no record of it; it is whole, and is kept"
            inspection.found("unlisted", where, what)


def _sound(inspection: Inspection, file: Path) -> tuple[SimulationRun, Saved] | None:
    try:
        stamp = stamp_of(file.stat())
        content = file.read_bytes()
        run = decode_simulation(content, file)
        if run.id != file.stem:
            raise DataFileError(f"{file}: id: it holds {run.id[:80]!r}")
    except (OSError, DataFileError) as problem:
        inspection.aside.append(file)
        where = f"{file.parent.name}/{file.name}"
        inspection.found(
            "simulation", where, f"{_reason(problem)}; it is put aside and {PLAYED_AGAIN}"
        )
        return None
    return run, Saved(file, len(content), digest(content), stamp)


def _refuse_without_trial(runs: Iterable[SimulationRun | Inline]) -> None:
    counts = Counter(run.task_id for run in runs if run.trial is None)
    for task, number in counts.items():
        if number > 1:
            raise ConfigError(
                f"{number} simulations of task {task!r} do not say which trial they are, "
                "so the run cannot be continued; save to another name (--save-to)"
            )


# --- simulations in one file ----------------------------------------------------------------------


def _inspect_inline(inspection: Inspection, path: Path) -> None:
    """Add the simulations of the single-file form.

    The journal's checksums are of the files they would be.
    """
    recorded = {entry.id: entry for entry in inspection.entries.values()}
    inspection.entries = {}
    file = results_file(path)
    entries = inspection.simulations or []
    for position, raw in enumerate(entries):
        entries[position] = None  # what was looked at is not kept twice
        where = f"{file.name} simulation {position}"
        run = _inline_run(inspection, raw, file, where, position)
        if run is not None:
            _add_inline_run(inspection, run, recorded.pop(run.id, None), where)
    for entry in recorded.values():
        inspection.found("simulation", file.name, f"{entry.id} is not in it; {PLAYED_AGAIN}")
    _refuse_without_trial(inspection.inline.values())
    _inspect_beside(inspection, path)


def _inline_run(
    inspection: Inspection, raw: JsonValue, file: Path, where: str, position: int
) -> SimulationRun | None:
    try:
        run = parse_simulation(raw, file)
        simulation_file(file.parent, run.id)
    except DataFileError as problem:
        inspection.damaged_content[f"{file.stem}-{position}.json"] = json.dumps(raw).encode()
        inspection.found(
            "simulation", where, f"{_reason(problem)}; it is put aside and {PLAYED_AGAIN}"
        )
        return None
    return run


def _add_inline_run(
    inspection: Inspection, run: SimulationRun, recorded: Stored | None, where: str
) -> None:
    content = encode_simulation(run)
    saved = Saved(Path(f"{run.id}.json"), len(content), digest(content))
    record = Stored.of(run, saved)
    if recorded is not None:
        is_changed = recorded.sha256 != saved.sha256
    else:
        # A sound journal holds every simulation, so one without a record was put into a file that
        # was changed.
        is_changed = inspection.is_journal_sound and not inspection.is_as_recorded
    if is_changed:
        inspection.damaged_content[saved.path.name] = content
        what = f"{run.id} is not as it was written; it is put aside and {PLAYED_AGAIN}"
        inspection.found("simulation", where, what)
        return
    known = inspection.entries.get(record.unit)
    if known is not None:
        better = known.rank < record.rank
        loser = known.id if better else run.id
        lost = inspection.inline.pop(known.id).content if better else content
        inspection.damaged_content[f"{loser}.json"] = lost
        what = f"{known.id} is of the same task and trial; {loser} is put aside"
        inspection.found("duplicate", where, what)
        if not better:
            return
    inspection.entries[record.unit] = record
    inspection.inline[run.id] = Inline(run.task_id, run.trial, content)


def _inspect_beside(inspection: Inspection, path: Path) -> None:
    """Add files that a crash left beside a single file.

    Raise ConfigError for those of another run.
    """
    folder = simulations_folder(path)
    beside = {name for name, _ in _files(inspection, folder)}
    strangers = sorted(beside - inspection.ids - inspection.inline.keys())
    if strangers:
        raise ConfigError(
            f"{folder} holds simulations of another run, for example {strangers[0]}.json"
        )
    inspection.leftovers += [folder / f"{name}.json" for name in beside - inspection.inline.keys()]
