"""The text agents behind a voice server: a model's, a scripted one, and one that repeats."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, cast

from tau2.agent.base_agent import HalfDuplexAgent, ValidAgentInputMessage
from tau2.data_model.message import (
    AssistantMessage,
    Message,
    MultiToolMessage,
    ToolCall,
    ToolMessage,
)
from tau2.environment.tool import Tool
from tau2.errors import ConfigError
from tau2.participant.protocols import AgentProtocol
from tau2.registry import call_with_known
from tau2.runner.resolve import agent_factory
from tau2.utils.json_types import JsonMapping, JsonObject
from tau2.voice.wire.session import MakeAgent

_GREETING = "Hello. I repeat what I hear."
_MOST_SCRIPT = 10_000_000  # bytes


def agents_named(name: str, llm: str | None, llm_args: JsonMapping) -> MakeAgent:
    """Return what makes the agent of a name for each session. Raise UnknownName."""
    factory = agent_factory(name)

    def make(instructions: str, tools: list[JsonObject]) -> AgentProtocol:
        known = {
            # The tools run at the client's; their schemas are all that a model needs.
            "tools": cast("list[Tool]", tools),
            "domain_policy": instructions,
            "llm": llm,
            "llm_args": dict(llm_args),
            "task": None,
            "seed": None,
            "completion_fn": None,
        }
        agent: AgentProtocol = call_with_known(factory, known)
        return agent

    return make


class _Turns(HalfDuplexAgent[int]):
    """An agent whose state is the number of messages that it has sent."""

    blocking: ClassVar[bool] = False

    def get_init_state(self, message_history: list[Message] | None = None) -> int:
        return sum(isinstance(message, AssistantMessage) for message in message_history or [])

    def generate_next_message(
        self, message: ValidAgentInputMessage | None, state: int
    ) -> tuple[AssistantMessage, int]:
        return self._reply(message, state), state + 1

    def _reply(self, message: ValidAgentInputMessage | None, turn: int) -> AssistantMessage:
        raise NotImplementedError


class Repeater(_Turns):
    """Repeats what it hears: shows that a client works, without a model."""

    def _reply(self, message: ValidAgentInputMessage | None, turn: int) -> AssistantMessage:
        if message is None:
            return AssistantMessage(content=_GREETING, cost=0.0)
        if isinstance(message, MultiToolMessage):
            heard = " ".join(result.content or "" for result in message.tool_messages)
        else:
            heard = message.content or ""
        verb = (
            "The tool says" if isinstance(message, ToolMessage | MultiToolMessage) else "You said"
        )
        return AssistantMessage(content=f"{verb}: {heard}", cost=0.0)


def repeaters(instructions: str, tools: list[JsonObject]) -> AgentProtocol:
    """Return an agent that repeats what it hears."""
    return Repeater(cast("list[Tool]", tools), instructions)


class ScriptedAgent(_Turns):
    """Says the messages of a script in their order, whatever it hears; the last one again."""

    def __init__(
        self, tools: list[Tool], domain_policy: str, script: Sequence[AssistantMessage]
    ) -> None:
        """Give the agent its script, of at least one message."""
        super().__init__(tools, domain_policy)
        self._script = script

    def _reply(self, message: ValidAgentInputMessage | None, turn: int) -> AssistantMessage:
        reply = self._script[min(turn, len(self._script) - 1)]
        calls = [call.model_copy(update={"id": ""}) for call in reply.calls]
        return AssistantMessage(content=reply.content, tool_calls=calls or None, cost=0.0)


def agents_of_script(path: Path) -> MakeAgent:
    """Return what makes agents that follow the script in a file.

    The file is a JSON list. An entry is a text, or an object with `say`, `calls` (a list of objects
    with `name` and `arguments`), or both. Raise ConfigError for another file.
    """
    script = _read_script(path)

    def make(instructions: str, tools: list[JsonObject]) -> AgentProtocol:
        return ScriptedAgent(cast("list[Tool]", tools), instructions, script)

    return make


def _read_script(path: Path) -> list[AssistantMessage]:
    try:
        with path.open(encoding="utf-8") as file:
            text = file.read(_MOST_SCRIPT)
    except (OSError, UnicodeDecodeError) as problem:
        raise ConfigError(f"the script {path} cannot be read: {problem}") from problem
    try:
        entries = json.loads(text)
    except (ValueError, RecursionError) as problem:
        raise ConfigError(f"the script {path} is no JSON: {problem}") from problem
    if not isinstance(entries, list) or not entries:
        raise ConfigError(f"the script {path} must be a JSON list of at least one message")
    return [_message(entry, f"entry {number} of {path}") for number, entry in enumerate(entries, 1)]


def _message(entry: Any, where: str) -> AssistantMessage:
    if isinstance(entry, str):
        entry = {"say": entry}
    if not isinstance(entry, dict) or not entry.keys() <= {"say", "calls"}:
        raise ConfigError(f"{where} must be a text, or an object with say or calls")
    say = entry.get("say")
    calls = entry.get("calls", [])
    if not isinstance(say, str | None) or not isinstance(calls, list):
        raise ConfigError(f"{where}: say is a text, and calls is a list")
    message = AssistantMessage(
        content=say, tool_calls=[_call(call, where) for call in calls] or None, cost=0.0
    )
    if not message.has_text_content() and not message.is_tool_call():
        raise ConfigError(f"{where} says nothing and calls nothing")
    return message


def _call(call: Any, where: str) -> ToolCall:
    arguments = call.get("arguments", {}) if isinstance(call, dict) else None
    if not isinstance(arguments, dict) or not isinstance(call.get("name"), str):
        raise ConfigError(f"{where}: a call has a name, and arguments that are an object")
    return ToolCall(name=call["name"], arguments=arguments)
