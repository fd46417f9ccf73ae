"""TLS: whom both clients trust, and a tunnel through a proxy."""

from __future__ import annotations

import asyncio
import base64
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from tests.stub import Raw, StubServer

from tau2.errors import ConfigError, ModelUnavailable
from tau2.llm import check_model
from tau2.llm.failure import CallFailed
from tau2.llm.transport.tls import tls_context

from .conftest import SendPost


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a certificate for this machine and for models.invalid, and its key."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    folder: Path = tmp_path_factory.mktemp("tls")
    command = (
        "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=here "
        "-addext subjectAltName=IP:127.0.0.1,DNS:models.invalid"
    )
    subprocess.run(
        [*command.split(), "-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")],
        check=True,
        capture_output=True,
    )
    return folder


@pytest.fixture
def server(folder: Path) -> Iterator[StubServer]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    with StubServer(Raw(200, b"hello"), tls=context) as stub:
        yield stub


def test_a_certificate_that_ssl_verify_names_is_trusted(
    send: SendPost, server: StubServer, folder: Path
) -> None:
    assert send(server, verify=str(folder / "cert.pem"), times=2).body == b"hello"
    assert (server.requests, server.connections) == (2, 1)


def test_a_folder_of_certificates_is_trusted(
    send: SendPost, server: StubServer, folder: Path, tmp_path: Path
) -> None:
    hashed = subprocess.run(
        ["openssl", "x509", "-hash", "-noout", "-in", str(folder / "cert.pem")],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    shutil.copy(folder / "cert.pem", tmp_path / f"{hashed}.0")
    assert send(server, verify=str(tmp_path)).body == b"hello"


def test_the_environment_names_whom_to_trust(
    send: SendPost, server: StubServer, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(folder / "cert.pem"))
    tls_context.cache_clear()
    try:
        assert send(server).body == b"hello"
    finally:
        tls_context.cache_clear()


def test_verification_may_be_turned_off(send: SendPost, server: StubServer) -> None:
    assert send(server, verify=False).body == b"hello"


def test_a_certificate_that_nobody_vouches_for_is_refused_for_good(
    send: SendPost, server: StubServer
) -> None:
    """Asking again would not help; and it is no fault of the agent."""
    with pytest.raises(CallFailed, match=r"not trusted.*ssl_verify or SSL_CERT_FILE") as caught:
        send(server)
    assert not caught.value.temporary
    assert caught.value.verdict is ModelUnavailable


def test_a_server_that_does_not_speak_tls(send: SendPost) -> None:
    with socket.create_server(("127.0.0.1", 0)) as plain:

        def answer() -> None:
            connection, _ = plain.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        address = f"https://127.0.0.1:{plain.getsockname()[1]}/v1"
        with pytest.raises(CallFailed, match=r"connection failed: .*SSL") as caught:
            send(address)
        thread.join()
    assert caught.value.temporary


def test_a_path_without_certificates_is_found_before_the_run(tmp_path: Path) -> None:
    (tmp_path / "empty.pem").touch()
    for path in (tmp_path / "nowhere.pem", tmp_path / "empty.pem"):
        args = {"api_base": "https://h/v1", "ssl_verify": str(path)}
        with pytest.raises(ConfigError, match="ssl_verify names"):
            check_model("openai/m", args)
    with pytest.raises(ConfigError, match="ssl_verify must be"):
        check_model("openai/m", {"api_base": "https://h/v1", "ssl_verify": 3})


class TunnelProxy:
    """A proxy that connects every client, whatever host it names, to one port of this machine."""

    def __init__(self, port: int) -> None:
        self.heads: list[str] = []
        self._target = port
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))

    def __enter__(self) -> TunnelProxy:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        server = await asyncio.start_server(self._connect, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        with suppress(asyncio.CancelledError):
            await self._tunnel(reader, writer)
        await _close(writer)

    async def _tunnel(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.heads.append((await reader.readuntil(b"\r\n\r\n")).decode())
        if "Basic" not in self.heads[-1]:
            writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
            return
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", self._target)
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        try:
            await asyncio.gather(_pump(reader, inner_writer), _pump(inner_reader, writer))
        finally:
            await _close(inner_writer)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()


def test_a_server_over_tls_is_reached_by_a_tunnel_through_the_proxy(
    send: SendPost, server: StubServer, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with TunnelProxy(server.port) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://ann:p%40ss@127.0.0.1:{proxy.port}")
        certificate = str(folder / "cert.pem")
        key = (("Authorization", "Bearer key"),)
        response = send("https://models.invalid/v1", verify=certificate, headers=key, times=2)
        assert response.body == b"hello"
        assert len(proxy.heads) == 1
        assert proxy.heads[0].startswith("CONNECT models.invalid:443 HTTP/1.1\r\n")
        token = base64.b64encode(b"ann:p@ss").decode()
        assert f"Basic {token}" in proxy.heads[0]
        assert "Bearer key" not in proxy.heads[0]
        assert "proxy-authorization" not in server.seen[-1].headers


def test_a_proxy_that_refuses_the_tunnel(
    send: SendPost, server: StubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with TunnelProxy(server.port) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
        with pytest.raises(CallFailed) as caught:
            send("https://models.invalid/v1")
    assert caught.value.text == "the connection failed: 407 Proxy Authentication Required"
    assert caught.value.temporary
