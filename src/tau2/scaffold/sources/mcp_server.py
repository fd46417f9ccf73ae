"""The tools that an MCP server lists: of a command (stdio) or an address (streamable HTTP)."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tau2.errors import ConfigError, needs_extra
from tau2.scaffold.interface import Interface
from tau2.scaffold.sources.documents import safe_name
from tau2.scaffold.sources.mcp_tools import read_tools
from tau2.utils.json_types import JsonObject
from tau2.utils.text import error_text

_SECONDS = 60.0  # for a server to start and answer
_MOST_PAGES = 50
_PROGRAMS = frozenset({".py", ".js", ".mjs", ".ts", ".sh", ".jar"})


def read_server(target: str) -> Interface:
    """Return the interface of a server.

    Args:
        target: A command with its arguments, as a shell would have it, or an address.

    Raises:
        ConfigError: the server cannot be started or reached, or lists no tools.
        MissingExtra: the package `mcp` is not installed.
    """
    if not target.strip() or not (target.startswith("http") or _command(target)):
        raise ConfigError("write a command or an address behind mcp:, as in 'mcp:python server.py'")
    is_address = target.startswith(("http://", "https://"))
    name = _name_of_address(target) if is_address else _name_of_command(_command(target))
    with needs_extra("mcp", "mcp"):
        package = import_module("mcp")
    try:
        tools = asyncio.run(asyncio.wait_for(_listed(package, target, is_address), _SECONDS))
    except TimeoutError as problem:
        raise ConfigError(f"{name} did not list its tools within {_SECONDS:.0f} s") from problem
    except Exception as problem:  # of the package, of the transport, of the process
        first = next(_causes(problem))
        text = error_text(first, 300)
        if is_address:  # which may hold a password
            text = text.replace(target, name).replace(urlsplit(target).netloc, name)
        raise ConfigError(f"{name} did not list its tools: {text}") from problem
    return read_tools({"tools": tools}, name)


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
    programs = (one for one in parts if Path(one).suffix in _PROGRAMS)
    return f"MCP server {safe_name(Path(next(programs, parts[0])))}"


def _name_of_address(address: str) -> str:
    return f"MCP server {safe_name(Path(urlsplit(address).hostname or 'unnamed'))}"


async def _listed(package: Any, target: str, is_address: bool) -> list[JsonObject]:
    """Return the tools of a server, page by page."""
    tools: list[JsonObject] = []
    cursor: str | None = None
    async with _client(package, target, is_address) as list_tools:
        for _ in range(_MOST_PAGES):
            page = (await list_tools(cursor)).model_dump(mode="json", by_alias=True)
            tools += page["tools"]
            cursor = page.get("nextCursor")
            if not cursor:
                break
    return tools


@asynccontextmanager
async def _client(package: Any, target: str, is_address: bool) -> AsyncIterator[Any]:
    """Yield what asks a server for a page of its tools, on version 1 or 2 of the package."""
    if is_address:
        transport = import_module("mcp.client.streamable_http").streamable_http_client(target)
    else:
        command, *arguments = _command(target)
        parameters = package.StdioServerParameters(command=command, args=arguments)
        transport = package.stdio_client(parameters)
    if hasattr(package, "Client"):
        async with package.Client(transport) as client:
            yield lambda cursor: client.list_tools(cursor=cursor)
        return
    async with transport as streams, package.ClientSession(*streams[:2]) as session:
        await session.initialize()
        params = import_module("mcp.types").PaginatedRequestParams
        yield lambda cursor: session.list_tools(params=params(cursor=cursor))
