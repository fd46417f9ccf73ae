"""The form in which downstream code calls one kind of grading."""

from __future__ import annotations

from typing import Any

from tau2.data_model.message import Message
from tau2.data_model.simulation import RewardInfo
from tau2.data_model.tasks import Task


class EvaluatorBase:
    """One kind of grading."""

    @classmethod
    def calculate_reward(
        cls, task: Task, full_trajectory: list[Message], **options: Any
    ) -> RewardInfo:
        """Return the reward of this kind alone."""
        raise NotImplementedError(f"{cls.__name__} must define calculate_reward")
