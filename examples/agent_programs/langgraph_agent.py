"""An agent of LangGraph that plays one episode of a domain over MCP.

    pip install langchain langchain-mcp-adapters langchain-openai
    tau2 run --domain retail --agent-command "python langgraph_agent.py gpt-4.1"

It is started for every episode, and finds the address and the token in its environment. The key
comes from OPENAI_API_KEY; OPENAI_BASE_URL names another endpoint, of whatever model.
"""

from __future__ import annotations

import asyncio
import os
import sys

from langchain.agents import create_agent
from langchain_mcp_adapters.client import MultiServerMCPClient
from langchain_mcp_adapters.tools import load_mcp_tools
from langchain_openai import ChatOpenAI


async def main(model: str) -> None:
    """Play one episode."""
    client = MultiServerMCPClient(
        {
            "tau2": {
                "transport": "streamable_http",
                "url": os.environ["TAU2_MCP_URL"],
                "headers": {"Authorization": f"Bearer {os.environ['TAU2_MCP_TOKEN']}"},
            }
        }
    )
    # One session for the whole episode: `client.get_tools()` would open one for every call.
    async with client.session("tau2") as session:
        policy = await session.call_tool("get_policy", {})
        agent = create_agent(
            ChatOpenAI(model=model),
            await load_mcp_tools(session),
            system_prompt=policy.content[0].text,
        )
        state = await agent.ainvoke(
            {"messages": [("user", "A customer is waiting.")]}, {"recursion_limit": 200}
        )
    print(state["messages"][-1].text)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
