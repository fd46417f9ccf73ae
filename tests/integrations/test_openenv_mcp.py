"""OpenEnv's own MCP client on `openenv` 0.10 plays episodes over a loopback socket."""

from __future__ import annotations

import asyncio

import pytest

pytest.importorskip(
    "openenv.core.mcp_client", reason="needs openenv 0.10 in an environment: make test-integrations"
)

from openenv.core.env_server.mcp_types import CallToolAction
from openenv.core.mcp_client import MCPToolClient
from tests.integrations.oracle import DOMAINS, SEED, script_of

# The environment of earlier versions is served by 0.10 as well.
from tests.integrations.test_openenv import *  # noqa: F403

from tau2.integrations.openenv_mcp import serve


def actions(script):
    for move in script.moves:
        for call in move.tool_calls or ():
            yield CallToolAction(tool_name=call.name, arguments=call.arguments)
        if not move.tool_calls:
            yield CallToolAction(tool_name="respond_to_user", arguments={"message": move.content})


@pytest.mark.parametrize("domain", DOMAINS)
def test_a_scripted_episode_with_rewards(domain):
    script = script_of(domain)

    async def play(url):
        async with MCPToolClient(url) as env:
            result = await env.reset(seed=SEED, task_id=script.task_id)
            assert "`respond_to_user`" in result.observation.system_prompt
            rewards = []
            for action in actions(script):
                result = await env.step(action)
                rewards.append(result.reward or 0.0)
            assert (sum(rewards), result.done) == (script.reward, True)

    with serve(domain, **script.options) as server:
        asyncio.run(play(server.base_url))


def test_tools_are_listed_and_called_over_mcp():
    async def play(url):
        async with MCPToolClient(url) as env:
            tools = {tool.name: tool for tool in await env.list_tools()}
            assert {"create_task", "respond_to_user", "done"} <= tools.keys()
            assert "respond_user" not in tools
            assert tools["respond_to_user"].input_schema["required"] == ["message"]
            started = await env.reset(seed=SEED, task_id="create_task_1")
            assert started.observation.text
            meeting = {"user_id": "user_1", "title": "Important Meeting"}
            assert "task_2" in await env.call_tool("create_task", **meeting)
            assert "Error" in await env.call_tool("create_task", colour="red")
            assert "Error" in await env.call_tool("respond_to_user")
            result = await env.step(CallToolAction(tool_name="done"))
            assert (result.done, result.reward) == (True, 1.0)
            # The reward comes once.
            again = await env.step(CallToolAction(tool_name="done"))
            assert (again.done, again.reward) == (True, None)
            assert await env.call_tool("get_users") == "The conversation is over."

    with serve("mock", user="scripted_user") as server:
        asyncio.run(play(server.base_url))


def test_a_call_before_a_reset_is_an_error_that_says_so():
    async def play(url):
        async with MCPToolClient(url) as env:
            with pytest.raises(RuntimeError, match="call reset first"):
                await env.call_tool("get_users")

    with serve("mock", user="scripted_user") as server:
        asyncio.run(play(server.base_url))


def test_calls_of_one_session_at_once_are_played_one_after_another():
    async def play(url):
        async with MCPToolClient(url) as env:
            await env.reset(seed=SEED, task_id="create_task_1")
            titles = ["One", "Two", "Three", "Four"]
            calls = [env.call_tool("create_task", user_id="user_1", title=one) for one in titles]
            made = await asyncio.gather(*calls)
            assert len({text.split('"task_id": "')[1].split('"')[0] for text in made}) == 4

    with serve("mock", user="scripted_user") as server:
        asyncio.run(play(server.base_url))


def test_nobody_plays_without_the_token():
    async def play(url):
        async with MCPToolClient(url.rpartition("/")[0]) as env:
            await env.list_tools()

    with serve("mock", user="scripted_user") as server, pytest.raises(Exception, match="40"):
        asyncio.run(play(server.base_url))
