"""The intake environment, tasks and splits, read from the data directory at every call."""

from __future__ import annotations

from collections.abc import Collection

from tau2.config import domain_dir, strict_compat
from tau2.data_model.tasks import Task
from tau2.domains.intake.data_model import IntakeDB, IntakeUserDB
from tau2.domains.intake.tools import IntakeTools
from tau2.domains.intake.user_tools import IntakeUserTools
from tau2.environment.domain import (
    Splits,
    load_both_dbs,
    load_domain_splits,
    load_domain_tasks,
    load_text,
)
from tau2.environment.environment import Environment
from tau2.errors import ConfigError


def get_environment(
    db: IntakeDB | None = None,
    user_db: IntakeUserDB | None = None,
    solo_mode: bool = False,
) -> Environment:
    """Return a fresh environment, over the domain's data or over the given databases.

    Raises:
        ConfigError: (a ValueError) in solo mode, which this domain does not support.
    """
    if solo_mode:
        raise ConfigError("The intake domain does not support solo mode: only the customer knows")
    strict = strict_compat()
    db, user_db, world_id = load_both_dbs(
        "intake", IntakeDB, IntakeUserDB, (db, user_db), strict=strict
    )
    return Environment(
        domain_name="intake",
        policy=load_text(domain_dir("intake") / "policy.md"),
        tools=IntakeTools(db),
        user_tools=IntakeUserTools(user_db),
        strict_compat=strict,
        world_id=world_id,
    )


def get_tasks(
    task_split_name: str | None = "base", task_ids: Collection[str] | None = None
) -> list[Task]:
    """Return the tasks of a split (None: all), or some of them.

    Raises:
        UnknownName: (a ValueError) there is no such split.
    """
    return load_domain_tasks("intake", task_split_name, task_ids)


def get_tasks_split() -> Splits:
    """Return split name → task ids."""
    return load_domain_splits("intake")
