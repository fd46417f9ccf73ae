"""The names of the environments for `gymnasium.make`."""

from __future__ import annotations

from tau2.errors import needs_extra

TAU_BENCH_ENV_ID = "tau-bench-v0"
TAU_BENCH_USER_ENV_ID = "tau-bench-user-v0"


def register_gym_agent() -> None:
    """Register both environments with `gymnasium.make`; calling it again changes nothing.

    Importing `tau2.gym` does so already where Gymnasium is installed. Raise MissingExtra where it
    is not.
    """
    with needs_extra("gym", "gymnasium"):
        import gymnasium as gym  # noqa: PLC0415  -- an optional package

    for env_id, name in ((TAU_BENCH_ENV_ID, "AgentGymEnv"), (TAU_BENCH_USER_ENV_ID, "UserGymEnv")):
        if env_id not in gym.registry:
            vectorized = name == "AgentGymEnv"
            gym.register(
                id=env_id,
                entry_point=f"tau2.gym.gym_agent:{name}",
                vector_entry_point="tau2.gym.vector:make_vector_env" if vectorized else None,
                nondeterministic=True,
            )
