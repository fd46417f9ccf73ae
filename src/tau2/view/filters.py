"""What the list of simulations can be filtered by: one choice of each group."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.screen import ModalScreen

from tau2.view.content.rows import Row
from tau2.view.content.simulations import CHOICE_COLUMNS, READ_TOOLS, SimulationList
from tau2.view.screens import TableScreen

_WIDTH = 64  # cells; the style sheet says so too


class FilterScreen(TableScreen, ModalScreen[None]):
    """Groups of choices; enter takes one, or lets it go again. The list behind follows at once."""

    columns = CHOICE_COLUMNS
    heading = "enter takes a choice, or lets it go"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("c", "let_go", "Let all go"),
        Binding("f", "back", "Done", show=False),
    ]

    def __init__(self, simulations: SimulationList, changed: Callable[[], None]) -> None:
        super().__init__()
        self._simulations = simulations
        self._changed = changed

    def on_mount(self) -> None:
        """Read the tools of a small run."""
        if not self._simulations.needs_request:
            self.run_worker(self.open(READ_TOOLS), group="open")

    @property
    def room(self) -> int:
        """The width of the box, as the style sheet has it."""
        return min(_WIDTH, self.size.width)

    def rows(self) -> Sequence[Row]:
        """Return the choices."""
        return self._simulations.choices()

    async def open(self, key: str) -> None:
        """Take a choice or let it go, or read the tools."""
        if key == READ_TOOLS:
            await self.read(self._simulations.read_tools)
        else:
            self._simulations.choose(key)
            self._changed()
        self.show()

    def action_space(self) -> None:
        """Take the choice, or let it go."""
        self.table.action_select_cursor()

    def action_let_go(self) -> None:
        """Let every choice go."""
        self._simulations.show_all()
        self._changed()
        self.show()
