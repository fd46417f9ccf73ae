"""What every screen has: rows, a cursor over them, and keys. No screen knows a terminal."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from rich.text import Text


@dataclass(slots=True)
class Cursor:
    """A place in a list of rows, of which a window is seen."""

    at: int = 0
    top: int = 0
    height: int = 1

    def move(self, rows: int, count: int) -> None:
        """Go down by `rows` (up where negative), and no further than the ends."""
        self.at = max(0, min(self.at + rows, count - 1))

    def fit(self, height: int, count: int) -> range:
        """Return the rows that a window of this height shows, the cursor's among them."""
        self.height = max(1, height)
        self.move(0, count)
        self.top = max(
            self.at - self.height + 1, min(self.top, self.at, max(0, count - self.height))
        )
        return range(self.top, min(self.top + self.height, count))


class Back:
    """The screen is done: show the one before it."""


class Quit:
    """Leave the application."""


class Screen:
    """A title, rows and keys. Subclasses say what their rows are and what their keys do."""

    hints: ClassVar[str] = ""
    help: ClassVar[tuple[tuple[str, str], ...]] = ()
    """Keys of this screen, each with what it does."""

    def __init__(self) -> None:
        self.cursor = Cursor()
        self.note = ""
        """Said once at the bottom."""

    @property
    def title(self) -> str:
        """What is seen here."""
        raise NotImplementedError

    def lay_out(self, width: int) -> None:
        """Prepare rows for this width."""

    def heading(self, width: int) -> str:
        """Return the line above the rows, or an empty one."""
        return ""

    def count(self) -> int:
        """Return how many rows there are."""
        raise NotImplementedError

    def row(self, index: int, width: int) -> Text:
        """Return a row; what is longer than `width` is cut."""
        raise NotImplementedError

    def empty_note(self) -> str:
        """Return what is said where there is no row."""
        return "nothing here"

    def press(self, key: str) -> Screen | Back | Quit | None:
        """Answer a key that moves nothing: a screen to show, or Back, or Quit, or nothing."""
        return Back() if key in {"esc", "q", "left", "h"} else None

    def idle(self) -> bool:
        """Do a little work while nothing is pressed; return whether there may be more."""
        return False

    def before_search(self) -> None:
        """Bring everything that can be found into the rows."""

    def find(self, text: str, step: int) -> bool:
        """Move to the next row that holds `text` (back, where `step` is -1); return whether there is one."""
        count, wanted = self.count(), text.casefold()
        for distance in range(1, count + 1):
            index = (self.cursor.at + step * distance) % count
            if wanted in self.text_of(index).casefold():
                self.cursor.at = index
                return True
        return False

    def text_of(self, index: int) -> str:
        """Return what is searched of a row."""
        return self.row(index, 1000).plain

    def move(self, key: str) -> bool:
        """Move the cursor; return whether the key does that."""
        cursor, count = self.cursor, self.count()
        steps = {
            "up": -1, "k": -1, "down": 1, "j": 1, "home": -count, "g": -count, "end": count, "G": count,
            "page up": -cursor.height, "b": -cursor.height, "page down": cursor.height, " ": cursor.height,
            "half up": -cursor.height // 2, "half down": cursor.height // 2,
        }  # fmt: skip
        if key not in steps:
            return False
        cursor.move(steps[key], count)
        return True


class Page(Screen):
    """Rows of text that are only read."""

    hints = "esc back"

    def __init__(self, title: str, lines: Iterable[str]) -> None:
        super().__init__()
        self._title, self._lines = title, list(lines)

    @property
    def title(self) -> str:
        """What the page is about."""
        return self._title

    def count(self) -> int:
        """Return the number of lines."""
        return len(self._lines)

    def row(self, index: int, width: int) -> Text:
        """Return a line."""
        return Text(self._lines[index])


MOVING = (
    ("↑ ↓  k j", "one row up or down"),
    ("PgUp PgDn  b space", "one screen up or down"),
    ("Home End  g G", "first or last row"),
    ("enter →  l", "open"),
    ("esc ←  q h", "back; on the first screen, leave"),
    ("/", "search; n next, N the one before"),
    ("?", "this page"),
    ("Q  Ctrl-C", "leave at once"),
)
