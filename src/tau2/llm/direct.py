"""A direct HTTP/1.1 connection on the running event loop: h11 for the protocol, an asyncio transport for the bytes.

httpcore's asynchronous connection was measured and not taken here: with locks, scopes and several writes per request
it cost twice the CPU of this one, which decides how many calls one process can have in flight. It still serves
proxies, and its synchronous twin synchronous calls.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import h11
import httpcore

if TYPE_CHECKING:
    from tau2.llm.lines import Target

_LARGEST_HEAD = 256 * 1024  # bytes of an answer's status line and headers
_NO_ANSWER = "Server disconnected without sending a response."  # as httpcore says it, so that both colours agree
_DEFAULT_PORTS = {b"http": 80, b"https": 443}


class _Wire(asyncio.Protocol):
    """The bytes of one connection, as they arrive."""

    def __init__(self) -> None:
        self.arrived = bytearray()
        self.ended = False
        """Whether no more bytes will come."""
        self.problem: Exception | None = None
        self._awaited: asyncio.Future[None] | None = None
        self._writable = asyncio.Event()
        self._writable.set()

    def data_received(self, data: bytes) -> None:
        self.arrived += data
        self._wake()

    def eof_received(self) -> bool:
        self.ended = True
        self._wake()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended, self.problem = True, exc
        self._writable.set()
        self._wake()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    async def written(self) -> None:
        """Wait until what was written has left."""
        if not self._writable.is_set():
            await self._writable.wait()

    async def read(self) -> bytes:
        """Return what has arrived, at least one byte; empty at the end. Raise ReadError for a broken connection."""
        if not self.arrived and not self.ended:
            self._awaited = asyncio.get_running_loop().create_future()
            try:
                await self._awaited
            finally:
                self._awaited = None
        if not self.arrived and self.problem is not None:
            raise httpcore.ReadError(str(self.problem)) from self.problem
        data = bytes(self.arrived)
        self.arrived.clear()
        return data

    def _wake(self) -> None:
        if self._awaited is not None and not self._awaited.done():
            self._awaited.set_result(None)


class DirectConnection:
    """One connection to one target, used by one exchange at a time; the errors are httpcore's."""

    def __init__(self, target: Target, tls: ssl.SSLContext | None) -> None:
        self._target, self._tls = target, tls
        self._protocol = h11.Connection(h11.CLIENT, max_incomplete_event_size=_LARGEST_HEAD)
        self._wire: _Wire | None = None
        self._transport: asyncio.Transport | None = None
        self._closed = False
        self.used_at = time.monotonic()

    async def request(self, headers: list[tuple[bytes, bytes]], body: bytes) -> h11.Response:
        """Send a POST and return the head of the answer."""
        if self._wire is None:
            await self._connect()
        assert self._wire is not None, "connected"
        assert self._transport is not None, "connected"
        if self._wire.ended:
            raise httpcore.WriteError("the server has closed the connection")
        try:
            self._transport.write(self._encoded(headers, body))
        except h11.LocalProtocolError as error:
            raise httpcore.LocalProtocolError(error) from error
        await self._wire.written()
        while True:
            event = await self._event()
            if isinstance(event, h11.Response):
                return event

    def _encoded(self, headers: list[tuple[bytes, bytes]], body: bytes) -> bytes:
        request = h11.Request(method=b"POST", target=self._target.path or b"/", headers=headers)
        parts = [
            self._protocol.send(event)
            for event in (request, h11.Data(data=body), h11.EndOfMessage())
        ]
        return b"".join(part for part in parts if part)

    async def chunk(self) -> bytes | None:
        """Return a part of the answer's body, or None at its end."""
        event = await self._event()
        if isinstance(event, h11.Data):
            return bytes(event.data)
        if not isinstance(event, h11.EndOfMessage):
            raise httpcore.RemoteProtocolError(
                "the server closed the connection in the middle of its answer"
            )
        self._ready_for_more()
        return None

    def _ready_for_more(self) -> None:
        self.used_at = time.monotonic()
        if self._protocol.our_state is h11.DONE and self._protocol.their_state is h11.DONE:
            self._protocol.start_next_cycle()
        else:
            self._closed = True

    async def _event(self) -> h11.Event:
        assert self._wire is not None, "connected"
        while True:
            try:
                event = self._protocol.next_event()
                if event is h11.NEED_DATA:
                    self._receive(await self._wire.read())
                    continue
            except h11.RemoteProtocolError as error:
                raise httpcore.RemoteProtocolError(str(error)) from error
            if not isinstance(event, h11.Event) or isinstance(event, h11.ConnectionClosed):
                raise httpcore.RemoteProtocolError(_NO_ANSWER)
            return event

    def _receive(self, data: bytes) -> None:
        if not data and self._protocol.their_state is h11.SEND_RESPONSE:
            raise httpcore.RemoteProtocolError(_NO_ANSWER)
        self._protocol.receive_data(data)

    async def _connect(self) -> None:
        host, port = (
            self._target.host.decode(),
            self._target.port or _DEFAULT_PORTS[self._target.scheme],
        )
        if self._tls is not None:
            self._tls.set_alpn_protocols(["http/1.1"])
        name = host if self._tls is not None else None
        loop = asyncio.get_running_loop()
        try:
            self._transport, self._wire = await loop.create_connection(
                _Wire, host, port, ssl=self._tls, server_hostname=name, happy_eyeballs_delay=0.25
            )
        except OSError as error:
            raise httpcore.ConnectError(str(error)) from error

    @property
    def is_closed(self) -> bool:
        """Return whether the last answer ended the connection."""
        return self._closed

    def is_idle_for(self, seconds: float) -> bool:
        """Return whether the connection may serve another request: open, silent, and used not too long ago."""
        quiet = self._wire is not None and not self._wire.ended and not self._wire.arrived
        return quiet and not self._closed and time.monotonic() - self.used_at <= seconds

    async def aclose(self) -> None:
        """Close the connection."""
        self._closed = True
        if self._transport is None:
            return
        with suppress(OSError):
            self._transport.close()
        await asyncio.sleep(0)  # a transport that has nothing more to send closes in the next round
        self._transport.abort()
