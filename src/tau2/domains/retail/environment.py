"""The retail world: its environment, tasks and splits, looked up in the data directory at every call."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from tau2.config import domain_dir, strict_compat
from tau2.data_model.tasks import Task
from tau2.domains.retail.data_model import RetailDB
from tau2.domains.retail.tools import RetailTools
from tau2.environment.domain import (
    DomainSpec,
    Splits,
    load_reference_db,
    load_split,
    load_splits,
    load_text,
    world_id_of,
)
from tau2.environment.environment import Environment
from tau2.environment.policy_rules import Rule
from tau2.errors import ConfigError


def get_environment(db: RetailDB | None = None, solo_mode: bool = False) -> Environment:
    """Return a fresh environment over `db`, or over the shop's own data. Raise ValueError in solo mode."""
    if solo_mode:
        raise ConfigError("Retail domain does not support solo mode")
    folder, strict, world_id = domain_dir("retail"), strict_compat(), None
    if db is None:
        path = folder / "db.json"
        db, world_id = load_reference_db(RetailDB, path), world_id_of("retail", path, strict=strict)
    return Environment(
        domain_name="retail",
        policy=load_text(folder / "policy.md"),
        tools=RetailTools(db, strict_compat=strict),
        strict_compat=strict,
        world_id=world_id,
    )


def get_tasks(
    task_split_name: str | None = "base", task_ids: Collection[str] | None = None
) -> list[Task]:
    """Return the tasks of a split (None: all), or some of them. Raise UnknownName (a ValueError) for another name."""
    folder = domain_dir("retail")
    return load_split(folder / "tasks.json", folder / "split_tasks.json", task_split_name, task_ids)


def get_tasks_split() -> Splits:
    """Return split name → task ids."""
    return load_splits(domain_dir("retail") / "split_tasks.json")


def get_rules() -> Sequence[Rule]:
    """Return the policy as executable rules."""
    from tau2.domains.retail.rules import POLICY_RULES  # noqa: PLC0415  -- only audits and reports need them

    return POLICY_RULES


def generate_tasks(n: int, seed: int, difficulty: str | None = None) -> list[Task]:
    """Return `n` distinct training tasks, the same for the same seed: easy, medium, hard, or (None) all mixed.

    No customer of the test split appears in them. Raise UnknownName (a ValueError) for another difficulty.
    """
    from tau2.domains.retail.factory import generate  # noqa: PLC0415  -- playing needs no factory

    return generate.generate_tasks(n, seed, difficulty)


DOMAIN = DomainSpec(
    name="retail",
    environment=get_environment,
    tasks=get_tasks,
    splits=get_tasks_split,
    supports_solo=False,
    rules=get_rules,
    generate=generate_tasks,
)
