"""The base class of half-duplex participants: they receive one message and return one.

State is a value that is passed in and returned; a participant keeps none of it on itself, so that
one object may serve many episodes at once.
"""

from __future__ import annotations

import logging
from typing import Any, ClassVar, Generic

from typing_extensions import TypeVar

from tau2.data_model.message import Message

logger = logging.getLogger(__name__)

InputT = TypeVar("InputT")
OutputT = TypeVar("OutputT")
StateT = TypeVar("StateT", default=Any)


class HalfDuplexParticipant(Generic[InputT, OutputT, StateT]):
    """A participant that takes turns.

    An asynchronous one also defines `async agenerate_next_message(message, state)`; a driver on an
    event loop prefers it. One whose `generate_next_message` never blocks sets `blocking = False`,
    and is then called on the event loop itself instead of in a worker thread.
    """

    blocking: ClassVar[bool] = True
    """Whether a turn may wait, so that an event loop has to call it in a worker thread."""

    def generate_next_message(self, message: InputT, state: StateT) -> tuple[OutputT, StateT]:
        """Return the next message, in reply to `message`, and the state after it."""
        raise NotImplementedError(f"{type(self).__name__} must define generate_next_message")

    def get_init_state(self, message_history: list[Message] | None = None) -> StateT:
        """Return the state of a participant that has taken part in `message_history`."""
        raise NotImplementedError(f"{type(self).__name__} must define get_init_state")

    def stop(self, message: InputT | None = None, state: StateT | None = None) -> None:
        """Clean up after the conversation; `message` is the last one received."""

    @classmethod
    def is_stop(cls, message: OutputT) -> bool:
        """Return whether `message`, of this participant, ends the conversation."""
        return False

    def set_seed(self, seed: int) -> None:
        """Receive the episode's seed; the default ignores it."""
        logger.debug("%s does not use a seed", type(self).__name__)
