"""What one connection is granted, over a socket."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from contextlib import contextmanager

import pytest
import uvicorn

from tau2.serving import limits


@contextmanager
def serving(app):
    """Serve an application; yield its port."""
    options = limits.server_options(8)
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off", **options))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join(10)


def answering(content):
    async def app(_scope, _receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": content})

    return app


def until_closed(connection, patience=5.0):
    """Return what is received until the server closes the connection, and the seconds."""
    began = time.monotonic()
    received = b""
    connection.settimeout(patience)
    with contextlib.suppress(ConnectionError):
        while piece := connection.recv(65536):
            received += piece
    return received, time.monotonic() - began


REQUEST = b"GET / HTTP/1.1\r\nHost: here\r\n\r\n"


@pytest.mark.parametrize("sent", [b"", b"GET", REQUEST, REQUEST + b"GET", REQUEST + REQUEST])
def test_a_connection_without_another_request_is_closed(monkeypatch, sent):
    monkeypatch.setattr(limits, "HEAD_SECONDS", 0.3)
    with (
        serving(answering(b"hello")) as port,
        socket.create_connection(("127.0.0.1", port)) as connection,
    ):
        connection.sendall(sent)
        received, seconds = until_closed(connection)
    assert received.count(b"200 OK") == sent.count(REQUEST)
    assert 0.2 < seconds < 3


def test_a_request_may_take_longer_than_its_head(monkeypatch):
    monkeypatch.setattr(limits, "HEAD_SECONDS", 0.2)

    async def slow(_scope, _receive, send):
        time.sleep(0.5)  # noqa: ASYNC251  -- the loop itself is held, and the timer is due after it
        await answering(b"late")(_scope, _receive, send)

    with (
        serving(slow) as port,
        socket.create_connection(("127.0.0.1", port)) as connection,
    ):
        connection.sendall(REQUEST)
        received, _ = until_closed(connection)
    assert b"late" in received


def test_a_client_that_does_not_read_is_left(monkeypatch):
    monkeypatch.setattr(limits, "WRITE_SECONDS", 0.3)
    whole = b"x" * 64_000_000
    with (
        serving(answering(whole)) as port,
        socket.create_connection(("127.0.0.1", port)) as connection,
    ):
        connection.sendall(REQUEST)
        time.sleep(1)
        received, _ = until_closed(connection)
    assert len(received) < len(whole)
