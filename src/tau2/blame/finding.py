"""What `tau2 blame` says of a failed simulation: whose failure it is, where, and why."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Any


class Side(StrEnum):
    """Whose failure a failed simulation is."""

    AGENT = "agent"
    USER = "user"
    TASK = "task"
    """The task or its reference."""
    INFRASTRUCTURE = "infrastructure"


class Kind(StrEnum):
    """What went wrong, in words that a report shows."""

    CLAIMED_NOT_DONE = "claimed but never executed"
    NOT_AGREED = "executed but not agreed"
    WRONG_VALUE = "wrong value"
    NOT_TOLD = "information not told"
    REFUSED = "refused although allowed"
    FORBIDDEN = "obeyed although forbidden"
    ASKED_FOREVER = "no end"
    HANDED_OVER = "handed over early"
    NOT_HANDED_OVER = "not handed over"
    NOT_INSTRUCTED = "step on the phone not requested"
    NOT_DONE = "change not made"
    AGENT_FAILED = "agent failed with an error"
    OTHER_STATE = "other final state"

    ENDED_EARLY = "ended early"
    INVENTED = "value invented"
    CONTRADICTED = "value contradicts the scenario"
    WISH_NOT_STATED = "wish not stated"
    REFUSED_OWN_WISH = "refused the own wish"
    NOT_ANSWERED = "question not answered"
    NOT_ACTED = "step on the phone not carried out"
    ACTED_UNASKED = "acted unasked"
    USER_FAILED = "user simulator failed"

    REFERENCE_FAILS = "reference fails"
    REFERENCE_CONTRADICTS = "reference contradicts the scenario"
    NOT_KNOWABLE = "wanted information not knowable"
    UNGRADABLE = "environment cannot be graded"

    NO_SCORE = "not scored"
    TOOL_FAILED = "tool failed"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that went wrong."""

    side: Side
    kind: Kind
    turn: int | None
    """Index of the deciding message in the conversation; None where no message decides."""
    reason: str
    """One sentence."""


agent_finding = partial(Finding, Side.AGENT)
user_finding = partial(Finding, Side.USER)
task_finding = partial(Finding, Side.TASK)
infrastructure_finding = partial(Finding, Side.INFRASTRUCTURE)


@dataclass(frozen=True, slots=True)
class Blame:
    """The verdict on one failed simulation."""

    simulation_id: str
    task_id: str
    trial: int
    finding: Finding
    """What decided the simulation."""
    others: tuple[Finding, ...] = ()
    """What else went wrong."""

    @property
    def side(self) -> Side:
        """Whose failure it is."""
        return self.finding.side

    def as_dict(self) -> dict[str, Any]:
        """Return the verdict as JSON data."""
        return {
            "simulation_id": self.simulation_id,
            "task_id": self.task_id,
            "trial": self.trial,
            **finding_data(self.finding),
            "others": [finding_data(other) for other in self.others],
        }


def finding_data(finding: Finding) -> dict[str, Any]:
    """Return a finding as JSON data."""
    return {
        "side": finding.side.value,
        "kind": finding.kind.value,
        "turn": finding.turn,
        "reason": finding.reason,
    }
