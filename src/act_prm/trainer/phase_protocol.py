"""Phases of training: batches that are generated and then learned from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from act_prm.llm_handlers.client import Datum
from act_prm.metrics.summary import Metrics
from act_prm.replay_buffer import EpisodeStep, TrajectoryGroup, merged


@dataclass
class TrainingBatch:
    """The trajectories and steps of one batch."""

    groups: list[TrajectoryGroup] = field(default_factory=list)
    steps: list[EpisodeStep] = field(default_factory=list)
    """Steps to imitate: of demonstrations, or kept by an earlier phase."""
    kept: list[EpisodeStep] = field(default_factory=list)
    """Steps for a later phase; the training loop adds them to the replay buffer."""

    @property
    def all_steps(self) -> list[EpisodeStep]:
        """All steps, for the file of rollouts."""
        played = [
            step
            for group in self.groups
            for one in group
            for step in (*one.steps, *one.policy_steps)
        ]
        return [*played, *self.steps]


class Phase(Protocol):
    """Batches of one kind.

    `generate` changes nothing, so it may be interrupted and repeated; `learn` is not interrupted.
    """

    name: str
    evaluates: bool
    """Whether the model is evaluated online during the phase."""
    rewards_episodes: bool
    """Whether its rewards are those of whole episodes, so that the guard can compare them."""
    warmup_batches: int
    """Over which the learning rate rises, unless the configuration says otherwise."""

    def length(self) -> int:
        """Return the number of batches. Called when the phase begins and when a run is resumed."""

    async def generate(self, index: int, batch_id: int) -> TrainingBatch:
        """Return batch `index` of the phase, which is batch `batch_id` of the run."""

    async def learn(self, batch: TrainingBatch, batch_id: int) -> Metrics:
        """Update the model on a batch; return metrics."""


def sequences_with_signal(
    groups: Sequence[TrajectoryGroup],
    keep_top_k: int | None = None,
    *,
    mask_truncated: bool = False,
) -> tuple[list[Datum], Metrics]:
    """Return the best k trajectories of each group that has a gradient, as training sequences.

    The metrics say how many episodes and steps they are, how many tokens are computed for each
    episode and would be without joining its steps, and what was left out.
    """
    episodes = [
        one for group in groups if group.has_signal for one in group.top(keep_top_k) if one.steps
    ]
    sequences = [merged(one.steps, mask_truncated=mask_truncated) for one in episodes]
    steps = [step for one in episodes for step in one.steps]
    joined = [one for some in sequences for one in some]
    count = max(len(episodes), 1)
    cut_off = sum(not step.finished for step in steps)
    metrics = {
        "episodes": float(len(episodes)),
        "steps": float(len(steps)),
        "tokens_per_episode": sum(len(one.tokens) for one in joined) / count,
        "tokens_per_episode_unmerged": sum(len(step.state_action_tokens) for step in steps) / count,
        "rewritten_histories": float(len(joined) - len(episodes)),
        "cut_off_replies": float(cut_off),
    }
    return [one.datum() for one in joined], metrics
