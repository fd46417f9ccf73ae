"""What a step of a rollout returns, and how the end of an episode becomes such a result."""

from __future__ import annotations

from dataclasses import dataclass

from tau2.data_model.message import AssistantMessage, Message, UserMessage
from tau2.data_model.simulation import (
    INFRASTRUCTURE_REASONS,
    RewardInfo,
    SimulationRun,
    TerminationReason,
)
from tau2.orchestrator.episode import Role
from tau2.rollout.tokens import Tokens

_LIMITS = frozenset({TerminationReason.MAX_STEPS, TerminationReason.TIMEOUT})
_ERROR_OF_OTHER = {
    Role.AGENT: TerminationReason.USER_ERROR,
    Role.USER: TerminationReason.AGENT_ERROR,
}


@dataclass(frozen=True, slots=True)
class StepResult:
    """What the caller's participant observes after its action, and the state of the episode."""

    observation: tuple[Message, ...] = ()
    """Messages of others since the participant's own last one, as far as it can see them."""
    reward: float | None = 0.0
    """0.0 until the end, then the grade; None when the participant is not to be graded."""
    shaping: float = 0.0
    """The potential-based term, to be added to the reward; 0.0 unless shaping is on."""
    terminated: bool = False
    """A participant ended the conversation, or the caller's actions made it end."""
    truncated: bool = False
    """A limit, the infrastructure or a failure of the other participant ended the episode."""
    reason: TerminationReason | None = None
    infra_failed: bool = False
    """The infrastructure failed (a model endpoint, the judge): there is no reward."""
    user_failed: bool = False
    """The other, simulated participant failed: there is no reward."""
    error: str | None = None
    """The error message of a failure."""
    rejected: str | None = None
    """Why the action was rejected; the episode has not moved."""
    reward_info: RewardInfo | None = None

    @property
    def done(self) -> bool:
        """Whether the episode is over."""
        return self.terminated or self.truncated


@dataclass(slots=True)
class RolloutStep:
    """One action of the caller's participant and what it led to."""

    action: AssistantMessage | UserMessage
    tokens: Tokens | None = None
    result: StepResult | None = None
    """None until the other participants have answered."""


def final_result(
    run: SimulationRun, role: Role, error: Exception | None, observation: tuple[Message, ...]
) -> StepResult:
    """Return the last result of an episode for `role`.

    `error` is the infrastructure failure, if any.
    """
    reason = run.termination_reason
    other_failed = reason is _ERROR_OF_OTHER[role]
    infra_failed = reason in INFRASTRUCTURE_REASONS or error is not None
    # A judge that cannot be reached (`error`) leaves the conversation complete: not truncated.
    truncated = reason in _LIMITS | INFRASTRUCTURE_REASONS or other_failed
    graded = run.reward_info if not infra_failed and not other_failed else None
    return StepResult(
        observation=observation,
        reward=graded.reward if graded is not None else None,
        terminated=not truncated,
        truncated=truncated,
        reason=reason,
        infra_failed=infra_failed,
        user_failed=other_failed,
        error=str(error) if error is not None else (run.info or {}).get("error"),
        reward_info=run.reward_info,
    )
