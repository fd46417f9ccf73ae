"""The retail domain as the engine sees it."""

from __future__ import annotations

from collections.abc import Sequence

from tau2.data_model.tasks import Task
from tau2.domains.retail.environment import get_environment, get_tasks, get_tasks_split
from tau2.environment.domain import DomainSpec
from tau2.environment.policy_rules import Rule


def _rules() -> Sequence[Rule]:
    """Return the policy as executable rules."""
    from tau2.domains.retail.rules import POLICY_RULES  # noqa: PLC0415  -- only audits need rules

    return POLICY_RULES


def _generate(n: int, seed: int, difficulty: str | None = None, kinds: str = "seen") -> list[Task]:
    """Return `n` distinct tasks, the same for the same seed."""
    from tau2.domains.retail.factory.generate import (  # noqa: PLC0415  -- not needed to run tasks
        generate_tasks,
    )

    return generate_tasks(n, seed, difficulty, kinds)


DOMAIN = DomainSpec(
    name="retail",
    environment=get_environment,
    tasks=get_tasks,
    splits=get_tasks_split,
    supports_solo=False,
    rules=_rules,
    generate=_generate,
)
