"""A counter on standard error for long work; silent where standard error is not a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tau2.utils.output import is_terminal


@contextmanager
def counting(total: int, what: str) -> Iterator[Callable[[], None]]:
    """Yield a function to call once per finished piece of work; shows a bar on a terminal."""
    if not is_terminal(error=True):
        yield lambda: None
        return
    from rich.markup import escape
    from rich.progress import Progress

    from tau2.report.terminal.console import terminal

    with Progress(console=terminal(stderr=True), transient=True) as progress:
        task = progress.add_task(escape(what), total=total)
        yield lambda: progress.advance(task)
