"""Loading tasks: built from recipes over our own data, read from the file of another folder."""

from __future__ import annotations

import gc
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from tau2.data_model.tasks import Task
from tau2.domains.telecom import utils
from tau2.domains.telecom.data_model import TelecomDB
from tau2.domains.telecom.tasks.builder import build_task
from tau2.domains.telecom.tasks.recipes import parse_recipe
from tau2.domains.telecom.tasks.subjects import SubjectPools, find_subjects
from tau2.environment.domain import (
    Splits,
    load_reference_db,
    load_split,
    load_splits,
    load_tasks_file,
    split_members,
)
from tau2.errors import UnknownName


@lru_cache(maxsize=4)
def _pools(path: Path, _stamp: tuple[int, int]) -> SubjectPools:
    return SubjectPools(find_subjects(load_reference_db(TelecomDB, path)))


def _world() -> SubjectPools:
    path = utils.TELECOM_DB_PATH
    status = path.stat()
    return _pools(path, (status.st_mtime_ns, status.st_size))


def task_by_id(task_id: str) -> Task:
    """Return one task without making the others.

    Raise UnknownName (a KeyError) when there is none of that id.

    Over our own world this is any recipe, also one of a generated task.
    """
    tasks_path = utils.TELECOM_TASK_SET_PATH
    if tasks_path.exists():
        found = load_tasks_file(tasks_path, [task_id])
        if not found:
            raise UnknownName(
                "telecom task", task_id, [task.id for task in load_tasks_file(tasks_path)]
            )
        return found[0]
    recipe = parse_recipe(task_id)
    return build_task(recipe, _world(), test=False if recipe.suffix else None)


def tasks_of_split(
    split_name: str | None, default: str, task_ids: Collection[str] | None = None
) -> list[Task]:
    """Return the tasks of a split, or those of them with one of `task_ids`.

    None is every task, and so is a `default` that a foreign folder does not list. Raise UnknownName
    (a ValueError) for another name.
    """
    tasks_path = utils.TELECOM_TASK_SET_PATH
    splits_path = utils.TELECOM_SPLIT_PATH
    if tasks_path.exists():
        everything = split_name == default and default not in load_splits(splits_path)
        return load_split(tasks_path, splits_path, None if everything else split_name, task_ids)
    name = "full" if split_name is None else split_name
    members = split_members(splits_path, name)
    world = _world()
    if task_ids is not None:
        return [build_task(parse_recipe(i), world) for i in dict.fromkeys(task_ids) if i in members]
    with _without_collection():
        return [
            build_task(parse_recipe(task_id), world) for task_id in load_splits(splits_path)[name]
        ]


@contextmanager
def _without_collection() -> Iterator[None]:
    """Keep the garbage collector from searching new tasks, which takes as long as making them.

    Freezing and thawing hands what was made to the oldest generation, where it is looked at seldom.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if gc.get_freeze_count() == 0:  # somebody else's frozen objects stay frozen
            gc.freeze()
            gc.unfreeze()
        if was_enabled:
            gc.enable()


def task_splits() -> Splits:
    """Return split name → task ids."""
    return load_splits(utils.TELECOM_SPLIT_PATH)
