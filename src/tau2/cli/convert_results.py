"""`tau2 convert-results`: change a saved run between one file and a folder."""

from __future__ import annotations

import argparse
import shutil
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING

from tau2.cli.exit_codes import OK
from tau2.cli.parsing import CommandParser
from tau2.cli.run_paths import named_run
from tau2.errors import ConfigError
from tau2.utils.output import show
from tau2.utils.terminal_text import named
from tau2.utils.text import plural

if TYPE_CHECKING:
    from tau2.data_model.simulation import ResultsFormat
    from tau2.storage.inspection import Inspection

_EPILOG = """\
examples:
  tau2 convert-results first --to json
  tau2 convert-results first.json --to dir --no-backup

formats:
  json  everything in one results.json
  dir   results.json without simulations, and simulations/ID.json each

What is replaced is kept beside it with the ending .bak, unless --no-backup is given."""


def add_arguments(parser: CommandParser) -> None:
    """Add the path, the format and the backup."""
    parser.epilog = _EPILOG
    parser.add_argument(
        "path", metavar="PATH", help="a run's name, its folder, or its results file"
    )
    parser.add_argument(
        "--to", choices=("json", "dir"), default=None, help="the format wanted (default: the other)"
    )
    parser.add_switch("--no-backup", help="keep no copy of what is replaced")


def run(options: argparse.Namespace) -> int:
    """Convert a run in place. An interrupted conversion may be repeated."""
    from tau2.storage.lock import LOCK_NAME, RunLock
    from tau2.storage.results import companion

    path = named_run(options.path)
    with RunLock(companion(path, LOCK_NAME)):
        return _convert(path, options.to, keep=not options.no_backup)


def _convert(path: Path, to: ResultsFormat | None, *, keep: bool) -> int:
    from tau2.storage.inspection import inspect_run
    from tau2.storage.on_demand import results_on_demand
    from tau2.storage.repair import rewrite_journal
    from tau2.storage.results import results_file, simulations_folder

    file = results_file(path)
    folder = simulations_folder(path)
    results = results_on_demand(path)
    inspection = inspect_run(path)
    _refuse_damage(path, inspection)
    inline = bool(inspection.simulations)
    current = "json" if inline or not (results.simulations or folder.is_dir()) else "dir"
    wanted: ResultsFormat = to or ("dir" if current == "json" else "json")
    if current == wanted:
        show(f"{named(file)} is in the {wanted} format already")
        return OK
    if keep:
        shutil.copy2(file, _free(file))
    results.save(path, wanted)
    if inspection.opened is not None:
        rewrite_journal(path, results, wanted, inspection.opened)
    if wanted == "json" and folder.is_dir():
        if keep:
            folder.rename(_free(folder))
        else:
            shutil.rmtree(folder)
    target = file if wanted == "json" else folder
    show(f"wrote {plural(len(results.simulations), 'simulation')} to {named(target)}")
    return OK


def _refuse_damage(path: Path, inspection: Inspection) -> None:
    """Raise ConfigError rather than make damaged content look sound."""
    damage = [str(one) for one in inspection.damage if one.kind in {"simulation", "results"}]
    if damage:
        lines = "\n".join(f"  {line}" for line in damage)
        raise ConfigError(
            f"{path} is damaged; continue the run (--auto-resume) to repair it:\n{lines}"
        )


def _free(path: Path) -> Path:
    """Return a name with the ending .bak that is not taken."""
    first = path.with_name(f"{path.name}.bak")
    others = (path.with_name(f"{path.name}.bak{number}") for number in count(2))
    return next(candidate for candidate in chain([first], others) if not candidate.exists())
