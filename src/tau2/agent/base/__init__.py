"""Public paths of the original package; the base class is in `tau2.agent.base_agent`."""

from tau2.agent.base_agent import (
    AgentError,
    BaseAgent,
    HalfDuplexAgent,
    LocalAgent,
    ValidAgentInputMessage,
)

__all__ = ["AgentError", "BaseAgent", "HalfDuplexAgent", "LocalAgent", "ValidAgentInputMessage"]
