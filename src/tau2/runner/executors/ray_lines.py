"""Lines that Ray prints in the process of a run: they belong to no result."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO, cast

_THREADS = "ray_"
"""How the names of the threads begin in which Ray prints what happens on its nodes."""


class _WithoutRay:
    """Standard output; what a thread of Ray writes there goes to standard error."""

    def __init__(self, output: TextIO) -> None:
        self.output = output

    def _stream(self) -> TextIO:
        is_ray = threading.current_thread().name.startswith(_THREADS)
        return sys.stderr if is_ray else self.output

    def write(self, text: str) -> int:
        """Write text; return its length."""
        return self._stream().write(text)

    def flush(self) -> None:
        """Write what is buffered."""
        self._stream().flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.output, name)


@contextmanager
def ray_lines_apart() -> Iterator[None]:
    """Keep Ray's own lines, on nodes that died for one, out of standard output.

    Ray has a setting for the output of workers only.
    """
    kept = sys.stdout
    apart = _WithoutRay(kept)
    sys.stdout = cast("TextIO", apart)
    try:
        yield
    finally:
        # A live display may have put its own stream there, and puts back what it found.
        if sys.stdout is cast("TextIO", apart):
            sys.stdout = kept
