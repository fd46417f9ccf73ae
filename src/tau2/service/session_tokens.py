"""The tokens of a server's sessions: which one opens which."""

from __future__ import annotations

import secrets
import threading
import time

from tau2.serving.guard import is_same

_TOKEN_BYTES = 24


class SessionTokens:
    """Tokens that open one session each, and one that opens every session without such a token.

    May be used from several threads.
    """

    def __init__(self) -> None:
        self._own: dict[str, str] = {}
        self._ends: dict[str, float] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        with self._lock:
            return len(self._own)

    def issue(self, name: str) -> str:
        """Return the token of a session that is to come."""
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        with self._lock:
            self._own[name] = token
        return token

    def revoke(self, name: str, after: float = 0.0) -> None:
        """Have the token of a session open nothing after some seconds."""
        now = time.monotonic()
        with self._lock:
            if name in self._own:
                self._ends[name] = min(now + after, self._ends.get(name, float("inf")))
            self._drop_ended(now)

    def opens(self, name: str, given: str, shared: str) -> bool:
        """Return whether a token opens a session, where `shared` opens those without their own."""
        with self._lock:
            self._drop_ended(time.monotonic())
            wanted = self._own.get(name, shared)
        return is_same(given, wanted)

    def _drop_ended(self, now: float) -> None:
        for name in [name for name, end in self._ends.items() if end <= now]:
            del self._ends[name]
            del self._own[name]
