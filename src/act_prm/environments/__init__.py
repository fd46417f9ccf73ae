"""Online environments by name.

env = get_env("tau2bench", domain="retail", user="scripted_user")
state = env.reset(sample_idx=0)
result = env.step(get_actions(reply), None, state)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from act_prm.environments.base import Environment
from act_prm.environments.tau2bench import AsyncTau2BenchEnv, Tau2BenchEnv
from act_prm.environments.tau2bench_state import Tau2BenchState, Tau2BenchStepResult
from act_prm.environments.types import EnvironmentState, EnvironmentStepResult
from tau2.errors import UnknownName

_ENVIRONMENTS: Mapping[str, tuple[type[Environment], type[Environment]]] = {
    "tau2bench": (Tau2BenchEnv, AsyncTau2BenchEnv),
}
"""Name → (environment, the same for an event loop)."""


class UnknownEnvironment(UnknownName, NotImplementedError):
    """No environment has this name."""


def get_env(name: str, is_async: bool = False, **settings: Any) -> Environment:
    """Return an environment by its name.

    Raise UnknownEnvironment, or ConfigError for settings that the environment does not have.
    """
    if name not in _ENVIRONMENTS:
        raise UnknownEnvironment("environment", name, _ENVIRONMENTS)
    sync_class, async_class = _ENVIRONMENTS[name]
    return (async_class if is_async else sync_class)(**settings)


load_env = get_env

__all__ = [
    "AsyncTau2BenchEnv",
    "Environment",
    "EnvironmentState",
    "EnvironmentStepResult",
    "Tau2BenchEnv",
    "Tau2BenchState",
    "Tau2BenchStepResult",
    "UnknownEnvironment",
    "get_env",
    "load_env",
]
