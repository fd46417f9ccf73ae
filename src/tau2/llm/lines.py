"""One kept HTTP/1.1 connection ("line") to a model's server, synchronous or asynchronous, with an exact time limit.

Each line is a connection of its own: httpcore's, or, on an event loop without a proxy, h11's (`direct`). The pool of
httpx was measured and not taken: it looks at every connection for every request, which cost 5 to 10 ms of CPU per
call with 64 to 256 calls in flight.
"""

from __future__ import annotations

import os
import ssl
import time
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import certifi
import httpcore

from tau2.errors import ModelUnavailable
from tau2.llm.direct import DirectConnection
from tau2.llm.failure import CallFailed, unreachable

KEPT_ALIVE = 30.0  # seconds an idle line is kept; servers close theirs after 5 to 75
LARGEST_ANSWER = 32 * 2**20  # bytes; a long answer with log-probabilities has about one million
_MOST_TARGETS = 256  # addresses whose parsed form is kept
_GZIP_OR_ZLIB = 47  # zlib's code for "find out which"
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

STALE = (
    httpcore.ReadError,
    httpcore.WriteError,
    httpcore.RemoteProtocolError,
    httpcore.ConnectionNotAvailable,
)
"""What a line raises that the server closed while it was idle."""

Headers = Sequence[tuple[str, str]]


class Reply(NamedTuple):
    """An HTTP answer."""

    status: int
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes


class Target(NamedTuple):
    """A parsed address."""

    scheme: bytes
    host: bytes
    port: int | None
    """None for the usual one of the scheme."""
    path: bytes

    @property
    def origin(self) -> httpcore.Origin:
        """Whom to connect to."""
        return self.url.origin

    @property
    def header(self) -> bytes:
        """The Host header."""
        host = b"[%b]" % self.host if b":" in self.host else self.host
        return host if self.port is None else b"%b:%d" % (host, self.port)

    @property
    def url(self) -> httpcore.URL:
        """What to ask for."""
        return httpcore.URL(scheme=self.scheme, host=self.host, port=self.port, target=self.path)


@lru_cache(maxsize=_MOST_TARGETS)
def target_of(url: str) -> Target:
    """Return the parsed form of an http or https address."""
    parts = urlsplit(url)
    host = (parts.hostname or "").encode("idna")
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme.encode(), host, parts.port, path.encode())


@contextmanager
def judged(seconds: float) -> Iterator[None]:
    """Turn what goes wrong with a connection into CallFailed."""
    try:
        yield
    except (TimeoutError, httpcore.TimeoutException) as error:
        raise unreachable(f"no answer within {seconds:.3g} s") from error
    except httpcore.LocalProtocolError:
        raise CallFailed(
            "the request cannot be sent over HTTP; check extra_headers"
        ) from None  # its text may hold a key
    except httpcore.ConnectError as error:
        raise _no_connection(error) from error
    except (
        httpcore.NetworkError,
        httpcore.ProtocolError,
        httpcore.ProxyError,
        OSError,
        UnicodeError,
    ) as error:
        raise unreachable(f"the connection failed: {error or type(error).__name__}") from error


def _no_connection(error: httpcore.ConnectError) -> CallFailed:
    """Judge a connection that could not be made: a certificate that is not trusted stays so."""
    if isinstance(error.__cause__, ssl.SSLCertVerificationError):
        text = f"the server's certificate is not trusted ({error}); name its authority in SSL_CERT_FILE"
        return CallFailed(text, verdict=ModelUnavailable)
    return unreachable(f"the connection failed: {error or type(error).__name__}")


class _Limit(httpcore.NetworkBackend):
    """Connects, and bounds every socket operation of one line by the moment at which the exchange must be over."""

    def __init__(self) -> None:
        self.until = float("inf")
        self._plain = httpcore.SyncBackend()

    def left(self) -> float | None:
        seconds = self.until - time.monotonic()
        if seconds <= 0:
            raise TimeoutError
        return seconds if seconds < float("inf") else None

    def connect_tcp(
        self, host: str, port: int, *args: Any, **kwargs: Any
    ) -> httpcore.NetworkStream:
        kwargs["timeout"] = self.left()
        return _LimitedStream(self._plain.connect_tcp(host, port, *args, **kwargs), self)


class _LimitedStream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream, limit: _Limit) -> None:
        self._stream, self._limit = stream, limit

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._limit.left())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._limit.left())

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        return _LimitedStream(
            self._stream.start_tls(ssl_context, server_hostname, self._limit.left()), self._limit
        )

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class SyncLine:
    """One connection, used by one call at a time."""

    def __init__(self, target: Target) -> None:
        self.used_at = 0.0
        self._limit = _Limit()
        options: dict[str, Any] = {"keepalive_expiry": KEPT_ALIVE, "network_backend": self._limit}
        proxy = _proxy_of(target)
        self._line: httpcore.HTTPConnection | httpcore.HTTPProxy = (
            httpcore.HTTPProxy(**proxy, **options, ssl_context=_tls(), max_connections=1)
            if proxy
            else httpcore.HTTPConnection(target.origin, **options, ssl_context=_tls_for(target))
        )

    def exchange(self, target: Target, headers: Headers, body: bytes, seconds: float) -> Reply:
        """Send `body` and return the answer, all within `seconds`. After an error the line must be closed."""
        self._limit.until = time.monotonic() + seconds
        with self._line.stream(
            "POST", target.url, headers=_sent(target, headers, body), content=body
        ) as response:
            parts = _Parts(response.status, response.headers)
            with judged(seconds):
                for chunk in response.iter_stream():
                    parts.add(chunk)
        self.used_at = time.monotonic()
        return parts.reply()

    def is_over(self) -> bool:
        """Return whether the line cannot be used again; looks at the socket."""
        line = self._line
        return isinstance(line, httpcore.HTTPConnection) and (
            line.is_closed() or line.has_expired()
        )

    def is_closed(self) -> bool:
        """Return whether the last answer closed the line; does not look at the socket."""
        return isinstance(self._line, httpcore.HTTPConnection) and self._line.is_closed()

    def close(self) -> None:
        """Close the connection."""
        self._line.close()


class AsyncLine:
    """One connection of one event loop, used by one call at a time: direct, or through a proxy."""

    def __init__(self, target: Target) -> None:
        self.used_at = 0.0
        proxy = _proxy_of(target)
        self._proxied: httpcore.AsyncHTTPProxy | None = None
        self._direct: DirectConnection | None = None
        if proxy:
            options: dict[str, Any] = {
                "max_connections": 1,
                "keepalive_expiry": KEPT_ALIVE,
                "ssl_context": _tls(),
            }
            self._proxied = httpcore.AsyncHTTPProxy(**proxy, **options)
        else:
            self._direct = DirectConnection(target, _tls_for(target))

    async def exchange(
        self, target: Target, headers: Headers, body: bytes, seconds: float
    ) -> Reply:
        """Do what SyncLine does; the caller cancels it after `seconds`."""
        sent = _sent(target, headers, body)
        if self._proxied is not None:
            parts = await _over_proxy(self._proxied, target, sent, body, seconds)
        else:
            assert self._direct is not None, "direct or proxied"
            parts = await _over_wire(self._direct, sent, body, seconds)
        self.used_at = time.monotonic()
        return parts.reply()

    def is_over(self) -> bool:
        """Return whether the line cannot be used again."""
        return self._direct is not None and not self._direct.is_idle_for(KEPT_ALIVE)

    def is_closed(self) -> bool:
        """Return whether the last answer closed the line."""
        return self._direct is not None and self._direct.is_closed

    async def aclose(self) -> None:
        """Close the connection."""
        if self._proxied is not None:
            await self._proxied.aclose()
        if self._direct is not None:
            await self._direct.aclose()


async def _over_wire(
    line: DirectConnection, sent: list[tuple[bytes, bytes]], body: bytes, seconds: float
) -> _Parts:
    head = await line.request(sent, body)
    parts = _Parts(head.status_code, list(head.headers))
    with judged(seconds):  # an answer that has begun is no stale line: nothing is sent again
        while (chunk := await line.chunk()) is not None:
            parts.add(chunk)
    return parts


async def _over_proxy(
    line: httpcore.AsyncHTTPProxy,
    target: Target,
    sent: list[tuple[bytes, bytes]],
    body: bytes,
    seconds: float,
) -> _Parts:
    async with line.stream("POST", target.url, headers=sent, content=body) as response:
        parts = _Parts(response.status, response.headers)
        with judged(seconds):
            async for chunk in response.aiter_stream():
                parts.add(chunk)
    return parts


def _sent(target: Target, headers: Headers, body: bytes) -> list[tuple[bytes, bytes]]:
    named = [(name.encode("ascii"), value.encode("ascii")) for name, value in headers]
    return [(b"Host", target.header), *named, (b"Content-Length", b"%d" % len(body))]


class _Parts:
    """Collects an answer up to the cap."""

    def __init__(self, status: int, headers: Iterable[tuple[bytes, bytes]]) -> None:
        self._status = status
        self._headers = {
            name.decode("latin-1").lower(): value.decode("latin-1") for name, value in headers
        }
        self._chunks: list[bytes] = []
        self._size = 0

    def add(self, chunk: bytes) -> None:
        self._size += len(chunk)
        if self._size > LARGEST_ANSWER:
            raise _too_large()
        self._chunks.append(chunk)

    def reply(self) -> Reply:
        body = b"".join(self._chunks)
        return Reply(
            self._status, self._headers, _decoded(self._headers.get("content-encoding", ""), body)
        )


def _too_large() -> CallFailed:
    return CallFailed(f"the answer is larger than {LARGEST_ANSWER // 2**20} MiB")


def _decoded(encoding: str, body: bytes) -> bytes:
    """Return the plain body: some servers compress although they are asked not to."""
    match encoding.strip().lower():
        case "" | "identity":
            return body
        case "gzip" | "x-gzip" | "deflate":
            return _inflated(body)
    raise CallFailed(f"the answer came in the encoding {encoding[:40]!r}, which was not asked for")


def _inflated(body: bytes) -> bytes:
    inflater = zlib.decompressobj(_GZIP_OR_ZLIB)
    try:
        plain = inflater.decompress(body, LARGEST_ANSWER)
    except zlib.error as error:
        raise unreachable(f"the compressed answer is damaged: {error}") from error
    if inflater.unconsumed_tail:
        raise _too_large()
    return plain


@lru_cache(maxsize=1)
def _tls() -> ssl.SSLContext:
    """Return the trust of the system and, unless SSL_CERT_FILE or SSL_CERT_DIR names another, of certifi."""
    context = ssl.create_default_context()
    if not (os.environ.get("SSL_CERT_FILE") or os.environ.get("SSL_CERT_DIR")):
        context.load_verify_locations(certifi.where())
    return context


def _tls_for(target: Target) -> ssl.SSLContext | None:
    return _tls() if target.scheme == b"https" else None


def _proxy_of(target: Target) -> dict[str, Any] | None:
    """Return how to reach the proxy that the environment names for `target`, or None; loopback is always direct."""
    host = target.host.decode()
    if host in _LOOPBACK or proxy_bypass(host):
        return None
    proxies = getproxies()
    url = proxies.get(target.scheme.decode()) or proxies.get("all")
    if not url:
        return None
    parts = urlsplit(url if "://" in url else f"http://{url}")
    if parts.scheme not in {"http", "https"}:
        raise CallFailed(
            f"a proxy of kind {parts.scheme!r} is not supported; use an http proxy or set NO_PROXY={host}"
        )
    address = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    auth = (parts.username or "", parts.password or "") if parts.username else None
    return {"proxy_url": address, "proxy_auth": auth}
