"""The moment at which the current episode's time is out; model calls never outlast it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

deadline: ContextVar[float | None] = ContextVar("tau2_deadline", default=None)
"""A `time.monotonic()` moment, or None without a limit."""


@contextmanager
def deadline_in(seconds: float | None) -> Iterator[None]:
    """Tell model calls that the time is out in so many seconds; None tells them nothing."""
    if seconds is None:
        yield
        return
    token = deadline.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        deadline.reset(token)
