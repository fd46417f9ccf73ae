"""`tau2 check-data`: check the files of every domain."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from tau2.cli.exit_codes import OK, PROBLEMS
from tau2.cli.parsing import CommandParser
from tau2.utils.output import show_error
from tau2.utils.terminal_text import indented, named
from tau2.utils.text import plural

if TYPE_CHECKING:
    from tau2.cli.domain_check import DomainCheck
    from tau2.report.terminal.tables import Listing

_EPILOG = """\
It checks that databases and policies can be read, that tasks have the right form,
that no task has a field that does not exist, that splits name existing tasks, that
reference actions, assertions, initial actions and recorded calls name existing tools,
functions and arguments, and that every reward rests on something. The files lie in
TAU2_DATA_DIR/tau2/domains/NAME, or in the package where that is not set.

exit codes: 0 no problems; 1 problems, each named by file, task and field"""

_MOST_PROBLEMS = 50  # shown per domain


def add_arguments(parser: CommandParser) -> None:
    """Add which domains."""
    parser.epilog = _EPILOG
    parser.add_argument(
        "names", metavar="NAME", nargs="*", default=[], help="domains to check (default: all)"
    )


def run(options: argparse.Namespace) -> int:
    """Check domains; return 1 when anything is wrong."""
    from rich.text import Text

    from tau2 import config
    from tau2.cli.domain_check import check_domain, domain_names
    from tau2.report.safe_text import one_line, plain
    from tau2.report.terminal.console import terminal

    console = terminal()
    folder = config.data_dir() / "tau2" / "domains"
    console.print(Text(f"data in {named(folder)}\n"), soft_wrap=True)
    if not folder.is_dir():
        show_error(
            f"there is no folder {named(folder)}; point TAU2_DATA_DIR at a folder with tau2/domains"
        )
        return PROBLEMS
    own = not config.is_foreign_data()
    checks = [
        check_domain(name, must_exist=own or bool(options.names))
        for name in options.names or domain_names()
    ]
    console.print(_table(checks))
    for check in checks:
        for problem in check.problems[:_MOST_PROBLEMS]:
            console.print(plain(indented(problem), style="red"), soft_wrap=True)
        if len(check.problems) > _MOST_PROBLEMS:
            more = plural(len(check.problems) - _MOST_PROBLEMS, "more problem")
            console.print(Text(f"… and {more} of {one_line(check.name, 200)}"))
    return PROBLEMS if any(check.problems for check in checks) else OK


def _table(checks: list[DomainCheck]) -> Listing:
    from rich.text import Text

    from tau2.report.safe_text import one_line, plain
    from tau2.report.terminal.tables import new_table

    table = new_table(
        *("domain", "tasks", "splits", "tools", "user tools", "result"),
        right=("tasks", "tools", "user tools"),
        names=("domain",),
        fold=("splits", "result"),
    )
    for check in checks:
        result = Text(check.note or "good", style="green")
        if check.problems:
            result = Text(plural(len(check.problems), "problem"), style="red")
        table.add_row(
            plain(one_line(check.name, 200)),
            "-" if check.tasks is None else str(len(check.tasks)),
            plain(", ".join(map(one_line, check.splits)) if check.splits else "-"),
            _number_of_tools(check, "tools"),
            _number_of_tools(check, "user_tools"),
            result,
        )
    return table


def _number_of_tools(check: DomainCheck, toolkit: str) -> str:
    kit = getattr(check.environment, toolkit, None)
    return "-" if kit is None else str(len(kit.tools))
