"""The base class of agents, and the names under which downstream code knows it."""

from __future__ import annotations

from typing import Any, TypeVar

from tau2.data_model.message import AssistantMessage, MultiToolMessage, ToolMessage, UserMessage
from tau2.environment.tool import Tool
from tau2.errors import AgentError
from tau2.participant.base import HalfDuplexParticipant

StateT = TypeVar("StateT")

ValidAgentInputMessage = UserMessage | ToolMessage | MultiToolMessage


class HalfDuplexAgent(HalfDuplexParticipant[ValidAgentInputMessage, AssistantMessage, Any]):
    """An agent that takes turns: it holds tools and follows a policy."""

    def __init__(self, tools: list[Tool], domain_policy: str) -> None:
        """Give the agent its tools and the policy to follow."""
        self.tools = tools
        self.domain_policy = domain_policy


LocalAgent = BaseAgent = HalfDuplexAgent

__all__ = ["AgentError", "BaseAgent", "HalfDuplexAgent", "LocalAgent", "ValidAgentInputMessage"]
