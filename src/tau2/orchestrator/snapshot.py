"""An episode between two turns, as data: enough to continue it in this process or another.

A generator can be neither copied nor pickled, but between two turns it knows nothing that
`EpisodeProgress` does not say.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tau2.data_model.message import Message
from tau2.data_model.simulation import TerminationReason
from tau2.environment.cow import clone
from tau2.orchestrator.episode import Ask, EpisodeProgress, Role, next_after


@dataclass(frozen=True, slots=True)
class EpisodeSnapshot:
    """An episode between two turns."""

    messages: tuple[Message, ...]
    steps: int
    errors: int
    agent_state: Any
    user_state: Any
    elapsed: float
    """Seconds played so far."""
    start_time: str
    end: tuple[TerminationReason, str | None] | None = None
    """How and why the episode ended, if it did."""
    user_errors: int = 0
    """How many of the errors were the user's."""

    def restored(self) -> tuple[EpisodeProgress, Ask, Any, Any]:
        """Return progress, next ask, agent state and user state, independent of other episodes."""
        messages = [clone(message) for message in self.messages]
        agent_state, user_state = copied_states(
            self.messages, messages, self.agent_state, self.user_state
        )
        ask = next_after(messages)[0] if messages else Ask(Role.AGENT, None)
        progress = EpisodeProgress(
            trajectory=messages,
            steps=self.steps,
            errors=self.errors,
            user_errors=self.user_errors,
        )
        if self.end is not None:
            progress.end(*self.end)
        return progress, ask, agent_state, user_state


def copied_states(old: Sequence[Message], new: Sequence[Message], *states: Any) -> tuple[Any, ...]:
    """Return deep copies of states, in which the messages of `new` replace those of `old`."""
    memo: dict[int, Any] = {
        id(message): replacement for message, replacement in zip(old, new, strict=True)
    }
    return tuple(copy.deepcopy(state, memo) for state in states)
