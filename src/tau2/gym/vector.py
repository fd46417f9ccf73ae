"""Many agent environments as one: all episodes move at once on one event loop, without a thread per episode."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tau2.errors import needs_extra
from tau2.gym.gym_agent import AgentGymEnv
from tau2.gym.spaces import TauSpace
from tau2.rollout import Turn

with needs_extra("gym", "gymnasium"):
    import numpy as np
    from gymnasium.vector import AutoresetMode, VectorEnv
    from gymnasium.vector.utils import batch_space


class AgentVectorEnv(VectorEnv[tuple[str, ...], Sequence[str], Any]):
    """Several tasks of a domain played side by side; observations and actions are tuples of texts.

    Args:
        domain: A registered name.
        task_ids: One sub-environment per entry; a task may occur several times.
        autoreset_mode: NEXT_STEP (the default of Gymnasium): the step after an episode's end starts the next one and
            ignores the action; DISABLED: an ended episode waits for `reset(options={"reset_mask": ...})`.
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
        self.single_observation_space, self.single_action_space = TauSpace(), TauSpace()
        self.observation_space = batch_space(self.single_observation_space, self.num_envs)
        self.action_space = batch_space(self.single_action_space, self.num_envs)
        self._observations = [""] * self.num_envs
        self._ended = np.zeros(self.num_envs, dtype=bool)

    def reset(
        self,
        *,
        seed: int | Sequence[int | None] | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> tuple[tuple[str, ...], dict[str, Any]]:
        """Start all episodes, or those of `options["reset_mask"]`; one seed is counted up along the environments."""
        more = dict(options or {})
        mask = more.pop("reset_mask", np.ones(self.num_envs, dtype=bool))
        seeds = (
            [seed + n for n in range(self.num_envs)]
            if isinstance(seed, int)
            else seed or [None] * self.num_envs
        )
        chosen = [n for n in range(self.num_envs) if mask[n]]
        infos = self._restarted(chosen, seeds, more)
        return tuple(self._observations), infos

    def _restarted(
        self, chosen: Sequence[int], seeds: Sequence[int | None], options: Mapping[str, Any]
    ) -> dict[str, Any]:
        infos: dict[str, Any] = {}
        for n in chosen:
            self.envs[n].begin_reset(seeds[n], options)
        for n, turn in zip(chosen, self._settled(chosen), strict=True):
            self._observations[n], info = self.envs[n].end_reset(turn)
            self._ended[n] = False
            infos = self._add_info(infos, info, n)
        return infos

    def step(self, actions: Iterable[str]) -> tuple[tuple[str, ...], Any, Any, Any, dict[str, Any]]:
        """Make all moves and let all others answer at the same time."""
        rewards = np.zeros(self.num_envs, dtype=np.float64)
        terminated, truncated = (
            np.zeros(self.num_envs, dtype=bool),
            np.zeros(self.num_envs, dtype=bool),
        )
        renewed = self._to_renew()
        playing = [n for n in range(self.num_envs) if n not in renewed]
        moves = list(actions)
        told = {n: self.envs[n].begin_step(moves[n]) for n in playing}
        infos = self._restarted(renewed, [None] * self.num_envs, {}) if renewed else {}
        waiting = [n for n in playing if told[n] is None]
        told.update(zip(waiting, self._settled(waiting), strict=True))
        for n in playing:
            observed, rewards[n], terminated[n], truncated[n], info = self.envs[n].end_step(
                told[n] or Turn()
            )
            self._observations[n], self._ended[n] = observed, terminated[n] or truncated[n]
            infos = self._add_info(infos, info, n)
        return tuple(self._observations), rewards, terminated, truncated, infos

    def _to_renew(self) -> list[int]:
        if self.metadata["autoreset_mode"] is AutoresetMode.DISABLED:
            return []
        return [n for n in range(self.num_envs) if self._ended[n]]

    def _settled(self, chosen: Sequence[int]) -> list[Turn]:
        """Let the others of these episodes move until it is the agents' turn; users that wait, wait together."""
        rollouts = [self.envs[n].rollout for n in chosen]
        if _on_a_loop() or not any(
            getattr(rollout.orchestrator.user, "blocking", True) for rollout in rollouts
        ):
            return [rollout.advance() for rollout in rollouts]

        async def together() -> list[Turn]:
            return await asyncio.gather(*(rollout.aadvance() for rollout in rollouts))

        return asyncio.run(together())

    def render(self) -> tuple[str, ...]:
        """Return the conversations so far."""
        return tuple(env.render() for env in self.envs)

    def close_extras(self, **_kwargs: Any) -> None:
        """End all episodes; nothing is left behind."""
        for env in self.envs:
            env.close()


def _on_a_loop() -> bool:
    """Return whether an event loop runs on this thread already, a notebook's say; a second one cannot."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
