"""The bank as the engine sees it."""

from __future__ import annotations

from tau2.domains.banking_knowledge.environment import default_variant, get_environment
from tau2.domains.banking_knowledge.loading import DOMAIN as NAME
from tau2.domains.banking_knowledge.loading import get_tasks, get_tasks_split
from tau2.environment.domain import DomainSpec
from tau2.knowledge.variants import DESCRIPTIONS

DOMAIN = DomainSpec(
    name=NAME,
    environment=get_environment,
    tasks=get_tasks,
    splits=get_tasks_split,
    supports_solo=False,
    variants=DESCRIPTIONS,
    default_variant=default_variant,
)
