"""`tau2 completion`: have the shell complete commands, options, names, runs and tasks.

argcomplete reads the half-written line, asks the command's parser and quotes the answer for the
shell; this module says which values there are. It is loaded only while a shell asks or a script is
printed, and it loads the registry only for values that come from there. Names are data: no shell
ever evaluates them.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from tau2.cli.commands import COMMANDS, parser_of
from tau2.cli.exit_codes import OK
from tau2.cli.parsing import CommandParser
from tau2.utils.output import show

if TYPE_CHECKING:
    from tau2.registry import Registry

Source = Callable[[argparse.Namespace], list[str]]
"""Returns what a value may be, given what stands on the line."""

_EPILOG = """\
to set it up, for
  bash   echo 'eval "$(tau2 completion bash)"' >> ~/.bashrc
  zsh    echo 'eval "$(tau2 completion zsh)"' >> ~/.zshrc     (after compinit)
  fish   tau2 completion fish > ~/.config/fish/completions/tau2.fish

and then open a new shell."""

SHELLS = ("bash", "zsh", "fish")

_FILES_OF = frozenset({"FILE", "DIR", "PATH", "PATHS", "SOURCE"})
_WORDS_START = "_ARGCOMPLETE"
"""Set by the shell's script: at which word of the line the arguments begin."""


def add_arguments(parser: CommandParser) -> None:
    """Add which shell."""
    parser.usage = "tau2 completion {bash,zsh,fish}"
    parser.epilog = _EPILOG
    parser.add_argument(
        "shell", metavar="SHELL", choices=SHELLS, help="the shell: bash, zsh or fish"
    )


def run(options: argparse.Namespace) -> int:
    """Print the script of a shell."""
    from argcomplete.shell_integration import shellcode

    # Without readline's own completion, which would offer files where a number is expected.
    show(
        shellcode(
            ["tau2"], use_defaults=False, shell=options.shell, complete_arguments=["-o", "nospace"]
        ),
        end="",
    )
    return OK


def answer(output: TextIO | None = None, leave: Callable[[int], Any] = os._exit) -> None:
    """Write what the last word of the shell's line may become, and leave.

    Args:
        output: Where to; None for the file descriptor that the shell's script reads.
        leave: Ends the process with an exit code.
    """
    try:
        parser = _parser_for(*_words())
        _finder()(
            parser, always_complete_options=False, output_stream=output, exit_method=leave,
            validator=_fits, default_completer=_values,
        )  # fmt: skip
    except Exception:  # noqa: BLE001  -- nothing may write into the command line
        leave(OK)


def _finder() -> Any:
    from argcomplete.finders import CompletionFinder

    class Finder(CompletionFinder):
        def _init_debug_stream(self) -> None:
            """Leave descriptor 9 alone: what is not the answer is not written."""

    return Finder()


def _words() -> tuple[str | None, int]:
    """Return the command, if it is complete on the line, and at which word the arguments begin."""
    from argcomplete.lexers import split_line

    _, _, _, before, _ = split_line(os.environ["COMP_LINE"], int(os.environ["COMP_POINT"]))
    start = int(os.environ[_WORDS_START])
    return (before[start] if len(before) > start else None), start


def _parser_for(command: str | None, start: int) -> argparse.ArgumentParser:
    """Return a parser of what comes after `tau2 COMMAND`, else of what comes after `tau2`."""
    if command in COMMANDS:
        os.environ[_WORDS_START] = str(start + 1)
        return parser_of(command)
    parser = argparse.ArgumentParser("tau2", add_help=False)
    commands = {**COMMANDS, "help": "explain a command"}
    place: Any = parser.add_argument("command")
    # Where argcomplete looks; argparse declares no such attribute.
    place.completer = lambda **_asked: commands
    if command == "help":
        parser.add_argument("topic", choices=list(COMMANDS))
    return parser


def _fits(candidate: str, prefix: str) -> bool:
    return candidate.startswith(prefix) and candidate.isprintable()


# --- values ---------------------------------------------------------------------------------------


def _values(
    *,
    prefix: str,
    action: argparse.Action,
    parser: argparse.ArgumentParser,
    parsed_args: argparse.Namespace,
) -> Iterable[str]:
    """Return what an argument's value may be; nothing where that is not known."""
    source = _SOURCES.get(action.dest)
    if action.dest == "names" and parser.prog == "tau2 protocols":
        source = _protocols
    if source is not None and not (action.dest == "name" and parser.prog != "tau2 domain"):
        return source(parsed_args)
    return _files(prefix) if action.metavar in _FILES_OF else ()


def _registered(names: Callable[[Registry], list[str]]) -> Source:
    """Return a source of names in the registry, which is loaded only when a shell asks for them."""

    def source(_given: argparse.Namespace) -> list[str]:
        from tau2.registry import registry

        return names(registry)

    return source


_domains = _registered(lambda registry: registry.get_domains())


def _splits(given: argparse.Namespace) -> list[str]:
    from tau2.registry import registry

    load = registry.get_task_splits_loader(_first(given, "domain") or "")
    return list(load()) if load is not None else []


def _protocols(_given: argparse.Namespace) -> list[str]:
    from tau2.runner.protocols import protocols

    return list(protocols())


def _runs(_given: argparse.Namespace) -> list[str]:
    """Return the names of the saved runs."""
    from tau2 import config

    folder = config.simulations_dir()
    if not folder.is_dir():
        return []
    files = [
        *folder.glob("*/results.json"),
        *(file for file in folder.glob("*.json") if file.name[0] != "."),
    ]
    return [file.parent.name if file.name == "results.json" else file.name for file in files]


def _tasks(given: argparse.Namespace) -> list[str]:
    """Return the tasks of the domain that the line names, or of the run."""
    domain = _first(given, "domain")
    if domain is not None:
        return _tasks_of_domain(domain)
    run = _first(given, "run_name", "run", "runs")
    return _tasks_of_run(run) if run is not None else []


def _first(given: argparse.Namespace, *names: str) -> str | None:
    """Return the first value that was given under one of the names."""
    values = [getattr(given, name, None) for name in names]
    value = next((value for value in values if value), None)
    return value[0] if isinstance(value, Sequence) and not isinstance(value, str) else value


def _tasks_of_domain(domain: str) -> list[str]:
    """Return a domain's task ids: from its splits where it has them, so that no task is read."""
    from tau2.registry import registry

    load = registry.get_task_splits_loader(domain)
    if load is not None:
        return list(dict.fromkeys(task for ids in load().values() for task in ids))
    return [str(task.id) for task in registry.get_tasks_loader(domain)(None)]


def _tasks_of_run(name: str) -> list[str]:
    from tau2 import config

    folders = (config.simulations_dir() / name, Path(name))
    file = next(
        (
            file
            for folder in folders
            for file in (folder / "results.json", folder)
            if file.is_file()
        ),
        None,
    )
    raw = json.loads(file.read_bytes()) if file is not None else {}
    tasks = raw.get("tasks") if isinstance(raw, dict) else None
    entries = tasks if isinstance(tasks, list) else []
    return [str(entry["id"]) for entry in entries if isinstance(entry, dict) and "id" in entry]


def _files(prefix: str) -> list[str]:
    """Return files and folders that begin with `prefix`; argcomplete would start bash for it."""
    folder, slash, begun = prefix.rpartition("/")
    place = Path(os.path.expanduser(folder + slash or "."))  # noqa: PTH111  -- what a shell expands
    if not place.is_dir():
        return []
    return [
        f"{folder}{slash}{entry.name}{'/' if entry.is_dir() else ''}"
        for entry in place.iterdir()
        if begun or not entry.name.startswith(".")
    ]


_SOURCES: dict[str, Source] = {
    "domain": _domains, "name": _domains, "names": _domains,
    "agent": _registered(lambda registry: registry.get_agents()),
    "user": _registered(lambda registry: registry.get_users()),
    "protocol": _protocols,
    "task_id": _tasks, "task_ids": _tasks, "task_split_name": _splits,
    "run_name": _runs, "runs": _runs, "run": _runs, "resume": _runs, "a": _runs, "b": _runs,
}  # fmt: skip
