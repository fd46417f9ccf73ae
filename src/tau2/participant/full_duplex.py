"""Full-duplex participants: they receive and return one chunk in every tick, and may both speak.

A chunk is a message with `is_audio` and at most one tick of audio. What a participant hears is the
other one's chunk of the tick before.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Generic, Protocol

from typing_extensions import TypeVar

from tau2.data_model.message import Message, ToolMessage

HeardT = TypeVar("HeardT")
ChunkT = TypeVar("ChunkT")
StateT = TypeVar("StateT", default=Any)


class FullDuplexProtocol(Protocol):
    """What the engine needs of a participant of a call, whatever its class is."""

    def get_init_state(self, message_history: list[Message] | None = None) -> Any:
        """Return the state at the beginning of a call."""

    def get_next_chunk(
        self, state: Any, participant_chunk: Any, tool_results: list[ToolMessage]
    ) -> tuple[Any, Any]:
        """Return the chunk of this tick and the state after it."""

    def is_stop(self, chunk: Any, /) -> bool:
        """Return whether `chunk`, of this participant, ends the call."""


class FullDuplexParticipant(Generic[HeardT, ChunkT, StateT]):
    """A participant of a call.

    State is a value that is passed in and returned. One that never blocks sets `blocking = False`,
    and is then called on the event loop itself instead of in a worker thread.
    """

    blocking: ClassVar[bool] = True
    """Whether a turn may wait, so that an event loop has to call it in a worker thread."""

    def get_next_chunk(
        self, state: StateT, participant_chunk: HeardT | None, tool_results: list[ToolMessage]
    ) -> tuple[ChunkT, StateT]:
        """Return the chunk of this tick and the state after it.

        Args:
            state: What was returned in the tick before.
            participant_chunk: The other participant's chunk of the tick before; None in the first.
            tool_results: The results of the calls that this participant made in the tick before.
        """
        raise NotImplementedError(f"{type(self).__name__} must define get_next_chunk")

    def get_init_state(self, message_history: list[Message] | None = None) -> StateT:
        """Return the state at the beginning of a call."""
        raise NotImplementedError(f"{type(self).__name__} must define get_init_state")

    def stop(self, participant_chunk: HeardT | None = None, state: StateT | None = None) -> None:
        """Clean up after the call; `participant_chunk` is the last one received."""

    @classmethod
    def is_stop(cls, chunk: ChunkT) -> bool:
        """Return whether `chunk`, of this participant, ends the call."""
        return False

    def set_seed(self, seed: int) -> None:
        """Receive the call's seed; the default ignores it."""

    def get_usage_records(self) -> Sequence[Any]:
        """Return what was used of a provider so far; the default has used nothing."""
        return ()
