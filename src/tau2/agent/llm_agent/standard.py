"""The standard LLM agent: a prompt, the conversation so far, one model call per turn."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from pydantic import BaseModel, Field

from tau2.agent.base_agent import HalfDuplexAgent, ValidAgentInputMessage
from tau2.data_model.message import (
    APICompatibleMessage,
    AssistantMessage,
    Message,
    SystemMessage,
    ToolMessage,
    UserMessage,
)
from tau2.environment.tool import Tool
from tau2.errors import AgentError
from tau2.participant.llm_config import LLMConfigMixin
from tau2.participant.turns import awaited, flat, is_async, load_prompt, overrides_sync

AGENT_INSTRUCTION = load_prompt("tau2.agent.llm_agent", "instruction.md")

SYSTEM_PROMPT = """
<instructions>
{agent_instruction}
</instructions>
<policy>
{domain_policy}
</policy>
""".strip()


def is_valid_agent_history_message(message: Message) -> bool:
    """Return whether an agent sees this message.

    It sees its own messages, the user's text, and the results of its own tools.
    """
    if isinstance(message, AssistantMessage):
        return True
    if isinstance(message, UserMessage):
        return not message.is_tool_call()
    return isinstance(message, ToolMessage) and message.requestor == "assistant"


class LLMAgentState(BaseModel):
    """What a model-driven agent remembers."""

    system_messages: list[SystemMessage] = Field(default_factory=list)
    messages: list[APICompatibleMessage] = Field(default_factory=list)


class LLMAgent(LLMConfigMixin, HalfDuplexAgent):
    """A customer-service agent driven by a language model.

    Subclasses may override the `system_prompt` property or `_generate_next_message(message,
    state)`; both count for synchronous and asynchronous drivers alike.
    """

    tool_choice: ClassVar[str | None] = None
    """How the model is told to use tools; None leaves it to the model."""

    def __init__(
        self,
        tools: list[Tool],
        domain_policy: str,
        llm: str,
        llm_args: Mapping[str, Any] | None = None,
        completion_fn: Callable[..., Any] | None = None,
    ) -> None:
        """Give the agent its tools, the policy and its model.

        `completion_fn` takes the place of the model's endpoint: called with litellm's arguments, it
        returns (or is awaited for) a chat completion.
        """
        super().__init__(
            tools=tools,
            domain_policy=domain_policy,
            llm=llm,
            llm_args=llm_args,
            completion_fn=completion_fn,
        )

    @property
    def system_prompt(self) -> str:
        """The first message of every conversation with the model."""
        return SYSTEM_PROMPT.format(
            agent_instruction=AGENT_INSTRUCTION, domain_policy=self.domain_policy
        )

    def get_init_state(self, message_history: list[Message] | None = None) -> LLMAgentState:
        """Return the state after `message_history`.

        Raise AgentError for a message that an agent cannot see.
        """
        history: list[Any] = list(message_history or [])
        for message in history:
            if not is_valid_agent_history_message(message):
                raise AgentError(
                    f"an agent cannot see this {message.role} message; "
                    "its history holds its own messages, the "
                    "user's text and the results of its own tools"
                )
        return LLMAgentState(
            system_messages=[SystemMessage(role="system", content=self.system_prompt)],
            messages=history,
        )

    def generate_next_message(
        self, message: ValidAgentInputMessage | None, state: LLMAgentState
    ) -> tuple[AssistantMessage, LLMAgentState]:
        """Return the model's answer and the state with it.

        A failed call leaves the state as it was.
        """
        if is_async(
            self._generate_next_message
        ):  # a subclass answers asynchronously: so does this, for it
            return self.agenerate_next_message(message, state)  # type: ignore[return-value]  # awaited
        reply = self._generate_next_message(message, state)
        state.messages.append(reply)
        return reply, state

    async def agenerate_next_message(
        self, message: ValidAgentInputMessage | None, state: LLMAgentState
    ) -> tuple[AssistantMessage, LLMAgentState]:
        """Do what `generate_next_message` does without blocking the event loop."""
        if is_async(self._generate_next_message):
            reply = await awaited(self._generate_next_message(message, state))
        elif overrides_sync(self):  # a subclass's own way of answering knows no event loop
            return await asyncio.to_thread(self.generate_next_message, message, state)
        else:
            reply = await self._agenerate_next_message(message, state)
        state.messages.append(reply)
        return reply, state

    def _generate_next_message(
        self, message: ValidAgentInputMessage | None, state: LLMAgentState
    ) -> AssistantMessage:
        """Return the answer to `message` and add what was heard, not the answer, to the state."""
        from tau2.llm import complete  # noqa: PLC0415  -- clients may patch it

        heard = self._heard(message)
        reply = self._foregone(heard, state) or complete(**self._request(heard, state))
        return self._settled(reply, heard, state)

    async def _agenerate_next_message(
        self, message: ValidAgentInputMessage | None, state: LLMAgentState
    ) -> AssistantMessage:
        from tau2.llm import acomplete  # noqa: PLC0415  -- clients may patch it

        heard = self._heard(message)
        reply = self._foregone(heard, state) or await acomplete(**self._request(heard, state))
        return self._settled(reply, heard, state)

    def _heard(self, message: ValidAgentInputMessage | None) -> list[Message]:
        if isinstance(message, UserMessage) and message.is_audio:
            raise AgentError(
                "the user spoke audio, but this agent reads text; use a voice agent for audio"
            )
        return flat(message)

    def _request(self, heard: list[Message], state: LLMAgentState) -> dict[str, Any]:
        return {
            "model": self.llm,
            "messages": [*state.system_messages, *state.messages, *heard],
            "tools": self.tools,
            "tool_choice": self.tool_choice,
            "call_name": "agent_response",
            "completion_fn": self.completion_fn,
            **self.llm_args,
        }

    def _foregone(self, heard: list[Message], state: LLMAgentState) -> AssistantMessage | None:
        """Return an answer that needs no model, or None."""
        return None

    def _settled(
        self, reply: AssistantMessage, heard: list[Message], state: LLMAgentState
    ) -> AssistantMessage:
        """Return the answer to give and add what was heard to the state.

        Raise AgentError for an empty one.
        """
        if not reply.has_content() and not reply.is_tool_call():
            raise AgentError("the agent's model answered with neither text nor a tool call")
        state.messages.extend(heard)  # type: ignore[arg-type]  # flat() unwrapped them
        return reply
