"""Rows of a table, the widths of its columns, and the search for a text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from rich.cells import cell_len

from tau2.view.content.blocks import Line

_NARROWEST = 10  # cells of a column that shares what the others leave
_PADDING = 2  # cells that every column takes besides its width


class Column(NamedTuple):
    """One column of a table."""

    name: str
    width: int | None = None
    """In cells; None shares what the others leave."""
    is_number: bool = False


class Row(NamedTuple):
    """One row of a table."""

    key: str
    cells: Sequence[Line]
    text: str = ""
    """What is searched; empty for what the cells say."""

    @property
    def searched(self) -> str:
        """What is searched."""
        return self.text or " ".join(text for text, _ in self.cells)


def widths(columns: Sequence[Column], rows: Sequence[Row], room: int) -> list[int]:
    """Return the width of every column.

    Those without a width of their own take what they need, and the last of them the rest.
    """
    shared = [place for place, column in enumerate(columns) if column.width is None]
    found = [column.width or 0 for column in columns]
    left = room - sum(found) - _PADDING * len(columns)
    for place in shared[:-1]:
        others = len(shared) - 1 - shared.index(place)
        needed = max((cell_len(row.cells[place][0]) for row in rows), default=0)
        found[place] = max(_NARROWEST, min(needed, left - _NARROWEST * others))
        left -= found[place]
    for place in shared[-1:]:
        found[place] = max(_NARROWEST, left)
    return found


def next_match(texts: Sequence[str], wanted: str, here: int, step: int) -> int | None:
    """Return the next place that holds `wanted`, whatever its case.

    The search goes on after `here`, round the end, and comes to `here` last.
    """
    for distance in range(1, len(texts) + 1):
        place = (here + step * distance) % len(texts)
        if wanted.casefold() in texts[place].casefold():
            return place
    return None
