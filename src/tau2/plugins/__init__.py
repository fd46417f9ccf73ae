"""What packages of your own are written with: the specs they export, and what specs are made of.

    from tau2.plugins import AgentSpec, HalfDuplexAgent

A package exports a spec and names it in its `pyproject.toml`, under the name that the spec has:

    [project.entry-points."tau2.domains"]
    bakery = "tau2_bakery:DOMAIN"

| spec | group of entry points | exported as |
|---|---|---|
| `DomainSpec` | `tau2.domains` | `DOMAIN` |
| `AgentSpec` | `tau2.agents` | `AGENTS`, several |
| `UserSpec` | `tau2.users` | `USERS`, several |
| `Backend` | `tau2.llm_backends` | `BACKEND` |
| `DisplaySpec` | `tau2.displays` | `DISPLAYS`, several |

`tau2 new` writes such a package, and `tau2.testing` tests it. Names are loaded on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tau2.agent.base_agent import HalfDuplexAgent
    from tau2.agent.function_agent import agent_from_function
    from tau2.agent.llm_agent import LLMAgent
    from tau2.data_model.conventions import STOP
    from tau2.data_model.message import (
        AssistantMessage,
        Message,
        MultiToolMessage,
        SystemMessage,
        ToolCall,
        ToolMessage,
        UserMessage,
    )
    from tau2.data_model.tasks import Task
    from tau2.environment.db import DB
    from tau2.environment.domain import (
        DomainSpec,
        load_reference_db,
        load_split,
        load_splits,
        load_tasks_file,
        load_text,
    )
    from tau2.environment.environment import Environment
    from tau2.environment.tool import Tool
    from tau2.environment.toolkit import ToolKitBase, ToolType, is_tool
    from tau2.errors import ConfigError, ModelError, ToolError
    from tau2.llm.call import complete
    from tau2.llm.request import Backend, Request
    from tau2.participant.spec import AgentSpec, UserSpec
    from tau2.participant.turns import flat
    from tau2.runner.events import DisplaySpec
    from tau2.user.base_user import HalfDuplexUser
    from tau2.user.user_simulator import UserSimulator

_HOME = {
    **dict.fromkeys(("AgentSpec", "UserSpec"), "tau2.participant.spec"),
    **dict.fromkeys(("Backend", "Request"), "tau2.llm.request"),
    "DisplaySpec": "tau2.runner.events",
    **dict.fromkeys(
        ("DomainSpec", "load_reference_db", "load_split", "load_splits", "load_tasks_file"),
        "tau2.environment.domain",
    ),
    "load_text": "tau2.environment.domain",
    "DB": "tau2.environment.db",
    "Environment": "tau2.environment.environment",
    "Tool": "tau2.environment.tool",
    **dict.fromkeys(("ToolKitBase", "ToolType", "is_tool"), "tau2.environment.toolkit"),
    **dict.fromkeys(("ConfigError", "ModelError", "ToolError"), "tau2.errors"),
    "Task": "tau2.data_model.tasks",
    "STOP": "tau2.data_model.conventions",
    **dict.fromkeys(
        ("AssistantMessage", "Message", "MultiToolMessage", "SystemMessage"),
        "tau2.data_model.message",
    ),
    **dict.fromkeys(("ToolCall", "ToolMessage", "UserMessage"), "tau2.data_model.message"),
    "HalfDuplexAgent": "tau2.agent.base_agent",
    "LLMAgent": "tau2.agent.llm_agent",
    "agent_from_function": "tau2.agent.function_agent",
    "HalfDuplexUser": "tau2.user.base_user",
    "UserSimulator": "tau2.user.user_simulator",
    "complete": "tau2.llm.call",
    "flat": "tau2.participant.turns",
}

__all__ = [
    "DB",
    "STOP",
    "AgentSpec",
    "AssistantMessage",
    "Backend",
    "ConfigError",
    "DisplaySpec",
    "DomainSpec",
    "Environment",
    "HalfDuplexAgent",
    "HalfDuplexUser",
    "LLMAgent",
    "Message",
    "ModelError",
    "MultiToolMessage",
    "Request",
    "SystemMessage",
    "Task",
    "Tool",
    "ToolCall",
    "ToolError",
    "ToolKitBase",
    "ToolMessage",
    "ToolType",
    "UserMessage",
    "UserSimulator",
    "UserSpec",
    "agent_from_function",
    "complete",
    "flat",
    "is_tool",
    "load_reference_db",
    "load_split",
    "load_splits",
    "load_tasks_file",
    "load_text",
]


def __getattr__(name: str) -> Any:
    """Load the module that defines `name`."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return globals().setdefault(name, getattr(import_module(_HOME[name]), name))


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
