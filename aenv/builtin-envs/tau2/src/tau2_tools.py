"""The tau2 environment server: `python -m aenv.main aenv/builtin-envs/tau2`.

AEnvironment loads this file and serves what it registers: the tools of the domain over MCP,
functions over HTTP, the reward and the health. Every request but one for the health needs the
server's token. One process is one instance and plays one episode at
a time; `tau2_reset` begins another, also of another domain. See README.md for the environment
variables.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

from _tau2_access import Access, protect
from _tau2_episode import Episode
from _tau2_functions import function_of
from _tau2_settings import Settings
from aenv.core.function_registry import get_function_registry
from fastmcp.exceptions import ToolError

from aenv import register_function, register_health, register_reward, register_tool


@contextmanager
def _exits_on_invalid_settings() -> Iterator[None]:
    """End the process when it cannot serve.

    AEnvironment would log the error, report good health and serve nothing.
    """
    try:
        yield
    except ValueError as problem:
        raise SystemExit(
            f"the tau2 environment server cannot start as its variables say: {problem}"
        ) from problem


with _exits_on_invalid_settings():
    EPISODE = Episode(Settings.from_env(os.environ))
"""The episode of the instance; `tau2_reset` or the first call starts it."""

_LONGEST_ERROR = 2000  # characters; AEnvironment logs errors and returns them

_served: dict[str, Any] = {}
"""The schemas of the tools that are served, by name."""


async def _serve(name: str, arguments: dict[str, Any]) -> str:
    reply = await EPISODE.call_tool(name, arguments)
    if reply.error:
        raise ToolError(reply.text)
    return reply.text


def _publish(register: Callable[[Any], Any], withdraw: Callable[[str], Any]) -> None:
    """Serve exactly the tools of the episode; those that stay as they are stay untouched."""
    wanted = {tool.name: tool for tool in EPISODE.tools()}
    for name in [
        name
        for name in _served
        if name not in wanted or wanted[name].openai_schema != _served[name]
    ]:
        withdraw(name)
        del _served[name]
    for name, tool in wanted.items():
        if name not in _served:
            register(function_of(tool, _serve))
            _served[name] = tool.openai_schema


def _without_secrets(function: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """Redact and cut errors of a function: AEnvironment logs and returns their text."""

    @functools.wraps(function)
    async def guarded(*args: Any, **kwargs: Any) -> Any:
        try:
            return await function(*args, **kwargs)
        except Exception as problem:  # noqa: BLE001  -- whatever it is, its text is redacted
            text = EPISODE.settings.redacted(str(problem))[:_LONGEST_ERROR]
            raise RuntimeError(text) from None  # a chained traceback would show the text uncut

    return guarded


@register_function
@_without_secrets
async def tau2_reset(
    domain: str | None = None,
    task_id: str | None = None,
    seed: int | None = None,
    solo_mode: bool | None = None,
    max_steps: int | None = None,
    user: str | None = None,
) -> dict[str, Any]:
    """Start another episode; omitted arguments come from the environment variables."""
    begun = await EPISODE.reset(
        domain=domain,
        task_id=task_id,
        seed=seed,
        solo_mode=solo_mode,
        max_steps=max_steps,
        user=user,
    )
    server = get_function_registry().get_server()
    if server is not None:
        _publish(server.tool(), server.remove_tool)
    return begun


@register_function
@_without_secrets
async def tau2_get_task_info() -> dict[str, Any]:
    """Return what is played: domain, task, solo mode and its ticket, limit of steps."""
    return await EPISODE.describe()


@register_function
@_without_secrets
async def tau2_get_system_prompt() -> dict[str, Any]:
    """Return the agent's instructions: the domain's policy included."""
    return {"system_prompt": await EPISODE.ask(lambda rollout: rollout.system_prompt)}


@register_function
@_without_secrets
async def tau2_get_available_tools() -> dict[str, Any]:
    """Return the agent's tools in the form of OpenAI's API."""
    return {"tools": await EPISODE.ask(lambda rollout: rollout.openai_tools)}


@register_function
async def tau2_get_status() -> dict[str, Any]:
    """Return the status: no reward, no key, no address."""
    return EPISODE.status()


@register_function
@_without_secrets
async def tau2_send_message(message: str | None = None) -> dict[str, Any]:
    """Send a message to the user; return the status with the answer."""
    return await EPISODE.send_message(message)


@register_function
@_without_secrets
async def tau2_done() -> dict[str, Any]:
    """End the conversation on the agent's behalf."""
    return await EPISODE.finish()


@register_reward
@_without_secrets
async def tau2_reward() -> dict[str, Any]:
    """Return rewards, total_reward, done, steps and the status.

    Total_reward is None without a valid episode.
    """
    return await EPISODE.reward()


@register_health
async def tau2_health() -> dict[str, Any]:
    """Return that the server answers; this needs no token."""
    return {"status": "healthy", "domain": EPISODE.settings.domain, "tools": len(_served)}


with _exits_on_invalid_settings():
    _publish(register_tool, lambda _name: None)
    protect(get_function_registry().get_server(), Access.from_env(os.environ), tau2_health)
