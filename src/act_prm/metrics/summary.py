"""Metrics of groups of trajectories."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from act_prm.replay_buffer import Trajectory, TrajectoryGroup
from act_prm.replay_buffer.steps import THOUGHT

Metrics = dict[str, float]


def mean(values: Iterable[float]) -> float:
    """Return the mean; 0 without values."""
    numbers = list(values)
    return math.fsum(numbers) / len(numbers) if numbers else 0.0


def means(reports: Sequence[Mapping[str, float]]) -> Metrics:
    """Return the mean of each metric over the reports that have it."""
    names = sorted({name for report in reports for name in report})
    return {name: mean(report[name] for report in reports if name in report) for name in names}


def group_metrics(groups: Sequence[TrajectoryGroup]) -> Metrics:
    """Return metrics of groups: rewards, lengths, left-out episodes, groups without signal."""
    trajectories = [trajectory for group in groups for trajectory in group]
    final = [one.final_reward for one in trajectories]
    rewards = [reward for group in groups for reward in group.rewards]
    average = mean(rewards)
    found = {
        "final_reward": mean(final),
        "total_reward": mean(one.total_reward for one in trajectories),
        "reward_std": math.sqrt(mean((reward - average) ** 2 for reward in rewards)),
        "best_of_group": mean(group.best.total_reward for group in groups if len(group)),
        "n_groups": float(len(groups)),
        "n_trajectories": float(len(trajectories)),
        "n_groups_without_signal": float(sum(not group.has_signal for group in groups)),
        "n_infra_failed": float(sum(group.infra_failed for group in groups)),
        "n_user_failed": float(sum(group.user_failed for group in groups)),
        "n_unplayed": float(sum(group.unplayed for group in groups)),
        "turns": mean(one.length for one in trajectories),
        "prompt_tokens": mean(step.state_len for one in trajectories for step in one.steps),
        "reply_tokens": mean(step.reply_len for one in trajectories for step in one.steps),
    }
    return found | _episode_metrics(trajectories)


def _episode_metrics(trajectories: Sequence[Trajectory]) -> Metrics:
    """Return the metrics that only online episodes have."""
    played = [one for one in trajectories if one.steps and one.steps[-1].kind != THOUGHT]
    if not played:
        return {}
    return {
        "correct": mean(float(one.info.get("correct", 0)) for one in played),
        "truncated": mean(float(bool(one.info.get("truncated"))) for one in played),
        "invalid_actions": mean(float(one.info.get("invalid_actions", 0)) for one in played),
    }
