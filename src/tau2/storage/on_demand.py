"""Stored runs without their conversations: each is read when it is used."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path
from typing import Any

from tau2.data_model.outline import Outline
from tau2.data_model.simulation import SimulationRun
from tau2.errors import DataFileError
from tau2.storage.files import stamp_of
from tau2.storage.inspection import is_untouched
from tau2.storage.journal import Stored, read_journal
from tau2.storage.results import (
    Results,
    collector_paused,
    decode_simulation,
    journal_file,
    load_metadata,
    load_results,
    load_simulation,
    order_of,
    results_file,
    simulation_in,
    simulations_folder,
    warn_of_missing,
)
from tau2.storage.single_file import Place, single_file
from tau2.storage.stored_simulations import Shelf, StoredSimulations


@dataclass(frozen=True, slots=True)
class _Unrecorded:
    """A simulation whose file is not as its record says, or that has none."""

    id: str
    outline: Outline | None = None
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class _InSingleFile:
    """A simulation in a file that holds them all."""

    id: str
    place: Place
    outline: Outline | None = None
    sha256: str = ""


def results_on_demand(path: Path) -> Results:
    """Return stored results whose simulations are read when they are used.

    They are those of `Results.load`, and outlines come from the journal, where the files are as it
    says; else each simulation is read once, for its outline. A single file in a form that nobody
    writes is read whole. Raise DataFileError.
    """
    results = load_metadata(path)
    if not simulations_folder(path).is_dir() or single_file(results_file(path)) is not None:
        return of_single_file(path, results)
    with collector_paused():
        if results.simulation_index is None:
            return _of_run_in_progress(path, results)
        return _of_indexed(path, results)


def _with(results: Results, items: Iterable[Any], shelf: Shelf) -> Results:
    return results.model_copy(update={"simulations": StoredSimulations(items, shelf)})


def of_single_file(
    path: Path, results: Results, outlines: Iterable[Outline | None] = repeat(None)
) -> Results:
    """Return what one file holds.

    Args:
        path: The file.
        results: What the run was, without simulations.
        outlines: Of the simulations, in their order, where they are known.
    """
    file = results_file(path)
    parts = single_file(file)
    if parts is None:
        return load_results(path)
    # Where it lies names a simulation: ids may be used twice in files of others.
    items = [
        _InSingleFile(str(place.start), place, outline)
        for place, outline in zip(parts.places, outlines, strict=False)
    ]

    def read(item: _InSingleFile) -> SimulationRun:
        return simulation_in(parts, item.place, file)

    return _with(results, items, Shelf(read))


def _of_indexed(path: Path, results: Results) -> Results:
    """Return what the index lists."""
    folder = simulations_folder(path)
    known = _recorded(path)
    there = {file.stem for file in folder.glob("*.json")}
    items: list[Stored | _Unrecorded] = []
    for entry in results.simulation_index or ():
        if entry.id not in there:
            return load_results(path)  # which says what is missing
        items.append(known.get(entry.id) or _Unrecorded(entry.id))
    if len(there) != len(items):
        return load_results(path)  # which says what is not listed
    return _with(results, items, _shelf(folder))


def _of_run_in_progress(path: Path, results: Results) -> Results:
    """Return every unit once, as `load_results` does: a scored simulation, else the earliest."""
    folder = simulations_folder(path)
    known = _recorded(path)
    attempts: dict[object, list[tuple[Outline, Stored | _Unrecorded]]] = {}
    for file in sorted(folder.glob("*.json")):
        found = _with_outline(file, known.get(file.stem))
        if found is not None:
            outline = found[0]
            unit = (outline.task_id, outline.trial, outline.seed)
            attempts.setdefault(outline.id if outline.trial is None else unit, []).append(found)
    shelf = _shelf(folder)

    def worth(attempt: tuple[Outline, Stored | _Unrecorded]) -> tuple[bool, str, str]:
        run = shelf.read(attempt[1])
        return not run.is_scored, run.timestamp, run.id

    counting = [some[0] if len(some) == 1 else min(some, key=worth) for some in attempts.values()]
    order = order_of(results)
    counting.sort(key=lambda attempt: order(attempt[0]))
    run = _with(results, [item for _, item in counting], shelf)
    warn_of_missing(run, results_file(path))
    return run


def _with_outline(file: Path, record: Stored | None) -> tuple[Outline, Stored | _Unrecorded] | None:
    """Return the outline of a simulation, and what it is read by; None when its file has gone."""
    if record is not None and record.outline is not None:
        return record.outline, record
    try:
        content = file.read_bytes()
    except FileNotFoundError:  # a failed attempt whose outcome was stored meanwhile
        return None
    except OSError as problem:
        reason = problem.strerror or problem
        raise DataFileError(f"{file}: cannot be read ({reason})") from problem
    outline = Outline.of(decode_simulation(content, file))
    return outline, _Unrecorded(file.stem, outline)


def _recorded(path: Path) -> Mapping[str, Stored]:
    """Return the records of files that are as their records say, by id."""
    file = journal_file(path)
    content = read_journal(file)
    folder = simulations_folder(path)
    if content is None or content.problems:
        return {}
    written = file.stat().st_mtime_ns
    records = {record.id: record for record in content.records if isinstance(record, Stored)}
    known = {}
    with os.scandir(folder) as files:
        for found in files:
            record = records.get(found.name.removesuffix(".json"))
            if record is not None and is_untouched(record, stamp_of(found.stat()), written):
                known[record.id] = record
    return known


def _shelf(folder: Path) -> Shelf:
    def read(item: Stored | _Unrecorded) -> SimulationRun:
        return load_simulation(folder, item.id)

    return Shelf(read)
