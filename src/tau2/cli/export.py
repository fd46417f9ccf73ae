"""`tau2 export`: runs as tables, in formats of other tools, or as conversations to imitate."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from tau2.cli import export_sft
from tau2.cli.exit_codes import OK
from tau2.cli.parsing import CommandParser
from tau2.cli.run_paths import named_run, title_of
from tau2.errors import ConfigError
from tau2.utils.output import show, show_json
from tau2.utils.terminal_text import named
from tau2.utils.text import plural

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tau2.report.export import ExportFormat
    from tau2.report.formats import ExchangeFormat

_SFT = "sft"
_TABLES = ("jsonl", "csv", "parquet")
_EXCHANGE = ("atif", "inspect", "hf")
_COUNTS_SIMULATIONS = ("atif", "inspect")
_EPILOG = """\
examples:
  tau2 export first                       first-export/simulations.jsonl, messages.jsonl
  tau2 export first second --to parquet -o tables     needs the extra `parquet`
  tau2 export first --to csv
  tau2 export first --to atif             first-export/first/SIMULATION.json, one each

Each table has a row per simulation, or per message; lists and objects are JSON in a
text column. Text that looks like a credential is taken out. In CSV, text that a
spreadsheet would take for a formula begins with an apostrophe.

formats of other tools (read bit by bit: runs may be large)
  atif     Agent Trajectory Interchange Format: a JSON file for each simulation
  inspect  logs of Inspect: RUN.eval for each run
  hf       a data set for Hugging Face: README.md and JSON lines in data/

conversations for supervised fine-tuning, from reference episodes or from runs
  tau2 export sft --domain mock --n 200 --seed 7           sft.jsonl
  tau2 export sft --domain retail --trials 3 --to parquet
  tau2 export sft first second --min-reward 1 --tokenizer path/to/model.gguf

Each line is one conversation as a local model plays it: `messages` with the weight 1
on turns to imitate; with --tokenizer also `tokens` and `loss_mask`. Tasks of test
splits and of held-out kinds are refused. A run called sft is named by its path."""


def add_arguments(parser: CommandParser) -> None:
    """Add the runs, the form and the folder."""
    parser.usage = (
        "tau2 export RUN [RUN ...] [--to FORM] [-o DIR]\n"
        "       tau2 export sft [RUN ... | --domain NAME] [--to jsonl|parquet] [-o FILE]"
    )
    parser.epilog = _EPILOG
    parser.set_defaults(output=None)
    parser.add_argument(
        "runs", metavar="RUN", nargs="+", help="a run's name or path; or first `sft`"
    )
    parser.add_argument(
        "--to",
        choices=(*_TABLES, *_EXCHANGE),
        default="jsonl",
        help="tables as jsonl (default), csv or parquet; or a format of other tools",
    )
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="DIR",
        help="folder to write to (default: NAME-export in this folder); file of sft",
    )
    parser.add_switch("--json", help="print one JSON object only")
    export_sft.add_arguments(parser)


def run(options: argparse.Namespace) -> int:
    """Write the tables and say what is in them."""
    if options.runs[0] == _SFT:
        return export_sft.run(options.runs[1:], options)
    if given := [name for name in export_sft.OPTIONS if name in vars(options)]:
        raise ConfigError(f"--{given[0].replace('_', '-')} belongs to `tau2 export sft`")
    paths = [named_run(name) for name in options.runs]
    names = run_names(paths)
    folder = options.output or Path(f"{names[0].removesuffix('.json')}-export")
    write = _write_exchange if options.to in _EXCHANGE else _write_tables
    written = write(dict(zip(names, paths, strict=True)), folder, options.to)
    counted = "simulations" if options.to in _COUNTS_SIMULATIONS else "rows"
    if options.json:
        files = [{"file": str(file), counted: number} for file, number in written.items()]
        show_json({"files": files}, indent=None)
    else:
        for file, number in written.items():
            show(f"wrote {named(file)}: {plural(number, counted.removesuffix('s'))}")
    return OK


def _write_tables(paths: Mapping[str, Path], folder: Path, form: ExportFormat) -> dict[Path, int]:
    from tau2.report.export import export
    from tau2.storage.on_demand import results_on_demand

    runs = [(name, results_on_demand(path)) for name, path in paths.items()]
    return export(runs, folder, form)


def _write_exchange(
    paths: Mapping[str, Path], folder: Path, form: ExchangeFormat
) -> dict[Path, int]:
    from tau2.report.formats import ExportedRun, export_as

    return export_as(form, [ExportedRun(name, path) for name, path in paths.items()], folder)


def run_names(paths: Sequence[Path]) -> list[str]:
    """Return a short name for each run; where two are the same, the path tells them apart."""
    short = [Path(title_of(path)).name for path in paths]
    return [
        name if short.count(name) == 1 else str(path)
        for name, path in zip(short, paths, strict=True)
    ]
