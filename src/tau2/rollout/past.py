"""What a rollout remembers of its own moves, and a whole rollout as data."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from tau2.data_model.tasks import Task
from tau2.orchestrator.snapshot import Moment
from tau2.rollout.turn import Step, Turn


@dataclass(slots=True)
class Past:
    """A rollout's own moves and what they led to."""

    opening: Turn | None = None
    """What the seat heard before its first move."""
    steps: list[Step] = field(default_factory=list)
    turn: Turn | None = None
    """Where the seat stands; None while the others have yet to move."""
    invalid_actions: int = 0
    potential: float = 0.0
    mark: int = 0
    """How many messages there were after the seat's last move."""
    stops_after_calls: bool = False
    """The seat said `done` beside other calls: it ends once they are made, unless one of them fails."""

    def copied(self) -> Past:
        """Return an independent copy; turns and messages never change and are shared."""
        return replace(self, steps=[replace(step) for step in self.steps])

    def told(self, turn: Turn) -> None:
        """Note what the seat is told after its last move, or before its first."""
        self.turn = turn
        if not self.steps:
            self.opening = turn
        elif self.steps[-1].turn is None:
            self.steps[-1].turn = turn


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A rollout between two moves, as data that pickles."""

    task: Task
    seed: int | None
    moment: Moment
    past: Past
