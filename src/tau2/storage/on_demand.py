"""Stored runs without their conversations: each is read when it is used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tau2.data_model.outline import Outline
from tau2.data_model.simulation import SimulationRun
from tau2.storage.files import stamp_of
from tau2.storage.inspection import is_untouched
from tau2.storage.journal import Stored, read_journal
from tau2.storage.results import (
    Results,
    journal_file,
    load_metadata,
    load_results,
    load_simulation,
    simulations_folder,
)
from tau2.storage.stored_simulations import Shelf, StoredSimulations


@dataclass(frozen=True, slots=True)
class _Unrecorded:
    """A simulation whose file is not as its record says, or that has none: it is read."""

    id: str
    sha256: str = ""
    outline: Outline | None = None


def results_on_demand(path: Path) -> Results:
    """Return stored results whose simulations are read when they are used.

    They are those of `Results.load`, and outlines come from the journal, where the files are as it
    says. A run that has no index, or that is one file, is read whole. Raise DataFileError.
    """
    results = load_metadata(path)
    folder = simulations_folder(path)
    if results.simulation_index is None or not folder.is_dir():
        return load_results(path)
    records, written = _records(path)
    found = {file.stem: file for file in folder.glob("*.json")}
    items: list[Stored | _Unrecorded] = []
    for entry in results.simulation_index:
        file, record = found.get(entry.id), records.get(entry.id)
        if file is None:
            return load_results(path)  # which says what is missing
        is_as_recorded = record is not None and is_untouched(record, stamp_of(file.stat()), written)
        items.append(record if is_as_recorded and record is not None else _Unrecorded(entry.id))
    if len(found) != len(items):
        return load_results(path)  # which says what is not listed
    runs = StoredSimulations(items, Shelf(partial(_read, folder)))
    return results.model_copy(update={"simulations": runs})


def _records(path: Path) -> tuple[Mapping[str, Stored], int]:
    """Return the records of a journal by id, and when it was last written, in nanoseconds."""
    file = journal_file(path)
    content = read_journal(file)
    if content is None or content.problems:
        return {}, 0
    records = {record.id: record for record in content.records if isinstance(record, Stored)}
    return records, file.stat().st_mtime_ns


def _read(folder: Path, item: Stored | _Unrecorded) -> SimulationRun:
    return load_simulation(folder, item.id)
