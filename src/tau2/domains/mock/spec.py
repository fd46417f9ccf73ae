"""The mock domain as the engine sees it."""

from __future__ import annotations

from tau2.domains.mock.environment import get_environment, get_tasks, get_tasks_split
from tau2.environment.domain import DomainSpec

DOMAIN = DomainSpec(
    name="mock", environment=get_environment, tasks=get_tasks, splits=get_tasks_split
)
