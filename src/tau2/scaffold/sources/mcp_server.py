"""The tools that an MCP server lists: of a command (stdio) or an address (streamable HTTP)."""

from __future__ import annotations

import asyncio
import logging
import shlex
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from itertools import takewhile
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import ValidationError

from tau2.errors import ConfigError, needs_extra, quoted
from tau2.scaffold.interface import Interface
from tau2.scaffold.selection import EVERYTHING, Selection
from tau2.scaffold.source_text import one_line
from tau2.scaffold.sources.documents import safe_name
from tau2.scaffold.sources.mcp_tools import read_tools
from tau2.utils.json_types import JsonObject
from tau2.utils.text import error_text

_SECONDS = 60.0  # for a server to start and answer
_RUNNERS = frozenset({"npx", "uvx", "bunx"})
_MOST_PAGES = 50
_REFUSALS = frozenset({401, 403})  # statuses of HTTP
_FIRST_ERROR = 400
_ENDED = frozenset({"BrokenResourceError", "ClosedResourceError", "Connection closed"})
"""Classes and texts of the errors that the package raises when a process ends."""
_PROGRAMS = frozenset({".py", ".js", ".mjs", ".ts", ".sh", ".jar"})


@dataclass(frozen=True, slots=True)
class _Server:
    """Where a server is, or how it is started."""

    name: str
    """What it is called in a package and in messages: without what may be a secret."""
    address: str = ""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    command: Sequence[str] = ()
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    """What its environment holds besides the few variables that the package `mcp` hands on."""
    statuses: list[int] = field(default_factory=list)
    """Those of the responses that came from an address."""

    def without_secrets(self, text: str) -> str:
        """Return a message without the address, which may hold a password, and the headers."""
        hidden = [self.address, urlsplit(self.address).netloc, *self.variables.values()]
        for value in self.headers.values():
            hidden += [value, value.partition(" ")[2]]
        for secret in sorted(filter(None, hidden), key=len, reverse=True):
            text = text.replace(secret, self.name)
        return text


def read_server(
    target: str, selection: Selection = EVERYTHING, headers: Mapping[str, str] | None = None
) -> Interface:
    """Return the interface of a server.

    Args:
        target: A command with its arguments, as a shell would have it, or an address. Variables
            may stand in front of a command, as in `TOKEN=x python server.py`.
        selection: Which of its tools are taken.
        headers: What is sent with every request to an address.

    Raises:
        ConfigError: the server cannot be started or reached, refuses, or lists no tools.
        MissingExtra: the package `mcp` is not installed.
    """
    server = _server(target, headers or {})
    with needs_extra("mcp", "mcp"):
        package = import_module("mcp")
    try:
        with _quiet():
            tools = asyncio.run(asyncio.wait_for(_listed(package, server), _SECONDS))
    except TimeoutError as problem:
        raise ConfigError(
            f"{server.name} did not list its tools within {_SECONDS:.0f} s"
        ) from problem
    except Exception as problem:  # of the package, of the transport, of the process
        raise ConfigError(_failure(server, list(_causes(problem)))) from problem
    return read_tools({"tools": tools}, server.name, selection)


@contextmanager
def _quiet() -> Iterator[None]:
    """Have the package not log what a server writes instead of messages, with a traceback each."""
    log = logging.getLogger("mcp")
    level = log.level
    log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        log.setLevel(level)


def _server(target: str, headers: Mapping[str, str]) -> _Server:
    if target.startswith(("http://", "https://")):
        if not urlsplit(target).hostname:
            raise ConfigError("mcp: the address names no host, as in mcp:http://127.0.0.1:8000/mcp")
        return _Server(_name_of_address(target), address=target, headers=headers)
    words = _command(target)
    given = list(takewhile(_is_assignment, words))
    command = words[len(given) :]
    if not command:
        raise ConfigError("write a command or an address behind mcp:, as in 'mcp:python server.py'")
    if headers:
        raise ConfigError("--header is for a server at an address, as in mcp:http://127.0.0.1/mcp")
    variables = {name: value for name, _, value in (one.partition("=") for one in given)}
    return _Server(_name_of_command(command), command=command, variables=variables)


def _is_assignment(word: str) -> bool:
    name, equals, _ = word.partition("=")
    return bool(equals) and name.isidentifier()


def _failure(server: _Server, causes: Sequence[BaseException]) -> str:
    """Return why a server did not list its tools, in one sentence."""
    statuses = [*server.statuses, *filter(None, map(_status_of, causes))]
    refusal = next((one for one in statuses if one in _REFUSALS), None)
    if refusal is not None:
        if server.headers:
            return f"{server.name} refuses what --header says (status {refusal}); check the token"
        return (
            f"{server.name} wants to know who asks (status {refusal}): add "
            "its token with --header, as `tau2 new --help` shows"
        )
    if statuses and statuses[-1] >= _FIRST_ERROR:
        return f"{server.name} did not list its tools: status {statuses[-1]} at this address"
    if server.command and any(isinstance(one, FileNotFoundError) for one in causes):
        program = server.without_secrets(one_line(server.command[0], 80))
        return f"{server.name} cannot be started: there is no program {quoted(program)}"
    if any(type(one).__name__ in _ENDED or str(one) in _ENDED for one in causes) and server.command:
        return f"{server.name} ended before it listed its tools; start its command to see why"
    if any(isinstance(one, ValidationError) for one in causes):
        return f"{server.name} lists tools in a form that the protocol does not have"
    text = server.without_secrets(error_text(causes[0], 300)).partition("\n")[0]
    return f"{server.name} did not list its tools: {text}"


def _status_of(problem: BaseException) -> int | None:
    """Return the status of the HTTP response that an exception is about, if it is one."""
    status = getattr(getattr(problem, "response", None), "status_code", None)
    return status if isinstance(status, int) else None


def _causes(problem: BaseException) -> Iterator[BaseException]:
    """Yield the exceptions in groups of them."""
    if isinstance(problem, BaseExceptionGroup):
        for one in problem.exceptions:
            yield from _causes(one)
    else:
        yield problem


def _command(target: str) -> list[str]:
    try:
        return shlex.split(target)
    except ValueError as problem:
        raise ConfigError(f"mcp: what follows is no command: {problem}") from problem


def _name_of_command(parts: list[str]) -> str:
    """Return what a server is called in a package; never after an argument that may be a secret."""
    programs = [one for one in parts if Path(one).suffix in _PROGRAMS]
    program = programs[0] if programs else parts[0]
    if not programs and "-m" in parts[1:-1]:
        program = parts[parts.index("-m") + 1]
    elif Path(parts[0]).stem in _RUNNERS:
        # What follows the options is the package that is run.
        program = next((one for one in parts[1:] if not one.startswith("-")), parts[0])
    return f"MCP server {safe_name(Path(program))}"


def _name_of_address(address: str) -> str:
    return f"MCP server {safe_name(Path(urlsplit(address).hostname or 'unnamed'))}"


async def _listed(package: Any, server: _Server) -> list[JsonObject]:
    """Return the tools of a server, page by page."""
    tools: list[JsonObject] = []
    cursor: str | None = None
    seen: set[str] = set()
    async with _client(package, server) as list_tools:
        for _ in range(_MOST_PAGES):
            page = (await list_tools(cursor)).model_dump(mode="json", by_alias=True)
            tools += page["tools"]
            cursor = page.get("nextCursor")
            if not cursor or cursor in seen:
                break
            seen.add(cursor)
    return tools


@asynccontextmanager
async def _client(package: Any, server: _Server) -> AsyncIterator[Any]:
    """Yield what asks a server for a page of its tools, on version 1 or 2 of the package."""
    transport = _transport(package, server)
    if hasattr(package, "Client"):
        async with package.Client(transport) as client:
            yield lambda cursor: client.list_tools(cursor=cursor)
        return
    async with transport as streams, package.ClientSession(*streams[:2]) as session:
        await session.initialize()
        params = import_module("mcp.types").PaginatedRequestParams
        yield lambda cursor: session.list_tools(params=params(cursor=cursor))


def _transport(package: Any, server: _Server) -> Any:
    if server.command:
        command, *arguments = server.command
        variables = dict(server.variables) or None
        return package.stdio_client(
            package.StdioServerParameters(command=command, args=arguments, env=variables)
        )
    headers = dict(server.headers)
    if urlsplit(server.address).path.rstrip("/").endswith("/sse"):  # the protocol before 2025-03
        return import_module("mcp.client.sse").sse_client(server.address, headers=headers)
    module = import_module("mcp.client.streamable_http")
    if not hasattr(module, "streamable_http_client"):  # before 1.24
        return module.streamablehttp_client(server.address, headers=headers)
    made = import_module("mcp.shared._httpx_utils").create_mcp_http_client(headers=headers)
    made.event_hooks = {"response": [partial(_note_status, server)]}
    return module.streamable_http_client(server.address, http_client=made)


async def _note_status(server: _Server, response: Any) -> None:
    """Note how a server answers; version 2 of the package does not tell it."""
    server.statuses.append(response.status_code)
