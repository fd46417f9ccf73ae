"""Synchronous POST requests, over httpx.

Every call has a transport of its own while it lasts, and idle transports are kept for later calls.
One shared connection pool was measured and not taken: it looks at every connection for every
request (1.3 ms of CPU per call with 64 threads, against 0.3 ms), and after a fork its lock may be
held by a thread that does not exist in the child.
"""

from __future__ import annotations

import atexit
import os
import ssl
import time
from collections import defaultdict, deque
from contextlib import suppress
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import httpx

from tau2.llm.failure import CallFailed
from tau2.llm.transport.endpoint import Endpoint
from tau2.llm.transport.failures import (
    CUT_OFF,
    NO_ANSWER,
    connection_failed,
    no_connection,
    timed_out,
)
from tau2.llm.transport.proxies import Proxy, proxy_for
from tau2.llm.transport.response import BodyReader, HttpResponse
from tau2.llm.transport.tls import tls_context

KEEP_ALIVE = 30.0
"""Seconds for which an idle connection is kept; servers close theirs after 5 to 75."""


class _Route(NamedTuple):
    """What a connection is for; a transport serves one route."""

    origin: str
    proxy: Proxy | None
    verify: bool | str

    @property
    def is_tls(self) -> bool:
        """Whether a connection to the server is encrypted."""
        return self.origin.startswith("https:")


_NO_AUTHORITIES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For transports that do not use TLS; reading the certificates takes 20 ms."""

_IDLE: defaultdict[_Route, deque[_TimedTransport]] = defaultdict(deque)
"""Transports that no call uses, most recently used last; shared by all threads of the process."""


def post(endpoint: Endpoint, body: bytes, seconds: float) -> HttpResponse:
    """Send `body` and return the response, whatever its status.

    Raises:
        CallFailed: There was no whole response within `seconds`.
        ConfigError: The proxy or the certificates that the settings name are not usable.
    """
    until = time.monotonic() + seconds
    parts = urlsplit(endpoint.url)
    route = _Route(f"{parts.scheme}://{parts.netloc}", proxy_for(endpoint.url), endpoint.verify)
    try:
        kept = _popped(_IDLE[route])
        if kept is not None:
            # A server may close an idle connection just when a request is written to it. That says
            # nothing about the request, so it is sent again, once, over a new connection.
            with suppress(httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError):
                return _exchange(kept, route, endpoint, body, until)
        return _exchange(_TimedTransport(route), route, endpoint, body, until)
    except (TimeoutError, httpx.TimeoutException) as error:
        raise timed_out(seconds) from error
    except httpx.ConnectError as error:
        raise no_connection(error) from error
    except (httpx.ReadError, httpx.WriteError) as error:
        raise connection_failed(NO_ANSWER) from error
    except httpx.RemoteProtocolError as error:
        disconnected = "disconnected" in str(error)
        raise connection_failed(NO_ANSWER if disconnected else error) from error
    except httpx.LocalProtocolError:
        # Its text may hold a key.
        raise CallFailed("the request cannot be sent over HTTP; check extra_headers") from None
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        raise connection_failed(error) from error


def _exchange(
    transport: _TimedTransport, route: _Route, endpoint: Endpoint, body: bytes, until: float
) -> HttpResponse:
    try:
        response = transport.post(endpoint, body, until)
    except BaseException:
        transport.close()
        raise
    _put_back(transport, _IDLE[route])
    return response


def _popped(idle: deque[_TimedTransport]) -> _TimedTransport | None:
    try:
        return idle.pop()
    except IndexError:  # empty, or another thread was faster
        return None


def _put_back(transport: _TimedTransport, idle: deque[_TimedTransport]) -> None:
    """Keep `transport` for the next call; close the one unused for longest if that was too long."""
    transport.used_at = time.monotonic()
    idle.append(transport)
    try:
        oldest = idle.popleft()
    except IndexError:
        return
    if transport.used_at - oldest.used_at > KEEP_ALIVE:
        oldest.close()
    else:
        idle.appendleft(oldest)


def close() -> None:
    """Close the idle connections of synchronous calls."""
    for idle in list(_IDLE.values()):
        while (transport := _popped(idle)) is not None:
            transport.close()


atexit.register(close)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=close)  # two processes must not write to one connection


class _TimedTransport(httpx.HTTPTransport):
    """httpx's transport, used by one call at a time, with a time limit for the whole exchange.

    It is used without httpx.Client, which would add cookies, redirects and log records.
    """

    def __init__(self, route: _Route) -> None:
        super().__init__(
            verify=tls_context(route.verify) if route.is_tls else _NO_AUTHORITIES,
            trust_env=False,
            limits=httpx.Limits(
                max_connections=None, max_keepalive_connections=1, keepalive_expiry=KEEP_ALIVE
            ),
            proxy=_proxy_of(route),
        )
        self.used_at = 0.0
        self._until = float("inf")
        # httpx's own time limits begin anew with every piece of data that arrives, and it has no
        # parameter for the network backend of httpcore, which is what bounds a whole exchange.
        pool: Any = self._pool
        pool._network_backend = _TimedBackend(pool._network_backend, self)  # noqa: SLF001  -- above

    def post(self, endpoint: Endpoint, body: bytes, until: float) -> HttpResponse:
        """Send `body`; raise TimeoutError at `until`. After an error, close the transport."""
        self._until = until
        headers = list(endpoint.headers)
        request = httpx.Request(endpoint.method, endpoint.url, headers=headers, content=body)
        response = self.handle_request(request)
        reader = BodyReader()
        try:
            for chunk in response.iter_raw():
                reader.add(chunk)
        except (httpx.ReadError, httpx.RemoteProtocolError) as error:
            # A response that has begun shows that the connection was alive: nothing is sent again.
            raise connection_failed(CUT_OFF) from error
        finally:
            response.close()
        return reader.response(response.status_code, response.headers.raw)

    def seconds_left(self) -> float | None:
        """Return the time limit of the next operation, or None for none."""
        seconds = self._until - time.monotonic()
        if seconds <= 0:
            raise TimeoutError
        return seconds if seconds < float("inf") else None


def _proxy_of(route: _Route) -> httpx.Proxy | None:
    proxy = route.proxy
    if proxy is None:
        return None
    is_tls = proxy.url.startswith("https:")
    return httpx.Proxy(
        proxy.url,
        ssl_context=tls_context(route.verify) if is_tls else None,
        headers=proxy.headers,
    )


class _TimedBackend:
    """Opens the connections of one transport."""

    def __init__(self, backend: Any, transport: _TimedTransport) -> None:
        self._backend = backend
        self._transport = transport

    def connect_tcp(self, host: str, port: int, **options: Any) -> _TimedStream:
        options["timeout"] = self._transport.seconds_left()
        return _TimedStream(self._backend.connect_tcp(host, port, **options), self._transport)


class _TimedStream:
    """A connection of httpx, with the time limit of the exchange on every operation."""

    def __init__(self, stream: Any, transport: _TimedTransport) -> None:
        self._stream = stream
        self._transport = transport

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        data: bytes = self._stream.read(max_bytes, self._transport.seconds_left())
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._transport.seconds_left())

    def start_tls(
        self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None
    ) -> _TimedStream:
        seconds = self._transport.seconds_left()
        stream = self._stream.start_tls(ssl_context, server_hostname, seconds)
        return _TimedStream(stream, self._transport)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)

    def close(self) -> None:
        self._stream.close()
