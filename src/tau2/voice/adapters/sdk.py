"""Providers that are reached by a package of their own, which wants an event loop.

The loop runs in a thread of the session. Frames to the provider and from it are JSON-like objects,
so that translators stay pure; what a package raises becomes VoiceSessionFailed.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from tau2.errors import MissingExtra, VoiceSessionFailed
from tau2.utils.json_types import JsonMapping, JsonObject
from tau2.utils.text import error_text
from tau2.voice.adapters.wire import DISCONNECT_SECONDS

logger = logging.getLogger(__name__)

READY: JsonObject = {"type": "ready"}
"""The frame with which every session of a package begins."""

_SHORTEST_SECRET = 8
_MOST_WAITING = 100_000  # frames that nobody has read; more of them end the session

Sdk = Any
"""A module or object of a provider's package; none of them is a dependency of ours."""


@contextmanager
def needs_package(package: str, note: str = "") -> Iterator[None]:
    """Turn the absence of a provider's package into a MissingExtra that names what to install."""
    try:
        yield
    except ModuleNotFoundError as error:
        hint = f" ({note})" if note else ""
        raise MissingExtra(f"{package} is not installed; pip install {package}{hint}") from error


class SdkTransport(ABC):
    """A connection by a provider's package.

    A subclass loads its package in `load`, so that a missing one is told before a thread is begun,
    and defines `run`, which lives as long as the session: it puts READY and then frames by `put`,
    and takes frames by `await self.take()` until that returns None.
    """

    def __init__(self, name: str, secrets: Sequence[str] = ()) -> None:
        """Prepare a connection to the provider of that name.

        `secrets` are taken out of errors.
        """
        self._name = name
        self._secrets = [secret for secret in secrets if len(secret) >= _SHORTEST_SECRET]
        self._arrived: queue.Queue[JsonMapping | Exception] = queue.Queue()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._failure: VoiceSessionFailed | None = None

    @abstractmethod
    def load(self) -> None:
        """Import the package. Raise MissingExtra."""

    @abstractmethod
    async def run(self) -> None:
        """Play the session."""

    # -- for `run` ------------------------------------------------------------------------------

    def put(self, frame: JsonMapping) -> None:
        """Hand over a frame of the provider. Raise VoiceSessionFailed when too many wait."""
        if self._arrived.qsize() >= _MOST_WAITING:
            raise VoiceSessionFailed(f"{self._name} sent more than a call can hold")
        self._arrived.put(frame)

    async def take(self) -> JsonObject | None:
        """Return the next frame for the provider; None when the session is to end."""
        frame: JsonObject | None = await self._leaving.get()
        return frame

    # -- for the session ------------------------------------------------------------------------

    def connect(self) -> None:
        """Begin the session; READY comes as its first frame."""
        self.load()
        has_begun = threading.Event()
        self._thread = threading.Thread(
            target=self._live, args=(has_begun,), name=f"voice-{self._name}", daemon=True
        )
        self._thread.start()
        has_begun.wait()

    def _live(self, has_begun: threading.Event) -> None:
        async def main() -> None:
            self._loop = asyncio.get_running_loop()
            self._leaving: asyncio.Queue[JsonObject | None] = asyncio.Queue()
            has_begun.set()
            await self.run()

        try:
            asyncio.run(main())
            problem = VoiceSessionFailed(f"the session with {self._name} is over")
        except Exception as error:  # noqa: BLE001  -- a package may raise anything
            told = f"{type(error).__name__}: {self._redacted(error_text(error, 300))}"
            problem = VoiceSessionFailed(f"the session with {self._name} failed: {told}")
        self._arrived.put(problem)

    def _redacted(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "[redacted]")
        return text

    def send(self, frame: JsonObject) -> None:
        """Send a frame. Raise VoiceSessionFailed."""
        if self._failure is not None:
            raise self._failure
        loop = self._loop
        if loop is None:
            raise VoiceSessionFailed(f"the session with {self._name} is not open")
        try:
            loop.call_soon_threadsafe(self._leaving.put_nowait, frame)
        except RuntimeError:
            # The loop has ended; what ended it is among the frames, and is raised by `receive`.
            logger.debug("a frame for %s came too late", self._name)

    def receive(self, seconds: float) -> JsonMapping | None:
        """Return the next frame; None if none comes in that time. Raise VoiceSessionFailed."""
        if self._failure is not None:
            raise self._failure
        try:
            arrived = self._arrived.get(timeout=max(0.001, seconds))
        except queue.Empty:
            return None
        if isinstance(arrived, VoiceSessionFailed):
            self._failure = arrived
            raise arrived
        if isinstance(arrived, Exception):
            raise VoiceSessionFailed(str(arrived))
        return arrived

    def close(self) -> None:
        """End the session; twice is once, and nothing is raised."""
        loop = self._loop
        self._loop = None
        if loop is None:
            return
        with suppress(RuntimeError):  # it has ended by itself
            loop.call_soon_threadsafe(self._leaving.put_nowait, None)
        if self._thread is not None:
            self._thread.join(DISCONNECT_SECONDS)
            if self._thread.is_alive():
                logger.warning("the session with %s does not end; it is left alone", self._name)


async def until_first_ends(*coroutines: Any) -> None:
    """Run coroutines side by side; when one ends, cancel the others. Raise what one raised."""
    tasks = [asyncio.ensure_future(coroutine) for coroutine in coroutines]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
    for result in results:
        if isinstance(result, Exception):
            raise result
