"""How every table on the terminal looks."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table


def new_table(
    *columns: str, right: Sequence[str] = (), cut: Sequence[str] = (), fold: Sequence[str] = ()
) -> Table:
    """Return an empty table: `right` are aligned right.

    Where space is short, `cut` and `fold` give way.
    """
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold", show_edge=False)
    for name in columns:
        table.add_column(
            name,
            justify="right" if name in right else "left",
            no_wrap=name not in cut and name not in fold,
            overflow="ellipsis" if name in cut else "fold",
        )
    return table
