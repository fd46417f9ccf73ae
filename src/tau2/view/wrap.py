"""Text in cells of a terminal: wide characters take two."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rich.cells import cell_len, chop_cells, set_cell_size

from tau2.report.safe_text import clean

_PIECES = re.compile(r"\s+|\S+")


def wrapped(text: object, width: int, indent: str = "") -> list[str]:
    """Return text as lines of at most `width` cells, broken at spaces where there are any; never empty."""
    return [
        indent + part
        for line in clean(text).split("\n")
        for part in _indented(line.expandtabs(4), width, indent)
    ]


def _indented(line: str, width: int, indent: str) -> Iterator[str]:
    """Yield the parts of a line; those after the first keep its own indentation, where that leaves room."""
    room = max(2, width - cell_len(indent))
    own = len(line) - len(line.lstrip(" "))
    own = own if own <= room // 2 else 0
    yield from (" " * own + part for part in _line(line[own:], room - own))


def _line(line: str, room: int) -> Iterator[str]:
    if cell_len(line) <= room:
        yield line.rstrip()
        return
    begun = ""
    for piece in _PIECES.findall(line):
        if cell_len(begun) + cell_len(piece) <= room:
            begun += piece
            continue
        if begun.strip():
            yield begun.rstrip()
        *whole, begun = chop_cells(piece, room) if not piece.isspace() else [""]
        yield from whole
    yield begun.rstrip()


def fitted(text: str, width: int) -> str:
    """Return one line cut or padded to exactly `width` cells; a cut shows."""
    if cell_len(text) > width > 1:
        return set_cell_size(text, width - 1) + "…"
    return set_cell_size(text, max(0, width))
