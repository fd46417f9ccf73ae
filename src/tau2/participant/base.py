"""The protocol of a half-duplex participant: it hears one message and answers with one.

State is a value that is handed in and handed back; a participant keeps none of it on itself, so
that one object may serve many episodes at once.
"""

from __future__ import annotations

import logging
from typing import Any, ClassVar, Generic, TypeVar

from tau2.data_model.message import Message

logger = logging.getLogger(__name__)

InputT = TypeVar("InputT")
OutputT = TypeVar("OutputT")
StateT = TypeVar("StateT")


class HalfDuplexParticipant(Generic[InputT, OutputT, StateT]):
    """A participant that takes turns.

    An asynchronous one also defines `async agenerate_next_message(message, state)`; a driver on an
    event loop prefers it. One whose `generate_next_message` never waits sets `blocking = False`,
    and is then called on the loop itself instead of in a worker thread.
    """

    blocking: ClassVar[bool] = True

    def generate_next_message(self, message: InputT, state: StateT) -> tuple[OutputT, StateT]:
        """Return the answer to `message` and the state after it."""
        raise NotImplementedError(f"{type(self).__name__} must define generate_next_message")

    def get_init_state(self, message_history: list[Message] | None = None) -> StateT:
        """Return the state of a participant that has lived through `message_history`."""
        raise NotImplementedError(f"{type(self).__name__} must define get_init_state")

    def stop(self, message: InputT | None = None, state: StateT | None = None) -> None:
        """Learn that the conversation is over; `message` is the last one heard."""

    @classmethod
    def is_stop(cls, message: Any) -> bool:
        """Return whether `message`, said by this participant, ends the conversation."""
        return False

    def set_seed(self, seed: int) -> None:
        """Take the episode's seed; the default has no use for one."""
        logger.debug("%s has no use for a seed", type(self).__name__)
