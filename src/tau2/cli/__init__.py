"""The `tau2` command: one module per subcommand, loaded when it is asked for.

Exit codes: 0 done; 1 the run finished, but some simulations have no score because of an
infrastructure failure (or a check found problems); 2 wrong usage or configuration; 130 interrupted.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from tau2 import __version__
from tau2.cli.exit_codes import INTERRUPTED, OK, USAGE
from tau2.cli.parsing import CommandParser, parse
from tau2.errors import Tau2Error, UnknownName

COMMANDS = {
    "run": "play tasks and grade them",
    "view": "look at saved runs and conversations",
    "play": "play the agent or the customer yourself",
    "report": "write one HTML file that shows runs and their conversations",
    "export": "write runs as tables: JSON lines, CSV or Parquet",
    "compare": "tell whether one run is better than another, and how sure that is",
    "evaluate-trajs": "grade stored conversations again, and list what changes",
    "review": "have a model find the mistakes of agent and user",
    "leaderboard": "rank stored runs, with confidence intervals",
    "submit": "prepare, check and verify a leaderboard submission",
    "replay": "play a recorded run again, offline, and find where it diverges",
    "domain": "show a domain's policy, tools and tasks",
    "start": "show the documentation of domains in a browser, with tools to try out",
    "check-data": "check the files of every domain",
    "audit": "prove tasks: the reference earns 1, baselines earn 0",
    "tasks": "generate fresh tasks from a domain's database",
    "convert-results": "change a saved run between one file and a folder",
    "completion": "have the shell complete commands, options and names",
    "intro": "a first look: what there is and where to start",
}

_ABOUT = """\
Simulate conversations between an agent, a user and a company's tools, and grade
what happened."""

_EXAMPLES = """\
start here, without any model or key:
  tau2 run --domain mock --agent oracle_agent --user scripted_user
  tau2 view

exit codes:
  0    done
  1    some simulations have no score, or a check found problems
  2    wrong usage or configuration
  130  interrupted; whatever was finished is saved

`tau2 COMMAND --help` explains a command."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if (
        "_ARGCOMPLETE" in os.environ
    ):  # set by the script of `tau2 completion`: a shell asks, and reads no output
        from tau2.cli.completion import answer

        answer()
    _write_any_text()
    try:
        code = _dispatch(arguments)
        sys.stdout.flush()
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        _discard_output()
        return OK
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else OK
    return code


def _dispatch(arguments: list[str]) -> int:
    name = arguments[0] if arguments else "intro"
    if name == "help" and len(arguments) > 1:
        name, arguments = arguments[1], [arguments[1], "--help"]
    if name in {"-h", "--help", "help"}:
        print(_help(), end="")
        return OK
    if name in {"-V", "--version"}:
        print(f"tau2 {__version__}")
        return OK
    debug = _wants_debug(arguments)
    try:
        if name not in COMMANDS:
            raise UnknownName("command", name, COMMANDS)
        return _run(name, arguments[1:])
    except (Tau2Error, OSError) as problem:
        if isinstance(problem, BrokenPipeError) or debug:
            raise
        command = f"tau2 {name}" if name in COMMANDS else "tau2"
        print(f"{command}: {_error_text(problem)}", file=sys.stderr)
        return USAGE


def _error_text(problem: Exception) -> str:
    """Return an error as a sentence; an error of the system names the file first."""
    if isinstance(problem, OSError) and problem.filename is not None:
        return f"{problem.filename}: {problem.strerror}"
    return str(problem)


def _run(name: str, arguments: list[str]) -> int:
    """Load a command's module, read its arguments and run it."""
    options = parse(parser_of(name), arguments)
    options.given = arguments
    code: int = _module_of(name).run(options)
    return code


def _module_of(name: str) -> Any:
    return import_module(f"tau2.cli.{name.replace('-', '_')}")


def parser_of(name: str) -> CommandParser:
    """Return the parser of a command."""
    parser = CommandParser(prog=f"tau2 {name}", description=COMMANDS[name].capitalize() + ".")
    _module_of(name).add_arguments(parser)
    return parser


def _wants_debug(arguments: list[str]) -> bool:
    """Return whether errors are to be shown with their traceback."""
    text = " ".join(arguments).replace("=", " ").upper()
    return "--LOG-LEVEL DEBUG" in text


def _help() -> str:
    parser = argparse.ArgumentParser(
        prog="tau2",
        usage="tau2 COMMAND [options]",
        description=_ABOUT,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_argument_group("commands")
    for name, summary in COMMANDS.items():
        commands.add_argument(name, help=summary)
    parser.add_argument("-V", "--version", action="store_true", help="show the version and exit")
    return parser.format_help()


def _write_any_text() -> None:
    """Have the terminal replace characters that its encoding lacks, rather than fail on them."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")


def _discard_output() -> None:
    """Redirect output to nothing after a broken pipe, so that the flush at exit does not fail."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError):
        return  # no real file behind the stream: there is nothing to redirect
