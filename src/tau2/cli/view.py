"""`tau2 view`: look at saved runs and conversations."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tau2.cli.exit_codes import OK
from tau2.cli.parsing import CommandParser
from tau2.cli.run_paths import existing, named_run, title_of
from tau2.errors import ConfigError
from tau2.utils.output import show, show_json
from tau2.utils.terminal_text import named, shell_command
from tau2.utils.text import plural

if TYPE_CHECKING:
    from tau2.data_model.outline import Outline
    from tau2.data_model.simulation import SimulationRun
    from tau2.storage.results import Results
    from tau2.storage.stored_runs import StoredRun

_EPILOG = """\
On a terminal, this opens an application with three screens: runs, their simulations
(filtered by reward, outcome or tool), and conversations with what every call changed
in the databases; ? shows its keys. Text is printed instead with --plain, with an
option that says what to list or show, and where the output is not a terminal.

examples:
  tau2 view                                  look around
  tau2 view --plain                          print the newest run
  tau2 view --list                           print every run
  tau2 view NAME --only-show-failed          what went wrong in one run
  tau2 view NAME --task-id create_task_1     one conversation, with its checks
  tau2 view NAME --task-id create_task_1 | less -R

NAME is a run's name below the simulations folder, or a path. Nothing is changed."""

_MOST_RUNS = 50  # listed; more would scroll away
_MOST_SIMULATIONS = 50  # listed of one run, unless all are asked for
_PRINTS = (
    "--list",
    "--task-id",
    "--trial",
    "--sim",
    "--only-show-",
    "--max-tool-",
    "--full-tool-",
    "--all",
    "--json",
)
"""Options that say what is to be printed."""


def add_arguments(parser: CommandParser) -> None:
    """Add which run, which simulations, and how much of them."""
    parser.epilog = _EPILOG
    parser.set_defaults(run_name=None, dir=None, file=None, task_id=None, trial=None, sim=None)
    where = parser.add_argument_group("which run")
    where.add_argument(
        "run_name", metavar="NAME", nargs="?", help="a run's name or path (default: the newest run)"
    )
    where.add_argument(
        "--dir", type=Path, help="folder of runs, or of one run (default: where runs are saved)"
    )
    where.add_argument("--file", type=Path, help="results file of one run")
    where.add_argument("--list", action="store_true", default=False, help="list the runs")
    which = parser.add_argument_group("which simulations")
    which.add_argument("--task-id", metavar="ID", help="show the conversations of this task")
    which.add_argument("--trial", type=int, metavar="N", help="only this trial")
    which.add_argument("--sim", metavar="ID", help="show the simulation whose id begins like this")
    which.add_argument(
        "--only-show-failed",
        action="store_true",
        default=False,
        help="only simulations without full reward",
    )
    which.add_argument(
        "--only-show-all-failed",
        action="store_true",
        default=False,
        help="only tasks of which every trial failed",
    )
    how = parser.add_argument_group("how much")
    how.add_argument(
        "--max-tool-result-chars", type=int, default=500, metavar="N",
        help="characters shown of a tool result (default: 500)",
    )  # fmt: skip
    how.add_argument(
        "--full-tool-results", action="store_true", default=False, help="show tool results whole"
    )
    how.add_argument(
        "--all",
        action="store_true",
        default=False,
        help=f"list every simulation, not {_MOST_SIMULATIONS} of them",
    )
    form = parser.add_argument_group("form")
    form.add_argument(
        "--plain", action="store_true", default=False, help="print text, also on a terminal"
    )
    form.add_argument("--json", action="store_true", default=False, help="print JSON only")


def run(options: argparse.Namespace) -> int:
    """Show runs, the simulations of one run, or conversations."""
    from tau2 import config
    from tau2.storage.stored_runs import find_runs
    from tau2.view.terminals import is_usable

    folder = options.dir if options.dir is not None else config.simulations_dir()
    if options.list:
        return _show_runs(folder, as_json=options.json)
    path = _chosen(options, folder)
    prints = options.plain or any(argument.startswith(_PRINTS) for argument in options.given)
    if not prints and is_usable():
        return _look_around(path, folder)
    if path is None:
        files = find_runs(folder)
        if not files:
            raise ConfigError(
                f"there are no runs in {folder}; `tau2 run` makes one, --dir points elsewhere"
            )
        path = files[0]
        if len(files) > 1 and not options.json:
            show(
                f"the newest of {len(files)} runs in {named(folder)} (tau2 view --list shows all)\n"
            )
    return _show_run(path, options)


def _look_around(path: Path | None, folder: Path) -> int:
    """Open the application, on one run where one is named.

    Raise DataFileError for a run that cannot be used.
    """
    from tau2.view.app import ViewApp
    from tau2.view.content.library import RunReader

    app = ViewApp(folder=folder) if path is None else ViewApp(run=RunReader(path))
    app.run()
    return app.return_code or OK


def _chosen(options: argparse.Namespace, folder: Path) -> Path | None:
    """Return the run that the arguments name, or None for the newest."""
    from tau2.storage.results import RESULTS_NAME

    if options.file is not None:
        return existing(options.file)
    if options.run_name is not None:
        return named_run(options.run_name, folder)
    return folder if (folder / RESULTS_NAME).is_file() else None


def _show_runs(folder: Path, *, as_json: bool) -> int:
    from tau2.report.terminal.console import terminal
    from tau2.report.terminal.listing import runs_table
    from tau2.storage.stored_runs import find_runs, read_run

    files = find_runs(folder)
    if not files:
        raise ConfigError(f"there are no runs in {folder}")
    if as_json:
        show_json([_run_data(read_run(file)) for file in files])
        return OK
    terminal().print(runs_table(map(read_run, files[:_MOST_RUNS])))
    if len(files) > _MOST_RUNS:
        show(f"… and {plural(len(files) - _MOST_RUNS, 'older run')}")
    return OK


def _run_data(run: StoredRun) -> dict[str, Any]:
    if run.results is None:
        return {"name": run.name, "path": str(run.path), "problem": run.problem}
    index = run.results.simulation_index
    rewards = [entry.reward for entry in index or () if entry.reward is not None]
    return {
        "name": run.name,
        "path": str(run.path),
        "time": run.results.timestamp,
        "domain": run.results.info.environment_info.domain_name,
        "simulations": None if index is None else len(index),
        "reward": sum(rewards) / len(rewards) if rewards else None,
    }


def _show_run(path: Path, options: argparse.Namespace) -> int:
    from tau2.report.terminal.listing import in_natural_order, select
    from tau2.storage.on_demand import results_on_demand

    results = results_on_demand(path)
    outlines = results.outlines()
    chosen = select(
        outlines,
        task_id=options.task_id,
        trial=options.trial,
        sim=options.sim,
        only_failed=options.only_show_failed,
        only_all_failed=options.only_show_all_failed,
    )
    if not chosen:
        return _nothing(outlines, options)
    one = options.task_id is not None or options.sim is not None
    places = {id(outline): place for place, outline in enumerate(outlines)}
    if options.json:
        if not one:
            return _show_figures(path, results, chosen)
        runs = (results.simulations[places[id(outline)]] for outline in chosen)
        show_json([run.model_dump(mode="json") for run in runs])
        return OK
    chosen = in_natural_order(chosen)
    if not one:
        return _show_list(path, results, chosen, most=None if options.all else _MOST_SIMULATIONS)
    runs = (results.simulations[places[id(outline)]] for outline in chosen)
    return _show_conversations(results, runs, options)


def _nothing(outlines: Sequence[Outline], options: argparse.Namespace) -> int:
    """Say why nothing is shown. Raise UnknownName for a task or simulation that the run lacks."""
    from tau2.errors import UnknownName

    tasks = {run.task_id for run in outlines}
    if options.task_id is not None and options.task_id not in tasks:
        raise UnknownName("task in this run", options.task_id, tasks)
    if options.sim is not None:
        raise UnknownName("simulation in this run", options.sim, [run.id for run in outlines])
    if options.json:
        show("[]")
    else:
        show("no simulation fits" if outlines else "the run holds no simulation yet")
    return OK


def _show_figures(path: Path, results: Results, chosen: Sequence[Outline]) -> int:
    """Print the figures of the run with a line per simulation."""
    from tau2.metrics.summary import summarize
    from tau2.storage.results import index_entries

    entries = [entry.model_dump(mode="json") for entry in index_entries(chosen)]
    show_json(summarize(results, path).as_dict() | {"simulations": entries})
    return OK


def _show_list(path: Path, results: Results, chosen: list[Outline], *, most: int | None) -> int:
    from rich.text import Text

    from tau2.metrics.summary import summarize
    from tau2.report.safe_text import one_line
    from tau2.report.terminal.console import terminal
    from tau2.report.terminal.listing import simulations_table
    from tau2.report.terminal.summary import early_endings_table, figures_view, tool_bugs_view

    console = terminal()
    summary = summarize(results, path)
    name = title_of(path)
    played = one_line(f"{summary.domain}: {summary.agent} x {summary.user}", 500)
    console.print(Text(f"{named(name)}\n{played}\n", style="bold"), soft_wrap=True)
    console.print(simulations_table(chosen[:most]))
    if most is not None and len(chosen) > most:
        console.print(
            Text(
                f"… and {plural(len(chosen) - most, 'more simulation')}; --all lists them",
                style="dim",
            )
        )
    console.print(Text(""))
    console.print(figures_view(summary))
    if summary.early_endings:
        console.print(Text(""))
        console.print(early_endings_table(summary.early_endings))
    if summary.tool_bugs:
        console.print(Text(""))
        console.print(tool_bugs_view(summary.tool_bugs))
    first = next((run for run in chosen if run.num_messages), chosen[0])
    command = ["tau2", "view", name, "--task-id", first.task_id]
    console.print(Text(f"\na conversation: {shell_command(command)}"), soft_wrap=True)
    return OK


def _show_conversations(
    results: Results, chosen: Iterable[SimulationRun], options: argparse.Namespace
) -> int:
    from tau2.report.terminal.console import terminal
    from tau2.report.terminal.conversation import conversation_view

    console = terminal()
    most: int | None = None if options.full_tool_results else max(0, options.max_tool_result_chars)
    tasks: dict[str, Any] = {task.id: task for task in results.tasks}
    for run in chosen:
        console.print(conversation_view(run, tasks.get(run.task_id), max_tool_result_chars=most))
    return OK
