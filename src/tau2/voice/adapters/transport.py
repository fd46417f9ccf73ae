"""A WebSocket to a provider, with time limits; blocking, for one session.

The address must be encrypted unless it is on this machine's loopback interface. Keys travel in
headers only: no error, log or file repeats them.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping
from contextlib import ExitStack
from urllib.parse import urlsplit

from tau2.errors import VoiceSessionFailed, needs_extra
from tau2.utils.json_types import JsonMapping, JsonObject
from tau2.utils.text import error_text
from tau2.voice.adapters.address import is_loopback, websocket_address
from tau2.voice.adapters.wire import CONNECT_SECONDS, DISCONNECT_SECONDS, LARGEST_FRAME, frame_of

with needs_extra("voice", "websockets"):
    from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
    from websockets.sync.client import ClientConnection, connect

logger = logging.getLogger(__name__)

_wire_logger = logging.getLogger(f"{__name__}.frames")
# At DEBUG, websockets would log the headers of a connection, and with them the key.
_wire_logger.setLevel(logging.INFO)

CONNECT_ATTEMPTS = 3
_RETRY_SECONDS = 1.0  # and twice that before the third attempt
_NEVER_MENDED = frozenset({400, 401, 403, 404})


class WebSocketTransport:
    """One connection by the package `websockets`."""

    def __init__(
        self,
        address: str,
        headers: Mapping[str, str] | None = None,
        *,
        connect_seconds: float = CONNECT_SECONDS,
        attempts: int = CONNECT_ATTEMPTS,
    ) -> None:
        """Remember where to connect to. Raise ConfigError for an address that is not safe."""
        self.address = websocket_address(address)
        self._headers = dict(headers or {})
        self._connect_seconds = connect_seconds
        self._attempts = attempts
        self._connection: ClientConnection | None = None
        self._opening = ExitStack()

    def __repr__(self) -> str:
        # Without headers: they hold the key.
        return f"WebSocketTransport({self.address!r})"

    def connect(self) -> None:
        """Open the connection, in several attempts. Raise VoiceSessionFailed, or MissingExtra."""
        for attempt in range(1, self._attempts + 1):
            try:
                self._connection = self._opened()
            except VoiceSessionFailed as error:
                if attempt == self._attempts or not error.is_retryable:
                    raise
                logger.info("connecting to a voice provider again: %s", error)
                time.sleep(_RETRY_SECONDS * attempt)
            else:
                return

    def _opened(self) -> ClientConnection:
        # A proxy is not asked to reach this machine.
        has_own_host = is_loopback(urlsplit(self.address).hostname or "")
        try:
            return self._opening.enter_context(
                connect(
                    self.address,
                    additional_headers=self._headers,
                    open_timeout=self._connect_seconds,
                    close_timeout=DISCONNECT_SECONDS,
                    max_size=LARGEST_FRAME,
                    logger=_wire_logger,
                    proxy=None if has_own_host else True,
                )
            )
        except InvalidStatus as problem:
            status = problem.response.status_code
            error = VoiceSessionFailed(
                f"the voice provider at {self._place} refused the connection (HTTP {status})"
            )
            error.is_retryable = status not in _NEVER_MENDED
            raise error from None
        except (OSError, WebSocketException) as problem:
            raise VoiceSessionFailed(
                f"the voice provider at {self._place} cannot be reached: "
                f"{type(problem).__name__}: {error_text(problem, 300)}"
            ) from None

    @property
    def _place(self) -> str:
        """The host and path, without the query."""
        parts = urlsplit(self.address)
        return f"{parts.netloc}{parts.path}"

    def send(self, frame: JsonObject) -> None:
        """Send a frame. Raise VoiceSessionFailed."""
        try:
            self._open().send(json.dumps(frame))
        except (ConnectionClosed, OSError) as problem:
            raise self._lost(problem) from None

    def receive(self, seconds: float) -> JsonMapping | None:
        """Return the next frame; None if none comes in that time. Raise VoiceSessionFailed."""
        try:
            return frame_of(self._open().recv(timeout=max(0.0, seconds)))
        except TimeoutError:
            return None
        except UnicodeDecodeError:
            raise VoiceSessionFailed("the voice provider sent text that is not UTF-8") from None
        except (ConnectionClosed, OSError) as problem:
            raise self._lost(problem) from None

    def _open(self) -> ClientConnection:
        if self._connection is None:
            raise VoiceSessionFailed("the session with the voice provider is not open")
        return self._connection

    def _lost(self, problem: Exception) -> VoiceSessionFailed:
        return VoiceSessionFailed(
            f"the connection to the voice provider at {self._place} was lost: "
            f"{error_text(problem, 300)}"
        )

    def close(self) -> None:
        """Close the connection; twice is once, and nothing is raised."""
        self._connection = None
        try:
            self._opening.close()
        except (OSError, WebSocketException) as problem:
            # The session is over either way.
            logger.debug("closing a voice connection: %s", problem)
