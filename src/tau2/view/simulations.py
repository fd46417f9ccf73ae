"""The second screen: the simulations of a run, filtered and sorted. It follows a run under way."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from functools import partial
from typing import ClassVar

from textual.app import SystemCommand
from textual.binding import Binding, BindingType
from textual.widgets import DataTable

from tau2.errors import Tau2Error
from tau2.view.content.library import RunReader
from tau2.view.content.rows import Row
from tau2.view.content.simulations import COLUMNS, REWARDS, SORTS, SimulationList
from tau2.view.conversation import ConversationScreen, read_conversation
from tau2.view.filters import FilterScreen
from tau2.view.screens import TableScreen

_POLL = 1.0  # seconds between looks at the files
_SHARE = 10  # a refresh that takes t seconds is followed by at least this many times t without one
_BY_COLUMN = {"task": "task", "reward": "reward", "ended": "outcome", "seconds": "longest"}
"""The order that a click on a column's name takes."""


class SimulationsScreen(TableScreen):
    """One row per simulation."""

    columns = COLUMNS
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f", "filter", "Filter", tooltip="By reward, outcome or tool"),
        Binding("F", "show_all", "Show all", show=False),
        Binding("s", "sort(1)", "Sort"),
        Binding("S", "sort(-1)", "Previous order", show=False),
        Binding("x", "only('failed')", "Failed", tooltip="Only what lost reward, or all"),
    ]

    def __init__(self, run: RunReader) -> None:
        """Read the index of the run. Raise DataFileError for one that cannot be used."""
        super().__init__()
        self.simulations = SimulationList(run)

    def on_mount(self) -> None:
        """Look at the files from time to time."""
        self.run_worker(self._follow(), group="follow")

    def rows(self) -> Sequence[Row]:
        """Return the simulations that fit the filter."""
        return self.simulations.rows()

    @property
    def heading(self) -> str:
        """Which run, how many are shown, and why not all."""
        return self.simulations.title

    @property
    def empty_note(self) -> str:
        """Why nothing is shown."""
        return self.simulations.empty_note

    async def _follow(self) -> None:
        """Show what a run that is under way adds; stop when its files cannot be read any more."""
        pause = _POLL
        while True:
            await asyncio.sleep(pause)
            began = time.perf_counter()
            try:
                newer = await asyncio.to_thread(self.simulations.run.refreshed)
            except (Tau2Error, OSError) as problem:
                self.warn(problem)
                return
            if newer is not None:
                self.simulations.show(newer)
                self.show()
            pause = max(_POLL, _SHARE * (time.perf_counter() - began))

    # --- keys -------------------------------------------------------------------------------------

    async def open(self, key: str) -> None:
        """Open a conversation."""
        read = await self.read(read_conversation, self.simulations.run, key)
        if read is not None:
            self.app.push_screen(ConversationScreen(*read))

    def on_data_table_header_selected(self, event: DataTable.HeaderSelected) -> None:
        """Sort by the column that was clicked."""
        self._sort_by(_BY_COLUMN.get(str(event.column_key.value), self.simulations.sort))

    def action_sort(self, step: int) -> None:
        """Take the next order, or the one before."""
        self.simulations.next_sort(step)
        self._sort_by(self.simulations.sort)

    def _sort_by(self, name: str) -> None:
        self.simulations.sort = name
        self.show()
        self.table.action_to_row(0)

    def action_filter(self) -> None:
        """Ask what is to be shown."""
        self.app.push_screen(FilterScreen(self.simulations, self.show))

    def action_show_all(self) -> None:
        """Let the filter go."""
        self.simulations.show_all()
        self.show()

    def action_only(self, reward: str) -> None:
        """Show one kind of reward only, or everything again."""
        is_shown = self.simulations.filter.reward == reward
        self.simulations.show_all()
        if not is_shown:
            self.simulations.filter.reward = reward
        self.show()

    def commands(self) -> Iterator[SystemCommand]:
        """Yield the orders and the rewards."""
        for name in SORTS:
            yield SystemCommand(
                f"Sort: {name}", "Order of the simulations", partial(self._sort_by, name)
            )
        for name, text in REWARDS.items():
            yield SystemCommand(
                f"Only: {text}", "By reward; again shows all", partial(self.action_only, name)
            )
