"""The intake domain as the engine sees it."""

from __future__ import annotations

from tau2.data_model.tasks import Task
from tau2.domains.intake.environment import get_environment, get_tasks, get_tasks_split
from tau2.environment.domain import DomainSpec


def _generate(n: int, seed: int, difficulty: str | None = None, kinds: str = "seen") -> list[Task]:
    """Return `n` distinct tasks, the same for the same seed."""
    from tau2.domains.intake.factory.generate import (  # noqa: PLC0415  -- not needed to run tasks
        generate_tasks,
    )

    return generate_tasks(n, seed, difficulty, kinds)


DOMAIN = DomainSpec(
    name="intake",
    environment=get_environment,
    tasks=get_tasks,
    splits=get_tasks_split,
    supports_solo=False,
    generate=_generate,
)
