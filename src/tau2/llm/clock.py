"""The clock of model calls: the real one, and the context variable that tests set another in."""

from __future__ import annotations

import asyncio
import time
from contextvars import ContextVar
from typing import Protocol

from tau2.llm.deadline import deadline


class Clock(Protocol):
    """Reads the time and waits."""

    def now(self) -> float:
        """Return monotonic seconds."""

    def wall(self) -> float:
        """Return seconds since the epoch."""

    def sleep(self, seconds: float) -> None:
        """Wait at least `seconds`."""

    async def asleep(self, seconds: float) -> None:
        """Wait at least `seconds` without blocking the event loop."""


class SystemClock:
    """The clock of the machine."""

    now = staticmethod(time.monotonic)
    wall = staticmethod(time.time)
    sleep = staticmethod(time.sleep)
    asleep = staticmethod(asyncio.sleep)


SYSTEM_CLOCK = SystemClock()

clock: ContextVar[Clock] = ContextVar("tau2_clock", default=SYSTEM_CLOCK)
"""The clock of model calls in this context."""


def remaining() -> float:
    """Return the seconds that are left of the episode's time; infinite without a limit."""
    moment = deadline.get()
    return float("inf") if moment is None else moment - clock.get().now()
