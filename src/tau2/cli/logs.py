"""Logging of the command line; the library itself only emits."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tau2.errors import UnknownName

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


class _StandardError(logging.Handler):
    """Writes to the current `sys.stderr`, which a live display replaces: lines go above its bar."""

    def __init__(self, redact: Callable[[str], str]) -> None:
        super().__init__()
        self._redact = redact

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line."""
        print(self._redact(self.format(record)), file=sys.stderr)


@contextmanager
def logging_to_stderr(level: str, redact: Callable[[str], str] = str) -> Iterator[None]:
    """Show the package's log records of at least `level` while the block runs.

    Raise UnknownName for no level.

    `redact` takes secrets out of a line: what a server or a model says may contain one.
    """
    if level.upper() not in LEVELS:
        raise UnknownName("log level", level, LEVELS)
    handler = _StandardError(redact)
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
    log = logging.getLogger("tau2")
    before = log.level
    log.addHandler(handler)
    log.setLevel(level.upper())
    try:
        yield
    finally:
        log.removeHandler(handler)
        log.setLevel(before)
