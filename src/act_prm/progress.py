"""The progress of a run on a terminal: bars for batches and for the work within one, and lines."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

from tau2.utils.json_types import JsonMapping
from tau2.utils.terminal import Terminal

_SHOWN_METRICS = (
    "train/final_reward",
    "train/correct",
    "update/loss",
    "update/sft_loss",
    "update/grad_norm",
)


class ProgressBars:
    """A `metrics.Reporter` with progress bars on a terminal; with `verbose`, a line per batch."""

    def __init__(self, console: Terminal, *, verbose: bool = False) -> None:
        self._console = console
        self._verbose = verbose
        self._bars = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._batches: TaskID | None = None
        self._part: TaskID | None = None
        self._title = ""

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._bars.stop()

    def begin(self, title: str, done: int, total: int) -> None:
        """Show the bar of a phase."""
        self._title = title
        if self._batches is not None:
            self._bars.remove_task(self._batches)
        self._batches = self._bars.add_task(f"{title} batches", total=total, completed=done)

    def batch(self, done: int, total: int, row: JsonMapping) -> None:
        """Advance the bar of the phase; with `verbose`, show metrics."""
        self._end_part()
        if self._batches is not None:
            self._bars.update(self._batches, completed=done)
        if self._verbose:
            numbers = ", ".join(
                f"{name.partition('/')[2]} {row[name]:.4g}"
                for name in _SHOWN_METRICS
                if name in row
            )
            self.note(f"{self._title} {done}/{total}: {numbers}")

    def part(self, title: str, done: int, total: int) -> None:
        """Advance the bar of the work within a batch."""
        if self._part is None:
            self._part = self._bars.add_task(title, total=total)
        self._bars.update(self._part, description=title, completed=done, total=total)

    def _end_part(self) -> None:
        if self._part is not None:
            self._bars.remove_task(self._part)
            self._part = None

    def note(self, text: str) -> None:
        """Show a text above the bars."""
        self._end_part()
        self._console.print(text, soft_wrap=True)
