"""Former path of `tau2.agent.base_agent`."""

from tau2.agent.base_agent import (
    AgentError,
    BaseAgent,
    HalfDuplexAgent,
    LocalAgent,
    ValidAgentInputMessage,
)

__all__ = ["AgentError", "BaseAgent", "HalfDuplexAgent", "LocalAgent", "ValidAgentInputMessage"]
