"""The mock environment, tasks and splits, read from the data directory at every call."""

from __future__ import annotations

from collections.abc import Collection

from tau2.config import domain_dir, strict_compat
from tau2.data_model.tasks import Task
from tau2.domains.mock.data_model import MockDB, MockUserDB
from tau2.domains.mock.tools import MockTools
from tau2.domains.mock.user_tools import MockUserTools
from tau2.environment.domain import (
    Splits,
    load_both_dbs,
    load_domain_splits,
    load_domain_tasks,
    load_text,
)
from tau2.environment.environment import Environment


def get_environment(
    db: MockDB | None = None,
    user_db: MockUserDB | None = None,
    solo_mode: bool = False,
) -> Environment:
    """Return a fresh environment, over the domain's data or over the given databases."""
    strict = strict_compat()
    db, user_db, world_id = load_both_dbs("mock", MockDB, MockUserDB, (db, user_db), strict=strict)
    return Environment(
        domain_name="mock",
        policy=load_text(domain_dir("mock") / ("policy_solo.md" if solo_mode else "policy.md")),
        tools=MockTools(db),
        user_tools=MockUserTools(user_db),
        solo_mode=solo_mode,
        strict_compat=strict,
        world_id=world_id,
    )


def get_tasks(
    task_split_name: str | None = None, task_ids: Collection[str] | None = None
) -> list[Task]:
    """Return the tasks of a split (None: all), or some of them.

    Raises:
        UnknownName: (a ValueError) there is no such split.
    """
    return load_domain_tasks("mock", task_split_name, task_ids)


def get_tasks_split() -> Splits:
    """Return split name → task ids."""
    return load_domain_splits("mock")
