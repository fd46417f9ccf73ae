"""Stored runs named on the command line: by a name below the simulations folder, or by a path."""

from __future__ import annotations

from pathlib import Path

from tau2.errors import ConfigError, UnknownName


def named_run(name: str, folder: Path | None = None) -> Path:
    """Return the folder or results file that `name` means.

    Raises:
        UnknownName: nothing of that name is in `folder` (default: where runs are saved) or on disk.
        ConfigError: something is there, but no results.
    """
    from tau2 import config
    from tau2.storage.results import RESULTS_NAME
    from tau2.storage.stored_runs import find_runs

    runs = folder if folder is not None else config.simulations_dir()
    for candidate in (runs / name, Path(name)):
        if candidate.exists():
            return existing(candidate)
    names = [
        file.parent.name if file.name == RESULTS_NAME else file.name for file in find_runs(runs)
    ]
    raise UnknownName(f"run in {runs}", name, names)


def existing(path: Path) -> Path:
    """Return `path`. Raise ConfigError when no results lie there."""
    from tau2.storage.results import results_file

    if not results_file(path).is_file():
        raise ConfigError(f"{path}: there are no results")
    return path


def copy_in(folder: Path, path: Path) -> Path:
    """Return the results file for a changed copy of the run at `path` in `folder`."""
    from tau2.storage.results import RESULTS_NAME

    return folder / Path(title_of(path)).name.removesuffix(".json") / RESULTS_NAME


def title_of(path: Path) -> str:
    """Return a short name for a run: its folder's, or its file's."""
    from tau2.report.terminal.console import save_name
    from tau2.storage.results import RESULTS_NAME, results_file

    file = results_file(path)
    return save_name(file.parent if file.name == RESULTS_NAME else file)
