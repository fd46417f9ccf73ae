"""How an episode ends for a seat: graded, cut off, or failed."""

from __future__ import annotations

from tau2.data_model.message import Message
from tau2.data_model.simulation import SimulationRun, TerminationReason
from tau2.orchestrator.episode import Role
from tau2.rollout.turn import Turn

_OF_THE_SURROUNDINGS = frozenset(
    {TerminationReason.INFRASTRUCTURE_ERROR, TerminationReason.UNEXPECTED_ERROR}
)
_LIMITS = frozenset({TerminationReason.MAX_STEPS, TerminationReason.TIMEOUT})
_FAULT_OF_OTHER = {
    Role.AGENT: TerminationReason.USER_ERROR,
    Role.USER: TerminationReason.AGENT_ERROR,
}


def is_infrastructure(reason: TerminationReason) -> bool:
    """Return whether an episode ended for a fault of neither side."""
    return reason in _OF_THE_SURROUNDINGS


def last_turn(
    run: SimulationRun, seat: Role, error: Exception | None, heard: tuple[Message, ...]
) -> Turn:
    """Return what a seat is told at the end; `error` is what made the surroundings fail."""
    reason = run.termination_reason
    others_fault = reason is _FAULT_OF_OTHER[seat]
    infra = is_infrastructure(reason) or error is not None
    cut_off = reason in _LIMITS or is_infrastructure(reason) or others_fault
    graded = run.reward_info if not infra and not others_fault else None
    return Turn(
        heard=heard,
        reward=graded.reward if graded is not None else None,
        terminated=not cut_off,
        truncated=cut_off,
        reason=reason,
        infra_failed=infra,
        user_failed=others_fault,
        error=str(error) if error is not None else (run.info or {}).get("error"),
        reward_info=run.reward_info,
    )
