"""One task by its id, of any split, without building the others where the task set allows it."""

from __future__ import annotations

import inspect
from collections.abc import Callable

from tau2.data_model.tasks import Task
from tau2.environment.cow import clone
from tau2.errors import UnknownName
from tau2.registry import registry


def find_task(task_set: str, task_id: str) -> Task:
    """Return a copy of a task of a task set. Raise UnknownName (a ValueError)."""
    task_id = str(task_id)
    loader = registry.get_tasks_loader(task_set)
    build_one = _task_builder(task_set, loader)
    if build_one is not None:
        return build_one(task_id)
    parameters = inspect.signature(loader).parameters
    tasks: dict[str, Task] = {}
    if "task_ids" in parameters:
        tasks = {task.id: task for task in loader(None, task_ids=[task_id])}
    if task_id not in tasks:
        # A loader without parameters knows no splits and returns every task.
        tasks = {task.id: task for task in (loader(None) if parameters else loader())}
    if task_id not in tasks:
        raise UnknownName(f"task in {task_set}", task_id, tasks)
    # A loader of a plug-in may return the same objects on every call.
    return clone(tasks[task_id])


def _task_builder(task_set: str, loader: Callable[..., list[Task]]) -> Callable[[str], Task] | None:
    """Return the function with which a domain builds one task, unless its loader was replaced."""
    spec = registry.domains.get(task_set) if task_set in registry.domains else None
    build_one: Callable[[str], Task] | None = getattr(spec, "task", None)
    return build_one if getattr(spec, "tasks", None) is loader else None
