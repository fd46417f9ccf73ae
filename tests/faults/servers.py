"""Hostile requests to every server: each is refused in time, with its status and no traceback.

    python -m tests.faults.servers --seed 0

The table below is sent over sockets to each server that the package starts: the documentation
website, the tools of one environment, the guard of the AEnvironment server, and a local model; to
the OpenEnv server where its package is installed. After each request the server must answer an
honest one. Counts are printed as JSON, exit code 1 when a promise is broken.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import json
import logging
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from tests.aenv.parts import access
from tests.faults.storage import Tally
from tests.unit.llm.local.standin import StandIn, write_gguf

from tau2.llm.local.engine import Engine
from tau2.llm.local.gguf import read_header
from tau2.llm.local.library import EngineOptions
from tau2.llm.local.prefixes import PrefixStore
from tau2.registry import registry
from tau2.service.model_server import ModelServer
from tau2.service.server import DocServer, LoopbackServer
from tau2.serving import guard, limits

HOST = "127.0.0.1"
_PATIENCE = 0.5  # seconds that the servers of this suite grant a head or a body
_AT_MOST = 4.0  # seconds until any hostile request has its answer
_LARGE = guard.MOST_BODY + 1
_FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Target:
    """A running server, and what an honest request to it looks like."""

    name: str
    port: int
    reads: str
    """The path of a GET."""
    writes: str
    """The path of a POST."""
    kind: str
    """Content type of its bodies."""
    body: bytes
    headers: tuple[str, ...] = ()
    """Lines that hold the token, when the path does not."""

    def wrong(self) -> Target:
        """Return the target with a token that is wrong."""
        headers = tuple(line[:-1] + "~" for line in self.headers)
        if self.headers:
            return Target(**{**vars(self), "headers": headers})
        return Target(
            **{**vars(self), "reads": "/wrong" + self.reads, "writes": "/wrong" + self.writes}
        )

    def without(self) -> Target:
        """Return the target without a token."""
        path = self.reads if self.headers else "/" + self.reads.split("/", 2)[2]
        return Target(**{**vars(self), "headers": (), "reads": path})

    def get(self, *lines: str, path: str = "", host: str = "", method: str = "GET") -> bytes:
        """Return a request without a body."""
        return self._request(method, path or self.reads, host, lines, b"")

    def post(self, *lines: str, body: bytes | None = None, kind: str = "") -> bytes:
        """Return a request with a body, the honest one if none is given."""
        body = self.body if body is None else body
        lines = (*lines, f"Content-Type: {kind or self.kind}", f"Content-Length: {len(body)}")
        return self._request("POST", self.writes, "", lines, body)

    def post_head(self, *lines: str) -> bytes:
        """Return a request whose body does not come with it."""
        lines = (*lines, f"Content-Type: {self.kind}")
        return self._request("POST", self.writes, "", lines, b"")

    def _request(
        self, method: str, path: str, host: str, lines: Sequence[str], body: bytes
    ) -> bytes:
        head = [f"{method} {path} HTTP/1.1"]
        if host != "none":
            head.append(f"Host: {host or f'{HOST}:{self.port}'}")
        head += [*self.headers, *lines, "", ""]
        return "\r\n".join(head).encode("utf-8", "surrogateescape") + body


Sent = Callable[[Target], bytes]

_CHUNK = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
_DEEP = b"[" * 200_000

HOSTILE: dict[str, tuple[Sent, frozenset[int]]] = {
    "no token": (lambda to: to.without().get(), frozenset({401, 403})),
    "a wrong token": (lambda to: to.wrong().get(), frozenset({401, 403})),
    "a wrong token with a body": (lambda to: to.wrong().post(), frozenset({401, 403})),
    "a foreign host": (lambda to: to.get(host="evil.example"), frozenset({421})),
    "a foreign host with our port": (
        lambda to: to.get(host=f"evil.example:{to.port}"),
        frozenset({421}),
    ),
    "a host that begins like ours": (
        lambda to: to.get(host=f"{HOST}.evil.example:{to.port}"),
        frozenset({421}),
    ),
    "no host": (lambda to: to.get(host="none"), frozenset({400, 421})),
    "two hosts": (lambda to: to.get(f"Host: {HOST}:{to.port}"), frozenset({400, 421})),
    "a foreign origin": (lambda to: to.post("Origin: http://evil.example"), frozenset({403})),
    "no origin": (lambda to: to.post("Origin: null"), frozenset({403})),
    "a foreign origin that reads": (
        lambda to: to.get("Origin: http://evil.example"),
        frozenset({403}),
    ),
    "an origin of another scheme": (
        lambda to: to.post(f"Origin: https://{HOST}:{to.port}"),
        frozenset({403}),
    ),
    "an origin of another port": (lambda to: to.post(f"Origin: http://{HOST}:1"), frozenset({403})),
    "a request that another site caused": (
        lambda to: to.post("Sec-Fetch-Site: cross-site"),
        frozenset({403}),
    ),
    "plain text": (lambda to: to.post(kind="text/plain"), frozenset({415})),
    "a multipart form": (
        lambda to: to.post(kind="multipart/form-data; boundary=x"),
        frozenset({415}),
    ),
    "XML": (lambda to: to.post(kind="application/xml"), frozenset({415})),
    "two content types": (
        lambda to: to.post(f"Content-Type: {to.kind}"),
        frozenset({415}),
    ),
    "no content type": (
        lambda to: to.get("Content-Length: 2", path=to.writes, method="POST") + b"{}",
        frozenset({415}),
    ),
    "a body that is too large": (lambda to: to.post(body=b"x" * _LARGE), frozenset({413})),
    "a length that is too large": (
        lambda to: to.post_head("Content-Length: 99999999999"),
        frozenset({413}),
    ),
    "a length of a thousand digits": (
        lambda to: to.post_head("Content-Length: " + "9" * 1000),
        frozenset({400, 413}),
    ),
    "chunks that are too many": (
        lambda to: to.post_head("Transfer-Encoding: chunked") + _CHUNK * 20,
        frozenset({413}),
    ),
    "a length that is no number": (
        lambda to: to.post_head("Content-Length: x"),
        frozenset({400}),
    ),
    "a negative length": (lambda to: to.post_head("Content-Length: -1"), frozenset({400})),
    "two lengths": (
        lambda to: to.post_head("Content-Length: 1", "Content-Length: 2"),
        frozenset({400}),
    ),
    "a chunk without a size": (
        lambda to: to.post_head("Transfer-Encoding: chunked") + b"z\r\n",
        frozenset({400}),
    ),
    "a coding that is unknown": (
        lambda to: to.post_head("Transfer-Encoding: gzip"),
        frozenset({400, 501}),
    ),
    "a huge header": (lambda to: to.get("X-Large: " + "x" * 200_000), frozenset({400, 431})),
    "many headers": (
        lambda to: to.get(*(f"X-{number}: x" for number in range(20_000))),
        frozenset({400, 431}),
    ),
    "a huge path": (lambda to: to.get(path="/" + "x" * 200_000), frozenset({400, 414})),
    "a method that is wrong": (
        lambda to: to.get(method="PUT", path=to.writes),
        frozenset({405}),
    ),
    "deleting": (lambda to: to.get(method="DELETE", path=to.writes), frozenset({405})),
    "tracing": (lambda to: to.get(method="TRACE", path=to.writes), frozenset({405})),
    "a method that nobody knows": (
        lambda to: to.get(method="BREW", path=to.writes),
        frozenset({405}),
    ),
    "a path that nobody knows": (lambda to: to.get(path=f"{to.writes}/x/y/z"), frozenset({404})),
    "a path out of the site": (
        lambda to: to.get(path=f"{to.writes}/../../../../etc/passwd"),
        frozenset({403, 404, 405}),
    ),
    "an encoded path out of the site": (
        lambda to: to.get(path=f"{to.writes}/%2e%2e/%2e%2e/etc/passwd"),
        frozenset({403, 404, 405}),
    ),
    "control characters in the path": (
        lambda to: to.get(path=f"{to.writes}/%00%1b%5d0;x%07"),
        frozenset({400, 404}),
    ),
    "a line break in the path": (
        lambda to: to.get(path=f"{to.writes}/x%0d%0aSet-Cookie:%20a=b"),
        frozenset({400, 404}),
    ),
    "bytes that are no text in the path": (
        lambda to: to.get(path=f"{to.writes}/%ff%fe%ed%a0%80"),
        frozenset({400, 404}),
    ),
    "no request": (lambda _: b"hello\r\n\r\n", frozenset({400})),
    "bytes": (lambda _: bytes(range(256)) * 4 + b"\r\n\r\n", frozenset({400})),
    "a TLS hello": (
        lambda _: b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n\n",
        frozenset({400}),
    ),
    "HTTP/2": (lambda _: b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", frozenset({400, 421})),
}
"""What is sent, and the statuses that refuse it."""

HOSTILE_JSON: dict[str, bytes] = {
    "broken JSON": b'{"a": ',
    "NaN": b'{"a": NaN}',
    "an infinite number": b'{"a": -Infinity}',
    "nesting without end": _DEEP,
    "an integer of 5,000 digits": b'{"a": ' + b"9" * 5000 + b"}",
    "a lone surrogate": b'{"a": "\\ud800"}',
    "bytes that are no text": b'{"a": "\xff"}',
    "nothing but a byte-order mark": b"\xef\xbb\xbf",
}
"""Bodies that a server of JSON answers with 400."""

SLOW: dict[str, Sent] = {
    "silence": lambda _: b"",
    "half a line": lambda _: b"GET / HT",
    "half a head": lambda to: to.get()[:-2],
    "half a body": lambda to: to.post_head("Content-Length: 100") + b"a",
    "half a chunk": lambda to: to.post_head("Transfer-Encoding: chunked") + b"5\r\nab",
}
"""After which nothing more is sent; the server ends the connection."""


def answer_of(port: int, sent: bytes, *, drips: bytes = b"") -> tuple[int | None, float]:
    """Send bytes; return the status, None when the connection was closed, and the seconds."""
    began = time.monotonic()
    received = b""
    with socket.create_connection((HOST, port), timeout=_AT_MOST) as connection:
        with contextlib.suppress(OSError):
            connection.sendall(sent)
            if drips:
                connection.settimeout(0.05)
        while len(received) < 12 and time.monotonic() - began < _AT_MOST:
            try:
                piece = connection.recv(4096)
            except TimeoutError:
                with contextlib.suppress(OSError):
                    connection.sendall(drips)
                continue
            except OSError:
                break
            if not piece:
                break
            received += piece
    seconds = time.monotonic() - began
    words = received.split(b" ", 2)
    return (int(words[1][:3]) if received.startswith(b"HTTP/1.1 ") else None), seconds


class _Logged(logging.Handler):
    """Takes note of tracebacks in the log."""

    def __init__(self) -> None:
        super().__init__()
        self.tracebacks: list[str] = []
        self.longest = 0

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info:
            self.tracebacks.append(f"{record.getMessage()}: {record.exc_info[1]!r}"[:300])
        self.longest = max(self.longest, len(record.getMessage()))


def attack(target: Target, tally: Tally, *, slow: bool = True) -> None:
    """Send the table to a server; unless told otherwise, slow requests too."""
    logged = _Logged()
    logging.getLogger().addHandler(logged)
    try:
        _wait_for(target.port)
        _refusals(target, tally)
        if slow:
            _slow(target, tally)
            _idle(target, tally)
    finally:
        logging.getLogger().removeHandler(logged)
    tally.check(not logged.tracebacks, f"{target.name}: logged {logged.tracebacks[:3]}")
    tally.check(logged.longest < 2000, f"{target.name}: a line of {logged.longest} was logged")


def _refusals(target: Target, tally: Tally) -> None:
    for name, (request, wanted) in HOSTILE.items():
        _one(target, tally, name, request(target), wanted)
    if target.kind == "application/json":
        for name, body in HOSTILE_JSON.items():
            _one(target, tally, name, target.post(body=body), frozenset({400}))


def _one(target: Target, tally: Tally, name: str, sent: bytes, wanted: frozenset[int]) -> None:
    tally.counts["tried"] += 1
    status, seconds = answer_of(target.port, sent)
    refused = status in wanted and seconds < _AT_MOST
    tally.counts["refused"] += refused
    tally.check(refused, f"{target.name}, {name}: {status} after {seconds:.1f} s, not {wanted}")
    _honest(target, tally, name)


def _honest(target: Target, tally: Tally, name: str) -> None:
    for request in (target.get(), target.post()):
        status, _ = answer_of(target.port, request)
        tally.check(
            status is not None and status < 400,
            f"{target.name}: {status} for an honest request after {name}",
        )


def _slow(target: Target, tally: Tally) -> None:
    """Neither who stops in the middle, nor who sends a byte at a time, keeps a connection."""
    kept = _AT_MOST - 0.5
    for name, request in SLOW.items():
        for drips in (b"", b"x"):
            if name == "half a chunk" and drips:
                continue  # which would be an error of its own
            tally.counts["tried"] += 1
            status, seconds = answer_of(target.port, request(target), drips=drips)
            ended = seconds < kept and status in {None, 400, 408}
            tally.counts["refused"] += ended
            tally.check(ended, f"{target.name}, {name} {drips!r}: {status} after {seconds:.1f} s")
    _honest(target, tally, "slow requests")


def _idle(target: Target, tally: Tally) -> None:
    """Connections that are opened and left do not keep others out for long."""
    tally.counts["tried"] += 1
    with contextlib.ExitStack() as stack:
        for _ in range(200):
            stack.enter_context(socket.create_connection((HOST, target.port), timeout=_AT_MOST))
        time.sleep(2 * _PATIENCE)
        status, _ = answer_of(target.port, target.get())
    served = status == 200
    tally.counts["refused"] += served
    tally.check(served, f"{target.name}: {status} behind 200 idle connections")


@contextmanager
def impatient() -> Iterator[None]:
    """Have servers of this process wait half a second where they would wait ten."""
    with (
        mock.patch.object(limits, "HEAD_SECONDS", _PATIENCE),
        mock.patch.object(guard, "BODY_SECONDS", _PATIENCE),
        mock.patch.object(guard, "_DISCARD_SECONDS", _PATIENCE / 10),
    ):
        yield


@contextmanager
def _running(server: uvicorn.Server | LoopbackServer, *sockets: socket.socket) -> Iterator[None]:
    arguments = {"sockets": list(sockets)} if isinstance(server, uvicorn.Server) else {}
    thread = threading.Thread(target=server.run, kwargs=arguments, daemon=True)
    thread.start()
    try:
        yield
    finally:
        if isinstance(server, uvicorn.Server):
            server.should_exit = True
        else:
            server.stop()
        thread.join(10)


@contextmanager
def documentation() -> Iterator[Target]:
    """Serve the documentation website."""
    with DocServer(["mock"]) as server, _running(server):
        path = f"/{server.token}/mock"
        form = b"arg.user_id=user_1&arg.title=Tea"
        yield Target(
            "documentation", server.port, path, f"{path}/tools/agent/create_task", _FORM, form
        )


@contextmanager
def tools() -> Iterator[Target]:
    """Serve the tools of one environment."""
    from tau2.environment.server import EnvironmentServer

    served = EnvironmentServer(registry.get_env_constructor("mock")())
    with LoopbackServer(served.app, 0, served.token, body="json") as server, _running(server):
        path = f"/{server.token}"
        body = json.dumps({"user_id": "user_1", "title": "Tea"}).encode()
        yield Target(
            "tools", server.port, f"{path}/", f"{path}/tools/create_task", "application/json", body
        )


@contextmanager
def aenvironment() -> Iterator[Target]:
    """Serve a function behind the guard of the AEnvironment server."""

    async def answer(_request: Request) -> JSONResponse:
        return JSONResponse({"success": True})

    app = Starlette(
        routes=[
            Route("/functions/list", answer),
            Route("/functions/one", answer, methods=["POST"]),
        ]
    )
    allowed = access.Access("a-token-of-the-tests")
    options = limits.server_options(32)
    guarded = access.guarded(app, allowed)
    server = uvicorn.Server(uvicorn.Config(guarded, log_config=None, lifespan="off", **options))
    with socket.create_server((HOST, 0)) as listener, _running(server, listener):
        yield Target(
            "AEnvironment",
            listener.getsockname()[1],
            "/functions/list",
            "/functions/one",
            "application/json",
            b"{}",
            (f"Authorization: Bearer {allowed.token}",),
        )


@contextmanager
def model() -> Iterator[Target]:
    """Serve a local model; llama.cpp has a stand-in."""
    with tempfile.TemporaryDirectory() as folder:
        options = EngineOptions(n_ctx=512, n_parallel=4, n_threads=1)
        said = StandIn(options, Path(folder), lambda _: "Certainly.")
        header = read_header(write_gguf(Path(folder) / "tiny.gguf"))
        engine = Engine(said, header, options, PrefixStore(None, "tests"))
        with ModelServer(engine, "tiny") as server, _running(server):
            body = json.dumps({"messages": [{"role": "user", "content": "Hello"}]}).encode()
            yield Target(
                "model",
                server.port,
                "/v1/models",
                "/v1/chat/completions",
                "application/json",
                body,
                (f"Authorization: Bearer {server.token}",),
            )
        engine.close()


@contextmanager
def openenv() -> Iterator[Target]:
    """Serve the environment of OpenEnv."""
    from urllib.parse import urlsplit

    from tau2.integrations.openenv import serve

    with serve("mock", user="scripted_user") as server:
        split = urlsplit(server.base_url)
        assert split.port is not None
        body = json.dumps({"task_id": "create_task_1", "seed": 1}).encode()
        path = split.path
        yield Target(
            "OpenEnv", split.port, f"{path}/health", f"{path}/reset", "application/json", body
        )


def suite(*, only: Sequence[str] = ()) -> Tally:
    """Send the table to every server that can be started here."""
    tally = Tally()
    kinds = {
        "documentation": documentation,
        "tools": tools,
        "AEnvironment": aenvironment,
        "model": model,
    }
    if importlib.util.find_spec("openenv") is not None:
        kinds["OpenEnv"] = openenv
    with impatient():
        for name, start in kinds.items():
            if only and name not in only:
                continue
            with start() as target:
                attack(target, tally)
            tally.counts["servers"] += 1
    return tally


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            if answer_of(port, b"hello\r\n\r\n")[0] == 400:
                return
        time.sleep(0.02)
    raise RuntimeError(f"no server came up at port {port}")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=0, help="accepted as by the other suites")
    options = parser.parse_args()
    began = time.monotonic()
    tally = suite()
    counts = {"suite": "servers", "seed": options.seed, **tally.counts, "broken": len(tally.broken)}
    sys.stdout.write(f"{json.dumps(counts | {'seconds': round(time.monotonic() - began)})}\n")
    sys.stderr.writelines(f"{story}\n" for story in tally.broken[:60])
    return int(bool(tally.broken))


if __name__ == "__main__":
    sys.exit(main())
