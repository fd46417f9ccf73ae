"""The moment at which the current episode's time is out; model calls never outlast it."""

from __future__ import annotations

from contextvars import ContextVar

deadline: ContextVar[float | None] = ContextVar("tau2_deadline", default=None)
"""A `time.monotonic()` moment, or None without a limit."""
