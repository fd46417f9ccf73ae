"""What the parts of a conversation may take up, and what is recorded of one that takes up more."""

from __future__ import annotations

from collections.abc import Sequence

from tau2.data_model.message import (
    AssistantMessage,
    Message,
    ToolMessage,
    ToolRequestor,
    UserMessage,
)
from tau2.utils.sizes import (
    KEPT,
    LONGEST_MESSAGE,
    LONGEST_RESULT,
    MOST_CALLS_OF_A_MESSAGE,
    size_of,
)
from tau2.utils.text import shortened

RESULT_TOO_LONG = f"the result of a tool has more than {LONGEST_RESULT:,} characters"


class Volume:
    """Counts the characters of a conversation; every message is looked at once."""

    def __init__(self) -> None:
        self._of: dict[ToolRequestor, int] = {"assistant": 0, "user": 0}
        self._seen: set[int] = set()
        self._counted = 0

    def measure(self, messages: Sequence[Message]) -> dict[ToolRequestor, int]:
        """Return the characters that the agent and the user have brought in.

        The result of a tool call counts for who made the call. `messages` may only have grown
        since the last time.
        """
        for message in messages[self._counted :]:
            self._seen.add(id(message))
            if isinstance(message, ToolMessage):
                self._of[message.requestor] += len(message.content or "")
            elif isinstance(message, AssistantMessage | UserMessage):
                self._of[message.role] += _size(message, LONGEST_MESSAGE)
        self._counted = len(messages)
        return self._of

    def has_seen(self, message: Message, messages: Sequence[Message]) -> bool:
        """Return whether this very object is among the messages."""
        self.measure(messages)
        return id(message) in self._seen


def excess_of(message: AssistantMessage | UserMessage) -> str | None:
    """Return what is too much about a participant's message; None for nothing."""
    if len(message.calls) > MOST_CALLS_OF_A_MESSAGE:
        return f"made more than {MOST_CALLS_OF_A_MESSAGE:,} tool calls in one message"
    if _size(message, LONGEST_MESSAGE) > LONGEST_MESSAGE:
        return f"sent a message of more than {LONGEST_MESSAGE:,} characters"
    return None


def _size(message: AssistantMessage | UserMessage, most: int) -> int:
    size = len(message.content or "") + len(message.reasoning_content or "")
    for call in message.calls:
        if size > most:
            break
        size += len(call.id) + len(call.name) + size_of(call.arguments, most)
    return size


def recorded_part(message: AssistantMessage | UserMessage) -> AssistantMessage | UserMessage:
    """Return what is recorded of a message; of one that is too much, its beginning."""
    if excess_of(message) is None:
        return message
    kept = {
        "content": shortened(message.content or "", KEPT),
        "reasoning_content": shortened(message.reasoning_content or "", KEPT) or None,
        "tool_calls": None,
        "raw_data": None,
        "provider_data": None,
    }
    return message.model_copy(update=kept)


def is_too_long(result: ToolMessage) -> bool:
    """Return whether the result of a tool call is longer than results may be."""
    return len(result.content or "") > LONGEST_RESULT


def recorded_result(result: ToolMessage) -> ToolMessage:
    """Return what is recorded of a result that is too long."""
    if not is_too_long(result):
        return result
    return result.model_copy(update={"content": shortened(result.content or "", KEPT)})
