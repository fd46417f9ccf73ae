"""Trajectories, and groups of them whose advantages are stored on their steps."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from random import Random

from act_prm.replay_buffer.steps import EpisodeStep
from tau2.utils.json_types import JsonObject

_TOLERANCE = 1e-12  # smaller differences of rewards are rounding errors
_STD_FLOOR = 1e-4  # keeps tiny differences of rewards from becoming large advantages


@dataclass(slots=True)
class Trajectory:
    """The steps of one episode (or one step of a demonstration), in order."""

    steps: list[EpisodeStep]
    policy_steps: list[EpisodeStep] = field(default_factory=list)
    """For thoughts: the same steps as the policy would make them (thought, then action)."""
    info: JsonObject = field(default_factory=dict)
    """How the episode ended."""

    @property
    def final_reward(self) -> float:
        """The reward of the last step; 0 without one."""
        return self.steps[-1].reward if self.steps else 0.0

    @property
    def total_reward(self) -> float:
        """The sum of all rewards; equal to `final_reward` if only the last step has one."""
        return math.fsum(step.reward for step in self.steps)

    @property
    def length(self) -> int:
        """How many steps it has."""
        return len(self.steps)

    def returns(self, discount: float) -> list[float]:
        """Return the return of each step: G_t = r_t + discount * G_(t+1)."""
        returns: list[float] = []
        following = 0.0
        for step in reversed(self.steps):
            following = step.reward + discount * following
            returns.append(following)
        return returns[::-1]


@dataclass(slots=True)
class TrajectoryGroup:
    """Trajectories of one task; creating a group stores return and advantage on their steps.

    In this class the advantage of a step is its return (REINFORCE without a baseline: Williams,
    "Simple statistical gradient-following algorithms", 1992).
    """

    trajectories: list[Trajectory]
    discount_factor: float = 1.0
    infra_failed: int = 0
    """Episodes left out because the infrastructure failed; they say nothing about the policy."""
    user_failed: int = 0
    """Likewise, because the simulated user failed."""
    unplayed: int = 0
    """Likewise, because they ended before the policy's first step (the prompt did not fit, say)."""

    def __post_init__(self) -> None:
        for trajectory in self.trajectories:
            returns = trajectory.returns(self.discount_factor)
            for step, value in zip(trajectory.steps, returns, strict=True):
                step.return_ = value
        for trajectory, values in zip(self.trajectories, self.advantages(), strict=True):
            for step, value in zip(trajectory.steps, values, strict=True):
                step.advantage = value
            for step, policy_step in zip(trajectory.steps, trajectory.policy_steps, strict=False):
                policy_step.return_ = step.return_
                policy_step.advantage = step.advantage

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
    def has_signal(self) -> bool:
        """Whether there is a gradient: rewards differ, or a single trajectory has an advantage."""
        rewards = self.rewards
        if len(rewards) > 1:
            return max(rewards) - min(rewards) > _TOLERANCE
        return any(abs(step.advantage) > _TOLERANCE for step in self.steps)

    def advantages(self) -> list[list[float]]:
        """Return the advantages, [trajectory][step]."""
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
    """The advantage is the reward minus a baseline, discounted by the steps still to go.

    The baseline is the group's mean, as in GRPO (Shao et al., "DeepSeekMath", 2024,
    arXiv:2402.03300), or the mean of the others (Ahmadian et al., "Back to basics: revisiting
    REINFORCE-style optimization", 2024, arXiv:2402.14740). GRPO's division by the standard
    deviation is off by default: it gives tasks that are almost always, or almost never, solved the
    same weight as the others (Liu et al., "Understanding R1-Zero-like training", 2025,
    arXiv:2503.20783).
    """

    leave_one_out: bool = False
    """The baseline is the mean reward of the other trajectories."""
    scale_by_std: bool = False
    """Divide by the standard deviation of the group's rewards."""

    def advantages(self) -> list[list[float]]:
        """Return the advantages, [trajectory][step]."""
        above = self._above_baseline()
        advantages = []
        for trajectory, value in zip(self.trajectories, above, strict=True):
            steps_to_go = reversed(range(trajectory.length))
            advantages.append([value * self.discount_factor**n for n in steps_to_go])
        return advantages

    def _above_baseline(self) -> list[float]:
        """Return each trajectory's reward minus the baseline."""
        rewards = self.rewards
        count = len(rewards)
        mean = math.fsum(rewards) / count if rewards else 0.0
        scale = 1.0
        if self.leave_one_out and count > 1:
            # The distance to the mean of the others is this multiple of that to the mean.
            scale = count / (count - 1)
        if self.scale_by_std:
            deviation = math.sqrt(math.fsum((one - mean) ** 2 for one in rewards) / max(count, 1))
            scale /= deviation + _STD_FLOOR
        return [(reward - mean) * scale for reward in rewards]


def with_shuffled_rewards(group: TrajectoryGroup, rng: Random) -> TrajectoryGroup:
    """Return the group with its total rewards dealt out at random, each on a last step."""
    played = [one for one in group.trajectories if one.steps]
    rewards = [one.total_reward for one in played]
    rng.shuffle(rewards)
    for trajectory, reward in zip(played, rewards, strict=True):
        for step in trajectory.steps:
            step.reward = 0.0
        trajectory.steps[-1].reward = reward
    return replace(group)  # stores returns and advantages anew


def make_group(
    trajectories: Sequence[Trajectory],
    *,
    discount: float,
    mean_center: bool,
    leave_one_out: bool = False,
    scale_by_std: bool = False,
    **left_out: int,
) -> TrajectoryGroup:
    """Return the trajectories as a group; `left_out` counts the episodes that are not in it."""
    if not mean_center:
        return TrajectoryGroup(list(trajectories), discount, **left_out)
    return MeanCenteredTrajectoryGroup(
        list(trajectories),
        discount,
        leave_one_out=leave_one_out,
        scale_by_std=scale_by_std,
        **left_out,
    )
