from __future__ import annotations

import asyncio
import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tau2.service.http import MOST_BODY, MOST_HEAD, Refused, Request, Response, read_request


def read(data: bytes) -> Request:
    async def reading() -> Request:
        reader = asyncio.StreamReader(limit=MOST_HEAD)
        reader.feed_data(data)
        reader.feed_eof()
        return await read_request(reader)

    return asyncio.run(reading())


def refused(data: bytes) -> int:
    with pytest.raises(Refused) as refusal:
        read(data)
    return refusal.value.status


def form(body: bytes, length: int | None = None) -> bytes:
    size = len(body) if length is None else length
    kind = b"Content-Type: application/x-www-form-urlencoded\r\n"
    return b"POST /a HTTP/1.1\r\nHost: h\r\n%bContent-Length: %d\r\n\r\n%b" % (kind, size, body)


def test_a_request_is_read():
    request = read(b"GET /a/b%2Fc?q=x+y&q=z HTTP/1.1\r\nHost: h:1\r\nX-Other: y\r\n\r\n")
    assert request.method == "GET"
    assert request.parts == ("a", "b/c")
    assert request.query == {"q": "x y"}
    assert request.headers == {"host": "h:1", "x-other": "y"}


def test_a_form_is_read():
    assert read(form(b"name=a+b&empty=&name=c")).form == {"name": "a b", "empty": ""}


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"", 400),
        (b"GET / HTTP/1.1\r\n", 400),
        (b"hello\r\n\r\n", 400),
        (b"GET x HTTP/1.1\r\n\r\n", 400),
        (b"GET /%ff HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", 400),
        (b"DELETE / HTTP/1.1\r\nHost: h\r\n\r\n", 405),
        (b"POST / HTTP/1.1\r\nHost: h\r\n\r\n", 411),
        (
            b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n",
            411,
        ),
        (b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Type: text/plain\r\n\r\nx", 400),
        (b"GET /" + b"a" * MOST_HEAD + b" HTTP/1.1\r\n\r\n", 431),
        (form(b"", MOST_BODY + 1), 413),
        (form(b"", 10**30), 413),
        (form(b"a=1", 10), 400),
        (form(b"&".join(b"a%d=1" % n for n in range(200))), 400),
    ],
)
def test_what_is_no_small_request_is_refused(data, status):
    assert refused(data) == status


@given(st.binary(max_size=400))
def test_no_bytes_break_the_reader(data):
    with contextlib.suppress(Refused):
        read(data + b"\r\n\r\n")


def test_answers_carry_what_keeps_them_safe():
    wire = Response("<p>ü</p>").encoded(with_body=True).decode()
    assert "Content-Length: 9" in wire
    assert "default-src 'none'" in wire
    assert wire.endswith("<p>ü</p>")
    assert Response("x").encoded(with_body=False).endswith(b"\r\n\r\n")
