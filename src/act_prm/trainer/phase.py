"""What a phase of training is: batches, each generated first and then learned from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from act_prm.metrics.summary import Numbers
from act_prm.replay_buffer import EpisodeStep, TrajectoryGroup


@dataclass
class Batch:
    """What one batch is learned from."""

    groups: list[TrajectoryGroup] = field(default_factory=list)
    steps: list[EpisodeStep] = field(default_factory=list)
    """Of demonstrations, and those kept from earlier phases."""
    kept: list[EpisodeStep] = field(default_factory=list)
    """What a later phase is to learn from; the loop puts it into the replay buffer."""

    @property
    def everything(self) -> list[EpisodeStep]:
        """All steps, for the file of rollouts."""
        played = [
            step for group in self.groups for one in group for step in (*one.steps, *one.twins)
        ]
        return [*played, *self.steps]


class Phase(Protocol):
    """Batches of one kind. `generate` changes nothing, so it may be broken off and done again; `learn` is not."""

    name: str
    evaluates: bool
    """Whether the model is evaluated online while the phase lasts."""

    def length(self) -> int:
        """Return how many batches it has. Asked when it begins and when a run is resumed."""

    async def generate(self, index: int, batch_id: int) -> Batch:
        """Return what batch `index` of the phase, `batch_id` of the run, is learned from."""

    async def learn(self, batch: Batch, batch_id: int) -> Numbers:
        """Change the model; return what was measured."""


def teaching(groups: Sequence[TrajectoryGroup], keep_top_k: int | None = None) -> list[EpisodeStep]:
    """Return the steps to learn from: of groups whose rewards differ, the best k trajectories."""
    return [
        step
        for group in groups
        if group.teaches
        for one in group.top(keep_top_k)
        for step in one.steps
    ]
