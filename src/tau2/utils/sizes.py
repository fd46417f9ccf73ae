"""How large the parts of a conversation may be.

They are far beyond what any model or tool has a use for, and small enough that every text is read
in a moment. What exceeds one of them ends the episode with a reason in words, and is recorded with
its first KEPT characters; whose failure it is says `orchestrator.episode`.
"""

from __future__ import annotations

from tau2.utils.json_types import MAPPINGS, JsonValue

LONGEST_MESSAGE = 1_000_000
"""Characters of one message: its text, its reasoning, and the arguments of its tool calls."""

MOST_CALLS_OF_A_MESSAGE = 1_000
"""Tool calls in one message."""

LONGEST_RESULT = 4_000_000
"""Characters of the result of one tool call."""

LONGEST_CONVERSATION = 20_000_000
"""Characters of all messages and results of an episode."""

LARGEST_ANSWER = 32 * 2**20
"""Bytes of a model's answer, also decompressed. One with log probabilities has about 1 MB."""

LARGE = 200_000
"""Characters or bytes above which a text is read in a thread, not on the event loop."""

KEPT = 10_000
"""Characters that are recorded of a text that was too long."""


def size_of(value: JsonValue, most: int) -> int:
    """Return the characters of the texts, names and numbers in JSON data.

    Nothing is added once there are more than `most`, also for data that contains itself.
    """
    size = 0
    left = [value]
    while left and size <= most:
        value = left.pop()
        if isinstance(value, str):
            size += len(value)
        elif value is None:
            size += 1
        elif isinstance(value, MAPPINGS):
            size += 2
            for name in value:
                if isinstance(name, str):
                    size += len(name)
            left.extend(value.values())
        elif isinstance(value, list | tuple):
            size += 2
            left.extend(value)
        elif isinstance(value, int):
            size += 1 + value.bit_length() // 4
        else:
            size += 1
    return size
