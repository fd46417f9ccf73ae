"""`tau2 replay`: play a recorded run again, offline, and find where it diverges."""

from __future__ import annotations

import argparse

from tau2.cli.exit_codes import OK, PROBLEMS
from tau2.cli.parsing import CommandParser
from tau2.cli.progress import counting
from tau2.cli.run_paths import named_run, title_of
from tau2.utils.output import show_json

_EPILOG = """\
examples:
  tau2 run --domain retail --num-tasks 5 --agent-llm MODEL --record --save-to first
  tau2 replay first                is it still the same, with the code of today?
  tau2 replay first --json         the same for programs

No model is called: every response comes from the recording that --record keeps.
Code, policies and prompts are those of today; the first model call that differs
from the recorded one is shown.

exit codes:
  0    every simulation is identical
  1    some diverged, or were not recorded
  2    wrong usage, or no such run"""


def add_arguments(parser: CommandParser) -> None:
    """Add the run."""
    parser.usage = "tau2 replay RUN [--json]"
    parser.epilog = _EPILOG
    parser.add_argument("run", metavar="RUN", help="a run's name or path")
    parser.add_switch("--json", help="print one JSON object only")


def run(options: argparse.Namespace) -> int:
    """Play a run again; return 0 when it is the same."""
    from tau2.report.terminal.console import terminal
    from tau2.report.terminal.replay import replay_data, replay_view
    from tau2.runner.replay import replay
    from tau2.storage.results import Results

    path = named_run(options.run)
    total = len(Results.load_metadata(path).simulation_index or ())
    with counting(total, "replaying") as step:
        replaying = replay(path, on_replayed=step)
    if options.json:
        show_json({"run": str(path), **replay_data(replaying)})
    else:
        terminal().print(replay_view(replaying, title_of(path)), soft_wrap=True)
    return OK if len(replaying.identical) == len(replaying.entries) else PROBLEMS
