"""Help texts in the width of the terminal: prose is filled, tables and examples keep their form."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

_GAP = "  "  # at least, between the columns of a line
_BELOW = 4  # columns by which what an example does is indented below it
_WIDEST_TERM = 0.4  # share of a line; what a longer term means stands below it
_PROGRAMS = frozenset({"tau2", "python", "pip", "echo", "export"})
"""How a line begins that is a command."""


def fitted(text: str, width: int) -> str:
    """Return a help text in lines of at most `width` columns.

    Lines that are not indented are prose, filled anew. A line of a term or a command, a gap and
    what it means is a row of a table, with the lines below that begin where the meaning does.
    Commands are never broken: a shell would run the first half.
    """
    return "\n".join(line for block in _blocks(text.splitlines()) for line in _fit(block, width))


def _blocks(lines: list[str]) -> Iterator[list[str]]:
    """Yield the lines that are filled together: a paragraph, or a row of a table."""
    block: list[str] = []
    for line in lines:
        if block and not _belongs(line, block):
            yield block
            block = []
        block.append(line)
    if block:
        yield block


def _belongs(line: str, block: list[str]) -> bool:
    """Return whether a line goes on with what the block says."""
    if not line.strip() or not block[-1].strip():
        return False
    first = block[0]
    if _meaning(first):
        return _indent(line) == first.index(_meaning(first)) and not _meaning(line)
    return _indent(line) == _indent(first) == 0 and not _meaning(line)


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _meaning(line: str) -> str:
    """Return what stands behind the gap of a line; empty where it has none."""
    return line.strip().partition(_GAP)[2].lstrip()


def _fit(block: list[str], width: int) -> list[str]:
    first = block[0]
    if not first.strip():
        return [""]
    meaning = _meaning(first)
    if not meaning:
        return _filled(" ".join(block), width) if _indent(first) == 0 else _kept(first, width)
    if max(map(len, block)) <= width:
        return block
    column = first.index(meaning)
    term = first[:column].rstrip()
    text = " ".join([meaning, *(line.strip() for line in block[1:])])
    if column <= width * _WIDEST_TERM:
        return _filled(text, width, first[:column], " " * column)
    below = " " * (_indent(first) + _BELOW)
    return [term, *_filled(text, width, below, below)]


def _kept(line: str, width: int) -> list[str]:
    """Return an indented line: prose is wrapped, a command is not."""
    first = line.split(maxsplit=1)[0]
    is_command = first in _PROGRAMS or first.startswith(("-", "{")) or first == line.strip()
    if is_command or len(line) <= width:
        return [line]
    indent = " " * _indent(line)
    return _filled(line.strip(), width, indent, indent)


def _filled(text: str, width: int, first: str = "", rest: str = "") -> list[str]:
    return textwrap.wrap(
        text,
        width,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    ) or [""]
