"""A concurrency limiter: first come, first served, with fewer admitted while the provider objects.

One limiter serves an event loop and threads at once, because participants that can only block run
beside those that are awaited.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable

from tau2.llm.clock import clock

_GROW_AFTER = 8  # answers without objection, per call in flight, before one more is admitted


class ConcurrencyLimiter:
    """Admits up to `most` calls; fewer after the provider objected, until it has answered a while.

    Args:
        most: Calls in flight; infinite for a limiter that only reacts to objections.
    """

    def __init__(self, most: float = float("inf")) -> None:
        self.most = most
        self.allowed = most
        """Calls that may be in flight now."""
        self.inside = 0
        """Calls that are in flight now."""
        self._answers = 0
        self._paused_until = 0.0
        self._lock = threading.Lock()
        self._waiting: deque[Callable[[], None]] = deque()
        """Wakes one waiting call each; its place is counted in `inside` before it is called."""

    def pause(self) -> float:
        """Return the seconds until the provider may be asked again."""
        return max(0.0, self._paused_until - clock.get().now())

    def acquire(self, seconds: float) -> bool:
        """Wait in this thread, for at most `seconds`; return whether the call is admitted."""
        admitted = threading.Event()
        if self._admit(admitted.set):
            return True
        if admitted.wait(None if seconds == float("inf") else max(0.0, seconds)):
            return True
        return not self._gave_up(admitted.set)

    async def aacquire(self, seconds: float) -> bool:
        """Wait on the running event loop, for at most `seconds`; return whether it is admitted."""
        loop = asyncio.get_running_loop()
        admitted = asyncio.Event()

        def wake() -> None:
            loop.call_soon_threadsafe(admitted.set)

        if self._admit(wake):
            return True
        try:
            async with asyncio.timeout(None if seconds == float("inf") else max(0.0, seconds)):
                await admitted.wait()
        except TimeoutError:
            return not self._gave_up(wake)
        except asyncio.CancelledError:
            # The place may have been given in the same moment; no other code returns it.
            if not self._gave_up(wake):
                self.release()
            raise
        return True

    def _admit(self, wake: Callable[[], None]) -> bool:
        """Admit a call now, or let it wait; calls that already wait come first."""
        with self._lock:
            if not self._waiting and self.inside < self.allowed:
                self.inside += 1
                return True
            self._waiting.append(wake)
            return False

    def _gave_up(self, wake: Callable[[], None]) -> bool:
        """Stop waiting; return False when the call was admitted a moment ago."""
        with self._lock:
            if wake not in self._waiting:
                return False
            self._waiting.remove(wake)
            return True

    def release(self) -> None:
        """End a call, and admit the next one."""
        with self._lock:
            self.inside -= 1
            self._admit_waiting()

    def _admit_waiting(self) -> None:
        while self._waiting and self.inside < self.allowed:
            self.inside += 1
            self._waiting.popleft()()

    def on_rate_limited(self) -> None:
        """Halve the calls in flight, because the provider objected."""
        with self._lock:
            # From what is in flight, not from the limit, which may be far from being reached.
            self.allowed = max(1.0, min(self.allowed, self.inside) // 2)
            self._answers = 0

    def pause_for(self, seconds: float) -> None:
        """Ask the provider nothing for this many seconds; of several pauses the longest counts."""
        with self._lock:
            self._paused_until = max(self._paused_until, clock.get().now() + seconds)

    def on_answer(self) -> None:
        """Count an answer; after many without an objection, one more call is admitted."""
        if self.allowed >= self.most:
            return
        with self._lock:
            self._answers += 1
            if self._answers >= _GROW_AFTER * self.allowed:
                self.allowed = min(self.most, self.allowed + 1)
                self._answers = 0
                self._admit_waiting()
