"""Asking a person for one of several names."""

from __future__ import annotations

from collections.abc import Sequence

from tau2.report.safe_text import one_line
from tau2.view.app import INTERRUPTED, TerminalApp
from tau2.view.content.rows import Column, Row
from tau2.view.screens import TableScreen


class ChooseApp(TerminalApp):
    """A list of names with what each is about. `chosen` is the name that was taken, or None."""

    TITLE = "tau2 play"

    def __init__(self, what: str, names: Sequence[tuple[str, str]], default: str) -> None:
        super().__init__()
        self.chosen: str | None = None
        self._first = _ChooseScreen(what, sorted(names, key=lambda each: each[0] != default))

    def get_default_screen(self) -> TableScreen:
        """Return the list."""
        return self._first

    async def action_leave(self) -> None:
        """Leave as interrupted."""
        self.exit(return_code=INTERRUPTED)


class _ChooseScreen(TableScreen):
    columns = (Column("name"), Column("about"))

    def __init__(self, what: str, names: Sequence[tuple[str, str]]) -> None:
        super().__init__()
        self._what = what
        self._names = names

    @property
    def heading(self) -> str:
        return f"{self._what}? enter takes the marked line, / searches"

    def rows(self) -> Sequence[Row]:
        return [
            Row(name, ((one_line(name, 200), ""), (one_line(about, 300), "dim")))
            for name, about in self._names
        ]

    async def open(self, key: str) -> None:
        assert isinstance(self.app, ChooseApp), "this application's screen"
        self.app.chosen = key
        self.app.exit()
