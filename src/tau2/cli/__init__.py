"""The `tau2` command: one module per subcommand, loaded when it is asked for.

Exit codes: 0 done; 1 the run finished, but some simulations have no score because of an
infrastructure failure (or a check found problems, or standard output could not be written); 2 wrong
usage or configuration; 130 interrupted.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from tau2 import __version__
from tau2.cli.commands import COMMANDS, module_of, parser_of
from tau2.cli.exit_codes import INTERRUPTED, OK, PROBLEMS, USAGE
from tau2.cli.parsing import HelpFormatter, parse
from tau2.cli.redaction import PrintedRedactor
from tau2.errors import ConfigError, Tau2Error, UnknownName, nearest_name, quoted
from tau2.utils.output import protected_output, show, show_error, show_problem
from tau2.utils.terminal_text import indented, named

__all__ = ["COMMANDS", "main", "parser_of"]

_ABOUT = """\
Simulate conversations between an agent, a user and a company's tools, and grade
what happened."""

_EXAMPLES = """\
start here, without any model or key:
  tau2 run --domain mock --agent oracle_agent --user scripted_user
  tau2 view

exit codes:
  0    done
  1    some simulations have no score, a check found problems, or what was
       printed is not whole (standard output is a full disk, for one)
  2    wrong usage or configuration
  130  interrupted; whatever was finished is saved

`tau2 COMMAND --help` explains a command."""

_NEAR = 0.65  # how alike a word and a command are at least, for one to be meant by the other


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    # Set by the script of `tau2 completion`: a shell asks, and reads no output.
    if "_ARGCOMPLETE" in os.environ:
        from tau2.cli.completion import answer

        answer()
    redactor = PrintedRedactor(arguments)
    with protected_output(redactor.output, redactor.errors) as output:
        code = _code_of(arguments, redactor, is_program=argv is None)
        output.flush()
        problem = output.problem
        if problem is None or isinstance(problem, BrokenPipeError):
            return code  # a reader may leave when it has seen enough
        reason = getattr(problem, "strerror", None) or problem
        show_error(f"tau2: what was printed is not whole: standard output: {reason}")
        return code or PROBLEMS


def _code_of(arguments: list[str], redactor: PrintedRedactor, *, is_program: bool) -> int:
    try:
        return _dispatch(arguments, redactor)
    except KeyboardInterrupt:
        show_error("\ninterrupted")
        return INTERRUPTED
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else OK
    except Exception as problem:
        if not is_program:
            raise
        show_problem(problem)
        return PROBLEMS


def _dispatch(arguments: list[str], redactor: PrintedRedactor) -> int:
    name = arguments[0] if arguments else "intro"
    if name == "help" and len(arguments) > 1:
        name, arguments = arguments[1], [arguments[1], "--help"]
    if name in {"-h", "--help", "help"}:
        show(_help(), end="")
        return OK
    if name in {"-V", "--version"}:
        show(f"tau2 {__version__}")
        return OK
    shows_traceback = "--LOG-LEVEL DEBUG" in " ".join(arguments).replace("=", " ").upper()
    try:
        if name not in COMMANDS:
            raise _unknown_command(name)
        return _run(name, arguments[1:], redactor)
    except (Tau2Error, OSError) as problem:
        if shows_traceback:
            raise
        command = f"tau2 {name}" if name in COMMANDS else "tau2"
        text = str(problem)
        if isinstance(problem, OSError) and problem.filename is not None:
            text = f"{named(problem.filename)}: {problem.strerror}"
        show_error(f"{command}: {indented(f'{text}{_install_hint(problem)}')}")
        return USAGE


def _unknown_command(name: str) -> Tau2Error:
    """Return an error that suggests the nearest command; where none is near, it lists them all."""
    if nearest_name(name, COMMANDS, _NEAR) is not None:
        return UnknownName("command", name, COMMANDS)
    return ConfigError(
        f"no command named {quoted(name)}; the commands are {', '.join(COMMANDS)}\n"
        "`tau2 --help` says what each does"
    )


def _install_hint(problem: Exception) -> str:
    """Return how to install the package of a name that is not known, where it lies here."""
    if not isinstance(problem, UnknownName) or problem.kind not in {"domain", "agent", "user"}:
        return ""
    folder = Path(problem.name)
    if folder.name != problem.name or not (folder / "pyproject.toml").is_file():
        return ""
    return (
        f"\nthe folder {problem.name} holds a package; to install it: pip install -e {problem.name}"
    )


def _run(name: str, arguments: list[str], redactor: PrintedRedactor) -> int:
    """Load a command's module, read its arguments and run it."""
    options = parse(parser_of(name), arguments)
    options.given = arguments
    options.redactor = redactor
    code: int = module_of(name).run(options)
    return code


def _help() -> str:
    parser = argparse.ArgumentParser(
        prog="tau2",
        usage="tau2 COMMAND [options]",
        description=_ABOUT,
        epilog=_EXAMPLES,
        formatter_class=HelpFormatter,
    )
    commands = parser.add_argument_group("commands")
    for name, summary in COMMANDS.items():
        commands.add_argument(name, help=summary)
    parser.add_argument("-V", "--version", action="store_true", help="show the version and exit")
    return parser.format_help()
