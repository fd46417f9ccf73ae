"""`tau2 tasks`: fresh tasks, audited before they are written; how difficult tasks are."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tau2.cli.exit_codes import OK
from tau2.cli.parsing import CommandParser
from tau2.errors import ConfigError
from tau2.utils.output import show_error, show_json
from tau2.utils.terminal_text import named
from tau2.utils.text import plural

if TYPE_CHECKING:
    from tau2.audit.difficulty import Prediction
    from tau2.data_model.tasks import Task
    from tau2.environment.domain import DomainSpec

_EPILOG = """\
example: a thousand training tasks, then an episode of each
  tau2 tasks generate --domain retail --n 1000 --seed 7 --out retail-1000.json
  tau2 run --domain retail --tasks-file retail-1000.json \\
      --agent oracle_agent --user scripted_user

how difficult the shipped tasks are to be expected, and what makes them so
  tau2 tasks difficulty --domain retail --task-split-name test

The same domain, seed, difficulty and kinds give the same tasks everywhere. No customer
of the shipped test splits appears in them. Tasks that fail the audit are left out and
counted on standard error."""

DIFFICULTIES = ("easy", "medium", "hard")
KINDS = ("seen", "new")
_OPTIONS = {
    "generate": ("n", "seed", "difficulty", "kinds", "out"),
    "difficulty": ("task_split_name", "tasks_file", "json"),
}


def add_arguments(parser: CommandParser) -> None:
    """Add what is generated or rated, and where it goes."""
    parser.usage = "tau2 tasks generate|difficulty --domain NAME [options]"
    parser.epilog = _EPILOG
    parser.add_argument(
        "action",
        choices=("generate", "difficulty"),
        help="generate: write new tasks; difficulty: rate tasks that exist",
    )
    parser.add_argument("-d", "--domain", required=True, metavar="NAME", help="the company")
    generate = parser.add_argument_group("generate")
    generate.add_argument(
        "--n", type=int, default=None, metavar="N", help="how many tasks (required)"
    )
    generate.add_argument(
        "--seed", type=int, default=None, help="seed of the whole set (default: 0)"
    )
    generate.add_argument(
        "--difficulty", choices=DIFFICULTIES, default=None, help="of every task (default: mixed)"
    )
    generate.add_argument(
        "--kinds",
        choices=KINDS,
        default=None,
        help="seen: training tasks (default); new: tasks of kinds that are held out of training",
    )
    generate.add_argument(
        "--out", metavar="FILE", default=None, help="JSON file; - is standard output (default)"
    )
    difficulty = parser.add_argument_group("difficulty")
    difficulty.add_argument(
        "--task-split-name", metavar="SPLIT", default=None, help="which tasks (default: base)"
    )
    difficulty.add_argument(
        "--tasks-file", metavar="FILE", default=None, help="the tasks of a JSON file instead"
    )
    difficulty.add_argument(
        "--json", action="store_true", default=None, help="print figures and features as JSON only"
    )


def run(options: argparse.Namespace) -> int:
    """Generate, audit and write tasks, or rate them."""
    from tau2.registry import registry
    from tau2.runner.tasks import generate_tasks

    _check_options(options)
    if options.action == "difficulty":
        return _rate(registry.domains.get(options.domain), options)
    if options.n is None:
        raise ConfigError("generate needs --n, the number of tasks")
    if options.n < 1:
        raise ConfigError(f"--n must be at least 1, not {options.n}")
    made = generate_tasks(
        options.domain, options.n, options.seed or 0, options.difficulty, options.kinds or KINDS[0]
    )
    tasks, left_out = proved(registry.domains.get(options.domain), made)
    _write(tasks, options.out or "-")
    left = f"{left_out:,} left out by the audit"
    show_error(f"{plural(len(tasks), 'task')} written, {left}")
    return OK


def _check_options(options: argparse.Namespace) -> None:
    """Raise ConfigError for an option of the other action, which would have no effect."""
    for action, names in _OPTIONS.items():
        for name in names:
            if action != options.action and getattr(options, name) is not None:
                flag = name.replace("_", "-")
                raise ConfigError(f"--{flag} belongs to {action}, not to {options.action}")


def _rate(spec: DomainSpec, options: argparse.Namespace) -> int:
    """Print the predicted difficulty of tasks, the easiest first."""
    from tau2.audit.checks import without_judge
    from tau2.audit.difficulty import predict
    from tau2.environment.task_setup import TaskSetup
    from tau2.runner.tasks import get_tasks, tasks_of_file

    if options.tasks_file is not None:
        tasks = tasks_of_file(options.tasks_file)
    else:
        tasks = get_tasks(spec.name, options.task_split_name or "base")
    rated = [(t.id, predict(TaskSetup(without_judge(t), spec.environment))) for t in tasks]
    rated.sort(key=lambda pair: pair[1].difficulty)
    if options.json:
        show_json([_plain(task_id, prediction) for task_id, prediction in rated])
    else:
        _show_rated(spec.name, rated)
    return OK


def _plain(task_id: str, prediction: Prediction) -> dict[str, Any]:
    return {
        "task_id": task_id,
        "difficulty": round(prediction.difficulty, 3),
        "level": prediction.level,
        "features": asdict(prediction.features),
    }


def _show_rated(domain: str, rated: Sequence[tuple[str, Prediction]]) -> None:
    from rich.text import Text

    from tau2.report.terminal.console import terminal
    from tau2.report.terminal.tables import new_table

    terminal().print(Text(f"{domain}: {plural(len(rated), 'task')}", style="bold"))
    columns = ("task", "difficulty", "level", "because of")
    table = new_table(*columns, right=("difficulty",), names=("task",), fold=("because of",))
    for task_id, prediction in rated:
        counts = {
            name.replace("_", " "): count
            for name, count in asdict(prediction.features).items()
            if count and name != "values"
        }
        reasons = ", ".join(
            name if count is True else f"{name} {count}" for name, count in counts.items()
        )
        figure = f"{prediction.difficulty:.2f}"
        table.add_row(Text(named(task_id)), figure, prediction.level, Text(reasons))
    terminal().print(table)
    levels = Counter(prediction.level for _, prediction in rated)
    mean = sum(prediction.difficulty for _, prediction in rated) / max(len(rated), 1)
    shares = ", ".join(f"{count} {level}" for level, count in levels.most_common())
    terminal().print(Text(f"{shares}; mean difficulty {mean:.2f}"))


def proved(spec: Any, tasks: list[Task]) -> tuple[list[Task], int]:
    """Return the tasks that pass the audit, and how many do not."""
    from tau2.audit.audit import audit_domain
    from tau2.cli.progress import counting

    with counting(len(tasks), "audited") as count:
        report = audit_domain(spec, tasks, on_task=lambda _task: count())
    wrong = {finding.task_id for finding in report.findings}
    return [task for task in tasks if task.id not in wrong], len(wrong)


def _write(tasks: list[Task], out: str) -> None:
    from tau2.environment.domain import tasks_as_json
    from tau2.storage.results import write_atomically

    text = tasks_as_json(tasks)
    if out == "-":
        show_json(json.loads(text), indent=1)
    else:
        write_atomically(Path(out), text)
