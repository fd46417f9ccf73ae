"""A loop over Anthropic's Messages API that plays one episode of a domain over MCP.

    pip install anthropic mcp
    tau2 run --domain retail --agent-command "python anthropic_loop.py claude-sonnet-4-5"

It is started for every episode, and finds the address and the token in its environment. The key
comes from ANTHROPIC_API_KEY; ANTHROPIC_BASE_URL names another endpoint.
"""

from __future__ import annotations

import asyncio
import os
import sys

import httpx2
from anthropic import AsyncAnthropic
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

MOST_TURNS = 100
PATIENCE = 600  # seconds for the customer to answer


async def main(model: str) -> None:
    """Play one episode."""
    headers = {"Authorization": f"Bearer {os.environ['TAU2_MCP_TOKEN']}"}
    http = httpx2.AsyncClient(headers=headers, timeout=PATIENCE)
    transport = streamable_http_client(os.environ["TAU2_MCP_URL"], http_client=http)
    async with http, Client(transport) as tau2:
        print(await play(AsyncAnthropic(), model, tau2))


async def play(anthropic: AsyncAnthropic, model: str, tau2: Client) -> str:
    """Let the model call tools until it has nothing more to do; return its last words."""
    tools = [
        {"name": tool.name, "description": tool.description, "input_schema": tool.input_schema}
        for tool in (await tau2.list_tools()).tools
    ]
    messages = [{"role": "user", "content": "A customer is waiting."}]
    for _ in range(MOST_TURNS):
        answer = await anthropic.messages.create(
            model=model,
            max_tokens=4096,
            system=tau2.instructions,
            tools=tools,
            messages=messages,
        )
        messages.append({"role": "assistant", "content": answer.content})
        if answer.stop_reason != "tool_use":
            return "".join(part.text for part in answer.content if part.type == "text")
        results = [
            await result_of(tau2, part) for part in answer.content if part.type == "tool_use"
        ]
        messages.append({"role": "user", "content": results})
    return "too many turns"


async def result_of(tau2: Client, use) -> dict:
    """Make the call that the model asks for."""
    result = await tau2.call_tool(use.name, use.input)
    return {
        "type": "tool_result",
        "tool_use_id": use.id,
        "content": result.content[0].text,
        "is_error": bool(result.is_error),
    }


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
