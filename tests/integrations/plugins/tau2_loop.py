"""A harness for verifiers that runs in the process of the test: the packaged ones install their
programs with uv."""

from __future__ import annotations

import json

import httpx
import verifiers.v1 as vf
from verifiers.v1.harnesses.utils.mcp import mcp_client


class LoopConfig(vf.HarnessConfig):
    id: str = "tau2_loop"


class LoopHarness(vf.Harness[LoopConfig]):
    """Asks the model through the interception and makes its calls, until it answers without one or
    is refused."""

    APPENDS_SYSTEM_PROMPT = SUPPORTS_MCP = True
    EXECUTES_CODE = NEEDS_CONTAINER = False

    async def launch(self, ctx, trace, runtime, endpoint, secret, mcp_urls, data, **_):
        system, prompt = self.resolve_prompt(data)
        messages = [{"role": "system", "content": system}, {"role": "user", "content": prompt}]
        (url,) = mcp_urls.values()
        async with mcp_client({"url": url}) as mcp, httpx.AsyncClient(timeout=60) as http:
            tools = [_as_openai(tool) for tool in (await mcp.list_tools()).tools]
            while True:
                body = {"model": ctx.model, "messages": messages, "tools": tools}
                answer = await http.post(
                    f"{endpoint}/chat/completions",
                    json=body,
                    headers={"Authorization": f"Bearer {secret}"},
                )
                if answer.status_code != 200:
                    break
                messages.append(answer.json()["choices"][0]["message"])
                if not (calls := messages[-1].get("tool_calls")):
                    break
                for call in calls:
                    function = call["function"]
                    result = await mcp.call_tool(
                        function["name"], json.loads(function["arguments"])
                    )
                    messages.append(
                        {
                            "role": "tool",
                            "tool_call_id": call["id"],
                            "content": result.content[0].text,
                        }
                    )
        return vf.ProgramResult(exit_code=0, stdout="", stderr="")


def _as_openai(tool):
    function = {"name": tool.name, "description": tool.description, "parameters": tool.input_schema}
    return {"type": "function", "function": function}


__all__ = ["LoopHarness"]
