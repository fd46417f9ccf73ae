"""Gymnasium environments over live episodes: as agent, as user, awaited, and vectorized.

Needs the `gym` extra; see docs/gym.md.
"""

from tau2.gym.gym_agent import (
    TAU_BENCH_ENV_ID,
    TAU_BENCH_USER_ENV_ID,
    AgentGymEnv,
    AsyncAgentGymEnv,
    GymAgent,
    GymUser,
    UserGymEnv,
    done,
    register_gym_agent,
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
