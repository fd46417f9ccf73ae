"""One task by its id, whatever split it is in, without making the others where the task set permits."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from tau2.data_model.tasks import Task
from tau2.environment.cow import clone
from tau2.errors import UnknownName
from tau2.registry import registry


def find_task(task_set: str, task_id: str) -> Task:
    """Return a task of a task set, as a copy of the caller's own. Raise UnknownName (a ValueError)."""
    loader, wanted = registry.get_tasks_loader(task_set), str(task_id)
    one = _maker(task_set, loader)
    if one is not None:
        return one(wanted)
    tasks = _looked_up(loader, wanted) or _loaded(loader)
    if wanted not in tasks:
        raise UnknownName(f"task in {task_set}", task_id, tasks)
    return clone(tasks[wanted])  # somebody's own loader may hand out the same objects each time


def _maker(task_set: str, loader: Any) -> Callable[[str], Task] | None:
    """Return how a domain that composes its tasks makes one alone, unless somebody replaced its loader."""
    spec = registry.domains.get(task_set) if task_set in registry.domains else None
    one: Callable[[str], Task] | None = getattr(spec, "task", None)
    return one if getattr(spec, "tasks", None) is loader else None


def _looked_up(loader: Callable[..., list[Task]], task_id: str) -> Mapping[str, Task]:
    """Return the one task, from a loader that looks up tasks by their ids; nothing from another one."""
    if "task_ids" not in inspect.signature(loader).parameters:
        return {}
    return {task.id: task for task in loader(None, task_ids=[task_id])}


def _loaded(loader: Callable[..., list[Task]]) -> Mapping[str, Task]:
    """Return all tasks of a loader, also of one that knows no splits."""
    tasks = loader(None) if inspect.signature(loader).parameters else loader()
    return {task.id: task for task in tasks}
