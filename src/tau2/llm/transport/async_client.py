"""Asynchronous POST requests, over aiohttp: one session per event loop, connections without limit.

aiohttp is used directly. Under httpx (`httpx-aiohttp` 0.2) it costs 0.2 ms more CPU per call, keeps
its default limit of 100 connections when none is wanted, and reports a connection that the server
closed as a time-out.
"""

from __future__ import annotations

import asyncio
import atexit
import io
import threading
from collections.abc import AsyncGenerator
from contextlib import suppress
from contextvars import ContextVar
from typing import Any, NamedTuple
from weakref import WeakSet

import aiohttp
from aiohttp.connector import Connection

from tau2.llm.transport.endpoint import Endpoint
from tau2.llm.transport.failures import (
    CUT_OFF,
    NO_ANSWER,
    connection_failed,
    no_connection,
    timed_out,
)
from tau2.llm.transport.proxies import proxy_for
from tau2.llm.transport.response import BodyReader, HttpResponse
from tau2.llm.transport.tls import tls_context

KEEP_ALIVE = 30.0
"""Seconds for which an idle connection is kept; servers close theirs after 5 to 75."""

_MAX_HEADER = 64 * 1024  # bytes of one line; gateways send long security policies and cookies
_LARGE_BODY = 2**20  # bytes; aiohttp warns about larger ones unless they are given as a file
_CLOSED = (
    aiohttp.ServerDisconnectedError,
    aiohttp.ClientOSError,
    aiohttp.ClientConnectionResetError,
)
"""What a connection that the server closed raises."""


async def apost(endpoint: Endpoint, body: bytes, seconds: float) -> HttpResponse:
    """Do what `sync_client.post` does without blocking the event loop."""
    options = _options(endpoint)
    session = await _session_of_this_loop()
    try:
        async with asyncio.timeout(seconds if seconds < float("inf") else None):
            try:
                return await _exchange(session, endpoint, body, options)
            except _ConnectionWasClosed:
                # A server may close an idle connection just when a request is written to it.
                # That says nothing about the request, so it is sent again, once.
                return await _exchange(session, endpoint, body, options)
    except TimeoutError as error:
        raise timed_out(seconds) from error
    except aiohttp.ClientConnectorError as error:
        raise no_connection(error) from error
    except (_ConnectionWasClosed, *_CLOSED) as error:
        raise connection_failed(NO_ANSWER) from error
    except aiohttp.ClientResponseError as error:  # not HTTP, or refused by a proxy
        # Its own text quotes the address and the headers.
        words = " ".join(f"{error.status} {error.message}".split())
        raise connection_failed(words) from error
    except (aiohttp.ClientError, OSError) as error:
        raise connection_failed(error or type(error).__name__) from error


class _ConnectionWasClosed(Exception):
    """A kept connection turned out to be closed before any response came."""


async def _exchange(
    session: aiohttp.ClientSession, endpoint: Endpoint, body: bytes, options: dict[str, Any]
) -> HttpResponse:
    data = body if len(body) <= _LARGE_BODY else io.BytesIO(body)
    try:
        response = await session.request(
            endpoint.method, endpoint.url, data=data, allow_redirects=False, **options
        )
    except _CLOSED as error:
        if _is_reused.get() and not isinstance(error, aiohttp.ClientConnectorError):
            raise _ConnectionWasClosed from error
        raise
    reader = BodyReader()
    async with response:
        try:
            async for chunk in response.content.iter_any():
                reader.add(chunk)
        except aiohttp.ClientError as error:
            # A response that has begun shows that the connection was alive: nothing is sent again.
            raise connection_failed(CUT_OFF) from error
    return reader.response(response.status, response.raw_headers)


def _options(endpoint: Endpoint) -> dict[str, Any]:
    """Return the arguments of a request that follow from the endpoint and the environment."""
    options: dict[str, Any] = {"headers": endpoint.headers}
    is_tls = endpoint.url.startswith("https:")
    proxy = proxy_for(endpoint.url)
    if proxy is not None:
        options["proxy"] = proxy.url
        if is_tls:
            options["proxy_headers"] = proxy.headers  # sent with CONNECT
        else:
            options["headers"] = (*endpoint.headers, *proxy.headers.items())
    if is_tls or (proxy is not None and proxy.url.startswith("https:")):
        options["ssl"] = tls_context(endpoint.verify)
    return options


_is_reused: ContextVar[bool] = ContextVar("tau2_connection_is_reused", default=False)
"""Whether the current request uses a connection that served another one."""


class _Connector(aiohttp.TCPConnector):
    """aiohttp's pool, with a note on whether a connection was used before.

    A connection that received data while it was idle is not used again: aiohttp would take the
    data for the response to the next request.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._used: WeakSet[object] = WeakSet()

    async def connect(self, *args: Any, **options: Any) -> Connection:
        while True:
            connection = await super().connect(*args, **options)
            protocol = connection.protocol
            is_reused = protocol in self._used
            if not is_reused or (protocol is not None and not protocol.should_close):
                self._used.add(protocol)
                _is_reused.set(is_reused)
                return connection
            connection.close()


class _LoopSession(NamedTuple):
    session: aiohttp.ClientSession
    keeper: AsyncGenerator[None, None]
    """Closes the session when its event loop ends."""


_SESSIONS: dict[asyncio.AbstractEventLoop, _LoopSession] = {}
_SESSIONS_LOCK = threading.Lock()


async def _session_of_this_loop() -> aiohttp.ClientSession:
    loop = asyncio.get_running_loop()
    kept = _SESSIONS.get(loop)
    if kept is not None and not kept.session.closed:
        return kept.session
    session = _new_session()
    keeper = _close_with_loop(loop, session)
    await anext(keeper)
    with _SESSIONS_LOCK:
        _discard_sessions_of_closed_loops()
        _SESSIONS[loop] = _LoopSession(session, keeper)
    return session


def _new_session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=_Connector(
            limit=0,  # no limit: the run's concurrency is the limit
            keepalive_timeout=KEEP_ALIVE,
            resolver=aiohttp.ThreadedResolver(),
        ),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None),  # `apost` limits the exchange exactly
        auto_decompress=False,
        max_line_size=_MAX_HEADER,
        max_field_size=_MAX_HEADER,
    )


async def _close_with_loop(
    loop: asyncio.AbstractEventLoop, session: aiohttp.ClientSession
) -> AsyncGenerator[None, None]:
    """Close `session` when the loop shuts down its asynchronous generators, before it closes."""
    try:
        yield
    finally:
        _SESSIONS.pop(loop, None)
        await session.close()


async def aclose() -> None:
    """Close the connections of the running event loop; `asyncio.run` does so by itself."""
    kept = _SESSIONS.get(asyncio.get_running_loop())
    if kept is not None:
        await kept.keeper.aclose()


def _discard_sessions_of_closed_loops() -> None:
    """Close the sessions of loops that closed without shutting down asynchronous generators."""
    for loop in [loop for loop in _SESSIONS if loop.is_closed()]:
        # Closing a session awaits its connections; those of a closed loop have nothing to await.
        closing = _SESSIONS.pop(loop).session.close()
        with suppress(StopIteration):
            closing.send(None)
        closing.close()


atexit.register(_discard_sessions_of_closed_loops)
