"""The application: a stack of screens; keys go in, lines come out."""

from __future__ import annotations

from rich.text import Text

from tau2.errors import Tau2Error
from tau2.report.safe_text import one_line
from tau2.view.screen import MOVING, Back, Page, Quit, Screen
from tau2.view.wrap import fitted, wrapped

_NARROWEST, _LOWEST = 20, 4  # cells and rows; less shows a request for more
_NOTE_LINES = 3


class App:
    """Screens on top of one another, a search prompt, and a line at the bottom."""

    def __init__(self, *screens: Screen) -> None:
        """Show the last of these screens; leaving it shows the one before."""
        self._stack = list(screens)
        self._prompt: str | None = None
        self._searched = ""
        self._note = ""

    @property
    def is_over(self) -> bool:
        """Whether the last screen was left."""
        return not self._stack

    @property
    def screen(self) -> Screen:
        """The screen that is seen."""
        return self._stack[-1]

    def press(self, key: str) -> None:
        """Answer one key; a file that cannot be read becomes a note."""
        self._note = ""
        if key == "ctrl-c":
            self._stack.clear()
            return
        if self._prompt is not None:
            self._type(key)
            return
        try:
            self._answer(key)
        except (Tau2Error, OSError) as problem:
            self._note = one_line(problem, 500)

    def _answer(self, key: str) -> None:
        if key == "/":
            self._prompt = ""
        elif key in {"n", "N"}:
            self._search(1 if key == "n" else -1)
        elif key == "?":
            self._stack.append(help_page(self.screen))
        elif key == "Q":
            self._stack.clear()
        elif not self.screen.move(key):
            self._follow(self.screen.press(key))

    def _follow(self, answer: Screen | Back | Quit | None) -> None:
        if isinstance(answer, Screen):
            self._stack.append(answer)
        elif isinstance(answer, Back):
            self._stack.pop()
        elif isinstance(answer, Quit):
            self._stack.clear()
        if self._stack:
            self._note, self.screen.note = self.screen.note or self._note, ""

    def _type(self, key: str) -> None:
        text = self._prompt or ""
        if key == "enter":
            self._prompt, self._searched = None, text or self._searched
            self._search(1)
        elif key == "esc" or (key == "backspace" and not text):
            self._prompt = None
        elif key == "backspace":
            self._prompt = text[:-1]
        elif len(key) == 1:
            self._prompt = text + key

    def _search(self, step: int) -> None:
        if not self._searched:
            self._note = "nothing is searched yet: / begins"
            return
        self.screen.before_search()
        if not self.screen.find(self._searched, step):
            self._note = f"not found: {self._searched}"

    def idle(self) -> bool:
        """Do a little work in the background; return whether there may be more."""
        return bool(self._stack) and self.screen.idle()

    def draw(self, width: int, height: int) -> list[Text]:
        """Return exactly `height` lines, each of exactly `width` cells."""
        if width < _NARROWEST or height < _LOWEST:
            return [Text(fitted("too small" if not row else "", width)) for row in range(height)]
        screen = self.screen
        screen.lay_out(width)
        heading = screen.heading(width)
        room = height - 2 - bool(heading)
        shown = screen.cursor.fit(room, screen.count())
        lines = [Text(fitted(f" {screen.title}", width), style="bold reverse")]
        lines += [Text(fitted(f"  {heading}", width), style="bold")] if heading else []
        lines += [self._row(index, width) for index in shown]
        if not shown:
            lines.append(Text(fitted(f"  {screen.empty_note()}", width), style="dim"))
        lines += [Text(fitted("", width)) for _ in range(height - 1 - len(lines))]
        bottom = self._bottom(width)
        return [*lines[: height - len(bottom)], *bottom]

    def _row(self, index: int, width: int) -> Text:
        here = index == self.screen.cursor.at
        line = Text("▌ " if here else "  ", style="bold cyan").append_text(
            self.screen.row(index, width - 2)
        )
        line.truncate(width, overflow="ellipsis", pad=True)
        if here:
            line.stylize("on grey23")
        return line

    def _bottom(self, width: int) -> list[Text]:
        """Return the last lines: what is typed, what there is to say (over rows, where it is long), or the keys."""
        if self._prompt is not None:
            return [Text(fitted(f"/{self._prompt}▏", width))]
        screen = self.screen
        place = f" {screen.cursor.at + 1}/{screen.count()}" if screen.count() else ""
        if self._note:
            said = wrapped(self._note, width - 1, " ")[:_NOTE_LINES]
            return [Text(fitted(line, width), style="yellow") for line in said]
        left = fitted(f" {screen.hints}  ? help", width - len(place) - 1)
        return [Text(f"{left}{place} ", style="dim")]


def help_page(screen: Screen) -> Page:
    """Return the keys of a screen, and those that all have."""
    pairs = [*screen.help, ("", ""), *MOVING]
    width = max(len(keys) for keys, _ in pairs)
    return Page("keys", [f"{keys:<{width}}  {what}".rstrip() for keys, what in pairs])
