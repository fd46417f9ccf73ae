"""An agent that needs no model: it executes the reference actions of its task."""

from __future__ import annotations

from tau2.agent.oracle_agent.agent import OracleAgent, OracleState, needs_task
from tau2.agent.oracle_agent.hearing import HearingOracle
from tau2.agent.oracle_agent.paraphrasing import ParaphrasingOracle
from tau2.data_model.message import UserMessage
from tau2.data_model.tasks import Task
from tau2.environment.tool import Tool
from tau2.participant.spec import AgentSpec


def create_oracle_agent(
    tools: list[Tool],
    domain_policy: str,
    task: Task | None = None,
    seed: int | None = None,
    **_options: object,
) -> OracleAgent:
    """Make an OracleAgent of one task. Raise AgentError without a task."""
    return OracleAgent(
        tools=tools,
        domain_policy=domain_policy,
        task=needs_task(task, "oracle_agent"),
        seed=seed,
    )


def create_paraphrasing_oracle(
    tools: list[Tool],
    domain_policy: str,
    task: Task | None = None,
    seed: int | None = None,
    **_options: object,
) -> ParaphrasingOracle:
    """Make a ParaphrasingOracle of one task. Raise AgentError without a task."""
    return ParaphrasingOracle(
        tools=tools,
        domain_policy=domain_policy,
        task=needs_task(task, "paraphrasing_oracle"),
        seed=seed,
    )


def create_hearing_oracle(
    tools: list[Tool],
    domain_policy: str,
    task: Task | None = None,
    seed: int | None = None,
    **_options: object,
) -> HearingOracle:
    """Make a HearingOracle of one task. Raise AgentError without a task."""
    return HearingOracle(
        tools=tools,
        domain_policy=domain_policy,
        task=needs_task(task, "hearing_oracle"),
        seed=seed,
    )


def has_reference(task: Task) -> bool:
    """Return whether a task has evaluation criteria, which say what solves it."""
    return task.evaluation_criteria is not None


def plays_alone(task: Task) -> bool:
    """Return whether a task can be played without a user: its history has no user message."""
    return has_reference(task) and not any(
        isinstance(message, UserMessage) for message in task.history
    )


AGENTS = (
    AgentSpec(
        "oracle_agent",
        make=create_oracle_agent,
        accepts=has_reference,
        needs_model=False,
        continues="replies",
    ),
    AgentSpec(
        "paraphrasing_oracle",
        make=create_paraphrasing_oracle,
        accepts=has_reference,
        needs_model=False,
        continues="replies",
    ),
    AgentSpec(
        "hearing_oracle",
        make=create_hearing_oracle,
        accepts=has_reference,
        needs_model=False,
        continues="replies",
    ),
    AgentSpec(
        "oracle_agent_solo",
        make=create_oracle_agent,
        accepts=plays_alone,
        solo=True,
        needs_model=False,
        metadata={"solo_mode": True},
        continues="replies",
    ),
)

__all__ = [
    "AGENTS",
    "HearingOracle",
    "OracleAgent",
    "OracleState",
    "ParaphrasingOracle",
    "create_hearing_oracle",
    "create_oracle_agent",
    "create_paraphrasing_oracle",
]
