"""The agent that works without a user: it solves the task's ticket with tools alone."""

from __future__ import annotations

from typing import ClassVar

from tau2.agent.base_agent import ValidAgentInputMessage
from tau2.agent.llm_agent.standard import LLMAgent, LLMAgentState
from tau2.data_model.conventions import DONE_TOOL, STOP, done
from tau2.data_model.message import AssistantMessage, Message, ToolMessage, UserMessage
from tau2.data_model.tasks import Task
from tau2.environment.tool import Tool, as_tool
from tau2.errors import AgentError
from tau2.llm.request import CompletionFn
from tau2.participant.turns import load_prompt
from tau2.utils.json_types import JsonMapping

SOLO_INSTRUCTION = load_prompt("tau2.agent.llm_agent", "solo_instruction.md")

SOLO_SYSTEM_PROMPT = """
<instructions>
{agent_instruction}
</instructions>
<policy>
{domain_policy}
</policy>
<ticket>
{ticket}
</ticket>
""".strip()


class LLMSoloAgentState(LLMAgentState):
    """What a solo agent remembers."""

    done_after_calls: bool = False
    """Whether `done` was called together with other tools.

    The episode ends once their results are in, unless one of them failed.
    """


class LLMSoloAgent(LLMAgent):
    """An LLM agent that works on the task's ticket and has the user's tools too."""

    STOP_FUNCTION_NAME: ClassVar[str] = DONE_TOOL
    STOP_TOKEN: ClassVar[str] = STOP
    tool_choice: ClassVar[str | None] = "required"

    def __init__(
        self,
        tools: list[Tool],
        domain_policy: str,
        task: Task,
        llm: str,
        llm_args: JsonMapping | None = None,
        completion_fn: CompletionFn | None = None,
    ) -> None:
        """Give the agent a task with a ticket.

        The `done` tool is added to the agent's own list, never to the caller's.
        """
        super().__init__(list(tools), domain_policy, llm, llm_args, completion_fn)
        if not self.check_valid_task(task):
            raise AgentError(
                f"task {task.id} cannot be played solo: it needs a ticket and something to check"
            )
        self.task = task
        if all(tool.name != self.STOP_FUNCTION_NAME for tool in self.tools):
            self.tools.append(as_tool(done))

    @classmethod
    def check_valid_task(cls, task: Task) -> bool:
        """Return whether the task has a ticket, something to check, and no message history."""
        criteria = task.evaluation_criteria
        if not task.ticket or criteria is None or not (criteria.actions or criteria.env_assertions):
            return False
        return all(
            isinstance(message, ToolMessage)
            or (isinstance(message, AssistantMessage) and message.is_tool_call())
            for message in task.history
        )

    @property
    def system_prompt(self) -> str:
        """The solo prompt with policy and ticket."""
        return SOLO_SYSTEM_PROMPT.format(
            agent_instruction=SOLO_INSTRUCTION,
            domain_policy=self.domain_policy,
            ticket=self.task.ticket,
        )

    def get_init_state(self, message_history: list[Message] | None = None) -> LLMSoloAgentState:
        """Return the state after `message_history`.

        Raise AgentError for a message that an agent cannot see.
        """
        return LLMSoloAgentState(**dict(super().get_init_state(message_history)))

    @classmethod
    def is_stop(cls, message: object) -> bool:
        """Return whether the message is the stop token or a call of `done`."""
        if not isinstance(message, AssistantMessage):
            return False
        if message.is_tool_call():
            return any(call.name == cls.STOP_FUNCTION_NAME for call in message.calls)
        return cls.STOP_TOKEN in (message.content or "")

    def _received(self, message: ValidAgentInputMessage | None) -> list[Message]:
        if isinstance(message, UserMessage):
            raise AgentError("a solo agent has no user, but it received a user message")
        return super()._received(message)

    def _reply_without_model(
        self, received: list[Message], state: LLMAgentState
    ) -> AssistantMessage | None:
        """Stop when `done` was called with the tools whose results just came, unless one failed."""
        if not isinstance(state, LLMSoloAgentState) or not state.done_after_calls:
            return None
        state.done_after_calls = False
        if any(isinstance(message, ToolMessage) and message.error for message in received):
            return None
        return AssistantMessage(content=self.STOP_TOKEN, cost=0.0)

    def _finish_turn(
        self, reply: AssistantMessage, received: list[Message], state: LLMAgentState
    ) -> AssistantMessage:
        """Turn `done` into the stop token; tools called together with it are executed first."""
        calls = reply.calls
        if not calls and not self.is_stop(reply):
            raise AgentError(
                f"a solo agent must call a tool, but wrote {(reply.content or '')[:80]!r}"
            )
        others = [call for call in calls if call.name != self.STOP_FUNCTION_NAME]
        if calls and not others:
            reply = reply.model_copy(update={"content": self.STOP_TOKEN, "tool_calls": None})
        elif len(others) < len(calls):
            reply = reply.model_copy(update={"tool_calls": others})
            if isinstance(state, LLMSoloAgentState):
                state.done_after_calls = True
        return super()._finish_turn(reply, received, state)
