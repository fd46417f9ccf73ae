"""The server: who may ask, which page answers. One event loop, no threads, loopback only."""

from __future__ import annotations

import asyncio
import hmac
import logging
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import quote

from tau2.errors import ConfigError, Tau2Error, UnknownName
from tau2.service.catalog import SIDES, DomainDocs
from tau2.service.forms import arguments_of
from tau2.service.http import MOST_HEAD, Refused, Request, Response, read_request
from tau2.service.pages import Pages, outcome_view

logger = logging.getLogger(__name__)

HOST = "127.0.0.1"
_MOST_AT_ONCE = 32  # connections; a browser opens six
_DRAIN = 10.0  # seconds a reader may take for an answer
_TOKEN_BYTES = 24
_STYLE = Path(__file__).with_name("style.css")


class DocServer:
    """Documentation of some domains for one reader, who knows the token."""

    def __init__(self, names: Sequence[str], token: str | None = None) -> None:
        """Show these domains. Raise UnknownName for one that is not registered."""
        self.docs = {name: DomainDocs(name) for name in names}
        self._token = token or secrets.token_urlsafe(_TOKEN_BYTES)
        self._pages = Pages(f"/{self._token}/", list(self.docs))
        self._hosts: frozenset[str] = frozenset()
        self._port = 0
        self._open: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """The address that opens the pages; whoever has it may read them."""
        return f"http://{HOST}:{self._port}/{self._token}/"

    @asynccontextmanager
    async def serving(self, port: int = 0) -> AsyncIterator[str]:
        """Answer requests while the block runs; yields the address. Raise ConfigError for a port that is taken."""
        try:
            server = await asyncio.start_server(self._connected, HOST, port, limit=MOST_HEAD)
        except (OSError, OverflowError) as problem:
            raise ConfigError(
                f"port {port} cannot be used: {problem}; --port names another"
            ) from problem
        self._port = server.sockets[0].getsockname()[1]
        self._hosts = frozenset(f"{name}:{self._port}" for name in (HOST, "localhost"))
        try:
            yield self.url
        finally:
            server.close()
            waiting = list(self._open)
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
            await server.wait_closed()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None, "a connection is served by a task"
        self._open.add(task)
        try:
            await self._serve(reader, writer)
            writer.close()
        except (ConnectionError, TimeoutError, asyncio.CancelledError):
            # The reader left or does not read, or the server stops: what is still to be sent must hold nobody up.
            # A task that ended cancelled would be reported as a failure.
            writer.transport.abort()
        finally:
            self._open.discard(task)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with_body = True
        try:
            if len(self._open) > _MOST_AT_ONCE:
                raise Refused(503, "too many connections")
            request = await read_request(reader)
            with_body = request.method != "HEAD"
            response = self.answer(request)
        except Refused as refusal:
            response = Response(f"{refusal.reason}\n", refusal.status, "text/plain; charset=utf-8")
        writer.write(response.encoded(with_body=with_body))
        async with asyncio.timeout(_DRAIN):
            await writer.drain()

    def answer(self, request: Request) -> Response:
        """Return the page that a request asks for. Raise Refused for one that may not ask."""
        self._check(request)
        parts = [part for part in request.parts[1:] if part]
        try:
            return self._page(request, parts)
        except UnknownName as problem:
            return Response(self._pages.problem("not found", str(problem)), 404)
        except Tau2Error as problem:
            return Response(self._pages.problem("this did not work", str(problem)), 400)
        except Exception:
            logger.exception("the page %s failed", "/".join(parts))
            return Response(self._pages.problem("this page failed", "the log says why"), 500)

    def _check(self, request: Request) -> None:
        """Refuse other hosts (a name that leads here), other sites' forms, and who does not know the token."""
        host = request.headers.get("host", "").lower()
        if host not in self._hosts:
            raise Refused(421, "this host is not served here")
        given = request.parts[0] if request.parts else ""
        if not hmac.compare_digest(given.encode(), self._token.encode()):
            raise Refused(
                403, "open the address that the command printed: it holds the key to these pages"
            )
        origin = request.headers.get("origin")
        if request.method == "POST" and origin is not None and origin.lower() != f"http://{host}":
            raise Refused(403, "forms of other sites are not answered")
        if request.headers.get("sec-fetch-site", "none") not in {"none", "same-origin"}:
            raise Refused(403, "requests of other sites are not answered")

    def _page(self, request: Request, parts: list[str]) -> Response:
        if parts == ["style.css"]:
            return Response(_STYLE.read_text(encoding="utf-8"), kind="text/css; charset=utf-8")
        if not parts:
            return Response(self._pages.index(self.docs.values()))
        if parts[0] not in self.docs:
            raise UnknownName("domain", parts[0], self.docs)
        docs = self.docs[parts[0]]
        match parts[1:]:
            case []:
                return Response(self._pages.policy(docs))
            case ["tools"]:
                return Response(self._pages.tools(docs))
            case ["tools", side, name]:
                return self._tool(request, docs, side, name)
            case ["tasks"]:
                return self._tasks(request, docs)
            case ["tasks", task_id]:
                return self._task(docs, task_id)
            case ["restart"]:
                return self._restart(request, docs)
        raise UnknownName("page", "/".join(parts), ["tools", "tasks"])

    def _tool(self, request: Request, docs: DomainDocs, side: str, name: str) -> Response:
        tool = docs.tool(side, name)
        if request.method != "POST":
            return Response(self._pages.tool(docs, side, tool, request.query))
        try:
            arguments = arguments_of(tool, request.form)
        except ValueError as problem:
            return Response(self._pages.problem("this cannot be called", str(problem)), 400)
        result, changes = docs.call(side, name, arguments)
        return Response(
            self._pages.tool(docs, side, tool, request.form, outcome_view(result, changes))
        )

    def _tasks(self, request: Request, docs: DomainDocs) -> Response:
        number = request.query.get("page", "1")
        page = int(number) if number.isascii() and number.isdecimal() and len(number) < 7 else 1  # noqa: PLR2004  -- digits
        return Response(
            self._pages.tasks(
                docs, request.query.get("q", ""), request.query.get("split", ""), page
            )
        )

    def _task(self, docs: DomainDocs, task_id: str) -> Response:
        if task_id not in docs.tasks:
            raise UnknownName(f"task of {docs.name}", task_id, docs.tasks)
        return Response(self._pages.task(docs, docs.tasks[task_id]))

    def _restart(self, request: Request, docs: DomainDocs) -> Response:
        if request.method != "POST":
            raise Refused(405, "only a form starts a world again")
        docs.restart(request.form.get("task"))
        side, tool = request.form.get("side", ""), request.form.get("tool", "")
        known = side in SIDES and tool in docs.tools(side)
        path = (docs.name, "tools", side, tool) if known else (docs.name, "tools")
        return Response(
            "", 303, location=f"/{self._token}/" + "/".join(quote(part, safe="") for part in path)
        )
