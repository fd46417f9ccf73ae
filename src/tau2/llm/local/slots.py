"""Which conversation is in which slot: a part of the engine's memory that holds evaluated tokens.

A slot whose conversation goes on needs only its new tokens evaluated. So a request gets the slot of
its own conversation; else one that holds most of the prompt; else the one that was left longest
ago.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tau2.llm.clock import clock
from tau2.llm.failure import unreachable

_ALIKE = 0.7  # of a prompt that a slot holds, for it to be better than the one left longest ago
_LONGEST_WAIT = 0.1  # seconds between two looks at whether a call was given up


@dataclass(slots=True)
class Slot:
    """One slot. Used by one call at a time, which may change it."""

    number: int
    text: str = ""
    """The beginning of a prompt whose tokens are known to be evaluated."""
    left_at: int = 0
    """When it was last used: a count of calls."""

    def common(self, prompt: str) -> int:
        """Return how many characters of a prompt are evaluated here."""
        return common_length(self.text, prompt)


def common_length(one: str, other: str) -> int:
    """Return the length of the longest common beginning of two texts."""
    low = 0
    high = min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


class SlotPool:
    """The slots of an engine. Safe to share between threads; who waits longest is served first."""

    def __init__(self, count: int) -> None:
        self._idle = [Slot(number) for number in range(count)]
        self._changed = threading.Condition()
        self._waiting: list[object] = []
        self._calls = 0

    @contextmanager
    def slot_for(self, prompt: str, call: Call, shared: int = 0) -> Iterator[Slot]:
        """Lend a slot to a call until the block ends.

        Args:
            prompt: What is asked.
            call: Who asks.
            shared: Characters at the beginning of the prompt that cost nothing in any slot.

        Raises:
            CallFailed: the call's time was over before a slot was free.
        """
        slot = self._take(prompt, call, shared)
        try:
            yield slot
        finally:
            with self._changed:
                self._calls += 1
                slot.left_at = self._calls
                self._idle.append(slot)
                self._changed.notify_all()

    def _take(self, prompt: str, call: Call, shared: int) -> Slot:
        ticket = object()
        with self._changed:
            self._waiting.append(ticket)
            try:
                while not self._idle or self._waiting[0] is not ticket:
                    call.check()
                    self._changed.wait(_LONGEST_WAIT)
                slot = self._best(prompt, shared)
                self._idle.remove(slot)
                return slot
            finally:
                self._waiting.remove(ticket)
                self._changed.notify_all()

    def _best(self, prompt: str, shared: int) -> Slot:
        going_on = [slot for slot in self._idle if slot.text and prompt.startswith(slot.text)]
        if going_on:
            return max(going_on, key=lambda slot: len(slot.text))
        alike = max(self._idle, key=lambda slot: slot.common(prompt))
        if alike.common(prompt) - shared > _ALIKE * (len(prompt) - shared):
            return alike
        return min(self._idle, key=lambda slot: slot.left_at)


class Call:
    """One call of the engine: until when it may take, and whether it was given up."""

    def __init__(self, seconds: float = float("inf")) -> None:
        self._deadline = clock.get().now() + seconds
        self._seconds = seconds
        self._clock = clock.get()  # the thread that generates has another context
        self._is_cancelled = threading.Event()

    def cancel(self) -> None:
        """Have the call end at its next token."""
        self._is_cancelled.set()

    @property
    def is_over(self) -> bool:
        """Whether it was given up, or its time is over."""
        return self._is_cancelled.is_set() or self._clock.now() >= self._deadline

    def check(self) -> None:
        """Raise CallFailed when the call is over."""
        if self._is_cancelled.is_set():
            raise unreachable("the call was cancelled")
        if self.is_over:
            raise unreachable(
                f"the local model did not answer within {self._seconds:.0f} s; "
                "raise timeout, lower the concurrency, or use a smaller model"
            )
