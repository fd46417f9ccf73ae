"""What a server grants one connection: its time, its headers, its share of the connections."""

from __future__ import annotations

import asyncio
from typing import Any

from tau2.errors import needs_extra
from tau2.serving.guard import MOST_BODY

with needs_extra("serve", "uvicorn"):
    import h11
    from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_SECONDS = 10.0
"""From the opening of a connection, or the end of a response, to a complete request head."""
WRITE_SECONDS = 30.0
"""In which a client must go on reading a response."""
_MOST_HEAD_BYTES = 16_384  # of request line and headers
_GRACE = 1  # seconds that requests under way get when the server stops


class TimedProtocol(H11Protocol):
    """HTTP/1.1 that closes connections which send no request, or do not read the response.

    uvicorn alone waits for ever for the first request, and for a head that arrives byte by byte.
    """

    _head_timer: asyncio.TimerHandle | None = None
    _write_timer: asyncio.TimerHandle | None = None

    def connection_made(  # type: ignore[override]  # uvicorn narrows it, too
        self, transport: asyncio.Transport
    ) -> None:
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._await_head()

    def data_received(self, data: bytes) -> None:
        """Read, and stop waiting once a head is complete."""
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            _cancel(self._head_timer)

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        super().on_response_complete()
        if self.conn.their_state is h11.IDLE:
            self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        super().connection_lost(exc)
        _cancel(self._head_timer)
        _cancel(self._write_timer)

    def pause_writing(self) -> None:
        """Begin to wait for a client that does not read."""
        super().pause_writing()
        self._write_timer = self.loop.call_later(WRITE_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        """Stop waiting."""
        super().resume_writing()
        _cancel(self._write_timer)

    def _await_head(self) -> None:
        _cancel(self._head_timer)
        self._head_timer = self.loop.call_later(HEAD_SECONDS, self.transport.abort)


def _cancel(timer: asyncio.TimerHandle | None) -> None:
    if timer is not None:
        timer.cancel()


def server_options(connections: int) -> dict[str, Any]:
    """Return options of uvicorn for a server of at most `connections` at a time."""
    return {
        "http": TimedProtocol,
        "loop": "asyncio",
        "access_log": False,
        "server_header": False,
        "proxy_headers": False,
        "limit_concurrency": connections,
        "h11_max_incomplete_event_size": _MOST_HEAD_BYTES,
        "timeout_graceful_shutdown": _GRACE,
        "ws_max_size": MOST_BODY,
    }
