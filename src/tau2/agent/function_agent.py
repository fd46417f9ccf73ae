"""An agent that is one function: from the conversation so far to the next message."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, TypeAlias

from tau2.agent.llm_agent.standard import LLMAgent
from tau2.data_model.conventions import STOP
from tau2.data_model.message import AssistantMessage
from tau2.environment.tool import Tool
from tau2.llm.backends.scripted import message_of
from tau2.participant.protocols import AgentProtocol
from tau2.utils.json_types import JsonMapping, JsonObject

AgentFunction: TypeAlias = Callable[[list[JsonObject], list[JsonObject]], Any]
"""`function(messages, tools)`, both in OpenAI's form; sync or async.

The first message is the system prompt with the domain's policy. What it returns is a text, a tool
call `{"name": ..., "arguments": {...}}`, a list of tool calls, or a message `{"content": ...,
"tool_calls": [...]}`.
"""


class FunctionAgent(LLMAgent):
    """An agent whose messages a function makes; one with `###STOP###` ends the conversation."""

    @classmethod
    def is_stop(cls, message: AssistantMessage) -> bool:
        """Return whether this message of the agent ends the conversation."""
        return STOP in (message.content or "")


def agent_from_function(function: AgentFunction) -> Callable[..., AgentProtocol]:
    """Return the `make` of an AgentSpec whose agent says what `function` returns.

    The function is called once a turn and keeps nothing: the messages are the whole conversation.
    What its turns cost is not known to tau2. An error that it raises ends the episode as the
    agent's failure; an answer that is no message raises ConfigError.
    """
    name = getattr(function, "__name__", type(function).__name__)

    async def answered_later(answer: Any, turn: int) -> JsonMapping:
        return _completion(await answer, turn)

    def completion(
        *, messages: list[JsonObject], tools: list[JsonObject] | None = None, **_unused: object
    ) -> Any:
        answer = function(messages, tools or [])
        if inspect.isawaitable(answer):
            return answered_later(answer, len(messages))
        return _completion(answer, len(messages))

    def make(tools: list[Tool], domain_policy: str, **_unused: object) -> AgentProtocol:
        return FunctionAgent(tools, domain_policy, llm=f"function/{name}", completion_fn=completion)

    make.__doc__ = function.__doc__
    return make


def _completion(answer: Any, turn: int) -> JsonMapping:
    message = message_of(answer, turn)
    reason = "tool_calls" if message.get("tool_calls") else "stop"
    return {"choices": [{"index": 0, "message": message, "finish_reason": reason}]}
