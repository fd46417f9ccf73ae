"""The server of programs that are agents: MCP sessions over streamable HTTP, or one over stdio."""

from __future__ import annotations

import asyncio
import json
import os
import re
import secrets
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

from tau2.agent.program_agent import ProgramSession
from tau2.errors import AgentError, ConfigError, ModelUnavailable, Tau2Error, needs_extra
from tau2.service.mcp_protocol import server_of
from tau2.service.program_host import ProgramHost
from tau2.service.program_launch import Launched, Launcher
from tau2.service.program_tools import ProgramTools
from tau2.service.server import HOST, LoopbackServer
from tau2.service.session_tokens import SessionTokens
from tau2.utils.json_types import JsonObject, JsonValue

with needs_extra("mcp", "mcp"):
    from mcp.server.stdio import stdio_server
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
with needs_extra("mcp", "starlette"):
    from starlette.datastructures import Headers, MutableHeaders
    from starlette.responses import JSONResponse
    from starlette.types import Message, Receive, Scope, Send

PATH = "/mcp"
OPENING_PATH = "/sessions"
"""Where tokens of sessions are asked for."""
MOST_SESSIONS = 512
"""Open at a time."""

_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
_SESSION_HEADER = "mcp-session-id"
_CONNECTIONS = 2 * MOST_SESSIONS + 32  # a client keeps one open to listen
_LINGER_SECONDS = 5.0  # in which clients may close their sessions after the last episode
_BETWEEN_CALLS = 2.0  # seconds in which a client without a session is expected to call again
_OVER_SECONDS = 60.0  # for which a session is told that its conversation is over
_GONE_SECONDS = 15.0  # of silence, for a client whose every connection is closed
_NAME_BYTES = 24
_RECONNECTS = "reconnects"  # in a request for a token: the program opens a session for every call
_MOST_ISSUED = 65_536  # tokens of sessions
_NOT_OPENED = (
    "this token does not open this session: it is wrong, of another session, or of one that is over"
)
_NO_REQUEST = -32600  # codes of JSON-RPC
_NOT_FOUND = -32001


class ProgramServer(LoopbackServer):
    """MCP sessions for who knows the token: each is one episode, unless it has a name.

    Sessions at `/mcp/NAME` share the episode of that name, for clients that open a session for
    every call. Names that the server gives have tokens of their own: to a program that is called
    for an episode, and to who asks for one at `/sessions` with the server's token.
    """

    def __init__(self, host: ProgramHost, port: int = 0, token: str | None = None) -> None:
        """Prepare to serve; port 0 is any free port. Raise ConfigError for one that is in use."""
        self._host = host
        self._tokens = SessionTokens()
        self._sessions = _Sessions(host, self._tokens, lambda: self.mcp_url)
        super().__init__(
            self._sessions,
            port,
            token,
            body="json",
            place="header",
            connections=_CONNECTIONS,
            opens=lambda path, given: self._tokens.opens(_name_in(path), given, self.token),
            not_opened=_NOT_OPENED,
            error_body=_error,
        )

    def run(self, on_started: Callable[[], None] | None = None) -> None:
        """Answer requests until `stop` is called; an end before is no program's fault."""
        try:
            super().run(on_started)
        finally:
            self._host.abandon("the MCP server of this run has stopped")

    @asynccontextmanager
    async def called(self, launcher: Launcher, name: str) -> AsyncIterator[Launched]:
        """Call a program for the episode of a name, with a token that opens this one only.

        Give what ends with the program. Some time after, the token opens nothing.
        """
        token = self._tokens.issue(name)
        try:
            async with launcher(f"{self.mcp_url}/{name}", token) as ended:
                yield ended
        finally:
            self._tokens.revoke(name, _OVER_SECONDS)

    @property
    def mcp_url(self) -> str:
        """The address that an MCP client takes."""
        return f"http://{HOST}:{self.port}{PATH}"

    def linger(self) -> None:
        """Let the clients close their sessions, for some seconds; called from another thread."""
        until = time.monotonic() + _LINGER_SECONDS
        while self._sessions.is_in_use and time.monotonic() < until:
            time.sleep(0.02)


class _Endpoint:
    """One episode of one program, over HTTP."""

    def __init__(
        self, session: ProgramSession, tools: ProgramTools, name: str, *, is_one_session: bool
    ) -> None:
        """Serve the episode of a name; of one session, or of all that come under the name."""
        self.session = session
        self.name = name
        self._manager = StreamableHTTPSessionManager(app=server_of(tools))
        self._started = asyncio.Event()
        self._closing = asyncio.Event()
        self._is_one_session = is_one_session
        self._open_requests = 0
        self._has_listened = False
        self._missing: asyncio.TimerHandle | None = None
        self._serving = asyncio.ensure_future(self._serve())

    async def _serve(self) -> None:
        try:
            async with self._manager.run():
                self._started.set()
                await self._closing.wait()
        except Exception as problem:  # whatever the package raises is no failure of the program
            self._fail(problem)
            self._started.set()
            raise

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await self._started.wait()
        self._open_requests += 1
        self._has_listened |= scope["method"] == "GET"
        if self._missing is not None:
            self._missing.cancel()
        try:
            await self._manager.handle_request(scope, receive, send)
        except Exception as problem:  # likewise
            self._fail(problem)
            raise
        finally:
            self._open_requests -= 1
            # A client listens for as long as it has a session; one that does not may be quiet.
            if self._is_one_session and self._has_listened and not self._open_requests:
                loop = asyncio.get_running_loop()
                self._missing = loop.call_later(_GONE_SECONDS, self._vanished)

    def _vanished(self) -> None:
        self.session.vanish(AgentError("the program is gone: it has left without a word"))

    def _fail(self, problem: Exception) -> None:
        kind = type(problem).__name__
        self.session.fail(ModelUnavailable(f"the MCP server of this run failed: {kind}: {problem}"))

    async def close(self) -> None:
        """End every session; requests in progress are abandoned."""
        if self._missing is not None:
            self._missing.cancel()
        self._closing.set()
        await asyncio.wait({self._serving}, timeout=1.0)


class _Sessions:
    """The application: which episode a request belongs to."""

    def __init__(self, host: ProgramHost, tokens: SessionTokens, url: Callable[[], str]) -> None:
        self._host = host
        self._tokens = tokens
        self._url = url
        self._by_id: dict[str, _Endpoint] = {}
        self._by_name: dict[str, asyncio.Task[_Endpoint]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._asked_by_name = float("-inf")
        self._past_names: set[str] = set()
        self._issued: dict[str, ProgramSession | None] = {}

    @property
    def is_in_use(self) -> bool:
        """Whether a client has not closed its session yet, or asks by a name."""
        is_asking = time.monotonic() - self._asked_by_name < _BETWEEN_CALLS
        return bool(self._by_id) or is_asking

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = str(scope["path"]).removesuffix("/")
        name = _name_in(path)
        if path == OPENING_PATH and scope["method"] == "POST":
            await self._issue(await _body_of(receive))(scope, receive, send)
            return
        is_known = path == PATH or (path == f"{PATH}/{name}" and _NAME.fullmatch(name))
        if not is_known:
            await _problem(404, f"the address ends in {PATH}, or {PATH}/NAME")(scope, receive, send)
            return
        try:
            is_shared = bool(name) and name not in self._issued
            await (self._named(name) if is_shared else self._one(name))(scope, receive, send)
        except Tau2Error as problem:
            await _problem(503, str(problem))(scope, receive, send)

    def _issue(
        self, request: tuple[bytes, Receive]
    ) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
        """Return the address and the token of a session that is to come."""
        if len(self._tokens) >= _MOST_ISSUED:
            return _problem(503, "too many sessions have tokens and are not over")
        name = secrets.token_urlsafe(_NAME_BYTES)
        if not _json(request[0]).get(_RECONNECTS):
            self._issued[name] = None
        key = {"mcp_url": f"{self._url()}/{name}", "token": self._tokens.issue(name)}
        return JSONResponse(key, HTTPStatus.CREATED)

    def _named(self, name: str) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
        async def handle(scope: Scope, receive: Receive, send: Send) -> None:
            self._asked_by_name = time.monotonic()
            opening = self._by_name.get(name)
            if opening is None or (opening.done() and opening.exception() is not None):
                opening = self._by_name[name] = asyncio.ensure_future(self._opened(name))
            body, again = await _body_of(receive)
            try:
                endpoint = await asyncio.shield(opening)
            except ConfigError as problem:
                if self._by_name.get(name) is opening:  # else it is asked for again already
                    del self._by_name[name]
                await _refusal(body, problem)(scope, again, send)
                return
            await endpoint.handle(scope, again, send)

        return handle

    def _one(self, name: str) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
        """Return what answers for sessions that are one episode each; a name has one of them."""

        async def handle(scope: Scope, receive: Receive, send: Send) -> None:
            given = Headers(scope=scope).get(_SESSION_HEADER)
            if given is not None:
                await self._in_session(given, name, scope, receive, send)
            else:
                await self._open_session(name, scope, receive, send)

        return handle

    async def _open_session(self, name: str, scope: Scope, receive: Receive, send: Send) -> None:
        body, again = await _body_of(receive)
        if scope["method"] != "POST" or _json(body).get("method") != "initialize":
            text = (
                "open a session first, with `initialize`; a client without sessions gives its "
                f"episode a name of its own in the address: {PATH}/NAME"
            )
            await _problem(400, text, body)(scope, again, send)
            return
        try:
            endpoint = await self._opened_for(receive, name)
        except ConfigError as problem:
            await _refusal(body, problem)(scope, again, send)
            return
        if endpoint is None:
            return
        await endpoint.handle(scope, again, self._noting_id(endpoint, send))

    def _leave_unplayed(self, name: str) -> None:
        """Leave what a program has opened under a name of its own and not begun to play.

        Raise ConfigError where it has begun.
        """
        former = self._issued.get(name)
        if former is not None and former.has_begun:
            raise ConfigError("this token is of one session, which is open already or is over")
        if former is not None:
            former.leave()

    async def _in_session(
        self, id_: str, name: str, scope: Scope, receive: Receive, send: Send
    ) -> None:
        endpoint = self._by_id.get(id_)
        if endpoint is None or endpoint.name != name:
            await _problem(404, "Session not found", code=_NOT_FOUND)(scope, receive, send)
            return
        await endpoint.handle(scope, receive, send)
        if scope["method"] == "DELETE":
            self._by_id.pop(id_, None)
            endpoint.session.leave()
            if endpoint.session.has_begun:
                self._over(name)
            await endpoint.close()

    def _noting_id(self, endpoint: _Endpoint, send: Send) -> Send:
        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                id_ = MutableHeaders(scope=message).get(_SESSION_HEADER)
                if id_ is None or message["status"] >= HTTPStatus.BAD_REQUEST:  # refused
                    endpoint.session.leave()
                else:
                    self._by_id[id_] = endpoint
            await send(message)

        return noting

    async def _opened_for(self, receive: Receive, name: str) -> _Endpoint | None:
        """Open an endpoint; None when the client leaves before there is an episode for it."""
        opening = asyncio.ensure_future(self._opened(name))
        leaving = asyncio.ensure_future(_disconnected(receive))
        try:
            await asyncio.wait({opening, leaving}, return_when=asyncio.FIRST_COMPLETED)
            return opening.result() if opening.done() else None
        finally:
            opening.cancel()
            leaving.cancel()

    async def _opened(self, name: str = "") -> _Endpoint:
        if len(self._by_id) + len(self._by_name) > MOST_SESSIONS:
            raise ConfigError("too many sessions are open")
        if name in self._past_names:
            raise ConfigError("the episode of this name is over")
        self._leave_unplayed(name)
        session, offer = await self._host.join(name)
        try:
            self._leave_unplayed(name)  # another may have been opened meanwhile
        except ConfigError:
            session.leave()
            raise
        tools = ProgramTools(session, offer)
        is_one_session = not name or name in self._issued
        if name in self._issued:
            self._issued[name] = session
        endpoint = _Endpoint(session, tools, name, is_one_session=is_one_session)
        task = asyncio.ensure_future(self._forget(session.ended, endpoint, name))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return endpoint

    async def _forget(
        self, ended: Callable[[], Awaitable[None]], endpoint: _Endpoint, name: str
    ) -> None:
        """Close an endpoint some time after its conversation."""
        await ended()
        await asyncio.sleep(_OVER_SECONDS)
        for id_ in [id_ for id_, known in self._by_id.items() if known is endpoint]:
            del self._by_id[id_]
        self._by_name.pop(name, None)
        if endpoint.session.has_begun:
            self._over(name)
        await endpoint.close()

    def _over(self, name: str) -> None:
        """Forget a name whose episode has been played."""
        if name:
            self._past_names.add(name)
            self._by_name.pop(name, None)
            self._issued.pop(name, None)
            self._tokens.revoke(name)


def _name_in(path: str) -> str:
    """Return the name that a path gives an episode, if any."""
    return path.removesuffix("/").removeprefix(PATH).removeprefix("/")


async def _body_of(receive: Receive) -> tuple[bytes, Receive]:
    """Return the body, which the guard gives in one message, and a `receive` that gives it too."""
    first = await receive()
    pending = [first]

    async def again() -> Message:
        return pending.pop() if pending else await receive()

    return first.get("body", b""), again


async def _disconnected(receive: Receive) -> None:
    """Wait until the client has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


def _json(body: bytes) -> JsonObject:
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}


def _problem(
    status: int, text: str, body: bytes = b"", code: int = _NO_REQUEST
) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
    """Return a refusal as JSON-RPC has it."""
    return JSONResponse(_error(text, _json(body).get("id"), code), status)


def _error(text: str, id_: JsonValue = None, code: int = _NO_REQUEST) -> JsonObject:
    return {"jsonrpc": "2.0", "id": id_, "error": {"code": code, "message": text}}


def _refusal(
    body: bytes, problem: ConfigError
) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
    """Return the answer to a program for which there is no episode: clients show its text."""
    return _problem(200, str(problem), body)


class StdioWire:
    """Standard input and output as the wire of a protocol: whatever else is printed is diverted.

    Reading happens in a thread that the end of the process does not wait for.
    """

    def __init__(self) -> None:
        """Take both; from now on standard output is standard error, and standard input is empty."""
        self._input = os.fdopen(os.dup(0), "rb")
        self._output = os.fdopen(os.dup(1), "wb")
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        os.dup2(2, 1)
        self._lines: asyncio.Queue[bytes] = asyncio.Queue()

    def __aiter__(self) -> StdioWire:
        loop = asyncio.get_running_loop()
        threading.Thread(target=self._read, args=(loop,), name="tau2-stdin", daemon=True).start()
        return self

    async def __anext__(self) -> str:
        line = await self._lines.get()
        if not line:
            raise StopAsyncIteration
        return line.decode("utf-8", "replace")

    def _read(self, loop: asyncio.AbstractEventLoop) -> None:
        line = b"\n"
        while line:
            line = self._input.readline()
            loop.call_soon_threadsafe(self._lines.put_nowait, line)

    async def write(self, text: str) -> None:
        """Write to the client."""
        self._output.write(text.encode())

    async def flush(self) -> None:
        """Send what was written."""
        self._output.flush()


async def serve_stdio(host: ProgramHost, wire: StdioWire) -> None:
    """Play one episode with the client at the other end, until it closes its end.

    Raise ConfigError when the run ends without one.
    """
    session, offer = await host.join(is_only_one=True)
    server = server_of(ProgramTools(session, offer))
    try:
        streams: Any = stdio_server(wire, wire)
        async with streams as (reading, writing):
            await server.run(reading, writing, server.create_initialization_options())
    finally:
        session.leave()
