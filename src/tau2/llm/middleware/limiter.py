"""Who may ask a provider now: a first-come, first-served gate that closes a little whenever the provider objects.

One gate serves an event loop and threads at once, because participants that can only block run beside those that
are awaited.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable

from tau2.llm.clock import clock

_GROW_AFTER = 8  # answers without objection, per call in flight, before one more is let in


class ConcurrencyLimiter:
    """Lets up to `most` calls in; fewer after the provider objected, until it has answered for a while.

    Args:
        most: Calls in flight; infinite for a gate that only reacts to objections.
    """

    def __init__(self, most: float = float("inf")) -> None:
        self.most = most
        self.allowed = most
        """Calls that may be in flight now."""
        self.inside = 0
        self._answers = 0
        self._paused_until = 0.0
        self._lock = threading.Lock()
        self._waiting: deque[Callable[[], None]] = deque()

    def pause(self) -> float:
        """Return the seconds until the provider wants to be asked again."""
        return max(0.0, self._paused_until - clock.get().now())

    def enter(self, seconds: float) -> bool:
        """Wait in this thread, for at most `seconds`."""
        let_in = threading.Event()
        if self._admitted(let_in.set):
            return True
        if let_in.wait(None if seconds == float("inf") else max(0.0, seconds)):
            return True
        return not self._gave_up(let_in.set)

    async def aenter(self, seconds: float) -> bool:
        """Wait on the running event loop, for at most `seconds`."""
        loop = asyncio.get_running_loop()
        let_in = asyncio.Event()

        def wake() -> None:
            loop.call_soon_threadsafe(let_in.set)

        if self._admitted(wake):
            return True
        try:
            async with asyncio.timeout(None if seconds == float("inf") else max(0.0, seconds)):
                await let_in.wait()
        except TimeoutError:
            return not self._gave_up(wake)
        except asyncio.CancelledError:
            if not self._gave_up(wake):
                self.leave()
            raise
        return True

    def _admitted(self, wake: Callable[[], None]) -> bool:
        with self._lock:
            if not self._waiting and self.inside < self.allowed:
                self.inside += 1
                return True
            self._waiting.append(wake)
            return False

    def _gave_up(self, wake: Callable[[], None]) -> bool:
        """Stop waiting; False when the place was given a moment ago."""
        with self._lock:
            if wake not in self._waiting:
                return False
            self._waiting.remove(wake)
            return True

    def leave(self) -> None:
        """Make room for the next one."""
        with self._lock:
            self.inside -= 1
            self._let_in()

    def _let_in(self) -> None:
        while self._waiting and self.inside < self.allowed:
            self.inside += 1
            self._waiting.popleft()()

    def objected(self) -> None:
        """The provider is asked too much: halve the calls in flight."""
        with self._lock:
            self.allowed = max(1.0, min(self.allowed, self.inside) // 2)
            self._answers = 0

    def rest(self, seconds: float) -> None:
        """The provider wants to be asked nothing for a while; of several such wishes, the longest counts."""
        with self._lock:
            self._paused_until = max(self._paused_until, clock.get().now() + seconds)

    def answered(self) -> None:
        """The provider answered; after a while of that, one more call is let in."""
        if self.allowed >= self.most:
            return
        with self._lock:
            self._answers += 1
            if self._answers >= _GROW_AFTER * self.allowed:
                self.allowed, self._answers = min(self.most, self.allowed + 1), 0
                self._let_in()
