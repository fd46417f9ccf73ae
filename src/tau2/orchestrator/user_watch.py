"""The monitor of one episode's user: refuses messages, and keeps what was found.

Whatever it knows follows from the trajectory, so a resumed or forked episode makes its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tau2.data_model.message import Message, UserMessage
from tau2.data_model.simulation import TerminationReason
from tau2.orchestrator.episode import Failure
from tau2.participant.model_turns import ConversationState
from tau2.participant.monitoring import (
    ASKED_AGAIN,
    FindingProtocol,
    MonitorRecord,
    MonitorSetup,
)
from tau2.participant.protocols import UserProtocol
from tau2.utils.json_types import JsonObject


class UserWatch:
    """Monitors the user of one episode."""

    def __init__(self, setup: MonitorSetup) -> None:
        """Begin before the first message."""
        self.setup = setup
        self._monitor = setup.make()
        self._heard = 0
        self._findings: list[FindingProtocol] = []

    def objections(
        self, trajectory: Sequence[Message], message: object
    ) -> Sequence[FindingProtocol]:
        """Return why the user's next message is refused; empty when it is not."""
        if not self.setup.acts or not isinstance(message, UserMessage):
            return ()
        self._catch_up(trajectory)
        return [finding for finding in self._monitor.check(message) if finding.is_decisive]

    def record(self, trajectory: Sequence[Message]) -> JsonObject | None:
        """Return what a record says of a finished episode; None where there is nothing to say."""
        self._catch_up(trajectory)
        replaced = [
            {"turn": turn, **message.raw_data[ASKED_AGAIN]}
            for turn, message in enumerate(trajectory)
            if isinstance(message, UserMessage)
            and message.raw_data is not None
            and ASKED_AGAIN in message.raw_data
        ]
        if not self._findings and not replaced:
            return None
        return MonitorRecord(
            mode="act" if self.setup.acts else "report",
            findings=[finding.model_dump(mode="json") for finding in self._findings],
            asked_again=replaced,
        ).model_dump(mode="json")

    def _catch_up(self, trajectory: Sequence[Message]) -> None:
        for message in trajectory[self._heard :]:
            self._findings += self._monitor.observe(message)
        self._heard = len(trajectory)


def turn_length(state: object) -> int:
    """Return how many messages the state of a model-driven user holds; 0 for any other state."""
    return len(state.messages) if isinstance(state, ConversationState) else 0


def taken_back(
    user: UserProtocol, state: Any, length: int, findings: Sequence[FindingProtocol]
) -> Any | None:
    """Return the user's state before a refused message; None for one that cannot answer again."""
    take_back = getattr(user, "take_back", None)
    if take_back is None or not isinstance(state, ConversationState):
        return None
    return take_back(state, length, "; ".join(finding.reason for finding in findings))


def marked(
    message: UserMessage, refused: UserMessage, findings: Sequence[FindingProtocol]
) -> UserMessage:
    """Note in a message what it replaced, and what that cost."""
    told = {"reasons": [finding.model_dump(mode="json") for finding in findings],
            "text": refused.content}  # fmt: skip
    message.raw_data = {**(message.raw_data or {}), ASKED_AGAIN: told}
    known = message.cost is not None and refused.cost is not None
    message.cost = (message.cost or 0.0) + (refused.cost or 0.0) if known else None
    if message.usage and refused.usage:
        message.usage = {
            name: _sum(message.usage.get(name), refused.usage.get(name))
            for name in {**refused.usage, **message.usage}
        }
    return message


def _sum(one: Any, other: Any) -> Any:
    if isinstance(one, int | float) and isinstance(other, int | float):
        return one + other
    return one if one is not None else other


def refusal(message: Any, findings: Sequence[FindingProtocol]) -> Failure:
    """Return the answer that ends an episode because of a user's message; it is recorded."""
    reasons = "; ".join(str(finding) for finding in findings)
    return Failure(TerminationReason.USER_ERROR, f"user: {reasons}", message)
