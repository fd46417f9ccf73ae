"""Words and names that models, tools, tasks and the engine agree on."""

from __future__ import annotations

import re

STOP = "###STOP###"
"""In a message of the user, or of an agent that may end a conversation: it is over."""

TOKEN = re.compile(r"###[A-Z][A-Z_-]*###")
"""`STOP` and its like: what participants write to end a conversation, and nobody says or hears."""

TRANSFER_TOOL = "transfer_to_human_agents"
"""The tool with which an agent hands a conversation over to a person."""

DONE_TOOL = "done"
"""The tool with which an agent without a user ends its work."""


def done() -> str:
    """Say that the case is solved, or that nothing more can be done for it.

    Nothing happens afterwards.
    """
    return ""
