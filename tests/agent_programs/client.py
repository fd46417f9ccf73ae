"""A program that plays over MCP with the client of whichever version of `mcp` is installed.

    python client.py SCENARIO WHERE [TOKEN]

WHERE is the address of a server, a command that serves over its pipes, as JSON, or `-`: where it is
in the environment. What happened is printed as one JSON object.
"""

from __future__ import annotations

import asyncio
import importlib.metadata
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

IS_NEW = importlib.metadata.version("mcp").startswith("2.")
TASK = {"user_id": "user_1", "title": "Important Meeting"}


@asynccontextmanager
async def connected(where: str, token: str) -> AsyncIterator[tuple[Any, str]]:
    """Open a session; give its client and the server's instructions."""
    opened = _new(where, token) if IS_NEW else _old(where, token)
    async with opened as (client, instructions):
        yield client, instructions


@asynccontextmanager
async def _new(where: str, token: str) -> AsyncIterator[tuple[Any, str]]:
    import httpx2
    from mcp import Client, StdioServerParameters
    from mcp.client.streamable_http import streamable_http_client

    if not where.startswith("http"):
        command, *arguments = json.loads(where)
        server = StdioServerParameters(command=command, args=arguments, env=dict(os.environ))
        async with Client(server) as client:
            yield client, client.instructions or ""
        return
    http = httpx2.AsyncClient(headers={"Authorization": f"Bearer {token}"}, timeout=60)
    async with http, Client(streamable_http_client(where, http_client=http)) as client:
        yield client, client.instructions or ""


@asynccontextmanager
async def _old(where: str, token: str) -> AsyncIterator[tuple[Any, str]]:
    from mcp import ClientSession, StdioServerParameters
    from mcp.client.stdio import stdio_client
    from mcp.client.streamable_http import streamablehttp_client

    if where.startswith("http"):
        opened: Any = streamablehttp_client(where, headers={"Authorization": f"Bearer {token}"})
    else:
        command, *arguments = json.loads(where)
        server = StdioServerParameters(command=command, args=arguments, env=dict(os.environ))
        opened = stdio_client(server)
    async with opened as streams, ClientSession(streams[0], streams[1]) as session:
        start = await session.initialize()
        yield session, start.instructions or ""


async def call(client: Any, name: str, **arguments: Any) -> tuple[str, bool]:
    """Make one call; return its text, and whether it is an error."""
    result = await client.call_tool(name, arguments)
    return result.content[0].text, bool(result.is_error if IS_NEW else result.isError)


async def solve(client: Any) -> str:
    """Do what the first task asks for, and return the end."""
    await call(client, "wait_for_user")
    await call(client, "create_task", **TASK)
    return (await call(client, "end_conversation", message="Goodbye."))[0]


async def everything(where: str, token: str) -> dict[str, Any]:
    """Look at all that a client may look at, and solve the first task."""
    async with connected(where, token) as (client, instructions):
        tools = (await client.list_tools()).tools
        resource = (await client.list_resources()).resources[0]
        prompt = (await client.list_prompts()).prompts[0]
        read = await client.read_resource(resource.uri)
        got = await client.get_prompt(prompt.name)
        hints = {
            tool.name: tool.annotations.read_only_hint if IS_NEW else tool.annotations.readOnlyHint
            for tool in tools
        }
        return {
            "instructions": instructions,
            "hints": hints,
            "resource": read.contents[0].text,
            "prompt": got.messages[0].content.text,
            "policy": (await call(client, "get_policy"))[0],
            "first": (await call(client, "wait_for_user"))[0],
            "wrong": await call(client, "create_task", user_id="user_1"),
            "unknown": await call(client, "nonsense"),
            "empty": await call(client, "send_message_to_user"),
            "answer": (await call(client, "send_message_to_user", message="The title?"))[0],
            "end": await solve(client),
        }


async def oracle(where: str, token: str, turns: str) -> dict[str, Any]:
    """Play the turns that the agent of a stored run took, a session for each simulation."""
    played = {}
    for recorded in json.loads(turns):
        async with connected(where, token) as (client, _):
            end = ""
            for message in recorded["turns"]:
                for made in message.get("tool_calls") or []:
                    end, _ = await call(client, made["name"], **made["arguments"])
                if message.get("content"):
                    end, _ = await call(client, "send_message_to_user", message=message["content"])
            played[recorded["task_id"]] = end
    return played


async def crowd(where: str, token: str, size: str) -> dict[str, Any]:
    """Play many sessions at once."""

    async def one() -> str:
        async with connected(where, token) as (client, _):
            return await solve(client)

    return {"ends": await asyncio.gather(*(one() for _ in range(int(size))))}


async def named(where: str, token: str) -> dict[str, Any]:
    """Play one episode with a session for every call, as some SDKs do."""

    async def once(name: str, **arguments: Any) -> str:
        async with connected(where, token) as (client, _):
            return (await call(client, name, **arguments))[0]

    first = await once("wait_for_user")
    made = await once("create_task", **TASK)
    end = await once("end_conversation", message="Goodbye.")
    return {"first": first, "made": made, "end": end, "after": await once("get_users")}


async def leaving(where: str, token: str) -> dict[str, Any]:
    """Close the session in the middle of the conversation."""
    async with connected(where, token) as (client, _):
        await call(client, "create_task", **TASK)
    return {}


async def looking(where: str, token: str) -> dict[str, Any]:
    """Look at the tools, and leave."""
    async with connected(where, token) as (client, _):
        return {"tools": len((await client.list_tools()).tools)}


async def dying(where: str, token: str) -> dict[str, Any]:
    """Be killed in the middle of the conversation."""
    async with connected(where, token) as (client, _):
        await call(client, "get_users")
        os._exit(9)


async def silent(where: str, token: str) -> dict[str, Any]:
    """Keep the session, and say nothing more."""
    async with connected(where, token) as (client, _):
        await call(client, "get_users")
        await asyncio.sleep(4)
        os._exit(9)


async def solving(where: str, token: str) -> dict[str, Any]:
    """Play one episode; the address and the token come from the environment."""
    async with connected(os.environ["TAU2_MCP_URL"], os.environ["TAU2_MCP_TOKEN"]) as (client, _):
        return {"end": await solve(client)}


async def crashing(where: str, token: str) -> dict[str, Any]:
    """Fail in the middle of the conversation."""
    async with connected(os.environ["TAU2_MCP_URL"], os.environ["TAU2_MCP_TOKEN"]) as (client, _):
        await call(client, "get_users")
        raise SystemExit("the model cannot be loaded")


async def refused(where: str, token: str) -> dict[str, Any]:
    """Try to open a session, and tell what is said of it."""
    try:
        async with connected(where, token):
            return {"said": []}
    except BaseException as problem:  # noqa: BLE001  -- whatever the package raises
        return {"said": messages_of(problem)}


def messages_of(problem: BaseException) -> list[str]:
    """Return what an exception and those within it say."""
    within = [text for one in getattr(problem, "exceptions", ()) for text in messages_of(one)]
    return within or [str(problem)]


SCENARIOS = (
    *(solving, crashing, everything, oracle, crowd, named, leaving, looking, dying),
    *(silent, refused),
)

if __name__ == "__main__":
    scenario, place, *more = sys.argv[1:]
    play = {one.__name__: one for one in SCENARIOS}[scenario]
    if not place.startswith("http"):
        more = ["", *more]
    sys.stdout.write(json.dumps(asyncio.run(play(place, *more))))
