"""How a simulation was graded: one record per check, and what counted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pydantic import BaseModel, Field

from tau2.data_model.tasks import Action, EnvAssertion, RewardType
from tau2.utils.json_types import JsonMapping, JsonObject


class DBCheck(BaseModel):
    """Whether the databases end as the reference actions leave them."""

    db_match: bool
    db_reward: float


class EnvAssertionCheck(BaseModel):
    """Whether one assertion about the final environment holds."""

    env_assertion: EnvAssertion
    met: bool
    reward: float
    justification: str | None = None


class ActionCheck(BaseModel):
    """Whether one reference action was carried out."""

    action: Action
    action_match: bool
    action_reward: float
    tool_type: str | None = None


class NLAssertionCheck(BaseModel):
    """Whether one sentence about the conversation is true, according to the judge."""

    nl_assertion: str
    met: bool
    justification: str


class CommunicateCheck(BaseModel):
    """Whether one piece of information reached the customer."""

    info: str
    met: bool
    justification: str


class RewardInfo(BaseModel):
    """The reward of one simulation and what it rests on."""

    reward: float = Field(allow_inf_nan=False)
    db_check: DBCheck | None = None
    env_assertions: list[EnvAssertionCheck] | None = None
    action_checks: list[ActionCheck] | None = None
    nl_assertions: list[NLAssertionCheck] | None = None
    communicate_checks: list[CommunicateCheck] | None = None
    reward_basis: list[RewardType] | None = Field(default_factory=lambda: [RewardType.DB])
    reward_breakdown: dict[RewardType, float] | None = None
    info: JsonObject | None = None

    @property
    def partial_action_reward(self) -> JsonObject | None:
        """How many reference actions matched: of all, of the reads and of the writes."""
        if not self.action_checks:
            return None
        groups = {
            "total": self.action_checks,
            "read": [check for check in self.action_checks if check.tool_type == "read"],
            "write": [check for check in self.action_checks if check.tool_type == "write"],
        }
        return {name: _share(checks) for name, checks in groups.items()}

    @property
    def environment_faults(self) -> list[str]:
        """Why a lost reward may not be the agent's doing.

        Either the environment could not be graded at all, or its database differs from that of
        reference actions that failed themselves.
        """
        notes = list(_notes(self.info))
        faults = [
            f"the environment cannot be graded: {note['error']}"
            for note in notes
            if isinstance(note.get("error"), str)
        ]
        if self.db_check is not None and not self.db_check.db_match:
            problems = [problem for note in notes for problem in note.get("gold_errors") or ()]
            faults += [f"a reference action failed: {problem}" for problem in problems]
        return faults


def _notes(info: JsonMapping | None) -> Iterator[JsonMapping]:
    """Yield what the grading of the environment noted: as a part of the whole, or alone."""
    part = (info or {}).get("env")
    yield from (note for note in (info, part) if isinstance(note, Mapping))


def _share(checks: list[ActionCheck]) -> dict[str, float] | None:
    if not checks:
        return None
    correct = sum(check.action_match for check in checks)
    return {"correct": correct, "count": len(checks), "proportion": correct / len(checks)}
