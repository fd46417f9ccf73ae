"""How the CPU time of a function grows with the length of its text."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from tests.laws.long_texts import FAMILIES
from tests.laws.text_functions import REFUSALS, TextFunction

SHORT = 10_000  # characters
_TIMES = 8
_SEEMS_SLOW = 0.05  # seconds of CPU for a short text; a linear function takes a third of it
_MOST_GROWTH = 24
_ATTEMPTS = 3
_HOPELESS = 4.0  # seconds


class TooSlow(BaseException):
    """A function took more CPU time than it may. No Exception: nothing under test catches it."""


def _too_slow(_signal: int, _frame: FrameType | None) -> None:
    raise TooSlow


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Raise TooSlow after so many seconds of CPU time, where the system has such a timer.

    Regular expressions notice it, and so does all code in Python.
    """
    if not hasattr(signal, "setitimer"):
        yield
        return
    before = signal.signal(signal.SIGVTALRM, _too_slow)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def cpu_seconds(function: TextFunction, text: str, most: float) -> float:
    """Return the CPU seconds that a function takes for a text. Raise TooSlow above `most`."""
    began = time.process_time()
    with at_most(most), suppress(*REFUSALS):  # a text that is refused costs time, too
        function(text)
    return time.process_time() - began


def grows_linearly(function: TextFunction, shape: str) -> bool:
    """Return whether a text that is eight times as long takes at most 24 times as long."""
    make = FAMILIES[shape]
    short, long = make(SHORT), make(_TIMES * SHORT)
    try:
        base = cpu_seconds(function, short, _HOPELESS)
        return base <= _SEEMS_SLOW or any(
            cpu_seconds(function, long, _HOPELESS)
            <= _MOST_GROWTH * max(base, cpu_seconds(function, short, _HOPELESS))
            for _ in range(_ATTEMPTS)
        )
    except TooSlow:
        return False
