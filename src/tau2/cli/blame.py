"""`tau2 blame`: find whose failure each failed simulation is, without a model."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tau2.cli.exit_codes import OK
from tau2.cli.parsing import CommandParser
from tau2.cli.progress import counting
from tau2.cli.run_paths import named_run, title_of
from tau2.errors import ConfigError, UnknownName
from tau2.utils.output import show_json
from tau2.utils.text import natural_key, plural

if TYPE_CHECKING:
    from tau2.blame import Blame
    from tau2.storage.results import Results

_EPILOG = """\
Every failed simulation gets a side, the message that decided it, and a reason:
  agent           claimed but never executed, wrong value, refused although allowed
  user            ended early, named another value, never stated the wish
  task            the reference fails or contradicts the scenario
  infrastructure  no score: an endpoint, the judge or a tool failed

The tool calls are executed again on the domain of today; no model is called,
nothing that is stored is changed, and no reward depends on a verdict. Where a
model has reviewed the simulations (tau2 review), its opinion is compared.

examples:
  tau2 blame first
  tau2 blame first --side agent --show 50
  tau2 blame first --json > verdicts.json"""

_SIDES = ("agent", "user", "task", "infrastructure")


def add_arguments(parser: CommandParser) -> None:
    """Add the run and what is shown of it."""
    parser.usage = "tau2 blame RUN [options]"
    parser.epilog = _EPILOG
    parser.set_defaults(side=None, task_ids=None)
    parser.add_argument("run", metavar="RUN", help="a run's name or path")
    parser.add_argument("--side", choices=_SIDES, help="failures of one side only")
    parser.add_argument("--task-ids", nargs="+", metavar="ID", help="simulations of these tasks")
    parser.add_argument(
        "--show", type=int, default=20, metavar="N", help="failures to list (default: 20)"
    )
    parser.add_switch("--json", help="print one JSON object only")


def run(options: argparse.Namespace) -> int:
    """Give every failed simulation of a run its verdict."""
    from tau2.storage.on_demand import results_on_demand

    if options.show < 0:
        raise ConfigError(f"--show must be at least 0, not {options.show}")
    path = named_run(options.run)
    results = _chosen(results_on_demand(path), options.task_ids)
    failed = _verdicts(results)
    verdicts = [one for one in failed if options.side in (None, one.side.value)]
    verdicts.sort(key=lambda one: (natural_key(one.task_id), one.trial))
    if options.json:
        show_json(_data(path, results, len(failed), verdicts))
        return OK
    _show(path, results, len(failed), verdicts, options)
    return OK


def _chosen(results: Results, task_ids: list[str] | None) -> Results:
    if task_ids is None:
        return results
    from tau2.storage.stored_simulations import chosen

    known = {task.id for task in results.tasks} | {one.task_id for one in results.outlines()}
    for task_id in task_ids:
        if task_id not in known:
            raise UnknownName("task in this run", task_id, known)
    runs = chosen(results.simulations, lambda one: one.task_id in task_ids)
    return results.model_copy(update={"simulations": runs})


def _verdicts(results: Results) -> list[Blame]:
    from tau2.blame import blame_results
    from tau2.runner.resolve import environment_of_record, policy_rules

    domain = results.info.environment_info.domain_name
    fresh = environment_of_record(results.info)
    with counting(len(results.simulations), "looking for causes") as step:
        return blame_results(results, fresh, policy_rules(domain), on_simulation=step)


def _data(path: Path, results: Results, failed: int, verdicts: list[Blame]) -> dict[str, Any]:
    from tau2.report.terminal.blame import counts_of

    return {
        "run": str(path),
        "num_simulations": len(results.simulations),
        "num_failed": failed,
        "counts": [
            {"side": side.value, "kind": kind, "simulations": number}
            for (side, kind), number in counts_of(verdicts).items()
        ],
        "failures": [one.as_dict() for one in verdicts],
    }


def _show(
    path: Path, results: Results, failed: int, verdicts: list[Blame], options: argparse.Namespace
) -> None:
    from tau2.metrics.summary import tool_bugs
    from tau2.report.terminal.blame import blame_view
    from tau2.report.terminal.console import terminal

    view = blame_view(
        verdicts,
        title_of(path),
        simulations=len(results.simulations),
        failed=failed,
        side=options.side,
        most=options.show,
        reviewed=_compared_with_reviews(results, verdicts),
        tool_bugs=tool_bugs(results.outlines()),
    )
    terminal().print(view)


def _compared_with_reviews(results: Results, verdicts: list[Blame]) -> str | None:
    """Return how often a reviewing model blames the same participant; None without reviews."""
    from tau2.storage.stored_simulations import chosen, one_by_one

    sides = {one.simulation_id: one.side.value for one in verdicts if one.side.value in _PEOPLE}
    reviewed = chosen(
        results.simulations, lambda one: one.id in sides and one.facts.mistakes is not None
    )
    both = agree = 0
    for one in one_by_one(reviewed):
        if one.review is not None:
            both += 1
            agree += any(error.source.value == sides[one.id] for error in one.review.errors)
    if not both:
        return None
    failures = plural(both, "failure")
    return f"reviews by a model name the same participant in {agree:,} of {failures}"


_PEOPLE = ("agent", "user")
