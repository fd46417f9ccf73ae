"""What the screens share: a title, a table, a search line, and the keys that all have."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import ClassVar, TypeVar

from rich.console import JustifyMethod
from rich.text import Text
from textual import events
from textual.app import ComposeResult, SystemCommand
from textual.binding import Binding, BindingType
from textual.coordinate import Coordinate
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import DataTable, Footer, HelpPanel, Input, Static

from tau2.errors import Tau2Error
from tau2.report.safe_text import one_line
from tau2.view.content.rows import Column, Row, next_match, widths

Result = TypeVar("Result")

_SCROLL_BAR = 2  # cells
_PATIENCE = 0.3  # seconds that something is read before that is shown
_COLOURS: Mapping[str, str] = {
    "good": "green",
    "bad": "red",
    "warn": "yellow",
    "dim": "dim",
    "label": "bold",
    "taken": "bold cyan",
}
"""Colours of table cells, which Textual adapts to the theme."""


class RowTable(DataTable[Text]):
    """Rows, one of which the cursor is on."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,right,l", "select_cursor", "Open", key_display="⏎"),
        Binding("left", "screen.back", "Back", show=False),
        Binding("down,j", "cursor_down", "Down", show=False),
        Binding("up,k", "cursor_up", "Up", show=False),
        Binding("space", "screen.space", "One screen down", show=False),
        Binding("pagedown,ctrl+f", "page_down", "One screen down", show=False),
        Binding("pageup,b,ctrl+b", "page_up", "One screen up", show=False),
        Binding("ctrl+d", "half_page(1)", "Half a screen down", show=False),
        Binding("ctrl+u", "half_page(-1)", "Half a screen up", show=False),
        Binding("home,g", "to_row(0)", "First row", show=False),
        Binding("end,G", "to_row(-1)", "Last row", show=False),
    ]

    def __init__(self) -> None:
        super().__init__(cursor_type="row", zebra_stripes=True, classes="main")
        self._top: float | None = None
        """Where to scroll to once the rows that were filled in are measured."""

    def action_half_page(self, step: int) -> None:
        """Go down or up by half a screen."""
        self.move_cursor(row=max(0, self.cursor_row + step * max(1, self.size.height // 2)))

    def action_to_row(self, row: int) -> None:
        """Go to the first or the last row."""
        self.move_cursor(row=row if row >= 0 else self.row_count - 1)

    def fill(self, columns: Sequence[Column], rows: Sequence[Row], room: int, here: int) -> None:
        """Show rows in `room` cells with the cursor on row `here`, scrolled as before."""
        if self._top is None:
            self._top = self.scroll_y
        self.clear(columns=True)
        for column, width in zip(columns, widths(columns, rows, room), strict=True):
            side: JustifyMethod = "right" if column.is_number else "left"
            self.add_column(Text(column.name, justify=side), width=width, key=column.name)
        for row in rows:
            self.add_row(*drawn(columns, row))
        self.cursor_coordinate = Coordinate(here, 0)
        # The new rows are measured when the table is next idle; until then it cannot scroll.
        self.call_after_refresh(self._scroll_back)

    def _scroll_back(self) -> None:
        if self._top is not None:
            self.scroll_to(y=self._top, animate=False, immediate=True)
            self._top = None
            self.move_cursor(row=self.cursor_row)


class _Cell(Text):
    """A cell that is not measured.

    The columns have fixed widths, and measuring would be half of the time of filling a table.
    """

    __rich_measure__ = None  # type: ignore[assignment]  # Textual then measures nothing


def drawn(columns: Sequence[Column], row: Row) -> list[Text]:
    """Return the cells of a row as text that is never read as markup."""
    return [
        _Cell(text, style=_COLOURS.get(style, ""), justify="right" if column.is_number else "left")
        for column, (text, style) in zip(columns, row.cells, strict=True)
    ]


class SearchLine(Input):
    """Where the searched text is typed; hidden until it is wanted."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "give_up", "Give up")]

    def __init__(self) -> None:
        super().__init__(id="search", placeholder="search", select_on_focus=True)

    def action_give_up(self) -> None:
        """Hide the line without searching."""
        self.display = False
        self.screen.query(".main").first().focus()


class SearchScreen(Screen[None]):
    """A title, something below it, a search line, and the keys."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "search", "Search", key_display="/"),
        Binding("n", "find(1)", "Next match", show=False),
        Binding("N", "find(-1)", "Previous match", show=False),
        Binding("question_mark", "help", "Keys", key_display="?"),
        Binding("escape,q,left,h", "back", "Back"),
        Binding("Q", "app.leave", "Leave at once", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._searched = ""

    def compose(self) -> ComposeResult:
        """Yield the title, the screen's own widgets, the search line and the keys."""
        yield Static(id="title", markup=False)
        yield from self.body()
        yield SearchLine()
        yield Footer()

    def body(self) -> Iterator[Widget]:
        """Yield the widgets below the title; the one with the class `main` has the focus."""
        raise NotImplementedError

    def on_mount(self) -> None:
        """Give the focus to what the screen is about."""
        self.query(".main").first().focus()

    def set_title(self, text: str) -> None:
        """Show a title."""
        self.query_one("#title", Static).update(text)

    def find(self, text: str, step: int) -> bool:
        """Go to the next place that holds `text` (`step` -1: before); return if there is one."""
        raise NotImplementedError

    def warn(self, problem: object) -> None:
        """Show what went wrong, for a few seconds."""
        self.notify(one_line(problem, 500), severity="warning", markup=False)

    def commands(self) -> Iterator[SystemCommand]:
        """Yield what the command palette offers on this screen besides its keys."""
        yield from ()

    async def read(self, work: Callable[..., Result], *arguments: object) -> Result | None:
        """Do work that reads files, in a thread; return None after a failure, which is shown.

        The application goes on meanwhile, and shows that it reads where that takes long.
        """
        widget = self.query(".main").first()

        def show_it() -> None:
            widget.loading = True

        timer = self.set_timer(_PATIENCE, show_it)
        try:
            return await asyncio.to_thread(work, *arguments)
        except (Tau2Error, OSError) as problem:
            self.warn(problem)
            return None
        finally:
            timer.stop()
            widget.loading = False

    # --- keys -------------------------------------------------------------------------------------

    def action_back(self) -> None:
        """Show the screen before; of the first one, leave."""
        if len(self.app.screen_stack) > 1:
            self.app.pop_screen()
        else:
            self.app.exit()

    def action_help(self) -> None:
        """Show or hide the keys."""
        panels = self.query(HelpPanel)
        if panels:
            panels.remove()
        else:
            self.mount(HelpPanel())

    def action_search(self) -> None:
        """Ask for a text."""
        line = self.query_one(SearchLine)
        line.display = True
        line.focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Search for what was typed; nothing typed searches for the same again."""
        event.stop()
        self._searched = event.value or self._searched
        self.query_one(SearchLine).action_give_up()
        self.action_find(1)

    def action_find(self, step: int) -> None:
        """Go to the next match, or the one before."""
        if not self._searched:
            self.warn("nothing is searched yet: / begins")
        elif not self.find(self._searched, step):
            self.warn(f"not found: {self._searched}")


class TableScreen(SearchScreen):
    """A table of rows, each of which can be opened."""

    columns: ClassVar[Sequence[Column]] = ()

    def __init__(self) -> None:
        super().__init__()
        self.shown: Sequence[Row] = ()
        self._filled: int | None = None
        """The width that the table was filled for."""

    @property
    def heading(self) -> str:
        """What the title says."""
        raise NotImplementedError

    @property
    def empty_note(self) -> str:
        """The text shown where there is no row."""
        return "nothing here"

    def rows(self) -> Sequence[Row]:
        """Return the rows as they are now."""
        raise NotImplementedError

    async def open(self, key: str) -> None:
        """Do what enter does on the row of this key."""
        raise NotImplementedError

    def body(self) -> Iterator[Widget]:
        """Yield the table, and the text shown where it is empty."""
        yield RowTable()
        yield Static(id="empty", markup=False)

    @property
    def room(self) -> int:
        """The width of the table in cells."""
        return self.size.width

    @property
    def table(self) -> RowTable:
        """The table."""
        return self.query_one(RowTable)

    def show(self) -> None:
        """Show the rows as they are now; the cursor stays on its row, or where it was."""
        table, here = self.table, self.table.cursor_row
        key = self.shown[here].key if here < len(self.shown) else None
        self.shown = self.rows()
        numbers = {row.key: number for number, row in enumerate(self.shown)}
        here = numbers.get(key or "", max(0, min(here, len(self.shown) - 1)))
        self._filled = self.room
        table.fill(self.columns, self.shown, self._filled - _SCROLL_BAR, here)
        self.set_title(self.heading)
        is_back = bool(self.shown) and not table.display
        table.display = bool(self.shown)
        if is_back:
            table.focus()  # a widget that is hidden loses the focus
        empty = self.query_one("#empty", Static)
        empty.update(self.empty_note)
        empty.display = not self.shown

    def on_resize(self, event: events.Resize) -> None:
        """Give the columns the new width; a screen that opens is told its size several times."""
        if self.room != self._filled:
            self.show()

    def find(self, text: str, step: int) -> bool:
        """Go to the next row that holds `text`."""
        texts = [row.searched for row in self.shown]
        row = next_match(texts, text, self.table.cursor_row, step)
        if row is not None:
            self.table.move_cursor(row=row)
        return row is not None

    def action_space(self) -> None:
        """Go one screen down."""
        self.table.action_page_down()

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        """Open the row under the cursor."""
        key = self.shown[event.cursor_row].key
        self.run_worker(self.open(key), group="open", exclusive=True)
