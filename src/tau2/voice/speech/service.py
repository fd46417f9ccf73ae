"""Requests to speech services: how many at once and per minute, repeated when that may help.

Whatever goes wrong becomes SpeechFailed, a failure of infrastructure. Silence in the place of
speech that could not be synthesized would be heard as the caller's.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from dataclasses import dataclass

from tau2.errors import ConfigError, SpeechFailed
from tau2.llm.clock import clock
from tau2.llm.failure import CallFailed, from_status
from tau2.llm.middleware.limiter import ConcurrencyLimiter
from tau2.llm.transport.endpoint import Endpoint
from tau2.llm.transport.sync_client import post

_ATTEMPTS = 5
_SECONDS = 60.0
"""For one request."""
_LONGEST_WAIT = 60.0
_MINUTE = 60.0
_OK = range(200, 300)
_TOO_MANY = 429


@dataclass(frozen=True, slots=True)
class ServiceSettings:
    """Where a service is and how often it is asked."""

    name: str
    base_url: str
    """Without a slash at its end."""
    key_variable: str
    """The environment variable with the key."""
    needs_key: bool = True
    concurrency: int = 4
    """Requests at once."""
    per_minute: float | None = None
    """Requests per minute; None for no limit but the service's own."""


class SpeechService:
    """One service, shared by all threads."""

    def __init__(self, settings: ServiceSettings) -> None:
        """Read the key from the environment. Raise ConfigError where it is missing."""
        if settings.concurrency < 1 or not (settings.per_minute is None or settings.per_minute > 0):
            raise ConfigError(f"{settings.name}: concurrency and per_minute are numbers above 0")
        key = os.environ.get(settings.key_variable, "").strip()
        if not key and settings.needs_key:
            raise ConfigError(f"{settings.name} needs a key: set {settings.key_variable}")
        self.key = key
        self._settings = settings
        self._limiter = ConcurrencyLimiter(settings.concurrency)
        self._sent: deque[float] = deque()
        self._lock = threading.Lock()

    def post(self, path: str, body: bytes, headers: dict[str, str]) -> bytes:
        """Send a request and return the body of the answer.

        Raises:
            SpeechFailed: The service refused it, or did not answer in any permitted attempt.
        """
        secrets = frozenset({self.key} - {""})
        endpoint = Endpoint(
            url=f"{self._settings.base_url}{path}",
            model=self._settings.name,
            headers=tuple(headers.items()),
            secrets=secrets,
        )
        attempt = 0
        while True:
            answer = self._attempt(endpoint, body)
            if isinstance(answer, bytes):
                return answer
            attempt += 1
            if not answer.temporary or attempt == _ATTEMPTS:
                answer.redact(secrets)
                raise SpeechFailed(f"{self._settings.name}: {answer.text}")
            asked = 2.0 ** (attempt - 1) if answer.retry_after is None else answer.retry_after
            clock.get().sleep(min(_LONGEST_WAIT, max(0.0, asked)))

    def _attempt(self, endpoint: Endpoint, body: bytes) -> bytes | CallFailed:
        self._limiter.acquire(float("inf"))
        try:
            self._wait_for_minute()
            response = post(endpoint, body, _SECONDS)
        except CallFailed as failure:
            return failure
        finally:
            self._limiter.release()
        if response.status in _OK:
            self._limiter.on_answer()
            return response.body
        if response.status == _TOO_MANY:
            self._limiter.on_rate_limited()
        text = response.body.decode("utf-8", "replace")
        return from_status(response.status, text, response.headers, clock.get().wall())

    def _wait_for_minute(self) -> None:
        """Wait until one more request within a minute is permitted."""
        if self._settings.per_minute is None:
            return
        with self._lock:
            now = clock.get().now()
            while self._sent and now - self._sent[0] >= _MINUTE:
                self._sent.popleft()
            wait = 0.0
            if len(self._sent) >= self._settings.per_minute:
                wait = self._sent[-int(max(1, self._settings.per_minute))] + _MINUTE - now
            self._sent.append(now + wait)
        if wait > 0:
            clock.get().sleep(wait)
