"""`tau2 review`: have a model find the mistakes of agent and user in stored conversations."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tau2.cli.exit_codes import INTERRUPTED, OK, PROBLEMS
from tau2.cli.flags import read_json_object
from tau2.cli.parsing import CommandParser
from tau2.cli.progress import counting
from tau2.cli.run_paths import copy_in, named_run, title_of
from tau2.errors import ConfigError, UnknownName
from tau2.utils.output import show_error, show_json
from tau2.utils.text import plural

if TYPE_CHECKING:
    from tau2.data_model.simulation import SimulationRun
    from tau2.evaluator.evidence import Judge
    from tau2.runner.reviews import Reviewed, ReviewPlan
    from tau2.storage.results import Results

_EPILOG = """\
examples:
  tau2 review first --review-model openai/gpt-4.1
  tau2 review first -m user --task-ids create_task_1 --show-details
  tau2 review first -o reviewed      write each review as it is finished; the same
                                     command again continues after an interruption

The stored run is not changed: without -o, reviews are only shown. No reward depends
on a review. A review that the same model has given before is kept.

exit codes:
  0    every simulation has a review
  1    some could not be reviewed
  2    wrong usage or configuration; no model was called
  130  interrupted; finished reviews are shown, and with -o they are written"""


def add_arguments(parser: CommandParser) -> None:
    """Add the run, what is reviewed, by whom, and where it goes."""
    from tau2 import config

    parser.usage = "tau2 review PATH [options]"
    parser.epilog = _EPILOG
    parser.set_defaults(output_dir=None, limit=None, task_ids=None, review_args=None)
    parser.add_argument("path", metavar="PATH", help="a run's name or path")
    parser.add_argument(
        "-m", "--mode", choices=("full", "user"), default="full",
        help="review agent and user, or the simulated user only (default: full)",
    )  # fmt: skip
    parser.add_argument(
        "-o", "--output-dir", type=Path, metavar="DIR", help="write the run, reviewed, to DIR/NAME"
    )
    parser.add_argument(
        "-c",
        "--max-concurrency",
        type=int,
        default=32,
        metavar="N",
        help="reviews at once (default: 32)",
    )
    parser.add_argument(
        "--limit", type=int, metavar="N", help="review only the first N simulations"
    )
    parser.add_argument(
        "--task-ids", nargs="+", metavar="ID", help="review only simulations of these tasks"
    )
    parser.add_switch("--show-details", help="show every mistake with its reason")
    parser.add_switch(
        "--log-llm", help="write every request and response to DIR/NAME/artifacts (needs -o)"
    )
    default = config.DEFAULT_LLM_EVAL_USER_SIMULATOR
    parser.add_argument(
        "--review-model",
        default=default,
        metavar="MODEL",
        help=f"model that reviews (default: {default})",
    )
    parser.add_argument(
        "--review-args",
        type=read_json_object,
        metavar="JSON",
        help="arguments of the reviewer's calls",
    )
    parser.add_switch("--json", help="print one JSON object only")
    parser.refuse(
        ("--interruption-enabled",),
        "it is about voice runs, which this version cannot play or review",
    )


def run(options: argparse.Namespace) -> int:
    """Review a run."""
    from tau2.llm import check_model
    from tau2.storage.on_demand import results_on_demand

    _check(options)
    path = named_run(options.path)
    reviewer = _reviewer(options)
    check_model(reviewer.model, reviewer.args)
    results = results_on_demand(path)
    target = _target(path, options.output_dir)
    if target is not None:
        results = _continued(target, results)
    chosen = _chosen(results, options)
    done, interrupted = _review(chosen, _plan(results, options, reviewer, target), options, target)
    _say(path, target, done, options)
    if interrupted:
        number = f"{len(done):,} of {plural(len(chosen), 'simulation')}"
        show_error(f"\ninterrupted: reviewed {number}")
        return INTERRUPTED
    return PROBLEMS if any(one.problem for one in done) else OK


def _check(options: argparse.Namespace) -> None:
    for name in ("max_concurrency", "limit"):
        value = getattr(options, name)
        if value is not None and value < 1:
            raise ConfigError(f"--{name.replace('_', '-')} must be at least 1, not {value}")
    if options.log_llm and options.output_dir is None:
        raise ConfigError("--log-llm writes beside the reviewed run: give its folder with -o")


def _reviewer(options: argparse.Namespace) -> Judge:
    from tau2 import config
    from tau2.evaluator.evidence import Judge

    return Judge(
        options.review_model, options.review_args or dict(config.DEFAULT_LLM_NL_ASSERTIONS_ARGS)
    )


def _target(path: Path, folder: Path | None) -> Path | None:
    """Return the results file to write; it is never the one that is reviewed."""
    from tau2.storage.results import results_file

    if folder is None:
        return None
    target = copy_in(folder, path)
    if target.resolve() == results_file(path).resolve():
        raise ConfigError(f"{target} is the run itself; choose another folder with -o")
    return target


def _continued(target: Path, results: Results) -> Results:
    """Return the results to go on with: the copy at `target`, made if it is not there yet.

    Raise ConfigError when something else lies there.
    """
    from tau2.storage.on_demand import results_on_demand

    if not target.exists():
        results.save(target, "dir")
        return results
    copy = results_on_demand(target)
    if [run.id for run in copy.outlines()] != [run.id for run in results.outlines()]:
        raise ConfigError(f"{target.parent} holds other simulations; choose another folder with -o")
    return copy


def _chosen(results: Results, options: argparse.Namespace) -> list[SimulationRun]:
    from tau2.storage.stored_simulations import chosen

    runs = results.simulations
    if options.task_ids is not None:
        known = {task.id for task in results.tasks} | {run.task_id for run in results.outlines()}
        for task_id in options.task_ids:
            if task_id not in known:
                raise UnknownName("task in this run", task_id, known)
        runs = chosen(runs, lambda run: run.task_id in options.task_ids)
    return runs[: options.limit]


def _plan(
    results: Results, options: argparse.Namespace, reviewer: Judge, target: Path | None
) -> ReviewPlan:
    from tau2.runner.reviews import ReviewPlan, call_log
    from tau2.runner.task_log import artifacts_folder

    return ReviewPlan(
        reviewer,
        options.mode,
        {task.id: task for task in results.tasks},
        results.info.environment_info.policy,
        call_log(artifacts_folder(target)) if options.log_llm and target is not None else None,
    )


def _review(
    runs: list[SimulationRun], plan: ReviewPlan, options: argparse.Namespace, target: Path | None
) -> tuple[list[Reviewed], bool]:
    """Return the reviewed simulations, and whether Ctrl-C interrupted.

    With a target, each review is stored as soon as it is finished.
    """
    from tau2.data_model.simulation import SimulationRun
    from tau2.runner.reviews import areview_all
    from tau2.storage.results import save_simulation, simulations_folder

    done: list[Reviewed] = []
    with counting(len(runs), "reviewing") as step:

        def finished(reviewed: Reviewed) -> None:
            is_new = reviewed.review is not None and not reviewed.is_kept
            if target is not None and is_new and isinstance(reviewed.run, SimulationRun):
                save_simulation(reviewed.run, simulations_folder(target))
            done.append(reviewed.without_conversation)
            step()

        try:
            reviewed = asyncio.run(
                areview_all(
                    runs,
                    plan,
                    at_once=options.max_concurrency,
                    on_reviewed=finished,
                    with_runs=False,
                )
            )
        except KeyboardInterrupt:
            return done, True
    return reviewed, False


def _say(
    path: Path, target: Path | None, reviewed: list[Reviewed], options: argparse.Namespace
) -> None:
    from tau2.report.terminal.console import terminal
    from tau2.report.terminal.review import reviews_view

    written = str(target.parent) if target is not None else None
    if options.json:
        show_json(_data(path, written, reviewed, options))
        return
    view = reviews_view(reviewed, title_of(path), details=options.show_details, written_to=written)
    terminal().print(view)


def _data(
    path: Path, written: str | None, reviewed: list[Reviewed], options: argparse.Namespace
) -> dict[str, Any]:
    from tau2.data_model.review import mistakes

    found = [one.review for one in reviewed if one.review is not None]
    return {
        "run": str(path),
        "written_to": written,
        "mode": options.mode,
        "model": options.review_model,
        "num_simulations": len(reviewed),
        "num_reviewed": len(found),
        "mistakes": mistakes(found),
        "reviews": [
            {
                "simulation_id": one.run.id,
                "task_id": one.run.task_id,
                "trial": one.run.unit.trial,
                "kept": one.is_kept,
                "review": one.review.model_dump(mode="json"),
            }
            for one in reviewed
            if one.review is not None
        ],
        "problems": [
            {"simulation_id": one.run.id, "task_id": one.run.task_id, "problem": one.problem}
            for one in reviewed
            if one.problem is not None
        ],
    }
