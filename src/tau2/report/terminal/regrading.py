"""What changes when a run is graded again, for the terminal."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from tau2.report.safe_text import one_line, plain
from tau2.report.terminal.tables import new_table
from tau2.runner.regrade import Regraded, Regrading


def regrading_view(regrading: Regrading, name: str, written_to: str | None) -> RenderableType:
    """Return the averages, every changed reward, and where the graded run was written."""
    parts: list[RenderableType] = [
        Text(one_line(name, 200), style="bold"),
        plain(f"{len(regrading.entries)} simulations graded: {len(regrading.flips)} flips, "
              f"{len(regrading.changes)} changed rewards"),
        plain(f"average reward {_mean(entry.before for entry in regrading.entries)} before, "
              f"{_mean(entry.after for entry in regrading.entries)} now"),
    ]  # fmt: skip
    if regrading.missing_tasks:
        named = ", ".join(one_line(task, 60) for task in regrading.missing_tasks[:20])
        parts.append(plain(f"no longer in the domain, graded as stored: {named}", style="yellow"))
    if regrading.changes:
        parts += [Text(""), _table(regrading.changes)]
    if written_to:
        parts.append(plain(f"written to {written_to}"))
    return Group(*parts, Text(""))


def _mean(rewards: Iterable[float | None]) -> str:
    known = [reward for reward in rewards if reward is not None]
    return f"{sum(known) / len(known):.3f}" if known else "none"


def _table(changes: Iterable[Regraded]) -> Table:
    table = new_table(
        "task",
        "trial",
        "before",
        "now",
        "why",
        right=("trial", "before", "now"),
        fold=("task", "why"),
    )
    for entry in changes:
        style = (
            "default"
            if not entry.is_flip
            else "green"
            if (entry.after or 0) > (entry.before or 0)
            else "red"
        )
        table.add_row(
            plain(one_line(entry.task_id, 200)), str(entry.trial), _reward(entry.before),
            Text(_reward(entry.after), style=style), plain(one_line(entry.reason, 300)),
        )  # fmt: skip
    return table


def _reward(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
