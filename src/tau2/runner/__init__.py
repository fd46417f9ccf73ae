"""Running simulations at three levels.

Layer 1 plays an orchestrator, layer 2 builds one, layer 3 plays many.

Names load on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tau2.runner.batch import (
        arun_single_task,
        arun_tasks,
        run_domain,
        run_single_task,
        run_tasks,
    )
    from tau2.runner.build import (
        build_agent,
        build_environment,
        build_orchestrator,
        build_text_orchestrator,
        build_user,
        build_voice_orchestrator,
        build_voice_user,
    )
    from tau2.runner.simulation import arun_simulation, run_simulation
    from tau2.runner.tasks import (
        get_info,
        get_options,
        get_tasks,
        load_task_splits,
        load_tasks,
        make_run_name,
    )

_HOME = {
    "arun_simulation": "tau2.runner.simulation",
    "arun_single_task": "tau2.runner.batch",
    "arun_tasks": "tau2.runner.batch",
    "build_agent": "tau2.runner.build",
    "build_environment": "tau2.runner.build",
    "build_orchestrator": "tau2.runner.build",
    "build_text_orchestrator": "tau2.runner.build",
    "build_user": "tau2.runner.build",
    "build_voice_orchestrator": "tau2.runner.build",
    "build_voice_user": "tau2.runner.build",
    "get_info": "tau2.runner.tasks",
    "get_options": "tau2.runner.tasks",
    "get_tasks": "tau2.runner.tasks",
    "load_task_splits": "tau2.runner.tasks",
    "load_tasks": "tau2.runner.tasks",
    "make_run_name": "tau2.runner.tasks",
    "run_domain": "tau2.runner.batch",
    "run_simulation": "tau2.runner.simulation",
    "run_single_task": "tau2.runner.batch",
    "run_tasks": "tau2.runner.batch",
}

__all__ = [
    "arun_simulation",
    "arun_single_task",
    "arun_tasks",
    "build_agent",
    "build_environment",
    "build_orchestrator",
    "build_text_orchestrator",
    "build_user",
    "build_voice_orchestrator",
    "build_voice_user",
    "get_info",
    "get_options",
    "get_tasks",
    "load_task_splits",
    "load_tasks",
    "make_run_name",
    "run_domain",
    "run_simulation",
    "run_single_task",
    "run_tasks",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return globals().setdefault(name, getattr(import_module(_HOME[name]), name))
