"""The console of tables, colours and progress bars. What is printed on it is cleaned, like `show`.

Only what people see imports this: it needs `rich`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TextIO, cast

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from tau2.utils.output import discard, standard_stream
from tau2.utils.terminal_text import clean

_UNBOUNDED = 1_000_000  # columns, where lines are as long as they are


class Terminal(Console):
    """A console that shows no text raw, and that outlives its reader.

    Whatever is drawn passes through `render` as text in segments; the sequences of the console
    itself (colours, cursor) are no text. When the pipe breaks, output is dropped.
    """

    is_unbounded = False
    """Whether lines are as long as they are: what is printed goes into a pipe or a file."""

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Yield what is drawn, without escape sequences and control characters in its text."""
        for segment in super().render(renderable, options):
            if segment.control:
                yield segment
            else:
                yield Segment(clean(segment.text), segment.style)

    def on_broken_pipe(self) -> None:
        """Show nothing more, and let the interpreter flush into nothing at exit."""
        self.quiet = True
        discard(cast("TextIO", self.file))


def terminal(*, stderr: bool = False, width: int | None = None) -> Terminal:
    """Return a console that shows text as it is: no markup, no emoji names, no guessed colours."""
    console = Terminal(
        markup=False,
        emoji=False,
        highlight=False,
        stderr=stderr,
        width=width,
        file=cast("TextIO", standard_stream(error=stderr)),
    )
    is_file = not console.is_terminal and not console.is_jupyter
    if width is None and is_file and not os.environ.get("COLUMNS"):
        console.is_unbounded = True
        console.width = _UNBOUNDED
    return console
