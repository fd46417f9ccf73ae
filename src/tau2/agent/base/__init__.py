"""Public paths of the original package; the base class is in `tau2.agent.base_agent`."""

from tau2.agent.base_agent import (
    AgentError,
    BaseAgent,
    FullDuplexAgent,
    HalfDuplexAgent,
    LocalAgent,
    ValidAgentInputMessage,
)

NAMES = ()
"""No agent is here, although the catalog of agents looks into this folder."""

__all__ = [
    "AgentError",
    "BaseAgent",
    "FullDuplexAgent",
    "HalfDuplexAgent",
    "LocalAgent",
    "ValidAgentInputMessage",
]
