"""Which runs lie in a folder."""

from __future__ import annotations

import stat
from dataclasses import dataclass
from pathlib import Path

from tau2.errors import DataFileError
from tau2.storage.results import RESULTS_NAME, Results, load_metadata, simulations_folder


@dataclass(frozen=True, slots=True)
class StoredRun:
    """A run on disk, without its simulations."""

    name: str
    path: Path
    results: Results | None
    """Everything but the simulations; None when the file cannot be read."""
    problem: str | None = None

    def count(self) -> tuple[int | None, int]:
        """Return how many simulations there are, and how many there will be.

        None where the file does not list them, and they are in no folder of their own.
        """
        assert self.results is not None, "a run that cannot be read has no simulations"
        total = len(self.results.tasks) * self.results.info.num_trials
        index = self.results.simulation_index
        if index is not None:
            return len(index), total
        folder = simulations_folder(self.path)
        return (sum(1 for _ in folder.glob("*.json")) if folder.is_dir() else None), total


def find_runs(folder: Path) -> list[Path]:
    """Return the results files of the runs in a folder, newest first."""
    if not folder.is_dir():
        return []
    files = [
        *folder.glob(f"*/{RESULTS_NAME}"),
        *(file for file in folder.glob("*.json") if file.name[0] != "."),
    ]
    changed = {file: at for file in files if (at := _changed_at(file)) is not None}
    return sorted(changed, key=lambda file: (-changed[file], file.name))


def _changed_at(file: Path) -> float | None:
    """Return when a file changed last; None for a pipe, a broken link, or one that has gone."""
    try:
        status = file.stat()
    except OSError:
        return None
    is_read = stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)
    return status.st_mtime if is_read else None


def read_run(file: Path) -> StoredRun:
    """Return what a results file says of its run; one that cannot be read has a `problem`."""
    name = file.parent.name if file.name == RESULTS_NAME else file.name
    try:
        return StoredRun(name, file, load_metadata(file))
    except DataFileError as problem:
        return StoredRun(name, file, None, str(problem))
