"""`tau2 leaderboard`: stored runs, ranked."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from tau2.cli.exit_codes import OK
from tau2.cli.parsing import CommandParser
from tau2.errors import ConfigError
from tau2.utils.output import show_error, show_json
from tau2.utils.terminal_text import indented

if TYPE_CHECKING:
    from tau2.submission.leaderboard import Board

_EPILOG = """\
examples:
  tau2 leaderboard
  tau2 leaderboard -d retail -m pass_4 -n 10
  tau2 leaderboard --dir results-of-may --dir results-of-june --json

A run is ranked among the runs of its domain. `counted` is how many of its simulations
say something about the agent; the interval is that of the ranking metric (cluster
bootstrap over tasks). Runs whose intervals overlap may be equally good: `tau2 compare`
tests the difference."""


def add_arguments(parser: CommandParser) -> None:
    """Add the folders, the domain, the metric and the limit."""
    from tau2.submission.leaderboard import METRICS

    parser.epilog = _EPILOG
    parser.set_defaults(dir=None, domain=None, limit=None)
    parser.add_argument("-d", "--domain", metavar="NAME", help="only this domain")
    parser.add_argument(
        "-m",
        "--metric",
        choices=METRICS,
        default="pass_1",
        help="figure to rank by (default: pass_1)",
    )
    parser.add_argument(
        "-n", "--limit", type=int, metavar="N", help="show the first N of each domain"
    )
    parser.add_argument(
        "--dir", type=Path, action="append", metavar="DIR",
        help="folder of runs; may be given several times (default: where runs are saved)",
    )  # fmt: skip
    parser.add_switch("--json", help="print one JSON object only")


def run(options: argparse.Namespace) -> int:
    """Rank the runs of every domain."""
    from tau2 import config
    from tau2.submission.leaderboard import boards, stored_standings

    if options.limit is not None and options.limit < 1:
        raise ConfigError(f"--limit must be at least 1, not {options.limit}")
    folders = options.dir or [config.simulations_dir()]
    standings, problems = stored_standings(folders, options.domain)
    for problem in problems:
        show_error(f"left out: {indented(problem)}")
    found = boards(standings, options.metric, options.limit)
    if options.json:
        show_json({"boards": [board.as_dict() for board in found]})
        return OK
    if not found:
        whose = f" of domain {options.domain!r}" if options.domain else ""
        raise ConfigError(f"there are no runs{whose} in {', '.join(map(str, folders))}")
    _show(found)
    return OK


def _show(found: list[Board]) -> None:
    from rich.text import Text

    from tau2.report.terminal.console import terminal
    from tau2.submission.leaderboard import board_view

    console = terminal()
    for place, board in enumerate(found):
        console.print(*([Text("")] if place else []), board_view(board))
