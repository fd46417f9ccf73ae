"""A draft as a task in the public form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tau2.data_model.tasks import (
    Action,
    Description,
    EvaluationCriteria,
    RewardType,
    StructuredUserInstructions,
    Task,
    UserScenario,
)
from tau2.environment.domain import Splits
from tau2.taskgen.drafts import Temptation


def make_task(
    task_id: str,
    description: Description,
    persona: str | None,
    instructions: StructuredUserInstructions,
    calls: Sequence[tuple[str, Mapping[str, Any]]],
    communicate: Sequence[str],
) -> Task:
    """Return a task that is graded by the final database and by the figures the agent names."""
    return Task(
        id=task_id,
        description=description,
        user_scenario=UserScenario(persona=persona, instructions=instructions),
        evaluation_criteria=EvaluationCriteria(
            actions=[
                Action(action_id=f"{task_id}_{number}", name=name, arguments=dict(arguments))
                for number, (name, arguments) in enumerate(calls)
            ],
            communicate_info=list(communicate),
            reward_basis=[RewardType.DB, RewardType.COMMUNICATE],
        ),
    )


class ShippedTasks:
    """The tasks that come with a domain, and their splits."""

    def __init__(self) -> None:
        """Begin with none."""
        self.tasks: list[Task] = []
        self.splits: Splits = {"train": [], "test": [], "base": [], "test_new": []}
        self.temptations: dict[str, list[Temptation]] = {}
        """Task id → changes that only an agent makes who leaves a duty out."""

    def add(self, task: Task, split: str) -> None:
        """Add a task to a split: one of train or test, which make up base, or test_new."""
        self.splits[split].append(task.id)
        if split in {"train", "test"}:
            self.splits["base"].append(task.id)
        self.tasks.append(task)
