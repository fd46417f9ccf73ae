"""Gymnasium environments over live episodes: as agent, as user, awaited, and vectorized.

Importing this package registers them with `gymnasium.make`. They need the `gym` extra, which is
asked for when one of them is first used; see docs/gym.md.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from tau2.gym.registration import TAU_BENCH_ENV_ID, TAU_BENCH_USER_ENV_ID, register_gym_agent

if TYPE_CHECKING:
    from tau2.gym.gym_agent import (
        AgentGymEnv,
        AsyncAgentGymEnv,
        GymAgent,
        GymUser,
        UserGymEnv,
        done,
    )
    from tau2.gym.spaces import TauSpace
    from tau2.gym.vector import AgentVectorEnv

__all__ = [
    "TAU_BENCH_ENV_ID",
    "TAU_BENCH_USER_ENV_ID",
    "AgentGymEnv",
    "AgentVectorEnv",
    "AsyncAgentGymEnv",
    "GymAgent",
    "GymUser",
    "TauSpace",
    "UserGymEnv",
    "done",
    "register_gym_agent",
]

_HOME = {"AgentVectorEnv": "vector", "TauSpace": "spaces"}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME.get(name, 'gym_agent')}"), name)


if find_spec("gymnasium") is not None:
    register_gym_agent()
