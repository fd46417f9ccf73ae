"""The retail environment, tasks and splits, read from the data directory at every call."""

from __future__ import annotations

from collections.abc import Collection

from tau2.config import domain_dir, strict_compat
from tau2.data_model.tasks import Task
from tau2.domains.retail.data_model import RetailDB
from tau2.domains.retail.tools import RetailTools
from tau2.environment.domain import (
    Splits,
    load_domain_splits,
    load_domain_tasks,
    load_own_db,
    load_text,
)
from tau2.environment.environment import Environment
from tau2.errors import ConfigError


def get_environment(db: RetailDB | None = None, solo_mode: bool = False) -> Environment:
    """Return a fresh environment over `db`, or over the domain's own data.

    Raises:
        ConfigError: (a ValueError) in solo mode, which this domain does not support.
    """
    if solo_mode:
        raise ConfigError("Retail domain does not support solo mode")
    strict = strict_compat()
    world_id = None
    if db is None:
        db, world_id = load_own_db(RetailDB, "retail", strict=strict)
    return Environment(
        domain_name="retail",
        policy=load_text(domain_dir("retail") / "policy.md"),
        tools=RetailTools(db, strict_compat=strict),
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
    return load_domain_tasks("retail", task_split_name, task_ids)


def get_tasks_split() -> Splits:
    """Return split name → task ids."""
    return load_domain_splits("retail")
