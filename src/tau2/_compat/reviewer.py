"""The original's `tau2.evaluator.reviewer`, over `tau2.evaluator.review`."""

from __future__ import annotations

from enum import StrEnum

from tau2.config import DEFAULT_LLM_EVAL_USER_SIMULATOR
from tau2.data_model.simulation import SimulationRun
from tau2.data_model.tasks import Task
from tau2.evaluator import review
from tau2.evaluator.evidence import Judge
from tau2.utils.json_types import JsonMapping


class ReviewMode(StrEnum):
    """What a review covers."""

    FULL = "full"
    USER = "user"


def review_simulation(
    simulation: SimulationRun,
    task: Task | None,
    mode: ReviewMode | str = ReviewMode.FULL,
    user_info: object = None,  # noqa: ARG001  -- accepted for compatibility; the task says it
    policy: str | None = None,
    *,
    review_model: str = DEFAULT_LLM_EVAL_USER_SIMULATOR,
    llm_args: JsonMapping | None = None,
) -> review.AnyReview:
    """Have a model review a simulation and return the review; `simulation` stays as it is.

    Raise ModelError when the reviewer cannot be reached, or returns nothing readable.
    """
    reviewer = Judge(review_model, dict(llm_args or {}))
    return review.review_simulation(
        simulation, task, reviewer, ReviewMode(mode).value, policy=policy
    )
