"""Conversations in which a policy speaks by plain text instead of by the call `respond_user`.

In prompts of the form `signatures` a turn is one call or text, and text goes to the customer.
"""

from __future__ import annotations

from collections.abc import Sequence

from act_prm.environments.tau2bench_messages import HOW_TO_ACT, RESPOND_USER, SENT
from act_prm.environments.types import Message
from tau2.actions.message import text_of_content
from tau2.actions.tool_calls import parse_arguments
from tau2.utils.json_types import JsonMapping, JsonObject


def without_respond_user(messages: Sequence[JsonMapping]) -> list[Message]:
    """Return messages in which calls of `respond_user` are text, and have no result."""
    sent: set[str | None] = set()
    kept: list[Message] = []
    for message in messages:
        role = message.get("role")
        if role == "system":
            kept.append({**message, "content": _without_instruction(message)})
        elif role == "assistant" and message.get("tool_calls"):
            kept.append(_spoken(message, sent))
        elif not (message.get("output") == SENT and message.get("call_id") in sent):
            kept.append(dict(message))
    return kept


def _without_instruction(message: JsonMapping) -> str:
    return text_of_content(message.get("content")).removesuffix(f"\n\n{HOW_TO_ACT}")


def _spoken(message: JsonMapping, sent: set[str | None]) -> Message:
    texts = [text_of_content(message.get("content"))]
    calls: list[JsonObject] = []
    for call in message["tool_calls"]:
        text = _spoken_text(call)
        if text is None:
            calls.append(call)
        else:
            texts.append(text)
            sent.add(call.get("id"))
    return {**message, "content": "\n".join(filter(None, texts)), "tool_calls": calls}


def _spoken_text(call: JsonMapping) -> str | None:
    """Return what a call says to the customer; None for any other call."""
    function = call.get("function", call)
    if function.get("name") != RESPOND_USER:
        return None
    arguments = function.get("arguments")
    text = parse_arguments(arguments).get("text")
    return text if isinstance(text, str) and text.strip() else None


def without_respond_user_tool(tools: Sequence[JsonMapping]) -> list[JsonObject]:
    """Return the tools but for `respond_user`."""
    return [dict(one) for one in tools if one.get("function", one).get("name") != RESPOND_USER]
