"""The first screen: every run of a folder, the newest first. It follows what is being played."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.coordinate import Coordinate

from tau2.report.safe_text import one_line
from tau2.storage.stored_runs import find_runs
from tau2.utils.text import plural
from tau2.view.content.library import RunReader
from tau2.view.content.rows import Row
from tau2.view.content.runs import COLUMNS, NO_RUNS, RunEntry, read, unread
from tau2.view.screens import TableScreen, drawn
from tau2.view.simulations import SimulationsScreen

_POLL = 2.0  # seconds between looks at the folder


class RunsScreen(TableScreen):
    """One row per run; figures are read in the background, those on the screen first."""

    columns = COLUMNS
    empty_note = NO_RUNS
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "reload", "Reload", tooltip="Read every run again")
    ]

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder
        self._runs: dict[str, RunEntry] = {}
        self._unread: set[str] = set()

    def on_mount(self) -> None:
        """Show the names at once, and read the figures."""
        self.action_reload()

    def action_reload(self) -> None:
        """Look again for runs, and read every one of them again."""
        self._runs = {}
        self.run_worker(self._follow(), group="follow", exclusive=True)

    async def _follow(self) -> None:
        """Read the figures of runs, and again those of new ones and of those under way."""
        while True:
            self._look()
            await self._read_figures()
            await asyncio.sleep(_POLL)
            self._unread |= {key for key, run in self._runs.items() if run.is_under_way}

    def _look(self) -> None:
        """Take up runs that are new, and let those go that are not there any more."""
        files = {str(file): file for file in find_runs(self._folder)}
        before = self._runs
        self._unread = {key for key in files if key in self._unread or key not in before}
        self._runs = {key: before.get(key) or unread(file) for key, file in files.items()}
        if self._runs.keys() != before.keys() or not before:
            self.show()

    async def _read_figures(self) -> None:
        """Read what is not read yet."""
        while self._unread:
            key = self._next()
            self._unread.discard(key)
            run = await asyncio.to_thread(read, self._runs[key].path)
            if key in self._runs and run != self._runs[key]:
                self._runs[key] = run
                self._draw(run.row)

    def _next(self) -> str:
        """Return an unread run, one on the screen if there is any."""
        keys, top = list(self._runs), int(self.table.scroll_y)
        seen = keys[top : top + self.table.size.height]
        return next(key for key in (*seen, *keys, *self._unread) if key in self._unread)

    def _draw(self, row: Row) -> None:
        """Draw one row again."""
        places = {each.key: place for place, each in enumerate(self.shown)}
        if row.key in places:
            self.shown = self.rows()
            for column, cell in enumerate(drawn(self.columns, row)):
                self.table.update_cell_at(Coordinate(places[row.key], column), cell)

    def rows(self) -> Sequence[Row]:
        """Return the runs, as far as they are read."""
        return [run.row for run in self._runs.values()]

    @property
    def heading(self) -> str:
        """Where the runs are."""
        return f"{plural(len(self._runs), 'run')} in {one_line(self._folder, 300)}"

    def action_find(self, step: int) -> None:
        """Read what is not read yet, so that it can be found, and go to the next match."""
        self.run_worker(self._find_everywhere(step), group="find", exclusive=True)

    async def _find_everywhere(self, step: int) -> None:
        await self._read_figures()
        super().action_find(step)

    async def open(self, key: str) -> None:
        """Open a run."""
        screen = await self.read(_simulations, self._runs[key].path)
        if screen is not None:
            self.app.push_screen(screen)


def _simulations(file: Path) -> SimulationsScreen:
    return SimulationsScreen(RunReader(file))
