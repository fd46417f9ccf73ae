"""Trajectories, and groups of them whose advantages are stored on their steps."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from act_prm.replay_buffer.steps import EpisodeStep

_SAME = 1e-12  # rewards closer than this do not differ


@dataclass(slots=True)
class Trajectory:
    """The steps of one episode (or one step of a demonstration), in order."""

    steps: list[EpisodeStep]
    twins: list[EpisodeStep] = field(default_factory=list)
    """The same steps as the plain policy says them (thought, then action); of thoughts only."""
    info: dict[str, Any] = field(default_factory=dict)
    """How the episode ended."""

    @property
    def final_reward(self) -> float:
        """The reward of the last step; 0 without one."""
        return self.steps[-1].reward if self.steps else 0.0

    @property
    def total_reward(self) -> float:
        """The sum of all rewards: `final_reward` unless rewards are shaped or given for each step."""
        return math.fsum(step.reward for step in self.steps)

    @property
    def length(self) -> int:
        """How many steps it has."""
        return len(self.steps)

    def returns(self, discount: float) -> list[float]:
        """Return the discounted sum of the rewards from each step on."""
        found: list[float] = []
        later = 0.0
        for step in reversed(self.steps):
            later = step.reward + discount * later
            found.append(later)
        return found[::-1]


@dataclass(slots=True)
class TrajectoryGroup:
    """Trajectories that began alike; making one stores return and advantage on each of their steps.

    Here the advantage of a step is its return.
    """

    trajectories: list[Trajectory]
    discount_factor: float = 1.0
    infra_failed: int = 0
    """Episodes left out because their surroundings failed; they say nothing about the policy."""
    user_failed: int = 0
    """Likewise, because the simulated user failed."""
    unplayed: int = 0
    """Likewise, because they ended before the policy's first turn (its prompt did not fit, say)."""

    def __post_init__(self) -> None:
        for trajectory in self.trajectories:
            for step, value in zip(
                trajectory.steps, trajectory.returns(self.discount_factor), strict=True
            ):
                step.return_ = value
        for trajectory, values in zip(self.trajectories, self.advantages(), strict=True):
            for step, value in zip(trajectory.steps, values, strict=True):
                step.advantage = value
            for step, twin in zip(trajectory.steps, trajectory.twins, strict=False):
                twin.return_, twin.advantage = step.return_, step.advantage

    def __iter__(self) -> Iterator[Trajectory]:
        return iter(self.trajectories)

    def __len__(self) -> int:
        return len(self.trajectories)

    @property
    def steps(self) -> list[EpisodeStep]:
        """The steps of all trajectories."""
        return [step for trajectory in self.trajectories for step in trajectory.steps]

    @property
    def rewards(self) -> list[float]:
        """The total reward of each trajectory."""
        return [trajectory.total_reward for trajectory in self.trajectories]

    @property
    def best(self) -> Trajectory:
        """The trajectory with the highest reward, the first of equals."""
        return max(self.trajectories, key=lambda one: one.total_reward)

    @property
    def teaches(self) -> bool:
        """Whether there is something to learn: rewards that differ, or a lone trajectory with an advantage."""
        rewards = self.rewards
        if len(rewards) > 1:
            return max(rewards) - min(rewards) > _SAME
        return any(abs(step.advantage) > _SAME for step in self.steps)

    def advantages(self) -> list[list[float]]:
        """Return the advantage of each step of each trajectory."""
        return [[step.return_ for step in trajectory.steps] for trajectory in self.trajectories]

    def top(self, count: int | None) -> list[Trajectory]:
        """Return the best `count` trajectories in their order; all for None."""
        if count is None or count >= len(self.trajectories):
            return self.trajectories
        rewards = self.rewards
        chosen = sorted(range(len(rewards)), key=lambda at: (-rewards[at], at))[:count]
        return [self.trajectories[at] for at in sorted(chosen)]


@dataclass(slots=True)
class MeanCenteredTrajectoryGroup(TrajectoryGroup):
    """The advantage is the reward above the group's mean, discounted by the steps still to go."""

    def advantages(self) -> list[list[float]]:
        """Return the advantage of each step of each trajectory."""
        rewards = self.rewards
        mean = math.fsum(rewards) / len(rewards) if rewards else 0.0
        return [
            [
                (reward - mean) * self.discount_factor ** (one.length - at - 1)
                for at in range(one.length)
            ]
            for one, reward in zip(self.trajectories, rewards, strict=True)
        ]


def make_group(
    trajectories: Sequence[Trajectory], *, discount: float, mean_center: bool, **left_out: int
) -> TrajectoryGroup:
    """Return the trajectories as a group with its advantages; `left_out` counts those that are not in it."""
    kind = MeanCenteredTrajectoryGroup if mean_center else TrajectoryGroup
    return kind(list(trajectories), discount, **left_out)
