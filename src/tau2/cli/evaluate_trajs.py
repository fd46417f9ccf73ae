"""`tau2 evaluate-trajs`: grade stored conversations again, and list what changes."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tau2.cli.exit_codes import OK
from tau2.cli.flags import read_json_object
from tau2.cli.parsing import CommandParser
from tau2.cli.progress import counting
from tau2.cli.run_paths import copy_in, named_run, title_of
from tau2.errors import ConfigError
from tau2.utils.output import show_json

if TYPE_CHECKING:
    from tau2.evaluator.evidence import Judge
    from tau2.runner.regrade import Regrading
    from tau2.storage.results import Results

_EPILOG = """\
examples:
  tau2 evaluate-trajs first                      does the stored reward hold?
  tau2 evaluate-trajs first second --fresh-tasks  with the tasks of today
  tau2 evaluate-trajs first -o regraded          write the graded runs there

Conversations are replayed, not played: no agent or user model is called. Nothing
that is stored is changed. Their tool calls are executed and the databases compared;
what the tool results say is not, except with --strict-replay: there, a result that
differs from the recorded one is a reward of 0."""


def add_arguments(parser: CommandParser) -> None:
    """Add the runs, the tasks, the judge and where the result goes."""
    parser.usage = "tau2 evaluate-trajs RUN [RUN ...] [options]"
    parser.epilog = _EPILOG
    parser.set_defaults(output_dir=None, judge_llm=None, judge_llm_args=None)
    parser.add_argument("runs", metavar="RUN", nargs="+", help="a run's name or path")
    parser.add_argument(
        "-o", "--output-dir", type=Path, metavar="DIR", help="write each run, graded, to DIR/NAME"
    )
    parser.add_switch("--fresh-tasks", help="grade with the tasks the domain has today")
    parser.add_switch(
        "--strict-replay", help="a tool result that is not as it was recorded is a reward of 0"
    )
    parser.add_argument(
        "--judge-llm", metavar="MODEL", help="model that judges natural-language assertions"
    )
    parser.add_argument(
        "--judge-llm-args",
        type=read_json_object,
        metavar="JSON",
        help="arguments of the judge's calls",
    )
    parser.add_switch("--json", help="print one JSON object only")


def run(options: argparse.Namespace) -> int:
    """Grade every run again."""
    paths = [named_run(name) for name in options.runs]
    targets = _targets(paths, options.output_dir)
    runs = []
    for path, target in zip(paths, targets, strict=True):
        regrading = _regrade(path, target, options)
        runs.append(_data(path, target, regrading))
        if not options.json:
            _show(path, target, regrading)
    if options.json:
        show_json({"runs": runs})
    return OK


def _targets(paths: Iterable[Path], folder: Path | None) -> list[Path | None]:
    """Return where each run is written. Raise ConfigError when something is there."""
    if folder is None:
        return [None for _ in paths]
    targets = [copy_in(folder, path) for path in paths]
    if len(set(targets)) < len(targets):
        raise ConfigError(
            "two of the runs have the same name; grade them one at a time, into different folders"
        )
    for target in targets:
        if target.exists():
            raise ConfigError(f"{target} exists already; choose another folder with --output-dir")
    return list(targets)


def _regrade(path: Path, target: Path | None, options: argparse.Namespace) -> Regrading:
    """Grade a run again, one simulation after another, and write it to `target`, if there is one.

    The results that are returned hold no simulations.
    """
    from tau2.evaluator.evidence import ReplayRule
    from tau2.runner.regrade import regrade
    from tau2.runner.tasks import current_tasks
    from tau2.storage.on_demand import results_on_demand
    from tau2.storage.results import FolderWriter

    results = results_on_demand(path)
    fresh = current_tasks(results) if options.fresh_tasks else None
    writer = FolderWriter(target) if target is not None else None
    with counting(len(results.simulations), "grading") as step:
        regrading = regrade(
            results,
            fresh_tasks=fresh,
            replay=ReplayRule.STRICT if options.strict_replay else ReplayRule.EFFECTS,
            judge=_judge(results, options),
            on_graded=step,
            keep=writer.add if writer is not None else lambda _graded: None,
        )
    if writer is not None:
        writer.finish(regrading.results)
    return regrading


def _judge(results: Results, options: argparse.Namespace) -> Judge | None:
    """Return the judge, after checking its model; None when no task of the run needs one."""
    from tau2 import config
    from tau2.evaluator.evaluator import EvaluationType, needs_judge
    from tau2.evaluator.evidence import Judge
    from tau2.llm import check_model

    if not any(needs_judge(task, EvaluationType.ALL) for task in results.tasks):
        return None
    args = options.judge_llm_args or dict(config.DEFAULT_LLM_NL_ASSERTIONS_ARGS)
    judge = Judge(options.judge_llm or config.judge_model(), args)
    check_model(judge.model, judge.args)
    return judge


def _data(path: Path, target: Path | None, regrading: Regrading) -> dict[str, Any]:
    return {
        "run": str(path),
        "written_to": str(target.parent) if target else None,
        "num_simulations": len(regrading.entries),
        "num_flips": len(regrading.flips),
        "average_before": regrading.average_before,
        "average_after": regrading.average_after,
        "missing_tasks": list(regrading.missing_tasks),
        "changes": [
            {
                "simulation_id": entry.simulation_id,
                "task_id": entry.task_id,
                "trial": entry.trial,
                "before": entry.before,
                "after": entry.after,
                "flip": entry.is_flip,
                "reason": entry.reason,
            }
            for entry in regrading.changes
        ],
    }


def _show(path: Path, target: Path | None, regrading: Regrading) -> None:
    from tau2.report.terminal.console import terminal
    from tau2.report.terminal.regrading import regrading_view

    terminal().print(
        regrading_view(regrading, title_of(path), str(target.parent) if target else None)
    )
