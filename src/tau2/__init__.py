"""Simulate conversations between an agent, a user and a company's tools, and grade them.

This module is a table of contents: importing it loads nothing else, and names load on first use.
"""

from __future__ import annotations

# Type checkers take it for True; typing itself would be a third of what `import tau2` loads.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from typing import Any

    from tau2 import runner
    from tau2.agent.base_agent import FullDuplexAgent, HalfDuplexAgent
    from tau2.agent.llm_agent import LLMAgent, LLMSoloAgent
    from tau2.data_model.simulation import (
        BaseRunConfig,
        RunConfig,
        SimulationRun,
        TextRunConfig,
        VoiceRunConfig,
    )
    from tau2.data_model.tasks import Task
    from tau2.environment.environment import Environment
    from tau2.evaluator.evaluator import EvaluationType, evaluate_simulation
    from tau2.orchestrator.modes import CommunicationMode
    from tau2.orchestrator.orchestrator import Orchestrator
    from tau2.participant.llm_config import LLMConfigMixin
    from tau2.registry import Registry, registry
    from tau2.report.display import ConsoleDisplay, MarkdownDisplay
    from tau2.runner.batch import run_domain
    from tau2.user.base_user import FullDuplexUser, HalfDuplexUser
    from tau2.user.user_simulator import UserSimulator
    from tau2.voice.user import VoiceStreamingUserSimulator

__version__ = "2.0.0.dev0"

_HOME = {
    "BaseRunConfig": "tau2.data_model.simulation",
    "CommunicationMode": "tau2.orchestrator.modes",
    "ConsoleDisplay": "tau2.report.display",
    "Environment": "tau2.environment.environment",
    "EvaluationType": "tau2.evaluator.evaluator",
    "FullDuplexAgent": "tau2.agent.base_agent",
    "FullDuplexUser": "tau2.user.base_user",
    "HalfDuplexAgent": "tau2.agent.base_agent",
    "HalfDuplexUser": "tau2.user.base_user",
    "LLMAgent": "tau2.agent.llm_agent",
    "LLMConfigMixin": "tau2.participant.llm_config",
    "LLMSoloAgent": "tau2.agent.llm_agent",
    "MarkdownDisplay": "tau2.report.display",
    "Orchestrator": "tau2.orchestrator.orchestrator",
    "Registry": "tau2.registry",
    "RunConfig": "tau2.data_model.simulation",
    "SimulationRun": "tau2.data_model.simulation",
    "Task": "tau2.data_model.tasks",
    "TextRunConfig": "tau2.data_model.simulation",
    "UserSimulator": "tau2.user.user_simulator",
    "VoiceRunConfig": "tau2.data_model.simulation",
    "VoiceStreamingUserSimulator": "tau2.voice.user",
    "evaluate_simulation": "tau2.evaluator.evaluator",
    "run_domain": "tau2.runner.batch",
}

_MODULES = frozenset({"registry", "runner"})
"""Submodules that are public names here.

`tau2.registry` forwards to the one Registry and serves as that object.
"""

_DEPRECATED = {
    "BaseAgent": "HalfDuplexAgent",
    "BaseStreamingAgent": "FullDuplexAgent",
    "BaseStreamingUser": "FullDuplexUser",
    "BaseUser": "HalfDuplexUser",
    "LocalAgent": "HalfDuplexAgent",
}

__all__ = [
    "BaseRunConfig",
    "CommunicationMode",
    "ConsoleDisplay",
    "Environment",
    "EvaluationType",
    "FullDuplexAgent",
    "FullDuplexUser",
    "HalfDuplexAgent",
    "HalfDuplexUser",
    "LLMAgent",
    "LLMConfigMixin",
    "LLMSoloAgent",
    "MarkdownDisplay",
    "Orchestrator",
    "Registry",
    "RunConfig",
    "SimulationRun",
    "Task",
    "TextRunConfig",
    "UserSimulator",
    "VoiceRunConfig",
    "VoiceStreamingUserSimulator",
    "evaluate_simulation",
    "registry",
    "run_domain",
    "runner",
]


def __getattr__(name: str) -> Any:
    from importlib import import_module  # noqa: PLC0415  -- not needed until a name is

    if name in _MODULES:
        return import_module(f"{__name__}.{name}")
    if name in _DEPRECATED:
        from warnings import warn  # noqa: PLC0415  -- not needed for other names

        warn(f"tau2.{name} is now tau2.{_DEPRECATED[name]}", DeprecationWarning, stacklevel=2)
        return __getattr__(_DEPRECATED[name])
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return globals().setdefault(name, getattr(import_module(_HOME[name]), name))


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
