"""The bank as the engine sees it."""

from __future__ import annotations

from tau2.data_model.tasks import Task
from tau2.domains.banking_knowledge.environment import default_variant, get_environment
from tau2.domains.banking_knowledge.loading import DOMAIN as NAME
from tau2.domains.banking_knowledge.loading import get_documents, get_tasks, get_tasks_split
from tau2.environment.domain import DomainSpec
from tau2.knowledge.variants import DESCRIPTIONS


def _generate(n: int, seed: int, difficulty: str | None = None, kinds: str = "seen") -> list[Task]:
    """Return `n` distinct tasks, the same for the same seed."""
    from tau2.domains.banking_knowledge.factory.generate import (  # noqa: PLC0415  -- not needed to run tasks
        generate_tasks,
    )

    return generate_tasks(n, seed, difficulty, kinds)


DOMAIN = DomainSpec(
    name=NAME,
    environment=get_environment,
    tasks=get_tasks,
    splits=get_tasks_split,
    supports_solo=False,
    documents=get_documents,
    generate=_generate,
    variants=DESCRIPTIONS,
    default_variant=default_variant,
)
