"""Stored runs named on the command line: by a name below the simulations folder, or by a path.

The beginning of a name will do where one run has it, and `latest` is the newest run.
"""

from __future__ import annotations

from pathlib import Path

from tau2.errors import ConfigError, UnknownName
from tau2.utils.text import first_of

LATEST = "latest"
"""Names the newest run, unless one has that very name."""
_MOST_NAMED = 10


def named_run(name: str, folder: Path | None = None) -> Path:
    """Return the folder or results file that `name` means.

    Raises:
        UnknownName: no run in `folder` (default: where runs are saved) has that name or one that
            begins so, and nothing of that name is on disk.
        ConfigError: something is there, but no results; or several runs have names that begin so.
    """
    from tau2 import config
    from tau2.storage.stored_runs import find_runs

    runs = folder if folder is not None else config.simulations_dir()
    if name:
        for candidate in (runs / name, Path(name)):
            if candidate.exists():
                return existing(candidate)
    stored = {_name_of(file): file for file in find_runs(runs)}
    begun = [found for found in stored if name and found.startswith(name)]
    if name == LATEST and stored:
        begun = [next(iter(stored))]
    if not begun:
        raise UnknownName(f"run in {runs}", name, list(stored))
    if len(begun) > 1:
        raise ConfigError(
            f"several runs in {runs} have names that begin with {name!r}: "
            f"{first_of(begun, _MOST_NAMED)}"
        )
    file = stored[begun[0]]
    return file if file.name == begun[0] else file.parent


def _name_of(file: Path) -> str:
    """Return the name of the run that a results file is of."""
    from tau2.storage.results import RESULTS_NAME

    return file.parent.name if file.name == RESULTS_NAME else file.name


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
