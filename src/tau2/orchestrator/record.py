"""What is recorded of an episode: why a participant failed, and what each role cost."""

from __future__ import annotations

from collections.abc import Sequence

from tau2.data_model.message import AssistantMessage, UserMessage
from tau2.data_model.simulation import SessionUsage, TerminationReason
from tau2.errors import (
    AgentError,
    ContextWindowExceeded,
    DeadlineExceeded,
    EmptyCompletion,
    NeverAnswered,
    UserError,
)
from tau2.orchestrator.episode import Failure, Role
from tau2.participant.monitoring import ASKED_AGAIN

EPISODE_FAILURES = (AgentError, UserError, ContextWindowExceeded, DeadlineExceeded, EmptyCompletion)
"""Errors that end an episode with a termination reason. Every other one is an infrastructure
failure and propagates."""

_REASONS: tuple[tuple[type[Exception], TerminationReason], ...] = (
    (DeadlineExceeded, TerminationReason.TIMEOUT),
    (ContextWindowExceeded, TerminationReason.CONTEXT_WINDOW_EXCEEDED),
    (AgentError, TerminationReason.AGENT_ERROR),
    (UserError, TerminationReason.USER_ERROR),
)


def failure_of(role: Role, problem: Exception) -> Failure:
    """Return the answer that ends an episode because a participant failed."""
    by_role = TerminationReason.AGENT_ERROR if role is Role.AGENT else TerminationReason.USER_ERROR
    reason = next((reason for kind, reason in _REASONS if isinstance(problem, kind)), by_role)
    # CONTEXT_WINDOW_EXCEEDED counts against the agent, which must not pay for the window of the
    # user's model.
    if role is Role.USER and reason is TerminationReason.CONTEXT_WINDOW_EXCEEDED:
        reason = TerminationReason.USER_ERROR
    return Failure(reason, f"{role}: {problem}")


def never_answered(text: str, model: str) -> NeverAnswered:
    """Return the error of a time limit that was reached through the fault of an endpoint."""
    error = NeverAnswered(text)
    error.model = model
    return error


def cost_of(messages: Sequence[AssistantMessage | UserMessage]) -> float | None:
    """Return the US dollars that the messages cost, or None if the price of any is unknown."""
    total = 0.0
    for message in messages:
        if message.cost is None:
            return None
        total += message.cost
    return total


def _replaces(message: AssistantMessage | UserMessage) -> bool:
    return ASKED_AGAIN in (message.raw_data or {})


def usage_of(messages: Sequence[AssistantMessage | UserMessage]) -> SessionUsage:
    """Return the tokens and model calls of the messages."""
    usages = [message.usage for message in messages if message.usage]

    def total(count: str) -> int:
        return sum(int(usage.get(count) or 0) for usage in usages)

    return SessionUsage(
        prompt_tokens=total("prompt_tokens"),
        completion_tokens=total("completion_tokens"),
        # A message that replaced a refused one took two calls.
        model_calls=len(usages) + sum(_replaces(message) for message in messages if message.usage),
        malformed_tool_calls=total("malformed_tool_calls"),
        cut_off=sum(message.cut_short == "length" for message in messages),
        content_filtered=sum(message.cut_short == "content_filter" for message in messages),
        cached_tokens=total("cached_tokens"),
        cache_write_tokens=total("cache_write_tokens"),
    )
