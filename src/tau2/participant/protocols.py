"""What the engine needs of an agent and of a user, whatever their classes are."""

from __future__ import annotations

from typing import Any, Protocol

from tau2.data_model.message import Message


class ParticipantProtocol(Protocol):
    """One that takes turns in an episode.

    Beside these methods it has `generate_next_message(message, state)`, which returns the next
    message and the state after it, or `async agenerate_next_message(message, state)`, or both (see
    `HalfDuplexParticipant`). Neither is required here, because either suffices.
    """

    def get_init_state(self, message_history: list[Message] | None = None) -> Any:
        """Return the state of a participant that has taken part in `message_history`."""

    def is_stop(self, message: Any, /) -> bool:
        """Return whether `message`, of this participant, ends the conversation."""


class AgentProtocol(ParticipantProtocol, Protocol):
    """The assistant under test: its turns are `AssistantMessage`s."""


class UserProtocol(ParticipantProtocol, Protocol):
    """The customer: its turns are `UserMessage`s."""
