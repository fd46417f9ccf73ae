"""How time passes in a call: as fast as the machine allows, or as it does for people."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol

_EPOCH = datetime(2025, 1, 1)  # noqa: DTZ001  -- the public format is local time without a zone


class Clock(Protocol):
    """Tells a call when its ticks are."""

    is_virtual: bool
    """Whether ticks take no time of their own."""

    def start(self) -> None:
        """Begin to count; the call begins now."""

    def stamp(self, seconds: float) -> str:
        """Return the date and time at that many seconds of the call, in ISO form."""

    def seconds_until(self, seconds: float) -> float:
        """Return how long to wait for that moment of the call; 0 once it is over."""


class VirtualClock:
    """Ticks follow one another without waiting, and dates are the same in every call."""

    is_virtual = True

    def start(self) -> None:
        """Begin to count: nothing is needed for it."""

    def stamp(self, seconds: float) -> str:
        """Return the date and time at that many seconds of the call, in ISO form."""
        return (_EPOCH + timedelta(seconds=seconds)).isoformat(timespec="milliseconds")

    def seconds_until(self, seconds: float) -> float:
        """Return 0: nothing is waited for."""
        return 0.0


class WallClock:
    """Ticks last as long as they say, for providers that speak in real time.

    Args:
        monotonic: Seconds of any origin; time of the machine.
        now: The date and time.
    """

    is_virtual = False

    def __init__(
        self,
        monotonic: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = datetime.now,
    ) -> None:
        self._monotonic = monotonic
        self._now = now
        self._began = monotonic()
        self._began_at = now()

    def start(self) -> None:
        """Begin to count; the call begins now."""
        self._began = self._monotonic()
        self._began_at = self._now()

    def stamp(self, seconds: float) -> str:
        """Return the date and time at that many seconds of the call, in ISO form."""
        return (self._began_at + timedelta(seconds=seconds)).isoformat(timespec="milliseconds")

    def seconds_until(self, seconds: float) -> float:
        """Return how long to wait for that moment of the call; 0 once it is over."""
        return max(0.0, self._began + seconds - self._monotonic())
