"""Agents that are programs with a loop of their own, called for every episode of a run.

They take the tools from one MCP server of this process, which starts with the first episode. It
answers nobody else: every episode has an address and a token of its own.
"""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import AsyncIterator
from concurrent.futures import Future
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from tau2.agent.program_agent import PATIENCE, ProgramSession, make_program_agent
from tau2.data_model.run_config import PROGRAM_AGENT, SOLO_PROGRAM_AGENT, RunConfig, TextRunConfig
from tau2.data_model.tasks import Task
from tau2.environment.environment import Environment
from tau2.environment.tool import Tool
from tau2.errors import ConfigError, ModelUnavailable
from tau2.participant.spec import AgentSpec
from tau2.service.program_host import ProgramHost, can_be_played_solo, offered
from tau2.service.program_launch import Launcher, command_launcher, url_launcher

if TYPE_CHECKING:
    from tau2.service.program_server import ProgramServer

_STOP_SECONDS = 2.0


def check(config: RunConfig) -> None:
    """Raise ConfigError when the program of a run cannot be called, MissingExtra without `mcp`."""
    launcher_of(config)
    import tau2.service.program_server  # noqa: F401, PLC0415  -- needs the extra mcp


def launcher_of(config: RunConfig) -> Launcher:
    """Return what calls the program of a run. Raise ConfigError when it names none."""
    if isinstance(config, TextRunConfig):
        if config.agent_command is not None:
            return command_launcher(config.agent_command)
        if config.agent_url is not None:
            return url_launcher(config.agent_url, config.session_timeout)
    raise ConfigError(
        "this agent is a program: name what starts it, --agent-command (agent_command), or where "
        "it is, --agent-url with --agent-protocol mcp (agent_url, agent_protocol)"
    )


@dataclass(frozen=True, slots=True)
class _Running:
    host: ProgramHost
    server: ProgramServer
    thread: threading.Thread
    process: int


class _OwnServer:
    """The server of this process, from the first episode on. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: _Running | None = None

    def get(self) -> _Running:
        """Return the server; it is started unless it runs.

        Raise ModelUnavailable when it cannot start.
        """
        with self._lock:
            running = self._running
            is_here = running is not None and running.process == os.getpid()
            if running is None or not is_here or not running.thread.is_alive():
                running = self._running = _started()
            return running


def _started() -> _Running:
    from tau2.service.program_server import ProgramServer  # noqa: PLC0415  -- see `check`

    host = ProgramHost(is_for_called=True)
    server = ProgramServer(host)
    is_up: Future[None] = Future()

    def serve() -> None:
        try:
            server.run(lambda: is_up.set_result(None))
        finally:
            # Whoever waits must not wait for ever; the error itself is printed as a thread's is.
            if not is_up.done():
                is_up.set_exception(ModelUnavailable("the MCP server of this run cannot start"))

    thread = threading.Thread(target=serve, name="tau2-mcp", daemon=True)
    thread.start()
    try:
        is_up.result()
    except ModelUnavailable:
        server.close()
        raise

    def stop() -> None:
        host.close()
        server.stop()
        thread.join(_STOP_SECONDS)
        server.close()

    atexit.register(stop)
    return _Running(host, server, thread, os.getpid())


_SERVER = _OwnServer()


@asynccontextmanager
async def _session(
    tools: list[Tool],
    domain_policy: str,
    *,
    task: Task,
    environment: Environment,
    config: RunConfig,
) -> AsyncIterator[ProgramSession]:
    """Call the program of a run for an episode, and give its session."""
    launcher = launcher_of(config)
    running = _SERVER.get()
    patience = config.session_timeout if isinstance(config, TextRunConfig) else PATIENCE
    launch = partial(running.server.called, launcher)
    offer = offered(tools, domain_policy, task, environment)
    async with running.host.called(launch, offer, patience) as session:
        yield session


AGENTS = (
    AgentSpec(
        PROGRAM_AGENT,
        make=make_program_agent,
        needs_model=False,
        description="a program that takes the tools over MCP (--agent-command)",
        session=_session,
        check=check,
    ),
    AgentSpec(
        SOLO_PROGRAM_AGENT,
        make=make_program_agent,
        accepts=can_be_played_solo,
        solo=True,
        needs_model=False,
        metadata={"solo_mode": True},
        description="the same, without a customer",
        session=_session,
        check=check,
    ),
)
