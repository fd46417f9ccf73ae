"""Everything needed to start the same episode twice: the task and a way to get a fresh environment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tau2.data_model.tasks import Task
from tau2.environment.environment import Environment


@dataclass(frozen=True, slots=True)
class World:
    """A task in its environment; names of domains play no part."""

    task: Task
    fresh: Callable[[], Environment]
    """Returns an independent environment as it was before the episode: once to play, again for the gold world."""

    def start(self) -> Environment:
        """Return an environment in the task's initial state, with the task's history replayed."""
        environment = self.fresh()
        state = self.task.initial_state
        environment.set_state(
            initialization_data=state.initialization_data if state else None,
            initialization_actions=state.initialization_actions if state else None,
            message_history=(state.message_history or []) if state else [],
        )
        return environment
