"""OpenEnv's MCP shape (`openenv` 0.10): the agent's tools, `respond_to_user` and `done`.

    with serve("retail", user="scripted_user") as server:
        async with MCPToolClient(server.base_url) as env:
            result = await env.reset(task_id=..., seed=7)
            answer = await env.call_tool("respond_to_user", message="Hello!")

The server is guarded as that of `tau2.integrations.openenv`.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

from tau2.agent.llm_agent import standard_prompt
from tau2.data_model.message import ToolCall
from tau2.integrations.episode import OVER
from tau2.integrations.packages import needs_package
from tau2.integrations.toolbox import RESPOND_USER, domain_tools, schemas, setup_for_tools
from tau2.serving.guard import LOOPBACK_NAMES
from tau2.utils.json_types import JsonMapping, JsonObject, JsonValue

with needs_package("openenv", "openenv>=0.10", brings=("fastapi", "uvicorn")):
    from fastapi import FastAPI
    from openenv.core.env_server.mcp_types import (
        CallToolAction,
        CallToolObservation,
        ListToolsAction,
        ListToolsObservation,
        Tool,
    )
    from openenv.core.env_server.types import Observation
    from openenv.core.mcp_client import MCPToolClient

    from tau2.integrations.openenv import (
        Server,
        TauEnvironment,
        TauObservation,
        guarded,
        serving,
    )

RESPOND_TO_USER = "respond_to_user"
"""The tool that speaks to the user: `message` is what the user hears, its result the answer."""
DONE = "done"
"""The tool that ends the conversation; the episode is graded as it stands."""

_SPEAK = (
    f"The customer hears only what you pass to the tool `{RESPOND_TO_USER}`, and answers as its "
    f"result. Speak to the customer with this tool every time. When the conversation is over, call "
    f"`{DONE}`."
)
_OWN_TOOLS = (
    Tool(
        name=RESPOND_TO_USER,
        description="Say something to the customer and wait for the answer.",
        input_schema={
            "type": "object",
            "properties": {
                "message": {"type": "string", "description": "What the customer hears."}
            },
            "required": ["message"],
            "additionalProperties": False,
        },
    ),
    Tool(
        name=DONE,
        description="End the conversation. Nothing can be done after it.",
        input_schema={"type": "object", "properties": {}, "additionalProperties": False},
    ),
)


class StartObservation(Observation):  # type: ignore[misc]  # the package is optional
    """What the agent observes of a reset: what the user says, and the policy."""

    text: str
    system_prompt: str


class TauToolObservation(CallToolObservation):  # type: ignore[misc]  # the package is optional
    """What a tool call brings; `reward` is None until the end, and when the episode failed."""

    data: str = ""
    """The result once more, where clients of the route `/mcp` look for it."""
    infra_failed: bool = False
    user_failed: bool = False


class TauToolEnvironment(TauEnvironment):
    """One episode at a time, played with OpenEnv's `CallToolAction` and `ListToolsAction`.

    Args:
        domain: A registered name.
        task_id: The task of a `reset` that names none.
        options: As for `Episode`.
    """

    def __init__(self, domain: str, task_id: str | None = None, **options: Any) -> None:
        super().__init__(domain, task_id, **options)
        self._options = options
        # The route /mcp admits calls of one session at once.
        self._one_call = asyncio.Lock()

    def step(
        self,
        action: CallToolAction | ListToolsAction,
        timeout_s: float | None = None,
        request_id: str | None = None,
        **more: Any,
    ) -> Observation:
        """List the tools, or call one. Raise NotReset for a call before a reset."""
        if isinstance(action, ListToolsAction):
            return ListToolsObservation(tools=self._tools())
        self._check_step(more)
        if action.tool_name == DONE:
            return self._ended(action)
        return self._called(action, self._episode.play([_call(action)]))

    async def step_async(
        self,
        action: CallToolAction | ListToolsAction,
        timeout_s: float | None = None,
        request_id: str | None = None,
        **more: Any,
    ) -> Observation:
        """Do what `step` does, on the running event loop."""
        if isinstance(action, ListToolsAction):
            return ListToolsObservation(tools=self._tools())
        async with self._one_call:
            self._check_step(more)
            if action.tool_name == DONE:
                await self._episode.afinish()
                return self._called(action, [OVER])
            return self._called(action, await self._episode.aplay([_call(action)]))

    def _ended(self, action: CallToolAction) -> TauToolObservation:
        self._episode.finish()
        return self._called(action, [OVER])

    def _tools(self) -> list[Tool]:
        if self._state.task_id:
            known = self._episode.tools
        else:
            known = schemas(domain_tools(setup_for_tools(self._domain, self._options)))
        named = [tool["function"] for tool in known]
        return [*(_tool(one) for one in named if one["name"] != RESPOND_USER), *_OWN_TOOLS]

    def _after_reset(self, text: str) -> StartObservation:
        started = self._observation(text)
        policy = self._episode.rollout.environment.get_policy()
        return StartObservation(
            text=text,
            system_prompt=standard_prompt(policy, _SPEAK),
            done=started.done,
            reward=started.reward,
        )

    def _called(self, action: CallToolAction, texts: list[str]) -> TauToolObservation:
        seen: TauObservation = self._after_step(texts)
        return TauToolObservation(
            tool_name=action.tool_name,
            result=seen.text,
            data=seen.text,
            done=seen.done,
            reward=seen.reward,
            infra_failed=seen.infra_failed,
            user_failed=seen.user_failed,
        )


def _tool(function: JsonMapping) -> Tool:
    return Tool(
        name=function["name"],
        description=function.get("description") or "",
        input_schema=dict(function["parameters"]),
    )


def _call(action: CallToolAction) -> ToolCall:
    if action.tool_name != RESPOND_TO_USER:
        return ToolCall(name=action.tool_name, arguments=action.arguments)
    said: JsonValue = action.arguments.get("message")
    arguments: JsonObject = {} if said is None else {"text": said}
    return ToolCall(name=RESPOND_USER, arguments=arguments)


def app(
    domain: str,
    *,
    token: str,
    max_sessions: int = 64,
    hosts: Collection[str] = LOOPBACK_NAMES,
    **options: Any,
) -> FastAPI:
    """Return a server application for a domain under the path `/<token>`.

    As `tau2.integrations.openenv.app`; options as for TauToolEnvironment.
    """
    factory = functools.partial(TauToolEnvironment, domain, **options)
    return guarded(factory, CallToolAction, CallToolObservation, token, max_sessions, hosts)


@contextmanager
def serve(
    domain: str,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    token: str | None = None,
    max_sessions: int = 64,
    **options: Any,
) -> Iterator[Server]:
    """Serve a domain from a thread within a `with` block; port 0 means a free port.

    Options as for `app`. Raise ConfigError for a host that is not loopback.
    """
    with serving(app, domain, host, port, token, max_sessions, **options) as server:
        yield server


__all__ = ["MCPToolClient", "TauToolEnvironment", "app", "serve"]
