"""A model's reply in text: tool calls in the tags that the chat templates of many models use, or words.

    <tool_call>{"name": "get_users", "arguments": {}}</tool_call>

Only what stands in the tags is a call; everything else is words.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from tau2.data_model.message import AssistantMessage, ToolCall
from tau2.llm.parse import parse_arguments
from tau2.llm.text import clean_text, split_reasoning
from tau2.rollout.actions import LONGEST_TEXT

_CALL = re.compile(r"<tool_call>(.*?)(?:</tool_call>|\Z)", re.DOTALL)
_MOST_CALLS = 64  # of one reply; a model that repeats itself writes thousands

HOW_TO_CALL = """\
You may call these tools:
<tools>
{tools}
</tools>
To call a tool, answer with nothing but its name and arguments as JSON in these tags, once for every call:
<tool_call>
{{"name": "...", "arguments": {{...}}}}
</tool_call>
An answer without these tags is what the customer hears. To end the conversation, answer ###STOP###."""


class UnreadableReply(ValueError):
    """A reply in which a tool call was meant and cannot be read; the text says what is wrong."""


def tools_as_text(tools: Sequence[Mapping[str, Any]]) -> str:
    """Return how to call tools, for a system prompt."""
    return HOW_TO_CALL.format(
        tools="\n".join(json.dumps(tool, ensure_ascii=False) for tool in tools)
    )


def read_reply(text: str) -> AssistantMessage:
    """Return the message that a reply stands for, thoughts kept apart. Raise UnreadableReply."""
    said, thought = split_reasoning(clean_text(text[:LONGEST_TEXT]))
    found = _CALL.findall(said or "")
    if not found:
        if not (said or "").strip():
            raise UnreadableReply(
                "the answer is empty: call a tool, or say something to the customer"
            )
        return AssistantMessage(content=said, reasoning_content=thought)
    if len(found) > _MOST_CALLS:
        raise UnreadableReply(
            f"{len(found)} tool calls in one answer are too many; make at most {_MOST_CALLS}"
        )
    words = _CALL.sub("", said or "").strip()
    return AssistantMessage(
        content=words or None, tool_calls=[_call(body) for body in found], reasoning_content=thought
    )


def _call(body: str) -> ToolCall:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise UnreadableReply(f"a tool call is not valid JSON: {error}") from error
    if not isinstance(value, dict) or not isinstance(value.get("name"), str):
        raise UnreadableReply('a tool call must be a JSON object {"name": ..., "arguments": {...}}')
    return ToolCall(name=value["name"], arguments=parse_arguments(value.get("arguments")))


def as_reply(message: Any) -> str:
    """Return a message that has content as text, its tool calls in their tags."""
    tags = [_tagged(call) for call in message.calls]
    return "\n".join(part for part in (message.content, *tags) if part)


def _tagged(call: ToolCall) -> str:
    text = json.dumps({"name": call.name, "arguments": call.arguments}, ensure_ascii=False)
    return (
        "<tool_call>\n" + text.replace("</", "<\\/") + "\n</tool_call>"
    )  # no closing tag within a string
