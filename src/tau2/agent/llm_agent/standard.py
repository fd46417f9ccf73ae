"""The standard LLM agent: a prompt, the conversation so far, one model call per turn."""

from __future__ import annotations

from typing import Any, ClassVar

from tau2._compat.patching import patched_or
from tau2.agent.base_agent import HalfDuplexAgent, ValidAgentInputMessage
from tau2.data_model.message import (
    AssistantMessage,
    Message,
    SystemMessage,
    ToolMessage,
    UserMessage,
)
from tau2.environment.tool import Tool
from tau2.errors import AgentError
from tau2.llm.request import CompletionFn
from tau2.participant.model_turns import ConversationState, ModelTurns
from tau2.participant.turns import flat, load_prompt
from tau2.utils.json_types import JsonMapping

AGENT_INSTRUCTION = load_prompt("tau2.agent.llm_agent", "instruction.md")

SYSTEM_PROMPT = """
<instructions>
{agent_instruction}
</instructions>
<policy>
{domain_policy}
</policy>
""".strip()


def standard_prompt(domain_policy: str, further_instructions: str | None = None) -> str:
    """Return the agent's system prompt, with what clients put in the place of its parts."""
    instruction: str = patched_or("tau2.agent.llm_agent", "AGENT_INSTRUCTION", AGENT_INSTRUCTION)
    if further_instructions is not None:
        instruction = f"{instruction}\n\n{further_instructions}"
    template: str = patched_or("tau2.agent.llm_agent", "SYSTEM_PROMPT", SYSTEM_PROMPT)
    return template.format(agent_instruction=instruction, domain_policy=domain_policy)


def is_valid_agent_history_message(message: Message) -> bool:
    """Return whether an agent sees this message.

    It sees its own messages, the user's text, and the results of its own tools.
    """
    if isinstance(message, AssistantMessage):
        return True
    if isinstance(message, UserMessage):
        return not message.is_tool_call()
    return isinstance(message, ToolMessage) and message.requestor == "assistant"


class LLMAgentState(ConversationState):
    """What a model-driven agent remembers."""


class LLMAgent(
    ModelTurns[ValidAgentInputMessage | None, AssistantMessage, LLMAgentState],
    HalfDuplexAgent[LLMAgentState],
):
    """A customer-service agent driven by a language model.

    Subclasses may override the `system_prompt` property or `_generate_next_message(message,
    state)`; both count for synchronous and asynchronous drivers alike.
    """

    patched_at: ClassVar[str] = "tau2.agent.llm_agent"
    """The public module whose `generate` tests replace to answer in place of a model."""
    tool_choice: ClassVar[str | None] = None
    """The `tool_choice` of every request; None leaves the choice to the model."""

    def __init__(
        self,
        tools: list[Tool],
        domain_policy: str,
        llm: str,
        llm_args: JsonMapping | None = None,
        completion_fn: CompletionFn | None = None,
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
        return standard_prompt(self.domain_policy)

    def get_init_state(self, message_history: list[Message] | None = None) -> LLMAgentState:
        """Return the state after `message_history`.

        Raise AgentError for a message that an agent cannot see.
        """
        history = list(message_history or [])
        for message in history:
            if not is_valid_agent_history_message(message):
                raise AgentError(
                    f"an agent cannot see this {message.role} message; its history holds its own "
                    "messages, the user's text and the results of its own tools"
                )
        return LLMAgentState(
            system_messages=[SystemMessage(role="system", content=self.system_prompt)],
            messages=history,
        )

    def _received(self, message: ValidAgentInputMessage | None) -> list[Message]:
        if isinstance(message, UserMessage) and message.is_audio:
            raise AgentError(
                "the user sent audio, but this agent reads text; use a voice agent for audio"
            )
        return flat(message)

    def _request(self, received: list[Message], state: LLMAgentState) -> dict[str, Any]:
        return {
            "model": self.llm,
            "messages": [*state.system_messages, *state.messages, *received],
            "tools": self.tools,
            "tool_choice": self.tool_choice,
            "call_name": "agent_response",
            "completion_fn": self.completion_fn,
            **self.llm_args,
        }

    def _finish_turn(
        self, reply: AssistantMessage, received: list[Message], state: LLMAgentState
    ) -> AssistantMessage:
        """Return the reply and add what was received to the state.

        Raise AgentError for an empty reply.
        """
        if not reply.has_content() and not reply.is_tool_call():
            raise AgentError("the agent's model returned neither text nor a tool call")
        state.messages.extend(received)
        return reply
