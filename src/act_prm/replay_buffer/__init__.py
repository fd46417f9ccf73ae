"""Steps, trajectories, groups with their advantages, and the replay buffer."""

from act_prm.replay_buffer.buffer import ReplayBuffer
from act_prm.replay_buffer.groups import (
    MeanCenteredTrajectoryGroup,
    Trajectory,
    TrajectoryGroup,
    make_group,
)
from act_prm.replay_buffer.merging import MergedSteps, merged
from act_prm.replay_buffer.steps import EpisodeStep

__all__ = [
    "EpisodeStep",
    "MeanCenteredTrajectoryGroup",
    "MergedSteps",
    "ReplayBuffer",
    "Trajectory",
    "TrajectoryGroup",
    "make_group",
    "merged",
]
