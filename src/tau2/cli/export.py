"""`tau2 export`: runs as tables of simulations and messages, or as conversations to imitate."""

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
    from collections.abc import Sequence

_SFT = "sft"
_EPILOG = """\
examples:
  tau2 export first                       first-export/simulations.jsonl, messages.jsonl
  tau2 export first second --to parquet -o tables     needs the extra `parquet`
  tau2 export first --to csv

Each table has a row per simulation, or per message; lists and objects are JSON in a
text column. Text that looks like a credential is taken out. In CSV, text that a
spreadsheet would take for a formula begins with an apostrophe.

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
        "tau2 export RUN [RUN ...] [--to jsonl|csv|parquet] [-o DIR]\n"
        "       tau2 export sft [RUN ... | --domain NAME] [--to jsonl|parquet] [-o FILE]"
    )
    parser.epilog = _EPILOG
    parser.set_defaults(output=None)
    parser.add_argument(
        "runs", metavar="RUN", nargs="+", help="a run's name or path; or first `sft`"
    )
    parser.add_argument(
        "--to",
        choices=("jsonl", "csv", "parquet"),
        default="jsonl",
        help="form of the tables (default: jsonl)",
    )
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="DIR",
        help="folder of the tables (default: NAME-export in this folder); file of sft",
    )
    parser.add_switch("--json", help="print one JSON object only")
    export_sft.add_arguments(parser)


def run(options: argparse.Namespace) -> int:
    """Write the tables and say what is in them."""
    if options.runs[0] == _SFT:
        return export_sft.run(options.runs[1:], options)
    if given := [name for name in export_sft.OPTIONS if name in vars(options)]:
        raise ConfigError(f"--{given[0].replace('_', '-')} belongs to `tau2 export sft`")
    from tau2.report.export import export
    from tau2.storage.results import Results

    paths = [named_run(name) for name in options.runs]
    names = run_names(paths)
    runs = [(name, Results.load(path)) for name, path in zip(names, paths, strict=True)]
    folder = options.output or Path(f"{names[0].removesuffix('.json')}-export")
    written = export(runs, folder, options.to)
    if options.json:
        files = [{"file": str(file), "rows": number} for file, number in written.items()]
        show_json({"files": files}, indent=None)
    else:
        for file, number in written.items():
            show(f"wrote {named(file)}: {plural(number, 'row')}")
    return OK


def run_names(paths: Sequence[Path]) -> list[str]:
    """Return a short name for each run; where two are the same, the path tells them apart."""
    short = [Path(title_of(path)).name for path in paths]
    return [
        name if short.count(name) == 1 else str(path)
        for name, path in zip(short, paths, strict=True)
    ]
