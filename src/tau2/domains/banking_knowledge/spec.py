"""The bank as the engine sees it."""

from __future__ import annotations

from collections.abc import Sequence

from tau2.data_model.tasks import Task
from tau2.domains.banking_knowledge.environment import default_variant, get_environment
from tau2.domains.banking_knowledge.loading import DOMAIN as NAME
from tau2.domains.banking_knowledge.loading import get_documents, get_tasks, get_tasks_split
from tau2.environment.domain import DomainSpec
from tau2.environment.policy_rules import Rule
from tau2.knowledge.variants import DESCRIPTIONS


def _generate(n: int, seed: int, difficulty: str | None = None, kinds: str = "seen") -> list[Task]:
    """Return `n` distinct tasks, the same for the same seed."""
    from tau2.domains.banking_knowledge.factory import generate  # noqa: PLC0415  -- not for runs

    return generate.generate_tasks(n, seed, difficulty, kinds)


def _rules() -> Sequence[Rule]:
    """Return the policy and the articles as executable rules."""
    from tau2.domains.banking_knowledge.rules import (  # noqa: PLC0415  -- only audits need rules
        POLICY_RULES,
    )

    return POLICY_RULES


DOMAIN = DomainSpec(
    name=NAME,
    environment=get_environment,
    tasks=get_tasks,
    splits=get_tasks_split,
    supports_solo=False,
    documents=get_documents,
    generate=_generate,
    rules=_rules,
    variants=DESCRIPTIONS,
    default_variant=default_variant,
    plain_variant="no_knowledge",
)
