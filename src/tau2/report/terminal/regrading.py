"""What changes when a run is graded again, for the terminal."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.text import Text

from tau2.report.safe_text import one_line, plain
from tau2.report.terminal.tables import Listing, new_table
from tau2.runner.regrade import Regraded, Regrading
from tau2.utils.terminal_text import named
from tau2.utils.text import first_of, plural


def regrading_view(regrading: Regrading, name: str, written_to: str | None) -> RenderableType:
    """Return the averages, every changed reward, and where the graded run was written."""
    parts: list[RenderableType] = [
        Text(one_line(name, 200), style="bold"),
        plain(
            f"{plural(len(regrading.entries), 'simulation')} graded: "
            f"{plural(len(regrading.flips), 'flip')}, "
            f"{plural(len(regrading.changes), 'changed reward')}"
        ),
        plain(
            f"average reward: {_average(regrading.average_before)} before, "
            f"{_average(regrading.average_after)} now"
        ),
    ]
    if regrading.missing_tasks:
        some = first_of((one_line(task, 60) for task in regrading.missing_tasks), 20)
        parts.append(plain(f"no longer in the domain, graded as stored: {some}", style="yellow"))
    if regrading.changes:
        parts += [Text(""), _table(regrading.changes)]
    if written_to:
        parts.append(plain(f"written to {named(written_to)}"))
    return Group(*parts, Text(""))


def _average(value: float | None) -> str:
    return "no scored simulation" if value is None else f"{value:.3f}"


def _table(changes: Iterable[Regraded]) -> Listing:
    table = new_table(
        *("task", "trial", "before", "now", "why"),
        right=("trial", "before", "now"),
        names=("task",),
        fold=("why",),
    )
    for entry in changes:
        better = (entry.after or 0) > (entry.before or 0)
        flip_style = "green" if better else "red"
        table.add_row(
            plain(one_line(entry.task_id, 200)),
            str(entry.trial),
            _reward(entry.before),
            Text(_reward(entry.after), style=flip_style if entry.is_flip else "default"),
            plain(one_line(entry.reason, 300)),
        )
    return table


def _reward(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
