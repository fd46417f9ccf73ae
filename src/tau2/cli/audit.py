"""`tau2 audit`: prove tasks without a model."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import TYPE_CHECKING

from tau2.cli.exit_codes import OK, PROBLEMS
from tau2.cli.parsing import CommandParser
from tau2.utils.output import show_json
from tau2.utils.terminal_text import named
from tau2.utils.text import plural

if TYPE_CHECKING:
    from tau2.audit.finding import AuditReport

_EPILOG = """\
what is proved of every task:
  reference  the reference actions run without error and earn 1
  floor      agents that do nothing, hand over, only read or act at random earn 0
  known      every value the reference needs is in the scenario, a document or a
             tool result
  free_text  no value that is stored is in the words of whoever wrote the reference
  people     the customers that the reference names exist
  documents  the documents it requires exist, and name the tools of the reference
  agreement  the scenario says of every value (names, dates, cards, ids, options)
             what the reference does
  policy     the reference obeys the domain's executable rules
  order      independent writes end in the same state in any order
  compat     with strict_compat, its writes have the effect that the rules say
  duplicate  no task is repeated, nor is one split's task in the other split

Tasks that only a judge model can grade are audited without the judge. With
TAU2_DATA_DIR, the tasks of that folder are audited.

examples:
  tau2 audit --domain retail
  tau2 audit --json > findings.json
  TAU2_DATA_DIR=path/to/data tau2 audit --domain airline

exit codes:
  0  nothing is wrong
  1  something is
  2  wrong usage, or files that cannot be read"""


def add_arguments(parser: CommandParser) -> None:
    """Add what is audited and how it is shown."""
    parser.epilog = _EPILOG
    parser.add_argument(
        "-d", "--domain", nargs="+", metavar="NAME", default=None, help="domains (default: all)"
    )
    parser.add_argument(
        "--task-set-name", metavar="NAME", default=None, help="another task set of the domain"
    )
    parser.add_argument(
        "--task-split-name",
        metavar="SPLIT",
        default=None,
        help="one split only (default: the whole task set)",
    )
    parser.add_argument(
        "--task-ids", nargs="+", metavar="ID", default=None, help="these tasks only"
    )
    parser.add_argument(
        "--tasks-file", metavar="FILE", default=None, help="audit the tasks of a JSON file"
    )
    parser.add_argument(
        "--show", type=int, metavar="N", default=20, help="findings shown per domain (default: 20)"
    )
    parser.add_switch("--json", help="print every finding as JSON only")


def run(options: argparse.Namespace) -> int:
    """Audit and print; return 1 when anything is wrong."""
    from tau2.registry import registry

    reports = [_audited(name, options) for name in options.domain or registry.get_domains()]
    if options.json:
        show_json([_plain(report) for report in reports])
    else:
        for report in reports:
            _show(report, options.show)
    return OK if all(report.ok for report in reports) else PROBLEMS


def _audited(name: str, options: argparse.Namespace) -> AuditReport:
    from tau2.audit.audit import audit_domain
    from tau2.cli.progress import counting
    from tau2.registry import registry
    from tau2.runner.tasks import get_tasks, tasks_of_file

    spec = registry.domains.get(name)
    task_set = options.task_set_name or name
    if options.tasks_file is not None:
        tasks = tasks_of_file(options.tasks_file)
    elif not (options.task_split_name or options.task_set_name or options.task_ids):
        tasks = spec.tasks(None)
    else:
        tasks = get_tasks(task_set, options.task_split_name, options.task_ids)
    with counting(len(tasks), f"auditing {task_set}") as count:
        return audit_domain(spec, tasks, task_set=task_set, on_task=lambda _task: count())


def _plain(report: AuditReport) -> dict[str, object]:
    return {
        "domain": report.domain,
        "task_set": report.task_set,
        "tasks": report.tasks,
        "passed": report.passed,
        "findings": [asdict(finding) for finding in report.findings],
        "cpu_seconds": round(report.seconds, 3),
    }


def _show(report: AuditReport, most: int) -> None:
    from rich.text import Text

    from tau2.audit.finding import CHECKS
    from tau2.report.safe_text import one_line, plain
    from tau2.report.terminal.console import terminal
    from tau2.report.terminal.tables import new_table

    console = terminal()
    tasks = plural(report.tasks, "task")
    head = f"{named(report.task_set)}: {tasks}, {report.seconds:.1f} s of CPU"
    console.print(plain(head, style="bold"))
    columns = ("check", "passed", "proves that")
    table = new_table(*columns, right=("passed",), names=("check",), fold=("proves that",))
    for check, meaning in CHECKS.items():
        passed = report.passed[check]
        style = "green" if passed == report.tasks else "red"
        table.add_row(check, Text(f"{passed}/{report.tasks}", style=style), meaning)
    console.print(table)
    for finding in report.findings[:most]:
        console.print(
            Text(f"  {named(finding.task_id)}: {finding.check}: {one_line(finding.text, 500)}")
        )
    if len(report.findings) > most:
        more = plural(len(report.findings) - most, "more finding")
        console.print(f"  … and {more}; --show N or --json shows them")
