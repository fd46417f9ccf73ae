"""What an ended episode is worth recording: why a participant failed, and what each side cost."""

from __future__ import annotations

from typing import Any

from tau2.data_model.simulation import SessionUsage, TerminationReason
from tau2.errors import (
    AgentError,
    ContextWindowExceeded,
    DeadlineExceeded,
    EmptyCompletion,
    UserError,
)
from tau2.orchestrator.episode import Failure, Role

EPISODE_FAILURES = (AgentError, UserError, ContextWindowExceeded, DeadlineExceeded, EmptyCompletion)
"""What ends an episode with a reason of its own; everything else is a fault of the surroundings and propagates."""

_REASONS: tuple[tuple[type[Exception], TerminationReason], ...] = (
    (DeadlineExceeded, TerminationReason.TIMEOUT),
    (ContextWindowExceeded, TerminationReason.CONTEXT_WINDOW_EXCEEDED),
    (AgentError, TerminationReason.AGENT_ERROR),
    (UserError, TerminationReason.USER_ERROR),
)


def failure_of(role: Role, problem: Exception) -> Failure:
    """Return the answer that ends an episode because one side failed."""
    by_role = TerminationReason.AGENT_ERROR if role is Role.AGENT else TerminationReason.USER_ERROR
    reason = next((reason for kind, reason in _REASONS if isinstance(problem, kind)), by_role)
    if role is Role.USER and reason is TerminationReason.CONTEXT_WINDOW_EXCEEDED:
        reason = (
            TerminationReason.USER_ERROR
        )  # the agent is not to blame for the other side's window
    return Failure(reason, f"{role}: {problem}")


def cost_of(messages: list[Any]) -> float | None:
    """Return what one side cost, or None when the price of any message is unknown."""
    costs = [message.cost for message in messages]
    return None if any(cost is None for cost in costs) else float(sum(costs))


def usage_of(messages: list[Any]) -> SessionUsage:
    """Return the tokens and calls of one side."""
    used = [message.usage for message in messages if message.usage]
    return SessionUsage(
        prompt_tokens=sum(int(usage.get("prompt_tokens") or 0) for usage in used),
        completion_tokens=sum(int(usage.get("completion_tokens") or 0) for usage in used),
        model_calls=len(used),
        malformed_tool_calls=sum(int(usage.get("malformed_tool_calls") or 0) for usage in used),
    )
