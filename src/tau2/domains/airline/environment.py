"""The airline world: its environment, tasks and splits, looked up in the data directory at every call."""

from __future__ import annotations

from collections.abc import Collection

from tau2.config import domain_dir, strict_compat
from tau2.data_model.tasks import Task
from tau2.domains.airline.data_model import FlightDB
from tau2.domains.airline.tools import AirlineTools
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


def get_environment(db: FlightDB | None = None, solo_mode: bool = False) -> Environment:
    """Return a fresh environment over `db`, or over the airline's own data. Raise ValueError in solo mode."""
    if solo_mode:
        raise ConfigError("Airline domain does not support solo mode")
    folder, strict, world_id = domain_dir("airline"), strict_compat(), None
    if db is None:
        path = folder / "db.json"
        db, world_id = (
            load_reference_db(FlightDB, path),
            world_id_of("airline", path, strict=strict),
        )
    return Environment(
        domain_name="airline",
        policy=load_text(folder / "policy.md"),
        tools=AirlineTools(db, strict_compat=strict),
        strict_compat=strict,
        world_id=world_id,
    )


def get_tasks(
    task_split_name: str | None = "base", task_ids: Collection[str] | None = None
) -> list[Task]:
    """Return the tasks of a split (None: all), or some of them. Raise UnknownName (a ValueError) for another name."""
    folder = domain_dir("airline")
    return load_split(folder / "tasks.json", folder / "split_tasks.json", task_split_name, task_ids)


def get_tasks_split() -> Splits:
    """Return split name → task ids."""
    return load_splits(domain_dir("airline") / "split_tasks.json")


def get_rules() -> tuple[Rule, ...]:
    """Return the policy as executable rules."""
    from tau2.domains.airline.rules import POLICY_RULES  # noqa: PLC0415  -- playing needs no rules

    return POLICY_RULES


def generate_tasks(n: int, seed: int, difficulty: str | None = None) -> list[Task]:
    """Return n fresh tasks over the airline's own world, none about a customer of the test split.

    Raises:
        ConfigError: (a ValueError) for an unknown difficulty.
        DataFileError: (a ValueError) when the world does not hold so many different tasks.
    """
    from tau2.domains.airline.factory import tasks  # noqa: PLC0415  -- playing needs no factory

    path = domain_dir("airline") / "db.json"
    return tasks.generate_tasks(
        load_reference_db(FlightDB, path),
        n,
        seed,
        difficulty,
        exclude_users=_customers(get_tasks("test")),
    )


def _customers(tasks: list[Task]) -> set[str]:
    """Return whose profile the references of tasks look up."""
    criteria = (task.evaluation_criteria for task in tasks)
    actions = (action for c in criteria if c is not None for action in c.actions or ())
    return {action.arguments["user_id"] for action in actions if action.name == "get_user_details"}


DOMAIN = DomainSpec(
    name="airline",
    environment=get_environment,
    tasks=get_tasks,
    splits=get_tasks_split,
    supports_solo=False,
    rules=get_rules,
    generate=generate_tasks,
)
