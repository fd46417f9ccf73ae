"""What of a run lies on the disk: which simulations are whole, and what is damaged. Looking changes nothing."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tau2.data_model.simulation import SimulationRun, Unit
from tau2.errors import ConfigError, DataFileError
from tau2.storage.files import PART
from tau2.storage.journal import (
    FAILED,
    GRADED,
    Dropped,
    Opened,
    Reading,
    Stored,
    rank_of,
    read_journal,
)
from tau2.storage.results import (
    Content,
    Saved,
    content_of,
    decode_results,
    decode_simulation,
    digest,
    encode_simulation,
    journal_file,
    parse_simulation,
    results_file,
    simulation_file,
    simulations_folder,
)

_READ_AT_ONCE = (
    1 << 28
)  # bytes; a run with more of them is checked simulation by simulation as they are read

_OBJECT = re.compile(r'\n    (?=\{\n      "id": )')
"""Where a task or a simulation begins, as `encode_results` lays a single file out."""

REPLAYED = "its unit is played again"


@dataclass(frozen=True, slots=True)
class Damage:
    """One thing that was not as it was written."""

    kind: str
    """`journal`, `results`, `simulation`, `unlisted` (a sound simulation without its line) or `duplicate`."""
    where: str
    """The file, and the place in it where one is known."""
    what: str
    """What is wrong, and what was done about it."""

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


@dataclass(slots=True)
class Inspection:
    """A stored run as it was found."""

    content: Content | None = None
    """The results file; None when it cannot be read."""
    simulations: list[Any] | None = None
    """The simulations of the single-file form, not looked at yet; None for a folder."""
    results_digest: str = ""
    """SHA-256 of the results file; empty when there is none."""
    is_as_recorded: bool = True
    """Whether the results file is one that the journal knows."""
    is_journal_sound: bool = True
    opened: Opened | None = None
    """The latest record of what the run is."""
    sequence: int = 0
    """How many records the journal holds."""
    must_rewrite: bool = False
    """Whether the journal cannot simply be continued."""
    entries: dict[Unit, Stored] = field(default_factory=dict)
    earlier: dict[str, Stored] = field(default_factory=dict)
    """By id: the record before the latest, for a crash between a record and the file it announces."""
    gone: set[str] = field(default_factory=set)
    """Ids that other attempts replaced."""
    ids: set[str] = field(default_factory=set)
    """Every id that the journal speaks of."""
    inline: dict[str, SimulationRun] = field(default_factory=dict)
    """Sound simulations of the single-file form."""
    aside: list[Path] = field(default_factory=list)
    """Files to be put aside, never deleted."""
    scraps: dict[str, bytes] = field(default_factory=dict)
    """Damaged content to be put aside under these names, of files that are written anew."""
    leftovers: list[Path] = field(default_factory=list)
    """Files that only a crash left there."""
    damage: list[Damage] = field(default_factory=list)

    def found(self, kind: str, where: str, what: str) -> None:
        """Name a damage; the journal must then be written anew."""
        self.damage.append(Damage(kind, where, what))
        self.must_rewrite = True


def inspect_run(path: Path) -> Inspection:
    """Look at a stored run. Raise DataFileError when nothing says what the run is."""
    inspection = Inspection()
    _read_results(inspection, path, _read_records(inspection, path))
    if inspection.simulations is not None:
        _take_inline(inspection, path)
    else:
        _take_folder(inspection, path)
    return inspection


# --- the journal and the results file -------------------------------------------------------------------------------


def _read_records(inspection: Inspection, path: Path) -> list[str]:
    """Note what the journal says; return the two latest digests of the results file."""
    file = journal_file(path)
    reading = read_journal(file)
    if reading is None:
        inspection.found("journal", file.name, "there is none; it is written anew from the files")
        reading = Reading([], [])
    for where, problem in reading.problems:
        inspection.found("journal", where, f"{problem}; the journal is put aside and written anew")
    inspection.is_journal_sound = not reading.problems
    if reading.problems:
        inspection.scraps[file.name] = file.read_bytes()
    inspection.sequence = len(reading.records)
    digests = []
    for record in reading.records:
        if isinstance(record, Stored):
            _note(inspection, record)
        elif isinstance(record, Dropped):
            inspection.entries = {
                unit: entry for unit, entry in inspection.entries.items() if entry.id != record.id
            }
        else:
            digests.append(record.results)
            inspection.opened = record if isinstance(record, Opened) else inspection.opened
    return digests[
        -2:
    ]  # a record is written before its file, so after a crash the file may be the one before


def _note(inspection: Inspection, record: Stored) -> None:
    """Enter what is stored: the better outcome of a unit, and of two graded ones the first."""
    inspection.ids.add(record.id)
    known = inspection.entries.get(record.unit)
    if known is not None and known.id == record.id:
        inspection.earlier[record.id] = known
    elif known is not None:
        if record.replaces != known.id and (record.rank < known.rank or known.rank == GRADED):
            return
        inspection.gone.add(known.id)
    inspection.gone.discard(record.id)
    inspection.entries[record.unit] = record


def _read_results(inspection: Inspection, path: Path, digests: list[str]) -> None:
    file = results_file(path)
    try:
        content = file.read_bytes()
        inspection.results_digest = digest(content)
        inspection.is_as_recorded = not digests or inspection.results_digest in digests
        inspection.content = decode_results(content, file)
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
        inspection.found(
            "results",
            file.name,
            "it is not as it was written; what the journal knows of the run counts",
        )
    if inspection.results_digest:
        inspection.scraps[f"{file.name}.damaged"] = (
            content  # not a name under which runs are looked for
        )
        if inspection.simulations is None and not simulations_folder(path).is_dir():
            inspection.simulations = salvaged(content)


def salvaged(content: bytes) -> list[Any] | None:
    """Return the simulations that can still be read in a broken single file; None when it holds none."""
    found = []
    for piece in _OBJECT.split(content.decode("utf-8", "replace")):
        with suppress(ValueError, RecursionError):  # the broken one; the journal says which it was
            raw, _ = json.JSONDecoder().raw_decode(piece)
            found += [raw] if isinstance(raw, dict) and "start_time" in raw else []
    return found or None


def _reason(problem: Exception) -> str:
    if isinstance(problem, OSError):
        return f"cannot be read ({problem.strerror})"
    return str(problem).partition(": ")[2] or str(problem)


# --- simulations in files -------------------------------------------------------------------------------------------


def _take_folder(inspection: Inspection, path: Path) -> None:
    folder = simulations_folder(path)
    sizes = dict(_sizes(inspection, folder))
    for name in inspection.gone & sizes.keys():
        inspection.leftovers.append(folder / f"{name}.json")
        del sizes[name]
    read = sum(sizes.values()) <= _READ_AT_ONCE
    for unit, entry in list(inspection.entries.items()):
        size = sizes.pop(entry.id, None)
        problem = _problem(entry, size, folder, read=read)
        before = inspection.earlier.get(entry.id) if problem is not None else None
        if before is not None and _problem(before, size, folder, read=True) is None:
            inspection.entries[unit], inspection.must_rewrite = before, True
        elif problem is not None:
            _give_up(inspection, unit, folder, problem, exists=size is not None)
    _adopt(inspection, [folder / f"{name}.json" for name in sizes])


def _sizes(inspection: Inspection, folder: Path) -> Iterator[tuple[str, int]]:
    """Yield name and size of every simulation file; note what a crash left half written."""
    if not folder.is_dir():
        return
    with os.scandir(folder) as files:
        for file in files:
            if file.name.endswith(PART):
                inspection.leftovers.append(Path(file.path))
            elif file.name.endswith(".json") and file.is_file():
                yield file.name.removesuffix(".json"), file.stat().st_size


def _problem(entry: Stored, size: int | None, folder: Path, *, read: bool) -> str | None:
    """Return what is wrong with the file of an entry."""
    if size is None:
        return "it is missing"
    if size != entry.size:
        return f"it has {size} bytes, where {entry.size} were written"
    return damage_of(folder / f"{entry.id}.json", entry) if read else None


def damage_of(file: Path, entry: Stored) -> str | None:
    """Read a simulation's file and return what is wrong with it."""
    try:
        return (
            None
            if digest(file.read_bytes()) == entry.sha256
            else "its content is not as it was written"
        )
    except OSError as problem:
        return _reason(problem)


def _give_up(
    inspection: Inspection, unit: Unit, folder: Path, problem: str, *, exists: bool
) -> None:
    entry = inspection.entries.pop(unit)
    file = folder / f"{entry.id}.json"
    what = f"{problem}; {'it is put aside and ' if exists else ''}{REPLAYED}"
    inspection.found("simulation", f"{folder.name}/{file.name}", what)
    if exists:
        inspection.aside.append(file)


def _adopt(inspection: Inspection, files: list[Path]) -> None:
    """Take sound simulations that no line speaks of; when a unit has several, the better one, then the earlier."""
    found = [(run, saved) for file in sorted(files) for run, saved in _sound(inspection, file)]
    _refuse_nameless(run for run, _ in found)
    found.sort(key=lambda pair: (-rank_of(pair[0]), pair[0].timestamp, pair[0].id))
    for run, saved in found:
        record, file = Stored.of(run, saved), saved.path
        where = f"{file.parent.name}/{file.name}"
        known = inspection.entries.get(record.unit)
        if known is not None and known.rank >= record.rank:
            inspection.aside.append(file)
            inspection.found(
                "duplicate",
                where,
                f"{known.id} is of the same task and trial; this one is put aside",
            )
            continue
        inspection.entries[record.unit] = record
        if known is not None:
            _replace(inspection, known, file.with_name(f"{known.id}.json"))
        if inspection.sequence:  # without a journal no file has a line
            inspection.found(
                "unlisted", where, "the journal has no line of it; it is whole, and is taken"
            )


def _replace(inspection: Inspection, known: Stored, file: Path) -> None:
    """Let go of a lesser attempt: a failed one has served, a conversation is kept."""
    (inspection.leftovers if known.rank == FAILED else inspection.aside).append(file)


def _sound(inspection: Inspection, file: Path) -> Iterator[tuple[SimulationRun, Saved]]:
    try:
        content = file.read_bytes()
        run = decode_simulation(content, file)
        if run.id != file.stem:
            raise DataFileError(f"{file}: id: it holds {run.id[:80]!r}")
    except (OSError, DataFileError) as problem:
        inspection.aside.append(file)
        where = f"{file.parent.name}/{file.name}"
        inspection.found("simulation", where, f"{_reason(problem)}; it is put aside and {REPLAYED}")
        return
    yield run, Saved(file, len(content), digest(content))


def _refuse_nameless(runs: Iterator[SimulationRun]) -> None:
    counts = Counter(run.task_id for run in runs if run.trial is None)
    for task, number in counts.items():
        if number > 1:
            raise ConfigError(
                f"{number} simulations of task {task!r} do not say which trial they are, so the run cannot be "
                "continued; save to another name (--save-to)"
            )


# --- simulations in one file ----------------------------------------------------------------------------------------


def _take_inline(inspection: Inspection, path: Path) -> None:
    """Take the simulations of the single-file form; the journal's checksums are of the files they would be."""
    recorded = {entry.id: entry for entry in inspection.entries.values()}
    inspection.entries, file = {}, results_file(path)
    for position, raw in enumerate(inspection.simulations or ()):
        where = f"{file.name} simulation {position}"
        run = _inline_run(inspection, raw, file, where, position)
        if run is not None:
            _take_inline_run(inspection, run, recorded.pop(run.id, None), where)
    for entry in recorded.values():
        inspection.found("simulation", file.name, f"{entry.id} is not in it; {REPLAYED}")
    _refuse_nameless(iter(inspection.inline.values()))
    _look_beside(inspection, path)


def _inline_run(
    inspection: Inspection, raw: Any, file: Path, where: str, position: int
) -> SimulationRun | None:
    try:
        run = parse_simulation(raw, file)
        simulation_file(file.parent, run.id)
    except DataFileError as problem:
        inspection.scraps[f"{file.stem}-{position}.json"] = json.dumps(raw).encode()
        inspection.found("simulation", where, f"{_reason(problem)}; it is put aside and {REPLAYED}")
        return None
    return run


def _take_inline_run(
    inspection: Inspection, run: SimulationRun, recorded: Stored | None, where: str
) -> None:
    saved = content_of(run)
    record = Stored.of(run, saved)
    # one that a sound journal does not know is believed only in a file that is as it was written
    unknown = not inspection.is_as_recorded and inspection.is_journal_sound
    if unknown if recorded is None else recorded.sha256 != saved.sha256:
        inspection.scraps[saved.path.name] = encode_simulation(run)
        inspection.found(
            "simulation",
            where,
            f"{run.id} is not as it was written; it is put aside and {REPLAYED}",
        )
        return
    known = inspection.entries.get(record.unit)
    if known is not None:
        better = known.rank < record.rank
        loser = inspection.inline.pop(known.id) if better else run
        inspection.scraps[f"{loser.id}.json"] = encode_simulation(loser)
        inspection.found(
            "duplicate", where, f"{known.id} is of the same task and trial; {loser.id} is put aside"
        )
        if not better:
            return
    inspection.entries[record.unit], inspection.inline[run.id] = record, run


def _look_beside(inspection: Inspection, path: Path) -> None:
    """Note files that a crash left beside a single file. Raise ConfigError when they are somebody else's."""
    folder = simulations_folder(path)
    beside = {name for name, _ in _sizes(inspection, folder)}
    strangers = sorted(beside - inspection.ids - inspection.inline.keys())
    if strangers:
        raise ConfigError(
            f"{folder} holds simulations of another run, for example {strangers[0]}.json"
        )
    inspection.leftovers += [folder / f"{name}.json" for name in beside - inspection.inline.keys()]
