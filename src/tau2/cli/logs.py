"""Logging of the command line; the library itself only emits."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tau2.errors import UnknownName
from tau2.utils.output import LogHandler

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


@contextmanager
def logging_to_stderr(level: str, redact: Callable[[str], str] = str) -> Iterator[None]:
    """Show the package's log records of at least `level` while the block runs.

    Raise UnknownName for no level.

    `redact` takes secrets out of a line: what a server or a model says may contain one.
    """
    if level.upper() not in LEVELS:
        raise UnknownName("log level", level, LEVELS)
    handler = LogHandler(redact=redact)
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
