"""As much of HTTP/1.1 as pages need: one small request per connection, everything bounded."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote_to_bytes, urlsplit

MOST_HEAD = 16_384  # bytes of request line and headers
MOST_BODY = 65_536  # bytes of a form; the arguments of one tool call are a fraction of it
_MOST_FIELDS = 100  # of one form
_PATIENCE = 10.0  # seconds for a whole request; a browser on the same machine needs milliseconds

_REASONS = {
    200: "OK", 303: "See Other", 400: "Bad Request", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed",
    408: "Request Timeout", 411: "Length Required", 413: "Content Too Large", 421: "Misdirected Request",
    431: "Request Header Fields Too Large", 500: "Internal Server Error", 503: "Service Unavailable",
}  # fmt: skip

SAFETY: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",  # the address holds the token: no other site learns it
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Refused(Exception):
    """A request that is not answered, with the status that says why."""

    def __init__(self, status: int, reason: str) -> None:
        self.status, self.reason = status, reason
        super().__init__(reason)


@dataclass(frozen=True, slots=True)
class Request:
    """A request, read and decoded."""

    method: str
    parts: tuple[str, ...]
    """The path, split at slashes and decoded."""
    query: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    """Names in lower case."""


@dataclass(frozen=True, slots=True)
class Response:
    """What is sent back."""

    body: str
    status: int = 200
    kind: str = "text/html; charset=utf-8"
    location: str | None = None

    def encoded(self, *, with_body: bool) -> bytes:
        """Return the bytes on the wire."""
        body = self.body.encode("utf-8", "replace")
        headers = {
            "Content-Type": self.kind,
            "Content-Length": str(len(body)),
            "Connection": "close",
            **SAFETY,
        }
        if self.location is not None:
            headers["Location"] = self.location
        lines = [
            f"HTTP/1.1 {self.status} {_REASONS.get(self.status, '')}",
            *map(": ".join, headers.items()),
            "",
            "",
        ]
        return "\r\n".join(lines).encode("latin-1", "replace") + (body if with_body else b"")


async def read_request(reader: asyncio.StreamReader) -> Request:
    """Return the request that arrives. Raise Refused for one that is too large, too slow or malformed."""
    try:
        async with asyncio.timeout(_PATIENCE):
            return await _read(reader)
    except TimeoutError as problem:
        raise Refused(408, "the request took too long") from problem
    except asyncio.LimitOverrunError as problem:
        raise Refused(431, "the headers are too large") from problem
    except (asyncio.IncompleteReadError, ConnectionError) as problem:
        raise Refused(400, "the request ended in its middle") from problem


async def _read(reader: asyncio.StreamReader) -> Request:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.removesuffix("\r\n\r\n").split("\r\n")
    words = first.split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1."):  # noqa: PLR2004  -- method, target, version
        raise Refused(400, "this is no HTTP/1.1 request")
    headers = _headers(lines)
    method, target = words[0], words[1]
    if method not in {"GET", "HEAD", "POST"}:
        raise Refused(405, "only GET, HEAD and POST are answered")
    form = _fields(await _body(reader, headers)) if method == "POST" else {}
    parts, query = _target(target)
    return Request(method, parts, query, form, headers)


def _headers(lines: list[str]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        key = name.lower()
        if not colon or name != name.strip() or not name or key in headers:
            raise Refused(400, "a header is malformed or given twice")
        headers[key] = value.strip()
    return headers


def _target(target: str) -> tuple[tuple[str, ...], dict[str, str]]:
    if not target.startswith("/"):
        raise Refused(400, "a path is expected")
    try:
        split = urlsplit("http://host" + target)
        parts = tuple(unquote_to_bytes(part).decode() for part in split.path.split("/")[1:])
    except ValueError as problem:
        raise Refused(400, "the path is malformed") from problem
    return parts, _fields(split.query)


async def _body(reader: asyncio.StreamReader, headers: Mapping[str, str]) -> str:
    length = headers.get("content-length", "")
    if not length.isascii() or not length.isdecimal() or "transfer-encoding" in headers:
        raise Refused(411, "a body needs its length")
    if len(length) > 9 or int(length) > MOST_BODY:  # noqa: PLR2004  -- digits; a longer number is too large anyway
        raise Refused(413, f"a form of more than {MOST_BODY} bytes is not read")
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise Refused(400, "only forms are read")
    return (await reader.readexactly(int(length))).decode("latin-1")


def _fields(text: str) -> dict[str, str]:
    """Return the fields of a query or a form; of one that is given twice, the first."""
    try:
        found = parse_qs(
            text, keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="replace"
        )
    except ValueError as problem:
        raise Refused(400, "there are too many fields") from problem
    return {name: values[0] for name, values in found.items()}
