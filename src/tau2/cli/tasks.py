"""`tau2 tasks generate`: fresh tasks from a domain's database, audited before they are written."""

from __future__ import annotations

import argparse
import inspect
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tau2.cli.exit_codes import OK
from tau2.cli.parsing import CommandParser
from tau2.errors import ConfigError
from tau2.utils.output import show_error, show_json
from tau2.utils.text import plural

if TYPE_CHECKING:
    from tau2.data_model.tasks import Task
    from tau2.environment.domain import DomainSpec

_EPILOG = """\
example: a thousand training tasks, then an episode of each
  tau2 tasks generate --domain retail --n 1000 --seed 7 --out retail-1000.json
  tau2 run --domain retail --tasks-file retail-1000.json \\
      --agent oracle_agent --user scripted_user

The same domain, seed, difficulty and kinds give the same tasks everywhere. No customer
of the shipped test splits appears in them. Tasks that fail the audit are left out and
counted on standard error."""

DIFFICULTIES = ("easy", "medium", "hard")
KINDS = ("seen", "new")


def add_arguments(parser: CommandParser) -> None:
    """Add what is generated and where it goes."""
    parser.usage = "tau2 tasks generate --domain NAME --n N [options]"
    parser.epilog = _EPILOG
    parser.add_argument("action", choices=("generate",), help="what to do")
    parser.add_argument("-d", "--domain", required=True, metavar="NAME", help="the company")
    parser.add_argument("--n", type=int, required=True, metavar="N", help="how many tasks")
    parser.add_argument("--seed", type=int, default=0, help="seed of the whole set (default: 0)")
    parser.add_argument("--difficulty", choices=DIFFICULTIES, default=None, help="default: mixed")
    parser.add_argument(
        "--kinds",
        choices=KINDS,
        default="seen",
        help="seen: training tasks (default); new: tasks of kinds that are held out of training",
    )
    parser.add_argument(
        "--out", metavar="FILE", default="-", help="JSON file; - is standard output (default)"
    )


def run(options: argparse.Namespace) -> int:
    """Generate, audit and write tasks."""
    from tau2.registry import registry

    if options.n < 1:
        raise ConfigError(f"--n must be at least 1, not {options.n}")
    spec = registry.domains.get(options.domain)
    if spec.generate is None:
        raise ConfigError(f"domain {options.domain!r} has no task factory")
    tasks, left_out = proved(spec, _generated(spec, options))
    _write(tasks, options.out)
    left = f"{left_out:,} left out by the audit"
    show_error(f"{plural(len(tasks), 'task')} written, {left}")
    return OK


def _generated(spec: DomainSpec, options: argparse.Namespace) -> list[Task]:
    """Return the tasks; only a domain whose factory knows held-out kinds is asked for them."""
    assert spec.generate is not None
    arguments = (options.n, options.seed, options.difficulty)
    if options.kinds == KINDS[0]:
        return spec.generate(*arguments)
    if "kinds" not in inspect.signature(spec.generate).parameters:
        raise ConfigError(f"the task factory of domain {spec.name!r} holds out no kinds")
    return spec.generate(*arguments, kinds=options.kinds)


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
