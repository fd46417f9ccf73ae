"""Baseline agents: the reward of doing nothing, of transferring, and of acting at random.

A task on which one of them earns a reward does not measure what it claims to; `tau2 audit` runs
them all.
"""

from __future__ import annotations

import random
import re
from typing import ClassVar

from pydantic import BaseModel, Field

from tau2.agent.base_agent import HalfDuplexAgent, ValidAgentInputMessage
from tau2.data_model.conventions import STOP, TRANSFER_TOOL
from tau2.data_model.message import AssistantMessage, Message, ToolCall, ToolMessage, UserMessage
from tau2.environment.tool import Tool
from tau2.participant.spec import AgentSpec
from tau2.participant.turns import flat
from tau2.seeds import derive_seed, numbered_call_id
from tau2.utils.json_types import JsonMapping, JsonObject, JsonValue

_SORRY = "I am sorry, but I cannot help you with that. Goodbye."
_TRANSFERRING = "I am transferring you to a human agent now. Please hold on."
_SUMMARY = "The customer asks for help."
_OPTIONAL_SHARE = 0.5  # probability that a random call has an optional argument
_DEEPEST = 5  # levels of a schema below which no optional argument is filled
_MOST_SEEN = 400  # words of the conversation kept as material for random arguments
_TOKEN = re.compile(r"[#\w][\w@.#+-]{0,60}\w")


class BaselineState(BaseModel):
    """What a baseline agent remembers."""

    called: list[str] = Field(default_factory=list)
    """Names of the tools it has called."""
    seed: int = 0
    seen: list[str] = Field(default_factory=list)
    """Words of the conversation, the latest first: material for random arguments."""


class _BaselineAgent(HalfDuplexAgent[BaselineState]):
    """An agent that does not try to help."""

    blocking: ClassVar[bool] = False

    def __init__(
        self, tools: list[Tool], domain_policy: str, seed: int | None = None, **_unused: object
    ) -> None:
        super().__init__(tools=tools, domain_policy=domain_policy)
        self.seed = seed or 0

    def set_seed(self, seed: int) -> None:
        """Act by `seed` in conversations that start from now on."""
        self.seed = seed

    def get_init_state(self, message_history: list[Message] | None = None) -> BaselineState:
        """Return the state after `message_history`."""
        state = BaselineState(seed=self.seed)
        for message in message_history or ():
            _note(state, message)
        return state

    def generate_next_message(
        self, message: ValidAgentInputMessage | None, state: BaselineState
    ) -> tuple[AssistantMessage, BaselineState]:
        """Return the next message and the state after it."""
        for part in flat(message):
            _note(state, part)
        reply = self._reply(state)
        _note(state, reply)
        return reply, state

    def _reply(self, state: BaselineState) -> AssistantMessage:
        raise NotImplementedError

    @classmethod
    def is_stop(cls, message: object) -> bool:
        """Return whether the agent ended the conversation."""
        return isinstance(message, AssistantMessage) and STOP in (message.content or "")


def _note(state: BaselineState, message: Message) -> None:
    if isinstance(message, AssistantMessage):
        state.called += [call.name for call in message.calls]
    elif isinstance(message, UserMessage | ToolMessage) and message.content:
        words = dict.fromkeys([*_TOKEN.findall(message.content[:20_000]), *state.seen])
        state.seen = list(words)[:_MOST_SEEN]


def _end(text: str) -> AssistantMessage:
    return AssistantMessage(content=f"{text} {STOP}", cost=0.0)


class LazyAgent(_BaselineAgent):
    """Says that it cannot help, and ends the conversation at once."""

    def _reply(self, state: BaselineState) -> AssistantMessage:
        return _end(_SORRY)


class HandoverAgent(_BaselineAgent):
    """Transfers every conversation to a human at once, where there is a tool for it."""

    def _reply(self, state: BaselineState) -> AssistantMessage:
        tool = next((tool for tool in self.tools if tool.name == TRANSFER_TOOL), None)
        if tool is None or tool.name in state.called:
            return _end(_TRANSFERRING if tool is not None else _SORRY)
        rng = random.Random(0)  # noqa: S311  -- no choice matters here
        arguments = _ArgumentSampler(rng, [_SUMMARY]).arguments(tool)
        call = ToolCall(id=numbered_call_id(1), name=tool.name, arguments=arguments)
        return AssistantMessage(tool_calls=[call], cost=0.0)


class RandomAgent(_BaselineAgent):
    """Makes valid calls of random tools with words of the conversation, then ends it."""

    turns: ClassVar[int] = 12
    """Tool calls before it ends."""

    def _reply(self, state: BaselineState) -> AssistantMessage:
        if not self.tools or len(state.called) >= self.turns:
            return _end("That is all I could do.")
        seed = derive_seed(state.seed, "random_agent", len(state.called))
        rng = random.Random(seed)  # noqa: S311  -- a reproducible choice
        tool = rng.choice(sorted(self.tools, key=lambda tool: tool.name))
        arguments = _ArgumentSampler(rng, state.seen or ["something"]).arguments(tool)
        id_ = numbered_call_id(len(state.called) + 1)
        call = ToolCall(id=id_, name=tool.name, arguments=arguments)
        return AssistantMessage(tool_calls=[call], cost=0.0)


class _ArgumentSampler:
    """Draws random arguments that fit a tool's JSON schema."""

    def __init__(self, rng: random.Random, words: list[str]) -> None:
        self._rng = rng
        self._words = words

    def arguments(self, tool: Tool) -> JsonObject:
        """Return arguments that fit the tool's schema: all required ones and some of the others."""
        return self._object(tool.parameters, tool.parameters.get("$defs") or {}, 0)

    def _object(self, schema: JsonMapping, defs: JsonMapping, depth: int) -> JsonObject:
        required = set(schema.get("required") or ())
        return {
            name: self._value(part, defs, depth + 1)
            for name, part in (schema.get("properties") or {}).items()
            if name in required or (depth < _DEEPEST and self._rng.random() < _OPTIONAL_SHARE)
        }

    def _value(self, schema: JsonMapping, defs: JsonMapping, depth: int) -> JsonValue:
        if "$ref" in schema:
            return self._value(defs.get(str(schema["$ref"]).rpartition("/")[2], {}), defs, depth)
        options = schema.get("anyOf") or schema.get("oneOf")
        if options:
            return self._value(self._rng.choice(list(options)), defs, depth)
        if "const" in schema:
            return schema["const"]
        if schema.get("enum"):
            return self._rng.choice(list(schema["enum"]))
        return self._typed(schema, defs, depth)

    def _typed(self, schema: JsonMapping, defs: JsonMapping, depth: int) -> JsonValue:
        match schema.get("type"):
            case "integer":
                return self._rng.randint(0, 5)
            case "number":
                return round(self._rng.uniform(0, 500), 2)
            case "boolean":
                return self._rng.random() < 0.5  # noqa: PLR2004  -- a coin
            case "null":
                return None
            case "array":
                count = 0 if depth > _DEEPEST else self._rng.randint(1, 2)
                return [
                    self._value(schema.get("items") or {}, defs, depth + 1) for _ in range(count)
                ]
            case "object":
                return self._object(schema, defs, depth)
            case _:
                return self._rng.choice(self._words)


def create_lazy_agent(tools: list[Tool], domain_policy: str, **_options: object) -> LazyAgent:
    """Make a LazyAgent."""
    return LazyAgent(tools=tools, domain_policy=domain_policy)


def create_handover_agent(
    tools: list[Tool], domain_policy: str, **_options: object
) -> HandoverAgent:
    """Make a HandoverAgent."""
    return HandoverAgent(tools=tools, domain_policy=domain_policy)


def create_random_agent(
    tools: list[Tool], domain_policy: str, seed: int | None = None, **_options: object
) -> RandomAgent:
    """Make a RandomAgent."""
    return RandomAgent(tools=tools, domain_policy=domain_policy, seed=seed)


AGENTS = (
    AgentSpec("lazy_agent", make=create_lazy_agent, needs_model=False),
    AgentSpec("handover_agent", make=create_handover_agent, needs_model=False),
    AgentSpec("random_agent", make=create_random_agent, needs_model=False),
)

__all__ = [
    "AGENTS",
    "BaselineState",
    "HandoverAgent",
    "LazyAgent",
    "RandomAgent",
    "create_handover_agent",
    "create_lazy_agent",
    "create_random_agent",
]
