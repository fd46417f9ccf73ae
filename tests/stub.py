"""A loopback server that speaks OpenAI's chat completions API, for tests.

Scripted, counted, and able to fail.

    with StubServer("Hello") as stub:
        complete("openai/any", messages, api_base=stub.base_url, api_key="key")
        assert stub.requests == 1

A reply is a text, a tool call {"name": ..., "arguments": ...}, a list of tool calls, a message
{"content": ..., "tool_calls": ...}, one of the outcomes below, a list of all these (served in
order, the last one again and again), or a function of the request's body that returns one.
`by_turn` chooses by the number of assistant messages instead, so that conversations may be
interleaved.

As a program (`python tests/stub.py [latency]`) it prints its address and serves until its input
closes.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Self

COMPLETIONS = "/chat/completions"


@dataclass(frozen=True)
class Raw:
    """An answer with this status, body and headers, whatever they are."""

    status: int = 200
    body: bytes | str | dict[str, Any] = b""
    headers: dict[str, str] = field(default_factory=dict)

    def encoded(self) -> bytes:
        """Return the body as bytes."""
        if isinstance(self.body, bytes):
            return self.body
        return (self.body if isinstance(self.body, str) else json.dumps(self.body)).encode()


@dataclass(frozen=True)
class Hang:
    """No answer, on an open connection."""


@dataclass(frozen=True)
class Drop:
    """The connection closes; before that come these bytes."""

    first: bytes = b""


@dataclass(frozen=True)
class Trickle:
    """An answer whose body comes one byte per `seconds`."""

    seconds: float = 0.05


@dataclass(frozen=True)
class Bytes:
    """Exactly these bytes, piece by piece; then the connection closes, unless it is kept."""

    pieces: Sequence[bytes]
    keep: bool = False
    pause: float = 0.002
    """Seconds between two pieces."""


def failing(
    status: int, message: str = "scripted failure", *, retry_after: object = None, **error: Any
) -> Raw:
    """Return an error answer in OpenAI's form."""
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return Raw(status, {"error": {"message": message, **error}}, headers)


MALFORMED = Raw(200, b"<html>it works</html>", {"Content-Type": "text/html"})


def by_turn(replies: Sequence[Any], end: Any = "###STOP###") -> Callable[[dict[str, Any]], Any]:
    """Return a function that answers by how often the assistant has replied to somebody."""

    def reply(body: dict[str, Any]) -> Any:
        roles = [message["role"] for message in body["messages"]]
        first = next((i for i, role in enumerate(roles) if role in {"user", "tool"}), len(roles))
        turn = roles[first:].count("assistant")
        return replies[turn] if turn < len(replies) else end

    return reply


@dataclass
class Seen:
    """One request as it arrived."""

    target: str
    headers: dict[str, str]
    body: Any


class StubServer:
    """Serves from a thread of its own while the `with` block lasts."""

    def __init__(
        self,
        reply: Any = "ok",
        *,
        latency: float = 0.0,
        host: str = "127.0.0.1",
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._host = host
        self._tls = tls
        self.seen: list[Seen] = []
        self.requests = self.in_flight = self.max_in_flight = self.connections = 0
        self.latency = latency
        self._reply = reply
        self._served = 0
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, name="stub-server", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._started.wait(10), "the stub server did not start"
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    @property
    def base_url(self) -> str:
        """The address to give as api_base."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"{'https' if self._tls else 'http'}://{host}:{self.port}/v1"

    @property
    def bodies(self) -> list[Any]:
        """The bodies of all requests."""
        return [request.body for request in self.seen]

    @property
    def last(self) -> Any:
        """The body of the last request."""
        return self.seen[-1].body

    def stats(self) -> dict[str, int]:
        """Return the counters."""
        return {
            "requests": self.requests,
            "max_in_flight": self.max_in_flight,
            "connections": self.connections,
        }

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        self.open: set[asyncio.Transport] = set()
        server = await self._loop.create_server(
            lambda: _Connection(self), self._host, 0, backlog=1024, ssl=self._tls
        )
        self.port = server.sockets[0].getsockname()[1]
        self._started.set()
        await self._stop.wait()
        server.close()
        for transport in list(self.open):
            transport.abort()
        await asyncio.sleep(0)

    def drop_idle_connections(self) -> None:
        """Close every connection, as servers do with idle ones."""
        done = threading.Event()

        def drop() -> None:
            for transport in list(self.open):
                transport.close()
            self._loop.call_later(0.02, done.set)

        self._loop.call_soon_threadsafe(drop)
        assert done.wait(5)

    def answer(self, body: Any) -> Any:
        """Return the outcome for a request."""
        index, self._served = self._served, self._served + 1
        reply = self._reply
        if isinstance(reply, list) and not _is_tool_calls(reply):
            reply = reply[min(index, len(reply) - 1)]
        return reply(body) if callable(reply) else reply


def _is_tool_calls(reply: list[Any]) -> bool:
    return bool(reply) and all(isinstance(entry, dict) and "name" in entry for entry in reply)


def completion_of(reply: Any, model: str, number: int, size: int) -> dict[str, Any]:
    """Return the chat completion that a reply stands for."""
    if isinstance(reply, dict) and "name" in reply:
        reply = [reply]
    if isinstance(reply, list):
        reply = {"content": None, "tool_calls": reply}
    message = dict(reply) if isinstance(reply, dict) else {"content": reply}
    calls = [
        _call(call, number, index)
        for index, call in enumerate(message.pop("tool_calls", None) or ())
    ]
    if calls:
        message["tool_calls"] = calls
    return {
        "id": f"stub-{number}",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": model,
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", **message},
                "finish_reason": "tool_calls" if calls else "stop",
            }
        ],
        "usage": {
            "prompt_tokens": size // 4,
            "completion_tokens": 20,
            "total_tokens": size // 4 + 20,
        },
    }


def _call(call: dict[str, Any], number: int, index: int) -> dict[str, Any]:
    if "function" in call:
        return call
    arguments = call.get("arguments", {})
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    id_ = call.get("id", f"call_{number}_{index}")
    return {"id": id_, "type": "function", "function": {"name": call["name"], "arguments": text}}


class _Connection(asyncio.Protocol):
    """HTTP/1.1 with keep-alive, as much of it as chat clients use."""

    def __init__(self, server: StubServer) -> None:
        self.server, self.buffer = server, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.server.open.add(transport)
        self.server.connections += 1

    def connection_lost(self, _error: Exception | None) -> None:
        self.server.open.discard(self.transport)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            first, *lines = self.buffer[:end].decode("latin-1").split("\r\n")
            headers = {
                n.strip().lower(): v.strip() for n, _, v in (line.partition(":") for line in lines)
            }
            length = int(headers.get("content-length", 0))
            if len(self.buffer) < end + 4 + length:
                return
            content, self.buffer = (
                self.buffer[end + 4 : end + 4 + length],
                self.buffer[end + 4 + length :],
            )
            self._request(first.split()[1], headers, content)

    def _request(self, target: str, headers: dict[str, str], content: bytes) -> None:
        server = self.server
        if target.endswith("/stats"):
            self._write(Raw(200, server.stats()))
            return
        body = json.loads(content or b"null")
        server.seen.append(Seen(target, headers, body))
        server.requests += 1
        server.in_flight += 1
        server.max_in_flight = max(server.max_in_flight, server.in_flight)
        outcome = server.answer(body)
        if not isinstance(outcome, Raw | Hang | Drop | Trickle | Bytes):
            outcome = Raw(
                200, completion_of(outcome, str(body.get("model")), server.requests, len(content))
            )
        asyncio.get_running_loop().call_later(server.latency, self._finish, outcome)

    def _finish(self, outcome: Raw | Hang | Drop | Trickle | Bytes) -> None:
        self.server.in_flight -= 1
        if self.transport.is_closing() or isinstance(outcome, Hang):
            return
        match outcome:
            case Drop(first):
                self.transport.write(first)
                self.transport.close()
            case Trickle(seconds):
                self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
                self._trickle(seconds)
            case Bytes():
                self._send(list(outcome.pieces), outcome)
            case Raw():
                self._write(outcome)

    def _send(self, pieces: list[bytes], outcome: Bytes) -> None:
        if self.transport.is_closing():
            return
        if pieces:
            self.transport.write(pieces.pop(0))
            asyncio.get_running_loop().call_later(outcome.pause, self._send, pieces, outcome)
        elif not outcome.keep:
            self.transport.close()

    def _trickle(self, seconds: float) -> None:
        if not self.transport.is_closing():
            self.transport.write(b" ")
            asyncio.get_running_loop().call_later(seconds, self._trickle, seconds)

    def _write(self, raw: Raw) -> None:
        content = raw.encoded()
        headers = {
            "Content-Type": "application/json",
            "Content-Length": str(len(content)),
            **raw.headers,
        }
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self.transport.write(
            f"HTTP/1.1 {raw.status} Stub\r\n{lines}\r\n".encode("latin-1") + content
        )


def main() -> None:
    """Serve until standard input closes."""
    latency = float(sys.argv[1]) if len(sys.argv) > 1 else 0.0
    with (
        StubServer("The refund of 42 dollars is on its way.", latency=latency) as stub,
        suppress(KeyboardInterrupt),
    ):
        sys.stdout.write(stub.base_url + "\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main()
