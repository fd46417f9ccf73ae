"""A model's reply in text: tool calls in the tags that many chat templates use, or text.

    <tool_call>{"name": "get_users", "arguments": {}}</tool_call>

Only what stands in the tags is a call; everything else is text.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from tau2.actions.parse import TAGGED, read_text
from tau2.actions.tagged import to_tagged_format
from tau2.actions.tool_calls import MalformedAction as UnreadableReply
from tau2.data_model.message import AssistantMessage, Message
from tau2.utils.json_types import JsonMapping

__all__ = ["UnreadableReply", "as_reply", "read_reply", "tools_as_text"]

HOW_TO_CALL = """\
You may call these tools:
<tools>
{tools}
</tools>
To call a tool, answer with nothing but its name and arguments as JSON in these tags, once for \
every call:
<tool_call>
{{"name": "...", "arguments": {{...}}}}
</tool_call>
An answer without these tags is what the customer hears. To end the conversation, answer \
###STOP###."""


def tools_as_text(tools: Sequence[JsonMapping]) -> str:
    """Return how to call tools, for a system prompt."""
    return HOW_TO_CALL.format(
        tools="\n".join(json.dumps(tool, ensure_ascii=False) for tool in tools)
    )


def read_reply(text: str) -> AssistantMessage:
    """Return the message that a reply stands for, thoughts kept apart.

    Raises:
        UnreadableReply: a tool call was meant and cannot be read, or the reply says nothing.
    """
    message = read_text(text, TAGGED)
    assert isinstance(message, AssistantMessage), "the requestor is the assistant"
    return message


def as_reply(message: Message) -> str:
    """Return a message as text, its tool calls in their tags."""
    parts = (getattr(message, "content", None), *map(to_tagged_format, message.calls))
    return "\n".join(part for part in parts if part)
