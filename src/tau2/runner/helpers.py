"""Public path of the original package; the functions are in `tau2.runner.tasks`."""

from __future__ import annotations

from tau2.environment.environment import EnvironmentInfo
from tau2.runner.resolve import environment_factory
from tau2.runner.tasks import (
    get_info,
    get_options,
    get_tasks,
    load_task_splits,
    load_tasks,
    make_run_name,
)


def get_environment_info(domain_name: str, include_tool_info: bool = False) -> EnvironmentInfo:
    """Return what is recorded of a domain's environment. Raise UnknownName."""
    return environment_factory(domain_name)().get_info(include_tool_info=include_tool_info)


__all__ = [
    "get_environment_info",
    "get_info",
    "get_options",
    "get_tasks",
    "load_task_splits",
    "load_tasks",
    "make_run_name",
]
