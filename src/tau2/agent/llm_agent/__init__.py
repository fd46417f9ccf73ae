"""LLM agents: the standard one, one with the solution in its prompt, and one without a user."""

from __future__ import annotations

from typing import Any, TypedDict, TypeVar

from tau2._compat.patching import patch_point
from tau2.agent.base_agent import LocalAgent
from tau2.agent.llm_agent.ground_truth import GROUND_TRUTH_INSTRUCTION, LLMGTAgent
from tau2.agent.llm_agent.solo import (
    SOLO_INSTRUCTION,
    SOLO_SYSTEM_PROMPT,
    LLMSoloAgent,
    LLMSoloAgentState,
)
from tau2.agent.llm_agent.standard import (
    AGENT_INSTRUCTION,
    SYSTEM_PROMPT,
    LLMAgent,
    LLMAgentState,
    is_valid_agent_history_message,
    standard_prompt,
)
from tau2.config import DEFAULT_LLM_AGENT
from tau2.data_model.tasks import Task
from tau2.environment.tool import Tool
from tau2.errors import AgentError
from tau2.llm.request import CompletionFn
from tau2.participant.llm_config import LLMConfigMixin
from tau2.participant.spec import AgentSpec
from tau2.utils.json_types import JsonMapping
from tau2.utils.llm_utils import generate

# Names of the original package.
AGENT_GT_INSTRUCTION = GROUND_TRUTH_INSTRUCTION
AGENT_SOLO_INSTRUCTION = SOLO_INSTRUCTION
SYSTEM_PROMPT_SOLO = SOLO_SYSTEM_PROMPT

patch_point(__name__, "AGENT_INSTRUCTION", AGENT_INSTRUCTION)
patch_point(__name__, "SYSTEM_PROMPT", SYSTEM_PROMPT)
patch_point(__name__, "generate", generate)

AgentT = TypeVar("AgentT", bound=LLMAgent)


class _ModelArguments(TypedDict):
    """What every agent of this package takes from the arguments of its factory."""

    llm: str
    llm_args: JsonMapping | None
    completion_fn: CompletionFn | None


def create_llm_agent(tools: list[Tool], domain_policy: str, **kwargs: Any) -> LLMAgent:
    """Make an LLMAgent; of `kwargs`, `llm`, `llm_args`, `completion_fn` and `seed` count."""
    agent = LLMAgent(tools=tools, domain_policy=domain_policy, **_model_arguments(kwargs))
    return _seeded(agent, kwargs)


def create_llm_gt_agent(tools: list[Tool], domain_policy: str, **kwargs: Any) -> LLMGTAgent:
    """Make an LLMGTAgent.

    `kwargs` as for `create_llm_agent`, and `task` and `provide_function_args`.
    """
    agent = LLMGTAgent(
        tools=tools,
        domain_policy=domain_policy,
        task=_task(kwargs, "llm_agent_gt"),
        provide_function_args=kwargs.get("provide_function_args", True),
        **_model_arguments(kwargs),
    )
    return _seeded(agent, kwargs)


def create_llm_solo_agent(tools: list[Tool], domain_policy: str, **kwargs: Any) -> LLMSoloAgent:
    """Make an LLMSoloAgent; `kwargs` as for `create_llm_agent`, and `task`."""
    agent = LLMSoloAgent(
        tools=tools,
        domain_policy=domain_policy,
        task=_task(kwargs, "llm_agent_solo"),
        **_model_arguments(kwargs),
    )
    return _seeded(agent, kwargs)


def _model_arguments(kwargs: dict[str, Any]) -> _ModelArguments:
    return {
        "llm": kwargs.get("llm") or DEFAULT_LLM_AGENT,
        "llm_args": kwargs.get("llm_args"),
        "completion_fn": kwargs.get("completion_fn"),
    }


def _task(kwargs: dict[str, Any], name: str) -> Task:
    task: Task | None = kwargs.get("task")
    if task is None:
        raise AgentError(f"{name} works on one task; make it with task=...")
    return task


def _seeded(agent: AgentT, kwargs: dict[str, Any]) -> AgentT:
    if kwargs.get("seed") is not None:
        agent.set_seed(kwargs["seed"])
    return agent


AGENTS = (
    AgentSpec("llm_agent", make=create_llm_agent, continues="messages"),
    AgentSpec(
        "llm_agent_gt",
        make=create_llm_gt_agent,
        accepts=LLMGTAgent.check_valid_task,
        continues="messages",
    ),
    AgentSpec(
        "llm_agent_solo",
        make=create_llm_solo_agent,
        accepts=LLMSoloAgent.check_valid_task,
        solo=True,
        metadata={"solo_mode": True},
    ),
)

__all__ = [
    "AGENTS",
    "AGENT_GT_INSTRUCTION",
    "AGENT_INSTRUCTION",
    "AGENT_SOLO_INSTRUCTION",
    "GROUND_TRUTH_INSTRUCTION",
    "SOLO_INSTRUCTION",
    "SOLO_SYSTEM_PROMPT",
    "SYSTEM_PROMPT",
    "SYSTEM_PROMPT_SOLO",
    "AgentError",
    "LLMAgent",
    "LLMAgentState",
    "LLMConfigMixin",
    "LLMGTAgent",
    "LLMSoloAgent",
    "LLMSoloAgentState",
    "LocalAgent",
    "create_llm_agent",
    "create_llm_gt_agent",
    "create_llm_solo_agent",
    "generate",
    "is_valid_agent_history_message",
    "standard_prompt",
]
