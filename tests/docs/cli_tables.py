"""The tables of options in docs/cli-reference.md, made from the commands themselves.

`python -m tests.docs.cli_tables` writes them into the page; a test says when they are no longer the
same.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from pathlib import Path

from tau2.cli import COMMANDS, parser_of
from tau2.cli.parsing import shown_names

PAGE = Path(__file__).resolve().parents[2] / "docs" / "cli-reference.md"
_TABLE = re.compile(r"<!-- options of (?P<command>[\w-]+) -->\n.*?<!-- end -->", re.DOTALL)


def rows(command: str) -> Iterator[str]:
    """Yield the table of a command's options, line by line."""
    yield "| option | meaning |"
    yield "|---|---|"
    parser = parser_of(command)
    groups = {
        id(action): f"{group.title}: "
        for group in parser._action_groups
        if group.title in _positional_choices(parser)
        for action in group._group_actions
    }
    for action in parser._actions:
        if action.dest != "help":
            meaning = (action.help or "").replace("%%", "%").replace("|", "\\|")
            yield f"| `{_form(action)}` | {groups.get(id(action), '')}{meaning} |"


def _positional_choices(parser: argparse.ArgumentParser) -> set[str]:
    """Return what a command can do, where its first argument says so."""
    first = next((a for a in parser._actions if not a.option_strings), None)
    return set(map(str, first.choices)) if first is not None and first.choices else set()


def _form(action: argparse.Action) -> str:
    value = action.metavar or (
        "|".join(map(str, action.choices)) if action.choices else action.dest.upper()
    )
    value = str(value).replace("|", "\\|")
    if not action.option_strings:
        return value
    takes = "" if action.nargs == 0 else f" {value}" + (" ..." if action.nargs == "+" else "")
    return ", ".join(shown_names(action)) + takes


def with_tables(text: str) -> str:
    """Return the page with every table as it has to be."""
    return _TABLE.sub(lambda found: "\n".join(_block(found["command"])), text)


def _block(command: str) -> Iterator[str]:
    yield f"<!-- options of {command} -->"
    yield from rows(command)
    yield "<!-- end -->"


def described(text: str) -> list[str]:
    """Return the commands that the page has a table for."""
    return [found["command"] for found in _TABLE.finditer(text)]


if __name__ == "__main__":
    PAGE.write_text(with_tables(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    assert sorted(described(PAGE.read_text(encoding="utf-8"))) == sorted(COMMANDS), (
        "every command has a section"
    )
