"""Agents. The public names of the original package load on first use."""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOME = {
    "AgentError": "tau2.agent.base_agent",
    "BaseAgent": "tau2.agent.base_agent",
    "HalfDuplexAgent": "tau2.agent.base_agent",
    "HalfDuplexParticipant": "tau2.participant.base",
    "LLMAgent": "tau2.agent.llm_agent",
    "LLMAgentState": "tau2.agent.llm_agent",
    "LLMConfigMixin": "tau2.participant.llm_config",
    "LLMGTAgent": "tau2.agent.llm_agent",
    "LLMSoloAgent": "tau2.agent.llm_agent",
    "LocalAgent": "tau2.agent.base_agent",
    "ValidAgentInputMessage": "tau2.agent.base_agent",
    "create_llm_agent": "tau2.agent.llm_agent",
    "create_llm_gt_agent": "tau2.agent.llm_agent",
    "create_llm_solo_agent": "tau2.agent.llm_agent",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
