"""The mock domain: how its environment is built and its tasks are loaded."""

from __future__ import annotations

from collections.abc import Collection, Hashable
from pathlib import Path

from tau2 import config
from tau2.data_model.tasks import Task
from tau2.domains.mock.data_model import MockDB, MockUserDB
from tau2.domains.mock.tools import MockTools
from tau2.domains.mock.user_tools import MockUserTools
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


def get_environment(
    db: MockDB | None = None,
    user_db: MockUserDB | None = None,
    solo_mode: bool = False,
) -> Environment:
    """Return a fresh environment, over the domain's data or over the given databases."""
    folder, strict = config.domain_dir("mock"), config.strict_compat()
    own_world = db is None and user_db is None
    return Environment(
        domain_name="mock",
        policy=load_text(folder / ("policy_solo.md" if solo_mode else "policy.md")),
        tools=MockTools(load_reference_db(MockDB, folder / "db.json") if db is None else db),
        user_tools=MockUserTools(
            load_reference_db(MockUserDB, folder / "user_db.json") if user_db is None else user_db
        ),
        solo_mode=solo_mode,
        strict_compat=strict,
        world_id=_world_id(folder, strict=strict) if own_world else None,
    )


def _world_id(folder: Path, *, strict: bool) -> Hashable:
    return tuple(
        world_id_of("mock", folder / name, strict=strict) for name in ("db.json", "user_db.json")
    )


def get_tasks(
    task_split_name: str | None = None, task_ids: Collection[str] | None = None
) -> list[Task]:
    """Return the tasks of a split (None: all), or some of them. Raise UnknownName (a ValueError) for others."""
    folder = config.domain_dir("mock")
    return load_split(folder / "tasks.json", folder / "split_tasks.json", task_split_name, task_ids)


def get_tasks_split() -> Splits:
    """Return split name → task ids."""
    return load_splits(config.domain_dir("mock") / "split_tasks.json")


DOMAIN = DomainSpec(
    name="mock", environment=get_environment, tasks=get_tasks, splits=get_tasks_split
)
