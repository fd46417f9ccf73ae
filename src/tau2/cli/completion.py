"""`tau2 completion`: have the shell complete commands, options, domains, agents, users, runs and tasks.

The script of a shell holds the commands and their options, made from the parsers; values are asked of
`tau2 completion words`, which loads only what the answer needs. Names are data: no shell ever evaluates them.
"""

from __future__ import annotations

import argparse
import json
import shlex
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from tau2.cli.codes import OK
from tau2.cli.parsing import CommandParser
from tau2.errors import Tau2Error

_EPILOG = """\
how to have it, for
  bash   echo 'eval "$(tau2 completion bash)"' >> ~/.bashrc
  zsh    echo 'eval "$(tau2 completion zsh)"' >> ~/.zshrc     (after compinit)
  fish   tau2 completion fish > ~/.config/fish/completions/tau2.fish

and then open a new shell. After an update of tau2, fish needs the file anew."""

SHELLS = ("bash", "zsh", "fish")
FILES = ":files"
"""Printed in place of candidates where any file may stand."""

_FILES_OF = frozenset({"FILE", "DIR", "PATH", "PATHS"})


def add_arguments(parser: CommandParser) -> None:
    """Add which shell."""
    parser.usage = "tau2 completion {bash,zsh,fish}"
    parser.epilog = _EPILOG
    parser.add_argument(
        "what", metavar="SHELL", choices=(*SHELLS, "words"), help="the shell: bash, zsh or fish"
    )
    parser.add_argument("line", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)


def run(options: argparse.Namespace) -> int:
    """Print the script of a shell, or the candidates for the last word of a line."""
    if options.what == "words":
        how, line = split_line(options.line)
        line = [unquoted(word) for word in line] if how == "quoted" else line
        print("".join(f"{word}\n" for word in candidates(line)), end="")
    else:
        print({"bash": _bash, "zsh": _zsh, "fish": _fish}[options.what](), end="")
    return OK


def split_line(line: list[str]) -> tuple[str, list[str]]:
    """Return what stands before and after the first `--`."""
    if "--" not in line:
        return "", line
    place = line.index("--")
    return " ".join(line[:place]), line[place + 1 :]


def unquoted(word: str) -> str:
    """Return a word as the shell would hand it over; a quote that is still open ends with the word."""
    for closing in ("", "'", '"'):
        try:
            return "".join(shlex.split(word + closing))
        except ValueError:
            continue
    return word


# --- what a word may become -----------------------------------------------------------------------------------------


def candidates(line: Sequence[str]) -> list[str]:
    """Return what the last word of a line (without `tau2`) may become; nothing where that is not known.

    A file that cannot be read, or a plug-in that is broken, is no reason to write into somebody's command line.
    """
    words = [word for word in line if word != "="] or [
        ""
    ]  # bash hands `--domain=mock` over in three parts
    *before, current = words
    try:
        found = _candidates(before, current)
    except (Tau2Error, OSError, ValueError):
        return []
    if found == [FILES]:
        return found
    return [word for word in found if word.startswith(current) and word.isprintable()]


def _candidates(before: list[str], current: str) -> list[str]:
    from tau2.cli import COMMANDS, parser_of

    if not before:
        return list(COMMANDS)
    if before[0] == "help":
        return list(COMMANDS)
    if before[0] not in COMMANDS:
        return []
    parser, rest = _innermost(parser_of(before[0]), before[1:])
    if current.startswith("-"):
        return sorted(_options(parser))
    action = _awaited(parser, rest)
    return _values(action, before) if action is not None else []


def _actions(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    return parser._actions  # noqa: SLF001  -- argparse has no public way to list them


def _options(parser: argparse.ArgumentParser) -> list[str]:
    hidden = argparse.SUPPRESS
    return [
        name
        for action in _actions(parser)
        if action.help != hidden
        for name in action.option_strings
    ]


def _innermost(
    parser: argparse.ArgumentParser, words: list[str]
) -> tuple[argparse.ArgumentParser, list[str]]:
    """Return the parser of the command within a command that the words name, and the words behind it."""
    for action in _actions(parser):
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001  -- argparse has no public name for it
            place = next((n for n, word in enumerate(words) if word in action.choices), None)
            if place is not None:
                return _innermost(action.choices[words[place]], words[place + 1 :])
    return parser, words


def _awaited(parser: argparse.ArgumentParser, words: list[str]) -> argparse.Action | None:
    """Return what the next word is a value of: the last option, while it takes more, else a positional argument."""
    known = {name: action for action in _actions(parser) for name in action.option_strings}
    awaited: argparse.Action | None = None
    given, positional = 0, 0
    for word in words:
        if word in known:
            awaited, given = known[word], 0
        elif awaited is not None and _takes(awaited) > given:
            given += 1
        else:
            positional += 1
    if awaited is not None and _takes(awaited) > given:
        return awaited
    places = [action for action in _actions(parser) if not action.option_strings]
    return next(
        (action for number, action in enumerate(places) if number + _takes(action) > positional),
        None,
    )


def _takes(action: argparse.Action) -> int:
    """Return how many values an argument takes at most."""
    if action.nargs in {None, "?"}:
        return 1
    return action.nargs if isinstance(action.nargs, int) else 1_000_000


def _values(action: argparse.Action, words: list[str]) -> list[str]:
    if action.choices is not None:
        return [str(choice) for choice in action.choices if choice != "words"]
    source = _SOURCES.get(action.dest)
    if source is not None and not (action.dest == "name" and words[0] != "domain"):
        return source(words)
    return [FILES] if action.metavar in _FILES_OF else []


def _domains(_words: list[str]) -> list[str]:
    from tau2.registry import registry

    return registry.get_domains()


def _agents(_words: list[str]) -> list[str]:
    from tau2.registry import registry

    return registry.get_agents()


def _users(_words: list[str]) -> list[str]:
    from tau2.registry import registry

    return registry.get_users()


def _splits(words: list[str]) -> list[str]:
    from tau2.registry import registry

    load = registry.get_task_splits_loader(_after(words, "-d", "--domain") or "")
    return list(load()) if load is not None else []


def _runs(_words: list[str]) -> list[str]:
    """Return the names of the saved runs, the newest first."""
    from tau2 import config

    folder = config.simulations_dir()
    if not folder.is_dir():
        return []
    files = [
        *folder.glob("*/results.json"),
        *(file for file in folder.glob("*.json") if file.name[0] != "."),
    ]
    files.sort(key=lambda file: -file.stat().st_mtime)
    return [file.parent.name if file.name == "results.json" else file.name for file in files]


def _tasks(words: list[str]) -> list[str]:
    """Return the tasks of the domain that the line names, or of the run."""
    domain = _after(words, "-d", "--domain")
    if domain is not None:
        return _tasks_of_domain(domain)
    return _tasks_of_run(words[1]) if len(words) > 1 else []


def _after(words: list[str], *options: str) -> str | None:
    return next(
        (words[place + 1] for place, word in enumerate(words[:-1]) if word in options), None
    )


def _tasks_of_domain(domain: str) -> list[str]:
    """Return the ids in a domain's splits, which say them without the tasks being read; else of its tasks."""
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


_SOURCES: dict[str, Callable[[list[str]], list[str]]] = {
    "domain": _domains, "name": _domains, "names": _domains,
    "agent": _agents, "user": _users,
    "task_id": _tasks, "task_ids": _tasks, "task_split_name": _splits,
    "run_name": _runs, "runs": _runs, "run": _runs, "a": _runs, "b": _runs,
}  # fmt: skip


# --- scripts --------------------------------------------------------------------------------------------------------


def _flags() -> Iterator[tuple[str, list[str]]]:
    """Yield every command with its options; one that has commands of its own is left to `words`."""
    from tau2.cli import COMMANDS, parser_of

    for command in COMMANDS:
        parser = parser_of(command)
        nested = any(isinstance(action, argparse._SubParsersAction) for action in _actions(parser))  # noqa: SLF001  -- as above
        if not nested:
            yield command, sorted(_options(parser))


def _bash() -> str:
    from tau2.cli import COMMANDS

    cases = "\n".join(
        f"            {command}) words={shlex.quote(' '.join(names))} ;;"
        for command, names in _flags()
    )
    return _BASH.format(commands=shlex.quote(" ".join([*COMMANDS, "help"])), cases=cases)


_BASH = """\
# bash completion of tau2; made by `tau2 completion bash`
_tau2() {{
    local current="${{COMP_WORDS[COMP_CWORD]}}" words="" word
    COMPREPLY=()
    if [[ $COMP_CWORD -eq 1 ]]; then
        words={commands}
    elif [[ $current == -* ]]; then
        case "${{COMP_WORDS[1]}}" in
{cases}
        esac
    fi
    if [[ -n $words ]]; then
        for word in $words; do
            [[ $word == "$current"* ]] && COMPREPLY+=("$word")
        done
        return
    fi
    [[ $current == "=" ]] && current=""
    while IFS= read -r word; do
        if [[ $word == {files} ]]; then
            while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen -f -- "$current")
            compopt -o filenames 2>/dev/null
            return
        fi
        printf -v word %q "$word"
        COMPREPLY+=("$word")
    done < <("${{COMP_WORDS[0]}}" completion words quoted -- \\
        "${{COMP_WORDS[@]:1:COMP_CWORD-1}}" "$current" 2>/dev/null)
}}
complete -F _tau2 tau2
""".replace("{files}", FILES)


def _zsh() -> str:
    from tau2.cli import COMMANDS

    commands = "\n".join(
        f"        {shlex.quote(f'{name}:{about}')}" for name, about in COMMANDS.items()
    )
    cases = "\n".join(
        f"            {command}) found=({' '.join(names)}) ;;" for command, names in _flags()
    )
    return _ZSH.format(commands=commands, cases=cases)


_ZSH = """\
#compdef tau2
# zsh completion of tau2; made by `tau2 completion zsh`
_tau2() {{
    local -a commands found
    commands=(
{commands}
    )
    if (( CURRENT == 2 )); then
        _describe command commands
        return
    fi
    if [[ $words[CURRENT] == -* ]]; then
        case $words[2] in
{cases}
        esac
    fi
    if (( ! $#found )); then
        found=("${{(@f)$("$words[1]" completion words -- "${{(@Q)words[2,CURRENT]}}" 2>/dev/null)}}")
    fi
    if [[ $found[1] == {files} ]]; then
        _files
    elif [[ -n $found[1] ]]; then
        compadd -a found
    fi
}}
compdef _tau2 tau2
""".replace("{files}", FILES)


def _fish() -> str:
    from tau2.cli import COMMANDS

    lines = [
        f"complete -c tau2 -n __fish_use_subcommand -a {shlex.quote(name)} -d {_fish_text(about)}"
        for name, about in COMMANDS.items()
    ]
    return _FISH + "\n".join(lines) + "\n"


_FISH = """\
# fish completion of tau2; made by `tau2 completion fish`
function __tau2_words
    set -l line (commandline -opc) (commandline -ct)
    set -l found ($line[1] completion words -- $line[2..-1] 2>/dev/null)
    if test "$found[1]" = {files}
        __fish_complete_path (commandline -ct)
    else if set -q found[1]
        printf '%s\\n' $found
    end
end
complete -c tau2 -f
complete -c tau2 -n 'not __fish_use_subcommand' -a '(__tau2_words)'
""".replace("{files}", FILES)


def _fish_text(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
