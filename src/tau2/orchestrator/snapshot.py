"""Where an episode stands, as data: enough to go on from there, here or in another process.

A generator can be neither copied nor pickled, but between two turns it knows nothing that its log does not say.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tau2.data_model.message import Message
from tau2.data_model.simulation import TerminationReason
from tau2.environment.cow import clone
from tau2.orchestrator.episode import Ask, Log, Role, next_after


@dataclass(frozen=True, slots=True)
class Moment:
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
    """How and why the episode ended, when it has."""

    def entered(self) -> tuple[Log, Ask, Any, Any]:
        """Return a log, what is asked next, and both states: copies that share nothing with any other episode."""
        messages = [clone(message) for message in self.messages]
        agent_state, user_state = copied_states(
            self.messages, messages, self.agent_state, self.user_state
        )
        ask = next_after(messages)[0] if messages else Ask(Role.AGENT, None)
        log = Log(trajectory=messages, steps=self.steps, errors=self.errors)
        if self.end is not None:
            log.end(*self.end)
        return log, ask, agent_state, user_state


def copied_states(old: Sequence[Message], new: Sequence[Message], *states: Any) -> tuple[Any, ...]:
    """Return deep copies of the states, in which every old message is the new one in its place."""
    memo: dict[int, Any] = {id(message): twin for message, twin in zip(old, new, strict=True)}
    return tuple(copy.deepcopy(state, memo) for state in states)
