"""One task by its id, of any split, without building the others where the task set allows it."""

from __future__ import annotations

import inspect

from tau2.config import data_dir
from tau2.data_model.tasks import Task
from tau2.environment.cow import clone
from tau2.environment.environment import Environment
from tau2.errors import UnknownName
from tau2.registry import registry
from tau2.runner.preflight import check_content

_CHECKED: set[tuple[str, str, str]] = set()
"""Data directory, domain and id of the tasks that were found right, or warned of."""


def find_task(task_set: str, task_id: str) -> Task:
    """Return a copy of a task of a task set.

    Raise UnknownName (a ValueError), or DataFileError for a task with fields that do not exist.
    """
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
    task = tasks[task_id]
    # The copy forgets them, so they are named here; the names in a task are checked later, against
    # the environment that it is played in.
    if task.unknown_fields:
        check_once(task_set, task, registry.get_env_constructor(task_set)())
    # A loader of a plug-in may return the same objects on every call.
    return clone(task)


def check_once(domain: str, task: Task, environment: Environment) -> None:
    """Refuse a task of a domain that is wrong: raise DataFileError. Each id is checked once."""
    key = (str(data_dir()), domain, task.id)
    if key not in _CHECKED:
        check_content([task], environment, domain)
        _CHECKED.add(key)
