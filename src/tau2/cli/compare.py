"""`tau2 compare`: is B better than A, and how sure is that?"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from tau2.cli.exit_codes import OK
from tau2.cli.parsing import CommandParser
from tau2.cli.run_paths import named_run, title_of
from tau2.errors import ConfigError
from tau2.utils.output import show, show_error, show_json
from tau2.utils.terminal_text import named

if TYPE_CHECKING:
    from tau2.metrics.comparison import Comparison

_EPILOG = """\
examples:
  tau2 compare baseline candidate
  tau2 compare baseline candidate --margin 0.02      how many trials for ±2 points?
  tau2 compare data/simulations/a b.json --json

Only simulations that both runs have a score for are compared: same task, same
trial, and, where the runs had the same seed, the same seed.

reading the table:
  difference  pass^k of B minus pass^k of A
  interval    where the difference lies, if other tasks of this kind were drawn
              (cluster bootstrap over tasks)
  p           how often a difference this large appears when A and B are equally
              good (sign flips over tasks; ties count half)"""


def add_arguments(parser: CommandParser) -> None:
    """Add the two runs and how sure the answer has to be."""
    parser.usage = "tau2 compare A B [options]"
    parser.epilog = _EPILOG
    parser.add_argument("a", metavar="A", help="a run's name or path: the baseline")
    parser.add_argument("b", metavar="B", help="a run's name or path: the candidate")
    parser.add_argument(
        "--confidence",
        type=float,
        default=0.95,
        metavar="SHARE",
        help="confidence of the intervals (default: 0.95)",
    )
    parser.add_argument(
        "--margin", type=float, default=0.03, metavar="SHARE",
        help="say how many trials bring the interval to ± this much (default: 0.03, three points)",
    )  # fmt: skip
    parser.add_argument(
        "--resamples",
        type=int,
        default=10_000,
        metavar="N",
        help="resamples of the bootstrap (default: 10000)",
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of the bootstrap (default: 0)")
    parser.add_switch(
        "--across-protocols", help="compare runs that follow different protocols, too"
    )
    parser.add_switch("--json", help="print one JSON object only")


def run(options: argparse.Namespace) -> int:
    """Compare two stored runs."""
    from tau2.metrics.comparison import compare
    from tau2.storage.on_demand import results_on_demand

    _check(options)
    path_a, path_b = named_run(options.a), named_run(options.b)
    comparison = compare(
        results_on_demand(path_a),
        results_on_demand(path_b),
        confidence=options.confidence,
        resamples=options.resamples,
        margin=options.margin,
        seed=options.seed,
        across_protocols=options.across_protocols,
    )
    if _is_same_run(path_a, path_b):
        say = show_error if options.json else show
        say(f"both are the same run, {named(title_of(path_a))}: nothing can differ")
    if options.json:
        show_json({"a": str(path_a), "b": str(path_b), **comparison.as_dict()})
    else:
        _show(comparison, title_of(path_a), title_of(path_b))
    return OK


def _is_same_run(a: Path, b: Path) -> bool:
    from tau2.storage.results import results_file

    return results_file(a).resolve() == results_file(b).resolve()


def _check(options: argparse.Namespace) -> None:
    for name, low, high in (("confidence", 0.5, 1.0), ("margin", 0.0, 1.0)):
        if not low < getattr(options, name) < high:
            raise ConfigError(
                f"--{name} is a share between {low:g} and {high:g}, not {getattr(options, name):g}"
            )
    if options.resamples < 1:
        raise ConfigError("--resamples must be at least 1")


def _show(comparison: Comparison, a: str, b: str) -> None:
    from tau2.report.terminal.comparison import comparison_view
    from tau2.report.terminal.console import terminal

    terminal().print(comparison_view(comparison, a, b))
