"""The parts of the example and of the server, loaded by their paths: `builtin-envs` is no name of a
package."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "aenv" / "examples" / "tau2_rl"
SERVER = ROOT / "aenv" / "builtin-envs" / "tau2"


def load(path: Path, name: str | None = None) -> ModuleType:
    """Return the module of a file, imported once under a name of its own."""
    name = name or path.stem
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        module = sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[name]


settings = load(SERVER / "src" / "_tau2_settings.py")
episode = load(SERVER / "src" / "_tau2_episode.py")
access = load(SERVER / "src" / "_tau2_access.py")
functions = load(SERVER / "src" / "_tau2_functions.py")
agent = load(EXAMPLE / "agent.py", "tau2_rl_agent")
sdk_model = load(EXAMPLE / "sdk_model.py")

MEETING = {"name": "create_task", "arguments": {"user_id": "user_1", "title": "Important Meeting"}}
"""The one call that solves `create_task_1`."""


def an_episode(**given: Any) -> Any:
    """Return an episode of the mock domain with a scripted user, not yet begun."""
    named = {"domain": "mock", "task_id": "create_task_1", "user": "scripted_user", **given}
    return episode.Episode(settings.Settings(**named))


class Instance:
    """AEnvironment's client and the server behind it in one: the calls go straight to an
    episode."""

    def __init__(self, of: Any) -> None:
        self.episode = of
        self.asked: list[str] = []
        self.released = 0
        self.variables: dict[str, str] = {}

    async def initialize(self) -> None:
        self.asked.append("initialize")

    async def release(self) -> None:
        self.released += 1

    async def call_function(self, name: str, arguments: dict[str, Any], **_options: Any) -> Any:
        self.asked.append(name)
        match name:
            case "tau2_reset":
                return await self.episode.reset(**arguments)
            case "tau2_get_system_prompt":
                return {
                    "system_prompt": await self.episode.ask(lambda rollout: rollout.system_prompt)
                }
            case "tau2_get_status":
                return self.episode.status()
            case "tau2_send_message":
                return await self.episode.send_message(**arguments)
            case "tau2_done":
                return await self.episode.finish()
        raise AssertionError(name)

    async def list_tools(self) -> list[dict[str, Any]]:
        return [
            {
                "name": f"{agent.ENV_NAME}/{tool.name}",
                "description": tool.description,
                "inputSchema": tool.parameters,
            }
            for tool in self.episode.tools()
        ]

    async def call_tool(self, name: str, arguments: dict[str, Any], **_options: Any) -> Any:
        self.asked.append(name)
        reply = await self.episode.call_tool(name.rpartition("/")[2], arguments)
        return type(
            "Result",
            (),
            {"content": [{"type": "text", "text": reply.text}], "is_error": reply.error},
        )

    async def call_reward(self, _arguments: dict[str, Any], **_options: Any) -> Any:
        self.asked.append("reward")
        return await self.episode.reward()


class ScriptedModel:
    """Thinks what a test wrote down: texts, calls, lists of calls (made at once), exceptions.

    At the end, stops.
    """

    def __init__(self, *lines: Any) -> None:
        self.lines = iter(lines)
        self.saw: list[list[dict[str, Any]]] = []
        self.closed = 0

    async def close(self) -> None:
        self.closed += 1

    def set_up(self, prompt: str, tools: dict[str, Any], call: Any, ask_whether_over: Any) -> None:
        self.prompt, self.tools, self.call, self.ask_whether_over = (
            prompt,
            tools,
            call,
            ask_whether_over,
        )

    async def think(self, items: list[dict[str, Any]], most: int) -> Any:
        items = list(items)
        for number in range(1, most + 1):
            self.saw.append(list(items))
            line = next(self.lines, "###STOP###")
            if isinstance(line, Exception):
                raise line
            if not isinstance(line, dict | list):
                items.append({"role": "assistant", "content": line})
                return sdk_model.Thought(line or "", items, number)
            items += await self._made(line if isinstance(line, list) else [line])
            if await self.ask_whether_over():
                return sdk_model.Thought("", items, number)
        return sdk_model.Thought("", items, most, problem="too many turns")

    async def _made(self, calls: list[dict[str, Any]]) -> Iterable[dict[str, Any]]:
        written = [
            c["arguments"] if isinstance(c["arguments"], str) else json.dumps(c["arguments"])
            for c in calls
        ]
        names = [str(self.tools[call["name"]]["name"]) for call in calls]
        results = await asyncio.gather(
            *(self.call(*made) for made in zip(names, written, strict=True))
        )
        return [{"type": "function_call_output", "output": result} for result in results]
