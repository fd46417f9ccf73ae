"""The server over a socket of this machine."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from contextlib import contextmanager
from urllib.parse import urlencode, urlsplit

import pytest

from tau2.errors import ConfigError, UnknownName
from tau2.service.server import DocServer


@contextmanager
def serving(*names: str):
    """Run a server in a thread, and end it."""
    with DocServer(names or ["mock"]) as server:
        thread = threading.Thread(target=server.run)
        thread.start()
        try:
            yield server
        finally:
            server.stop()
            thread.join(10)
            assert not thread.is_alive(), "the server goes on after it was stopped"


def ask(url: str, path: str = "", method: str = "GET", body: str | None = None, **headers: str):
    split = urlsplit(url)
    connection = http.client.HTTPConnection(split.hostname, split.port, timeout=10)
    try:
        connection.request(method, split.path + path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode(), dict(answer.getheaders())
    finally:
        connection.close()


def test_pages_travel_over_loopback():
    form = urlencode({"arg.user_id": "user_1", "arg.title": "Tea"})
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    with serving() as server:
        url = server.url
        index = ask(url)
        style = ask(url, "style.css")
        call = ask(url, "mock/tools/agent/create_task", "POST", form, **kind)
        elsewhere = ask(url, Host="evil.example")
        put = ask(url, "mock", "PUT")
    assert index[0] == 200
    assert "script" not in index[2]["content-security-policy"]
    assert "server" not in index[2]
    assert style[2]["content-type"] == "text/css; charset=utf-8"
    assert "tasks[task_2] added" in call[1]
    assert (elsewhere[0], put[0]) == (421, 405)


def test_head_is_get_without_the_body():
    with serving() as server:
        whole = ask(server.url, "mock")
        head = ask(server.url, "mock", "HEAD")
    assert head[:2] == (200, "")
    assert head[2]["content-length"] == whole[2]["content-length"] == str(len(whole[1].encode()))


@pytest.mark.parametrize(
    "data",
    [
        b"hello\r\n\r\n",
        b"GET x\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: x\r\n\r\n",
        bytes(range(256)) + b"\r\n\r\n",
    ],
)
def test_what_is_no_small_request_is_refused_and_the_server_goes_on(data):
    with serving() as server:
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
            connection.sendall(data)
            assert connection.recv(100).startswith((b"HTTP/1.1 400", b"HTTP/1.1 421"))
        assert ask(server.url)[0] == 200


def test_a_form_that_is_too_large_is_refused_before_it_is_read():
    with (
        serving() as server,
        socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection,
    ):
        path = urlsplit(server.url).path + "mock/restart"
        head = (
            f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n"
            "Content-Length: 9999999999\r\nContent-Type: application/x-www-form-urlencoded\r\n\r\n"
        )
        connection.sendall(head.encode() + b"x" * 1_000_001)
        assert connection.recv(100).startswith(b"HTTP/1.1 413")


HALF_A_FORM = (
    "POST {path}mock/restart HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: 100\r\n"
    "Content-Type: application/x-www-form-urlencoded\r\n\r\ntask="
)


@pytest.mark.parametrize(
    "sent", ["", "GET / HT", HALF_A_FORM], ids=["silent", "half a line", "half a form"]
)
def test_a_reader_who_sends_no_more_does_not_keep_the_server(sent):
    with serving() as server:
        ask(server.url)
        connection = socket.create_connection(("127.0.0.1", server.port), timeout=10)
        connection.sendall(sent.format(path=urlsplit(server.url).path, port=server.port).encode())
        time.sleep(0.05)
        began = time.monotonic()
    connection.close()
    assert time.monotonic() - began < 5


def test_only_this_machine_is_listened_to():
    with DocServer(["mock"]) as server:
        assert server._socket.getsockname()[0] == "127.0.0.1"


def test_tokens_differ_and_are_long():
    with DocServer(["mock"]) as first, DocServer(["mock"]) as second:
        assert first.token != second.token
        assert len(first.token) >= 32
        assert first.url.endswith(f"/{first.token}/")


def test_a_port_that_is_taken_says_so():
    with DocServer(["mock"]) as first, pytest.raises(ConfigError, match="--port names another"):
        DocServer(["mock"], first.port)


def test_an_unknown_domain_is_refused_before_a_port_is_taken():
    with pytest.raises(UnknownName):
        DocServer(["mok"])
