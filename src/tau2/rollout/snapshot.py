"""A rollout's own history, and a whole rollout as data."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from tau2.data_model.tasks import Task
from tau2.orchestrator.snapshot import EpisodeSnapshot
from tau2.rollout.results import RolloutStep, StepResult


@dataclass(slots=True)
class RolloutHistory:
    """The caller's actions in an episode, and what they led to."""

    reset_result: StepResult | None = None
    """The observation before the first action."""
    steps: list[RolloutStep] = field(default_factory=list)
    result: StepResult | None = None
    """The newest result; None until the others have answered the last action."""
    invalid_actions: int = 0
    potential: float = 0.0
    """Of the newest result, for shaping."""
    observed_from: int = 0
    """Index in the trajectory of the first message after the caller's last one."""
    stops_after_calls: bool = False
    """The last action called `done` beside other tools; unless one fails, the episode ends."""

    def copied(self) -> RolloutHistory:
        """Return an independent copy; results and messages never change and are shared."""
        return replace(self, steps=[replace(step) for step in self.steps])

    def record(self, result: StepResult) -> None:
        """Record what the last action led to, or the first observation."""
        self.result = result
        if not self.steps:
            self.reset_result = result
        elif self.steps[-1].result is None:
            self.steps[-1].result = result


@dataclass(frozen=True, slots=True)
class RolloutSnapshot:
    """A rollout between two actions, as data that can be pickled."""

    task: Task
    seed: int | None
    moment: EpisodeSnapshot
    history: RolloutHistory
