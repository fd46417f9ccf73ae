"""Titled boxes: with a border on a terminal, indented text elsewhere."""

from __future__ import annotations

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.panel import Panel
from rich.segment import Segment
from rich.text import Text

from tau2.report.safe_text import plain
from tau2.utils.terminal import Terminal

_INDENT = 2  # spaces before a text without a border


class Indented:
    """Something a few columns to the right; its lines have no spaces at their ends."""

    def __init__(self, body: RenderableType, indent: int = _INDENT) -> None:
        """Show `body` behind `indent` spaces."""
        self._body = body
        self._indent = indent

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the lines."""
        inside = options.update_width(max(1, options.max_width - self._indent))
        for line in console.render_lines(self._body, inside, pad=False):
            if any(segment.text.strip() for segment in line):
                yield Segment(" " * self._indent)
                yield from line
            yield Segment.line()


class Box:
    """Something with a title.

    Where lines are as long as they are (in a pipe or a file), it has no border, so that texts and
    ids are found by `grep`.
    """

    def __init__(self, body: RenderableType, title: object, *, style: str = "") -> None:
        """Show `body` below a title; `style` is that of the border."""
        self._body = body
        self._title = title if isinstance(title, Text) else plain(title)
        self._style = style or "none"

    def __rich_console__(self, console: Console, _options: ConsoleOptions) -> RenderResult:
        """Yield the box, or the title and the indented body."""
        if isinstance(console, Terminal) and console.is_unbounded:
            yield self._title
            yield Indented(self._body)
        else:
            yield Panel(self._body, title=self._title, title_align="left", border_style=self._style)
