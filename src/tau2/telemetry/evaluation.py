"""The reward of an episode and its parts as events, by OpenTelemetry's conventions.

One event `gen_ai.evaluation.result` for the reward, and one for every kind of check that was made,
whether it counts or not. What a check compared is text of the conversation or of the task, so
explanations only count, unless content is wanted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from tau2.data_model.reward import RewardInfo
from tau2.data_model.simulation import NO_SCORE, SimulationRun
from tau2.data_model.tasks import RewardType
from tau2.llm.secrets import Redactor
from tau2.telemetry.attributes import Attributes, as_content

EVALUATION_EVENT = "gen_ai.evaluation.result"

_PASSED = 1.0 - 1e-6
_UNGRADED = {"gen_ai.evaluation.name": "reward", "error.type": "not_graded"}

_Check: TypeAlias = tuple[bool, str]
"""Whether a check is met, and what it is about."""


@dataclass(frozen=True, slots=True)
class _Part:
    """One part of a reward."""

    name: str
    value: float
    explanation: str
    details: Sequence[str] = ()
    """Texts of the task and of the judge, about what is not met."""


def evaluation_events(
    run: SimulationRun, redactor: Redactor, *, content: bool = False
) -> list[Attributes]:
    """Return the attributes of the events of one simulation; none for one without a score.

    Args:
        run: A finished simulation.
        redactor: Takes secrets out of explanations.
        content: Whether explanations may quote the task and the judge.
    """
    if run.termination_reason in NO_SCORE:
        return []
    if run.reward_info is None:
        return [dict(_UNGRADED)]
    return [_attributes(part, redactor, content) for part in _parts(run.reward_info)]


def _attributes(part: _Part, redactor: Redactor, content: bool) -> Attributes:
    explanation = part.explanation
    if content and part.details:
        explanation = f"{explanation}: {'; '.join(part.details)}"
    return {
        "gen_ai.evaluation.name": part.name,
        "gen_ai.evaluation.score.value": float(part.value),
        "gen_ai.evaluation.score.label": "pass" if part.value >= _PASSED else "fail",
        "gen_ai.evaluation.explanation": as_content(explanation, redactor),
    }


def _parts(reward: RewardInfo) -> Iterator[_Part]:
    basis = [kind.value for kind in reward.reward_basis or ()]
    yield _Part("reward", reward.reward, f"rests on {', '.join(basis) or 'nothing'}")
    if reward.db_check is not None:
        is_equal = "equals" if reward.db_check.db_match else "differs from"
        yield _Part(
            RewardType.DB,
            reward.db_check.db_reward,
            f"the database {is_equal} what the reference actions leave",
        )
    for kind, checks in _lists(reward):
        met = sum(is_met for is_met, _ in checks)
        failed = [about for is_met, about in checks if not is_met]
        breakdown = reward.reward_breakdown or {}
        value = breakdown.get(kind, float(met == len(checks)))
        yield _Part(kind, value, f"{met} of {len(checks)} met", failed)


def _lists(reward: RewardInfo) -> Iterator[tuple[RewardType, list[_Check]]]:
    """Yield the kinds of checks of which there may be several, without those that were not made."""
    lists = {
        RewardType.ACTION: [
            (check.action_match, check.action.name) for check in reward.action_checks or ()
        ],
        RewardType.ENV_ASSERTION: [
            (check.met, check.justification or check.env_assertion.func_name)
            for check in reward.env_assertions or ()
        ],
        RewardType.COMMUNICATE: [
            (check.met, check.info) for check in reward.communicate_checks or ()
        ],
        RewardType.NL_ASSERTION: [
            (check.met, f"{check.nl_assertion} ({check.justification})")
            for check in reward.nl_assertions or ()
        ],
    }
    return ((kind, checks) for kind, checks in lists.items() if checks)
