"""The two telecom domains as the engine sees them: one company, with two support policies."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from tau2.data_model.tasks import Task
from tau2.domains.telecom.environment import (
    TelecomEnvironment,
    get_environment_manual_policy,
    get_environment_workflow_policy,
    get_tasks,
    get_tasks_full,
    get_tasks_small,
    get_tasks_split,
)
from tau2.domains.telecom.tasks.loading import task_by_id
from tau2.environment.domain import DomainSpec
from tau2.environment.policy_rules import Rule


def _rules() -> Sequence[Rule]:
    """Return the policy as executable rules."""
    from tau2.domains.telecom.rules import POLICY_RULES  # noqa: PLC0415  -- only audits need rules

    return POLICY_RULES


def _generate(n: int, seed: int, difficulty: str | None = None, kinds: str = "seen") -> list[Task]:
    """Return `n` distinct tasks, the same for the same seed."""
    from tau2.domains.telecom.factory.generate import (  # noqa: PLC0415  -- not needed to run tasks
        generate_tasks,
    )

    return generate_tasks(n, seed, difficulty, kinds=kinds)


def _spec(
    name: str,
    environment: Callable[..., TelecomEnvironment],
    task_sets: Mapping[str, Callable[..., list[Task]]],
) -> DomainSpec:
    return DomainSpec(
        name=name,
        environment=environment,
        tasks=get_tasks,
        splits=get_tasks_split,
        rules=_rules,
        task=task_by_id,
        generate=_generate,
        task_sets=task_sets,
    )


DOMAINS = (
    _spec(
        "telecom",
        get_environment_manual_policy,
        {"telecom_full": get_tasks_full, "telecom_small": get_tasks_small},
    ),
    _spec("telecom-workflow", get_environment_workflow_policy, {}),
)
