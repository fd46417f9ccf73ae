"""A model at an OpenAI-compatible address with one conversation, on the OpenAI Agents SDK."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

_LONGEST_NAME = 64  # characters of a tool's name that OpenAI's API takes


@dataclass(frozen=True)
class Thought:
    """What a model answered in one turn."""

    text: str
    items: list[dict[str, Any]]
    """The whole conversation, this turn included."""
    calls: int
    """How many answers of the model it took."""
    problem: str | None = None
    """Why there is nothing to act upon."""
    is_last: bool = False
    """Nothing more can come: the conversation no longer fits the model."""


class Model:
    """A model behind an OpenAI-compatible address, driven by the Agents SDK.

    Nothing of it is shared by episodes.
    """

    def __init__(
        self,
        name: str,
        sampling: dict[str, Any],
        base_url: str | None,
        api_key: str | None,
        http_client: Any = None,
    ) -> None:
        from openai import AsyncOpenAI  # noqa: PLC0415  -- needed to play, not to read a config

        key = api_key or ("none" if base_url else None)  # servers of one's own ask for no key
        self.name = name
        self.sampling = sampling
        self.client = AsyncOpenAI(base_url=base_url, api_key=key, http_client=http_client)
        self._is_ours = http_client is None
        self.agent: Any = None

    async def close(self) -> None:
        """Close the connections, unless they are the caller's."""
        if self._is_ours:
            await self.client.close()

    def set_up(
        self, prompt: str, tools: Mapping[str, Mapping[str, Any]], call: Any, ask_whether_over: Any
    ) -> None:
        """Make the agent.

        `call(tool, arguments)` carries out a call; the turn ends when the episode is over.
        """
        import agents  # noqa: PLC0415  -- slow to import, and not needed to read a config

        async def after_calls(*_: Any) -> Any:
            return agents.ToolsToFinalOutputResult(
                is_final_output=await ask_whether_over(), final_output=""
            )

        self.agent = agents.Agent(
            name="tau2",
            instructions=prompt,
            tools=[_function_tool(name, tool, call) for name, tool in tools.items()],
            tool_use_behavior=after_calls,
            model=agents.OpenAIChatCompletionsModel(self.name, self.client),
            model_settings=agents.ModelSettings(**self.sampling),
        )

    async def think(self, items: list[dict[str, Any]], most: int) -> Thought:
        """Continue a conversation until the agent says something, `most` answers at most.

        What the model did wrong is a problem to be told; what its endpoint did wrong is raised.
        """
        import agents  # noqa: PLC0415  -- as above
        import openai  # noqa: PLC0415  -- as above

        config = agents.RunConfig(tracing_disabled=True)
        try:
            result = await agents.Runner.run(
                self.agent, list(items), run_config=config, max_turns=most
            )
        except (agents.MaxTurnsExceeded, agents.ModelBehaviorError) as failed:
            calls = len(failed.run_data.raw_responses) if failed.run_data else 1
            return Thought("", _items_of(failed, items), max(1, calls), problem=str(failed))
        except openai.BadRequestError as refused:
            if not _is_too_long(refused):
                raise
            return Thought("", items, 1, is_last=True)
        text = result.final_output if isinstance(result.final_output, str) else ""
        return Thought(text, result.to_input_list(), len(result.raw_responses))


def _items_of(failed: Any, items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the conversation up to where a turn failed."""
    done = failed.run_data.new_items if failed.run_data else ()
    return [*items, *(item.to_input_item() for item in done)]


def _is_too_long(refused: Any) -> bool:
    return refused.code == "context_length_exceeded" or "context length" in str(refused).lower()


def _function_tool(name: str, tool: Mapping[str, Any], call: Any) -> Any:
    import agents  # noqa: PLC0415  -- as above

    async def invoke(_context: Any, arguments: str) -> str:
        return str(await call(str(tool["name"]), arguments))

    return agents.FunctionTool(
        name=name,
        description=str(tool.get("description") or ""),
        params_json_schema=dict(tool.get("inputSchema") or {"type": "object", "properties": {}}),
        on_invoke_tool=invoke,
        strict_json_schema=False,  # strict schemas have no optional arguments; these have
    )


def named_safely(tools: Iterable[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Return the tools by names that every OpenAI-compatible API takes.

    Each keeps its own name inside.

    AEnvironment writes `tau2-env@1.0.0/create_task`; models know the tool as `create_task`.
    """
    named: dict[str, Mapping[str, Any]] = {}
    for tool in tools:
        full = str(tool["name"])
        name = re.sub(r"[^a-zA-Z0-9_-]", "_", full.rpartition("/")[2])
        if not name or len(name) > _LONGEST_NAME or name in named:
            digest = hashlib.sha256(full.encode()).hexdigest()[:8]
            name = f"{name[: _LONGEST_NAME - 9]}_{digest}"
        named[name] = tool
    return named


def from_chat(messages: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return messages of the chat completions API as input items of the Agents SDK."""
    items: list[dict[str, Any]] = []
    for message in messages:
        if message["role"] == "tool":
            output = message.get("content") or ""
            items.append(
                {
                    "type": "function_call_output",
                    "call_id": message["tool_call_id"],
                    "output": output,
                }
            )
            continue
        if message.get("content"):
            items.append({"role": message["role"], "content": message["content"]})
        calls = message.get("tool_calls") or ()
        items += [
            {"type": "function_call", "call_id": call["id"], **call["function"]} for call in calls
        ]
    return items
