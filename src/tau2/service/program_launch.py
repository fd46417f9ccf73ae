"""How a program is called for an episode: as a command that is started, or at its address."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shlex
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from typing import IO, TypeAlias
from urllib.parse import urlsplit

import httpx

from tau2.errors import ConfigError, ModelUnavailable
from tau2.llm.agent_program import SERVICE, shown
from tau2.llm.secrets import redactor_of, secrets_in_environment
from tau2.llm.transport.endpoint import Endpoint, endpoint_of
from tau2.utils.text import error_text

URL_VARIABLE = "TAU2_MCP_URL"
TOKEN_VARIABLE = "TAU2_MCP_TOKEN"  # noqa: S105  -- the name of a variable

Launched: TypeAlias = Awaitable[str]
"""Ends when the program does, with how it ended; raises ModelUnavailable when it failed."""
Launcher: TypeAlias = Callable[[str, str], AbstractAsyncContextManager[Launched]]
"""Called with the address of an episode and the token; leaving the context ends the program."""

_EXIT_SECONDS = 10.0  # for a program to end by itself after its conversation
_KILL_SECONDS = 2.0  # to end when it is asked to
_TAIL = 2000  # characters of output that an error quotes
_LONGEST_SECRET = 8192  # bytes


def command_launcher(command: str) -> Launcher:
    """Return what starts a command for every episode, with its address in the environment.

    Raise ConfigError for a command that cannot be started.
    """
    try:
        argv = shlex.split(command)
    except ValueError as problem:
        raise ConfigError(f"the command cannot be read: {problem}") from None
    if not argv:
        raise ConfigError("the command is empty")
    if shutil.which(argv[0]) is None:
        raise ConfigError(f"there is no program {argv[0]!r}")

    @asynccontextmanager
    async def launch(url: str, token: str) -> AsyncIterator[Launched]:
        given = {URL_VARIABLE: url, TOKEN_VARIABLE: token}
        with tempfile.TemporaryFile() as output:
            process = await asyncio.create_subprocess_exec(
                *argv,
                env={**os.environ, **given},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=asyncio.subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                own = frozenset({token, url.rpartition("/")[2]})
                yield _exit_of(process, argv[0], output, own)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_EXIT_SECONDS):
                        await process.wait()
            finally:
                await _end(process)

    return launch


async def _exit_of(
    process: asyncio.subprocess.Process, name: str, output: IO[bytes], secrets: frozenset[str]
) -> str:
    """Wait for a process, and return how it ended. Raise ModelUnavailable when it failed."""
    code = await process.wait()
    how = f"was killed by signal {-code}" if code < 0 else f"exited with code {code}"
    # The last line says why, after a traceback too; listings of failures cut what is long.
    *before, last = _until_cause(_tail_of(output, secrets).splitlines()) or [""]
    text = f"the program {name} {how}" + (f": {last}" if last else "")
    text = "\n".join([text, "it printed:", *before]) if before else text
    if code == 0:
        return text
    raise _failed(name, text)


def _tail_of(output: IO[bytes], secrets: frozenset[str]) -> str:
    """Return the end of what a program printed, without secrets."""
    size = output.seek(0, os.SEEK_END)
    # A secret is found as a whole: more is read than is returned.
    output.seek(max(0, size - _TAIL - _LONGEST_SECRET))
    text = output.read().decode("utf-8", "replace")
    redactor = redactor_of(secrets_in_environment() | secrets)
    return redactor.text(text)[-_TAIL:].strip()


def _until_cause(lines: list[str]) -> list[str]:
    """Return lines up to the last that says something, without the frame of an exception group.

    Python draws such a frame with "|", "+" and "-"; it ends with a line that is nothing else.
    """
    kept = list(lines)
    while kept:
        last = kept.pop().strip()
        text = last.lstrip("|+- ") if last.startswith(("|", "+")) else last
        if text:
            return [*kept, text]
    return []


async def _end(process: asyncio.subprocess.Process) -> None:
    """End a process and those that it started, if any of them is still there."""
    if sys.platform == "win32":
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        return
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_KILL_SECONDS):
                await process.wait()


def url_launcher(url: str, seconds: float) -> Launcher:
    """Return what tells the program at an address of every episode, in a POST.

    The program may answer at once and play afterwards, or answer when it has played, for at most
    `seconds`.
    """
    program = _program_at(url)

    @asynccontextmanager
    async def launch(episode: str, token: str) -> AsyncIterator[Launched]:
        yield _posted(program, {"mcp_url": episode, "token": token}, seconds)

    return launch


def _program_at(url: str) -> Endpoint:
    """Return where to post to, and the headers. Raise ConfigError for what cannot be posted to."""
    try:
        parts = urlsplit(url.strip())
        is_usable = parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:  # brackets that do not match
        is_usable = False
    if not is_usable:
        raise ConfigError("the address of a program begins with http:// or https:// and a host")
    try:
        endpoint = endpoint_of("agent", {"api_base": url}, SERVICE)
    except ConfigError as problem:
        raise ConfigError(str(problem).replace("api_base", "the address")) from None
    # The path as it was given: an endpoint has no slash at its end. A user and a password are in
    # the headers.
    return replace(endpoint, url=urlsplit(endpoint.url)._replace(path=parts.path).geturl())


async def _posted(program: Endpoint, episode: dict[str, str], seconds: float) -> str:
    """Post an episode, and go on for ever. Raise ModelUnavailable when it is not taken."""
    who = shown(program.url)
    body = json.dumps(episode)
    try:
        async with (
            httpx.AsyncClient(timeout=seconds) as client,
            client.stream(
                "POST", program.url, content=body, headers=list(program.headers)
            ) as answer,
        ):
            async for _ in answer.aiter_raw():
                pass  # the answer may come while the program plays; what it says is not used
    except httpx.HTTPError as problem:
        kind = type(problem).__name__
        why = error_text(problem) or kind
        raise _failed(who, f"the program at {who} did not answer: {why}") from None
    if not answer.is_success:
        status = answer.status_code
        raise _failed(who, f"the program at {who} answered with HTTP status {status}")
    await asyncio.Event().wait()
    raise AssertionError("nobody sets the event")


def _failed(program: str, text: str) -> ModelUnavailable:
    """Return the error of a program; the run stops when one fails again and again."""
    error = ModelUnavailable(text)
    error.model = program
    return error
