"""The base class of agents, and the names under which downstream code knows it."""

from __future__ import annotations

from tau2.data_model.message import AssistantMessage, MultiToolMessage, ToolMessage, UserMessage
from tau2.environment.tool import Tool
from tau2.errors import AgentError
from tau2.participant.base import HalfDuplexParticipant, StateT
from tau2.participant.full_duplex import FullDuplexParticipant

ValidAgentInputMessage = UserMessage | ToolMessage | MultiToolMessage


class HalfDuplexAgent(HalfDuplexParticipant[ValidAgentInputMessage, AssistantMessage, StateT]):
    """An agent that takes turns: it has tools and follows a policy.

    Generic in the state that it passes from turn to turn: `HalfDuplexAgent["MyState"]`.
    """

    def __init__(self, tools: list[Tool], domain_policy: str) -> None:
        """Give the agent its tools and the policy to follow."""
        self.tools = tools
        self.domain_policy = domain_policy


class FullDuplexAgent(FullDuplexParticipant[UserMessage, AssistantMessage, StateT]):
    """An agent on the telephone: it has tools, follows a policy, and may speak in every tick."""

    def __init__(self, tools: list[Tool], domain_policy: str) -> None:
        """Give the agent its tools and the policy to follow."""
        self.tools = tools
        self.domain_policy = domain_policy


LocalAgent = BaseAgent = HalfDuplexAgent
BaseStreamingAgent = FullDuplexAgent

__all__ = [
    "AgentError",
    "BaseAgent",
    "BaseStreamingAgent",
    "FullDuplexAgent",
    "HalfDuplexAgent",
    "LocalAgent",
    "ValidAgentInputMessage",
]
