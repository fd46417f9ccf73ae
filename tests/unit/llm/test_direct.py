"""A direct connection reads whatever a correct server sends, and says what an incorrect one did."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import subprocess
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import httpcore
import pytest

from tau2.llm.direct import DirectConnection
from tau2.llm.lines import target_of

HEADERS = [(b"Host", b"here"), (b"Content-Length", b"2")]
Story = Callable[[DirectConnection], Awaitable[object]]


def told(
    pieces: list[bytes], story: Story, *, close: bool = True, tls: tuple[ssl.SSLContext, ...] = ()
) -> object:
    """Return what a story makes of a server that answers every request with these pieces."""

    serving: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.add(asyncio.current_task())
        with suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            while await reader.readuntil(b"hi"):
                for piece in pieces:
                    writer.write(piece)
                    await writer.drain()
                    await asyncio.sleep(0.001)
                if close:
                    break
        writer.close()
        with suppress(ConnectionError, ssl.SSLError):
            await writer.wait_closed()

    async def both() -> object:
        server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls[0] if tls else None)
        port = server.sockets[0].getsockname()[1]
        target = target_of(f"http{'s' if tls else ''}://127.0.0.1:{port}/v1")
        line = DirectConnection(target, tls[1] if tls else None)
        try:
            return await story(line)
        finally:
            await line.aclose()
            server.close()
            for task in serving:
                task.cancel()
            await asyncio.gather(*serving, return_exceptions=True)

    return asyncio.run(both())


async def whole(line: DirectConnection) -> tuple[int, bytes]:
    head = await line.request(HEADERS, b"hi")
    parts = []
    while (chunk := await line.chunk()) is not None:
        parts.append(chunk)
    return head.status_code, b"".join(parts)


PLAIN = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


@pytest.mark.parametrize(
    "pieces",
    [
        [PLAIN],
        [bytes([byte]) for byte in PLAIN],
        [b"HTTP/1.1 100 Continue\r\n\r\n", PLAIN],
        [
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"2\r\nhe\r\n",
            b"3\r\nllo\r\n0\r\n\r\n",
        ],
        [b"HTTP/1.0 200 OK\r\n\r\nhello"],
    ],
    ids=["at once", "byte by byte", "after a notice", "in chunks", "until the end"],
)
def test_every_correct_answer_is_read(pieces):
    assert told(pieces, whole) == (200, b"hello")


def test_an_answer_that_keeps_the_connection_leaves_it_ready():
    async def twice(line):
        first = await whole(line)
        assert line.is_idle_for(30)
        assert not line.is_closed
        return first, await whole(line)

    assert told([PLAIN], twice, close=False) == ((200, b"hello"), (200, b"hello"))


def test_an_answer_that_ends_the_connection_says_so():
    async def once(line):
        await whole(line)
        return line.is_closed, line.is_idle_for(30)

    answer = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello"
    assert told([answer], once) == (True, False)


@pytest.mark.parametrize(
    "more",
    [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlies"],
    ids=["closed", "unasked answer"],
)
def test_a_line_on_which_something_happened_meanwhile_is_not_used_again(more):
    async def later(line):
        await whole(line)
        await asyncio.sleep(0.05)
        return line.is_idle_for(30)

    assert told([PLAIN, b"", more], later, close=not more) is False


def test_a_line_grows_too_old():
    async def old(line):
        await whole(line)
        line.used_at -= 31
        return line.is_idle_for(30)

    assert told([PLAIN], old, close=False) is False


@pytest.mark.parametrize(
    ("pieces", "error"),
    [
        ([], httpcore.RemoteProtocolError),
        ([b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello"], httpcore.RemoteProtocolError),
        ([b"SSH-2.0-OpenSSH\r\n\r\n"], httpcore.RemoteProtocolError),
        ([b"HTTP/1.1 200 OK\r\nX: " + b"x" * 300_000], httpcore.RemoteProtocolError),
    ],
    ids=["nothing", "too little", "another protocol", "endless headers"],
)
def test_an_incorrect_answer_is_an_error_of_the_connection(pieces, error):
    with pytest.raises(error):
        told(pieces, whole)


def test_nobody_there():
    async def nobody():
        line = DirectConnection(target_of("http://127.0.0.1:1/v1"), None)
        await line.request(HEADERS, b"hi")

    with pytest.raises(httpcore.ConnectError):
        asyncio.run(nobody())


@pytest.fixture(scope="module")
def certificate(tmp_path_factory) -> Path:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    folder = tmp_path_factory.mktemp("tls")
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=here -addext subjectAltName=IP:127.0.0.1"
    subprocess.run(
        [*command.split(), "-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")],
        check=True, capture_output=True,
    )  # fmt: skip
    return folder


def contexts(certificate: Path, *, trusted: bool) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
    client = ssl.create_default_context()
    if trusted:
        client.load_verify_locations(certificate / "cert.pem")
    return server, client


def test_the_same_over_tls(certificate):
    assert told([PLAIN], whole, tls=contexts(certificate, trusted=True)) == (200, b"hello")


def test_a_certificate_that_nobody_vouches_for_is_refused(certificate):
    with pytest.raises(httpcore.ConnectError) as caught:
        told([PLAIN], whole, tls=contexts(certificate, trusted=False))
    assert isinstance(caught.value.__cause__, ssl.SSLCertVerificationError)
