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
        self.splits: Splits = {"train": [], "test": [], "base": []}

    def add(self, task: Task, *, is_test: bool) -> None:
        """Add a task to one side of the split and to the base split."""
        self.splits["test" if is_test else "train"].append(task.id)
        self.splits["base"].append(task.id)
        self.tasks.append(task)
