"""Which requests a server answers: by Host, Origin, token, and the kind and size of the body."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import json
from collections.abc import Awaitable, Callable, Collection, Mapping, MutableMapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Literal, TypeAlias

from tau2.utils.json_types import JsonObject

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
Application: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

MOST_BODY = 1_000_000
"""Bytes of a request's body."""
BODY_SECONDS = 10.0
"""For a body to arrive."""
IDLE_SECONDS = 1800.0
"""Between two messages of a WebSocket's client; a model may think that long."""
LOOPBACK_NAMES = ("127.0.0.1", "localhost", "[::1]")

_DISCARD_SECONDS = 1.0
_FORM = "application/x-www-form-urlencoded"
_JSON = "application/json"
_ANY = "*"
_POLICY = b"content-security-policy"


@dataclass(frozen=True, slots=True)
class Guard:
    """ASGI middleware that passes on only requests that may be answered.

    Each rule has its status: 421 for a Host that is not accepted (a foreign name that resolves to
    this machine), 403 for a wrong token in the path and for requests that another site causes, 401
    for a wrong token in a header, 415 for a body of another kind, 413 for one over `MOST_BODY`, 408
    for one that takes longer than `BODY_SECONDS`, 400 for one that ends early or is no JSON. A
    WebSocket is refused before it is accepted.

    The application gets the body in one message. With a token in the path, the token becomes the
    `root_path`.

    Attributes:
        app: What answers.
        token: The secret.
        hosts: Returns the accepted values of the Host header, in lower case. A value without a port
            stands for every port, `*` for every host.
        place: Where the token is: the first segment of the path, or `Authorization: Bearer`.
        body: The kind of body that is read.
        open_paths: Paths that are answered without the token.
        headers: Added to every response, which may have a Content-Security-Policy of its own.
        opens: Where tokens in a header differ: called with a path and the token that came, it says
            whether the one opens the other. None: `token` opens everything.
        not_opened: What is said of a token in a header that is not the right one.
        error_body: Makes the JSON of a refusal from its reason; None: the reason is sent as text.
    """

    app: Application
    token: str
    hosts: Callable[[], Collection[str]]
    place: Literal["path", "header"] = "path"
    body: Literal["form", "json"] = "json"
    open_paths: Collection[str] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    opens: Callable[[str, str], bool] | None = None
    not_opened: str = "this token is wrong"
    error_body: Callable[[str], JsonObject] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request or WebSocket, or refuse it."""
        match scope["type"]:
            case "http":
                await self._http(scope, receive, self._with_headers(send))
            case "websocket":
                await self._websocket(scope, receive, send)
            case "lifespan":
                await self.app(scope, receive, send)
            case other:
                raise NotImplementedError(f"{other} is not served")

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = _Headers(scope)
        try:
            self._check_caller(scope, headers)
            body = await self._read(headers, receive)
        except _Refusal as refusal:
            # Who was slow, or waits to be asked for the body, is not read any further.
            if refusal.status != HTTPStatus.REQUEST_TIMEOUT and not headers.all("expect"):
                await _discard(receive)
            await refusal.answer(send, self.error_body)
            return
        if body and self.body == "json" and not _is_json(body):
            no_json = _Refusal(400, "the body is no JSON that is read here")
            await no_json.answer(send, self.error_body)
            return
        await self.app(self._below_token(scope), _replayed(body, receive), send)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            self._check_caller(scope, _Headers(scope))
        except _Refusal as refusal:
            await receive()  # websocket.connect
            await send({"type": "websocket.close", "code": 1008, "reason": refusal.reason})
            return

        async def receive_in_time() -> Message:
            try:
                async with asyncio.timeout(IDLE_SECONDS):
                    return await receive()
            except TimeoutError:
                return {"type": "websocket.disconnect", "code": 1001, "reason": "idle"}

        await self.app(self._below_token(scope), receive_in_time, send)

    def _with_headers(self, send: Send) -> Send:
        added = [(name.lower().encode(), value.encode()) for name, value in self.headers.items()]

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                names = {name for name, _ in added} - {_POLICY}
                own = [pair for pair in message.get("headers", ()) if pair[0].lower() not in names]
                has_policy = any(name.lower() == _POLICY for name, _ in own)
                rest = [pair for pair in added if not has_policy or pair[0] != _POLICY]
                message = {**message, "headers": [*own, *rest]}
            await send(message)

        return send_with_headers

    def _check_caller(self, scope: Scope, headers: _Headers) -> None:
        """Raise _Refusal for a foreign host, a request of another site, or a wrong token."""
        hosts = [value.lower() for value in headers.all("host")]
        if len(hosts) != 1 or not self._is_served(hosts[0]):
            raise _Refusal(421, "this host is not served here")
        self._check_token(scope, headers)
        scheme = {"ws": "http", "wss": "https"}.get(scope["scheme"], scope["scheme"])
        origins = [value.lower() for value in headers.all("origin")]
        if any(origin != f"{scheme}://{hosts[0]}" for origin in origins):
            raise _Refusal(403, "requests of other sites are not answered")
        if any(site not in {"none", "same-origin"} for site in headers.all("sec-fetch-site")):
            raise _Refusal(403, "requests of other sites are not answered")

    def _is_served(self, host: str) -> bool:
        accepted = self.hosts()
        name, colon, port = host.rpartition(":")
        name = name if colon and port.isdecimal() else host
        return _ANY in accepted or host in accepted or name in accepted

    def _check_token(self, scope: Scope, headers: _Headers) -> None:
        if scope["path"] in self.open_paths:
            return
        if self.place == "header":
            self._check_bearer(str(scope["path"]), headers)
        elif not is_same(str(scope["path"]).split("/")[1], self.token):
            raise _Refusal(
                403, "open the address that the command printed: it holds the key to these pages"
            )

    def _check_bearer(self, path: str, headers: _Headers) -> None:
        """Raise _Refusal for a header without the token that opens a path."""
        given = [_bearer(value) for value in headers.all("authorization")]
        if not any(given):
            raise _Refusal(401, "send the token: Authorization: Bearer TOKEN")
        if len(given) != 1:
            raise _Refusal(401, "send one token: Authorization: Bearer TOKEN")
        opens = self.opens or self._is_the_token
        if not opens(path, given[0]):
            raise _Refusal(401, self.not_opened)

    def _is_the_token(self, _path: str, given: str) -> bool:
        return is_same(given, self.token)

    def _below_token(self, scope: Scope) -> Scope:
        return {**scope, "root_path": f"/{self.token}"} if self.place == "path" else scope

    async def _read(self, headers: _Headers, receive: Receive) -> bytes:
        """Return the body. Raise _Refusal for one that is not read."""
        lengths = headers.all("content-length")
        # Compared as text first: an integer of many digits costs time, or raises.
        longest = len(str(MOST_BODY))
        if any(
            not length.isdecimal() or len(length) > longest or int(length) > MOST_BODY
            for length in lengths
        ):
            raise _Refusal(413, f"a body of more than {MOST_BODY:,} bytes is not read")
        is_sent = any(int(length) for length in lengths) or headers.all("transfer-encoding")
        wanted = _FORM if self.body == "form" else _JSON
        kinds = [value.partition(";")[0].strip().lower() for value in headers.all("content-type")]
        if is_sent and kinds != [wanted]:
            raise _Refusal(415, f"a body is read as {wanted} only")
        try:
            async with asyncio.timeout(BODY_SECONDS):
                return await _whole(receive)
        except TimeoutError:
            raise _Refusal(408, "the body took too long to arrive") from None


class _Refusal(Exception):
    """A request that is refused; the connection is closed, whatever else it would send."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(status, reason)
        self.status = status
        self.reason = reason

    async def answer(
        self, send: Send, error_body: Callable[[str], JsonObject] | None = None
    ) -> None:
        kind = b"text/plain; charset=utf-8"
        text = f"{self.reason}\n".encode()
        if error_body is not None:
            kind = _JSON.encode()
            text = json.dumps(error_body(self.reason)).encode()
        headers = [
            (b"content-type", kind),
            (b"content-length", str(len(text)).encode()),
            (b"connection", b"close"),
        ]
        if self.status == HTTPStatus.UNAUTHORIZED:
            headers.append((b"www-authenticate", b"Bearer"))
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": text})


@dataclass(frozen=True, slots=True)
class _Headers:
    scope: Scope

    def all(self, name: str) -> list[str]:
        """Return every value of a header."""
        wanted = name.encode()
        pairs = self.scope["headers"]
        return [value.decode("latin-1") for key, value in pairs if key.lower() == wanted]


def is_same(given: str, token: str) -> bool:
    """Return whether a token is the right one, in a time that tells nothing about it."""
    return hmac.compare_digest(given.encode("utf-8", "replace"), token.encode())


def _bearer(value: str) -> str:
    scheme, _, token = value.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


async def _whole(receive: Receive) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _Refusal(400, "the request ended in its middle")
        body += message.get("body", b"")
        if len(body) > MOST_BODY:
            raise _Refusal(413, f"a body of more than {MOST_BODY:,} bytes is not read")
        if not message.get("more_body", False):
            return bytes(body)


async def _discard(receive: Receive) -> None:
    """Read the rest of a refused request, within bounds.

    A connection that is closed while data arrives is reset, and the client may not see the answer.
    """
    discarded = 0
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_DISCARD_SECONDS):
            more = True
            while more and discarded <= 4 * MOST_BODY:
                message = await receive()
                discarded += len(message.get("body", b""))
                more = message.get("more_body", False)


def _is_json(body: bytes) -> bool:
    """Return whether it is JSON, without NaN, integers of any length and lone surrogates."""
    try:
        value = json.loads(body, parse_constant=_refuse_constant)
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return False
    return True


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _replayed(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that gives the body first, and then what happens to the connection."""
    pending = [body]

    async def receive_again() -> Message:
        if pending:
            return {"type": "http.request", "body": pending.pop(), "more_body": False}
        return await receive()

    return receive_again
