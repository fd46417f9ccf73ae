"""Several agent environments as one: their users are awaited together on one event loop."""

from __future__ import annotations

import asyncio
import operator
from collections.abc import Iterable, Sequence
from typing import Any

from tau2.errors import needs_extra
from tau2.gym.gym_agent import AgentGymEnv
from tau2.gym.spaces import TauSpace
from tau2.rollout import StepResult
from tau2.utils.json_types import JsonMapping, JsonObject

with needs_extra("gym", "gymnasium"):
    import numpy as np
    from gymnasium.vector import AutoresetMode, VectorEnv
    from gymnasium.vector.utils import batch_space


class AgentVectorEnv(VectorEnv[tuple[str, ...], Sequence[str], Any]):
    """Several tasks of a domain, stepped together; observations and actions are tuples of texts.

    Args:
        domain: A registered name.
        task_ids: One sub-environment per entry; a task may occur several times.
        autoreset_mode: NEXT_STEP (the default of Gymnasium): the step after an episode's end starts
            the next one and ignores the action; DISABLED: an ended episode waits for
            `reset(options={"reset_mask": ...})`.
        options: Further arguments of AgentGymEnv.
    """

    def __init__(
        self,
        domain: str,
        task_ids: Sequence[str],
        *,
        autoreset_mode: AutoresetMode = AutoresetMode.NEXT_STEP,
        **options: Any,
    ) -> None:
        if autoreset_mode not in {AutoresetMode.NEXT_STEP, AutoresetMode.DISABLED}:
            raise ValueError(
                f"autoreset_mode {autoreset_mode} is not supported: use NEXT_STEP or DISABLED"
            )
        self.envs = [AgentGymEnv(domain, task_id, **options) for task_id in task_ids]
        self.num_envs = len(self.envs)
        self.metadata = {**AgentGymEnv.metadata, "autoreset_mode": autoreset_mode}
        self.render_mode = options.get("render_mode")
        self.single_observation_space = TauSpace()
        self.single_action_space = TauSpace()
        self.observation_space = batch_space(self.single_observation_space, self.num_envs)
        self.action_space = batch_space(self.single_action_space, self.num_envs)
        self._observations = [""] * self.num_envs
        self._ended = np.zeros(self.num_envs, dtype=bool)

    def reset(
        self,
        *,
        seed: int | Sequence[int | None] | None = None,
        options: JsonMapping | None = None,
    ) -> tuple[tuple[str, ...], JsonObject]:
        """Start all episodes, or those of `options["reset_mask"]`.

        One `seed` stands for `seed`, `seed + 1`, ... of the sub-environments, as in Gymnasium.
        """
        more = dict(options or {})
        mask = more.pop("reset_mask", np.ones(self.num_envs, dtype=bool))
        seeds: Sequence[int | None] = [None] * self.num_envs
        if isinstance(seed, int | np.integer):
            seeds = [int(seed) + n for n in range(self.num_envs)]
        elif seed is not None:
            seeds = [None if one is None else operator.index(one) for one in seed]
        infos = self._restart([n for n in range(self.num_envs) if mask[n]], seeds, more)
        return tuple(self._observations), infos

    def _restart(
        self, chosen: Sequence[int], seeds: Sequence[int | None], options: JsonMapping
    ) -> JsonObject:
        infos: JsonObject = {}
        for n in chosen:
            self.envs[n].begin_reset(seeds[n], options)
        for n, result in zip(chosen, self._advance(chosen), strict=True):
            self._observations[n], info = self.envs[n].end_reset(result)
            self._ended[n] = False
            infos = self._add_info(infos, info, n)
        return infos

    def step(self, actions: Iterable[str]) -> tuple[tuple[str, ...], Any, Any, Any, JsonObject]:
        """Submit all actions, and let all other participants answer together."""
        rewards = np.zeros(self.num_envs, dtype=np.float64)
        terminated = np.zeros(self.num_envs, dtype=bool)
        truncated = np.zeros(self.num_envs, dtype=bool)
        autoreset = self.metadata["autoreset_mode"] is not AutoresetMode.DISABLED
        restarted = [n for n in range(self.num_envs) if autoreset and self._ended[n]]
        stepped = [n for n in range(self.num_envs) if n not in restarted]
        action_of = list(actions)
        results = {n: self.envs[n].begin_step(action_of[n]) for n in stepped}
        infos = self._restart(restarted, [None] * self.num_envs, {}) if restarted else {}
        waiting = [n for n in stepped if results[n] is None]
        results.update(zip(waiting, self._advance(waiting), strict=True))
        for n in stepped:
            result = results[n] or StepResult()
            observation, rewards[n], terminated[n], truncated[n], info = self.envs[n].end_step(
                result
            )
            self._observations[n] = observation
            self._ended[n] = terminated[n] or truncated[n]
            infos = self._add_info(infos, info, n)
        return tuple(self._observations), rewards, terminated, truncated, infos

    def _advance(self, chosen: Sequence[int]) -> list[StepResult]:
        """Play these episodes to the agents' next turns.

        Users that wait for a model wait together.
        """
        rollouts = [self.envs[n].rollout for n in chosen]
        all_instant = not any(
            getattr(rollout.orchestrator.user, "blocking", True) for rollout in rollouts
        )
        if all_instant or _loop_is_running():
            return [rollout.advance() for rollout in rollouts]

        async def advance_together() -> list[StepResult]:
            return await asyncio.gather(*(rollout.aadvance() for rollout in rollouts))

        return asyncio.run(advance_together())

    def render(self) -> tuple[str, ...]:
        """Return the conversations so far."""
        return tuple(env.render() for env in self.envs)

    def close_extras(self, **_kwargs: Any) -> None:
        """End all episodes."""
        for env in self.envs:
            env.close()


def make_vector_env(
    num_envs: int,
    domain: str,
    task_id: str | None = None,
    task_ids: Sequence[str] | None = None,
    **options: Any,
) -> AgentVectorEnv:
    """Return what `gymnasium.make_vec(..., vectorization_mode="vector_entry_point")` makes.

    Either one `task_id` for all `num_envs` sub-environments, or `task_ids`, one for each. Raise
    ValueError for anything else. The options are those of AgentVectorEnv.
    """
    if (task_id is None) == (task_ids is None):
        raise ValueError(
            "give either task_id=..., played by every sub-environment, or task_ids=..."
        )
    ids = [str(task_id)] * num_envs if task_ids is None else [str(one) for one in task_ids]
    if len(ids) != num_envs:
        raise ValueError(f"num_envs is {num_envs}, but task_ids has {len(ids)} entries")
    return AgentVectorEnv(domain, ids, **options)


def _loop_is_running() -> bool:
    """Return whether this thread runs an event loop, as notebooks do; `asyncio.run` would fail."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
