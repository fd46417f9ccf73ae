"""An agent of the OpenAI Agents SDK that plays one episode of a domain over MCP.

    pip install openai-agents
    tau2 run --domain retail --agent-command "python openai_agents_sdk.py gpt-4.1"

It is started for every episode, and finds the address and the token in its environment. The key
comes from OPENAI_API_KEY; OPENAI_BASE_URL names another endpoint, of whatever model.
"""

from __future__ import annotations

import asyncio
import os
import sys

from agents import Agent, OpenAIChatCompletionsModel, Runner, set_tracing_disabled
from agents.mcp import MCPServerStreamableHttp
from openai import AsyncOpenAI

PATIENCE = 600  # seconds for the customer to answer


async def main(model: str) -> None:
    """Play one episode."""
    set_tracing_disabled(True)
    headers = {"Authorization": f"Bearer {os.environ['TAU2_MCP_TOKEN']}"}
    async with MCPServerStreamableHttp(
        {"url": os.environ["TAU2_MCP_URL"], "headers": headers, "timeout": PATIENCE},
        client_session_timeout_seconds=PATIENCE,
    ) as server:
        policy = await server.call_tool("get_policy", {})
        agent = Agent(
            name="agent",
            instructions=policy.content[0].text,
            model=OpenAIChatCompletionsModel(model, AsyncOpenAI()),
            mcp_servers=[server],
        )
        result = await Runner.run(agent, "A customer is waiting.", max_turns=100)
    print(result.final_output)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
