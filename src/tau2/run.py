"""Public path of the original package; see `tau2._compat.run`."""

from tau2._compat.run import (
    EvaluationType,
    RegistryInfo,
    RunConfig,
    TextRunConfig,
    VoiceRunConfig,
    get_info,
    get_options,
    get_tasks,
    load_task_splits,
    load_tasks,
    make_run_name,
    run_domain,
    run_single_task,
    run_task,
    run_tasks,
)

__all__ = [
    "EvaluationType",
    "RegistryInfo",
    "RunConfig",
    "TextRunConfig",
    "VoiceRunConfig",
    "get_info",
    "get_options",
    "get_tasks",
    "load_task_splits",
    "load_tasks",
    "make_run_name",
    "run_domain",
    "run_single_task",
    "run_task",
    "run_tasks",
]
