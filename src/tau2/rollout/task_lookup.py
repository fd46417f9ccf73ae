"""One task by its id, of any split, without building the others where the task set allows it."""

from __future__ import annotations

import inspect

from tau2.data_model.tasks import Task
from tau2.environment.cow import clone
from tau2.errors import UnknownName
from tau2.registry import registry


def find_task(task_set: str, task_id: str) -> Task:
    """Return a copy of a task of a task set. Raise UnknownName (a ValueError)."""
    task_id = str(task_id)
    loader = registry.get_tasks_loader(task_set)
    spec = registry.domains.get(task_set) if task_set in registry.domains else None
    # A domain may build one task without the others; not if its loader was replaced.
    if spec is not None and spec.task is not None and spec.tasks is loader:
        return spec.task(task_id)
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
