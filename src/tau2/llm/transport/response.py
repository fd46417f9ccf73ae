"""An HTTP response as both clients return it: read up to a size limit, and decompressed."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterable
from typing import NamedTuple

from tau2.llm.failure import CallFailed, unreachable
from tau2.utils.sizes import LARGEST_ANSWER


class HttpResponse(NamedTuple):
    """An HTTP response."""

    status: int
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes
    """Without content encoding."""


class BodyReader:
    """Collects the chunks of a body. Raises CallFailed when they exceed LARGEST_ANSWER."""

    def __init__(self) -> None:
        self._chunks: list[bytes] = []
        self._size = 0

    def add(self, chunk: bytes) -> None:
        """Append a chunk."""
        self._size += len(chunk)
        if self._size > LARGEST_ANSWER:
            raise _too_large()
        self._chunks.append(chunk)

    def response(self, status: int, raw_headers: Iterable[tuple[bytes, bytes]]) -> HttpResponse:
        """Return the response to which the collected body belongs."""
        headers = {
            name.decode("latin-1").lower(): value.decode("latin-1") for name, value in raw_headers
        }
        body = b"".join(self._chunks)
        for encoding in reversed(headers.get("content-encoding", "").split(",")):
            body = _decompressed(encoding.strip().lower(), body)
        return HttpResponse(status, headers, body)


def _too_large() -> CallFailed:
    return CallFailed(f"the answer is larger than {LARGEST_ANSWER // 2**20} MiB")


def _decompressed(encoding: str, body: bytes) -> bytes:
    """Return `body` without one content encoding.

    Requests ask for an uncompressed response, and some servers compress it nevertheless. Done here
    rather than by the clients because httpx does not limit how much a small body may inflate to,
    and drops everything after the first member of a gzip body.
    """
    if encoding in {"", "identity"} or not body:
        return body
    try:
        if encoding in {"gzip", "x-gzip"}:
            with gzip.GzipFile(fileobj=io.BytesIO(body)) as file:
                plain = file.read(LARGEST_ANSWER + 1)
        elif encoding == "deflate":
            plain = _inflated(body)
        else:
            raise CallFailed(
                f"the answer came in the encoding {encoding[:40]!r}, which was not asked for"
            )
    except (zlib.error, OSError, EOFError) as error:
        raise unreachable(f"the compressed answer is damaged: {error}") from error
    if len(plain) > LARGEST_ANSWER:
        raise _too_large()
    return plain


def _inflated(body: bytes) -> bytes:
    try:
        return _inflated_as(zlib.MAX_WBITS, body)
    except zlib.error:
        # HTTP defines "deflate" as a zlib stream, but some servers send the bare deflate data.
        return _inflated_as(-zlib.MAX_WBITS, body)


def _inflated_as(window_bits: int, body: bytes) -> bytes:
    inflater = zlib.decompressobj(window_bits)
    plain = inflater.decompress(body, LARGEST_ANSWER + 1)
    if not inflater.eof and not inflater.unconsumed_tail:
        raise EOFError("it ends too early")
    return plain
