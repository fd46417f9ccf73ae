"""Conversations with tools as plain turns, which every chat template can render.

Many chat templates know neither tools nor tool calls and drop them silently. Here the tools are
signatures in the system prompt, a call is JSON between `<tool_call>` tags in the assistant's turn,
and a result stands between `<tool_response>` tags in the user's. `tau2.actions.parse` reads the
calls back. The local models and the trainers use the same form, so that a trained adapter plays on
the prompts that it was trained on.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Sequence
from itertools import groupby
from typing import Literal, NamedTuple

from tau2.actions.message import text_of_content
from tau2.actions.signatures import signatures
from tau2.actions.tagged import TOOL_CALL_TAGS
from tau2.utils.json_types import JsonMapping, JsonObject, JsonValue

TOOL_RESPONSE_TAGS = ("<tool_response>", "</tool_response>")

_OWN_TAGS = re.compile(r"<(?=/?tool_(?:call|response)>)")
_CALL_FORM = (
    "# Tools\n"
    "Each turn is either text for the customer or one tool call, never both. Write a call as\n"
    f'{TOOL_CALL_TAGS.opening}{{"name": …, "arguments": {{…}}}}{TOOL_CALL_TAGS.closing}'
)


class PlainTurn(NamedTuple):
    """A turn without any field beside its text."""

    role: Literal["system", "user", "assistant"]
    content: str


def plain_chat(
    messages: Sequence[JsonMapping],
    tools: Sequence[JsonMapping] = (),
    *,
    special_tokens: Collection[str] = (),
) -> list[PlainTurn]:
    """Return messages and tools of OpenAI's form as plain turns.

    The first turn is the system prompt with the tools, if there is any of both; adjacent turns of
    one role are joined, and a greeting before anybody else spoke is left out, since many templates
    insist on alternation that the user begins.

    Args:
        messages: With the roles system, user, assistant and tool.
        tools: Nested or flat schemas.
        special_tokens: Texts with a meaning of their own to the tokenizer. They, and anything that
            begins like `<|`, are broken up in what users, tools and models wrote.
    """
    inert = InertText(special_tokens)
    given = (_turn(message, inert) for message in _without_greeting(messages))
    turns = [
        PlainTurn(role, "\n".join(turn.content for turn in same_role))
        for role, same_role in groupby(given, key=lambda turn: turn.role)
    ]
    return _with_tools(turns, tools)


def _without_greeting(messages: Sequence[JsonMapping]) -> Sequence[JsonMapping]:
    """Return the messages but for texts of the assistant before the first other turn."""
    for number, message in enumerate(messages):
        if message.get("role") in {"user", "tool"} or message.get("tool_calls"):
            early = [one for one in messages[:number] if one.get("role") != "assistant"]
            return [*early, *messages[number:]]
    return messages


def _with_tools(turns: list[PlainTurn], tools: Sequence[JsonMapping]) -> list[PlainTurn]:
    if not tools:
        return turns
    section = f"{_CALL_FORM}\n\n{signatures(tools)}"
    if turns and turns[0].role == "system":
        return [PlainTurn("system", f"{turns[0].content}\n\n{section}"), *turns[1:]]
    return [PlainTurn("system", section), *turns]


def _turn(message: JsonMapping, inert: InertText) -> PlainTurn:
    role = message.get("role")
    text = text_of_content(message.get("content"))
    if role == "tool":
        opening, closing = TOOL_RESPONSE_TAGS
        body = inert(text or text_of_content(message.get("output"))).replace("</", "<\\/")
        return PlainTurn("user", f"{opening}\n{body}\n{closing}")
    if role == "assistant":
        calls = message.get("tool_calls")
        parts = [text, *map(call_text, calls if isinstance(calls, list) else ())]
        return PlainTurn("assistant", inert("\n".join(filter(None, parts))))
    if role in {"system", "developer"}:
        return PlainTurn("system", text)  # written by us or by the caller, not by a participant
    # A person who writes the tags of results is not a tool.
    return PlainTurn("user", _OWN_TAGS.sub("< ", inert(text)))


def call_text(call: JsonMapping) -> str:
    """Return a tool call of OpenAI's form as the text that `tau2.actions` reads back."""
    function = call.get("function", call)
    arguments = _parsed(function.get("arguments"))
    made: JsonObject = {"name": function.get("name"), "arguments": arguments}
    opening, closing = TOOL_CALL_TAGS
    # "<\/" is the same string to a JSON reader, and no closing tag to a search for one.
    return opening + json.dumps(made, ensure_ascii=False).replace("</", "<\\/") + closing


def _parsed(arguments: JsonValue) -> JsonValue:
    if not isinstance(arguments, str):
        return {} if arguments is None else arguments
    try:
        return json.loads(arguments)
    except (ValueError, RecursionError):
        return arguments  # what a model wrote is shown as it is, JSON or not


class InertText:
    """Breaks up special tokens in a text, so that its writer cannot end or begin a turn.

    Args:
        special_tokens: As those of `plain_chat`.
    """

    def __init__(self, special_tokens: Collection[str]) -> None:
        given = sorted({one for one in special_tokens if len(one) > 1}, key=len, reverse=True)
        self._pattern = re.compile("|".join([r"<\|", *map(re.escape, given)]))

    def __call__(self, text: str) -> str:
        """Return the text with a space after the first character of each special token."""
        return self._pattern.sub(lambda found: f"{found[0][0]} {found[0][1:]}", text)
