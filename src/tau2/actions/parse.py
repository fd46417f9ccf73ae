"""Texts as messages: the tool calls that a text spells, or plain text.

    {"name": "create_task", "arguments": {"title": "Tea"}}                          JSON
    create_task(title='Tea')                                                        functional
    <tool_call>{"name": "create_task", "arguments": {"title": "Tea"}}</tool_call>   tagged

Every syntax is a function in a list, and `read_calls` tries a list in its order. The parsers take
any text in linear time and raise nothing but MalformedAction (and ValueError for an empty text).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias

from tau2.actions.functional import LONGEST_CALL, names_an_argument, parse_functional_tool_call
from tau2.actions.message import MESSAGE_TYPES, OwnMessage
from tau2.actions.reasoning import split_reasoning
from tau2.actions.tagged import TOOL_CALL_TAGS, PartKind, TagSplitter
from tau2.actions.tool_calls import (
    MOST_CALLS,
    MalformedAction,
    call_from_json,
    call_part,
    strict_call_from_json,
)
from tau2.data_model.message import ToolCall, ToolRequestor
from tau2.utils.json_types import JsonValue
from tau2.utils.sizes import LONGEST_MESSAGE
from tau2.utils.text import clean_text

_FENCE = re.compile(r"```(?:json|python|tool_call)?[ \t]*\n(.*?)\n?```", re.DOTALL)
_FUNCTIONAL = re.compile(r"[A-Za-z_]\w*\(.*\)", re.DOTALL)
_TAG_SPLITTER = TagSplitter(TOOL_CALL_TAGS)


class Calls(NamedTuple):
    """The tool calls of a text, and the text beside them."""

    calls: list[ToolCall]
    words: str | None = None


Syntax: TypeAlias = Callable[[str, ToolRequestor], Calls | None]
"""Reads a text that is written in one syntax; None for any other text.

Raises MalformedAction when a call in this syntax was meant and cannot be read.
"""


def unfenced(text: str) -> str:
    """Return `text` without the white space, and the code fence, that it may be wrapped in."""
    text = text.strip()
    fenced = _FENCE.fullmatch(text)
    return fenced.group(1).strip() if fenced else text


def _whole(text: str) -> str:
    """Return what may be a call as a whole; nothing for a text that is too long to be one."""
    text = text.strip()
    return unfenced(text) if len(text) <= LONGEST_CALL else ""


def json_calls(text: str, requestor: ToolRequestor) -> Calls | None:
    """Read a text that is one JSON object of a call as a whole, or a list of them."""
    text = _whole(text)
    if not text.startswith(("{", "[")):
        return None
    try:
        value: JsonValue = json.loads(text)
    except (ValueError, RecursionError) as error:
        if '"name"' in text or '"arguments"' in text:
            raise MalformedAction(f"this is not valid JSON: {error}") from error
        return None
    entries = value if isinstance(value, list) else [value]
    if not entries or not all(map(call_part, entries)):
        return None
    return Calls([strict_call_from_json(entry, requestor) for entry in entries])


def functional_call(text: str, requestor: ToolRequestor) -> Calls | None:
    """Read a text that is `name(key=value, ...)` as a whole."""
    text = _whole(text)
    if not _FUNCTIONAL.fullmatch(text):
        return None
    try:
        return Calls([parse_functional_tool_call(text, requestor)])
    except MalformedAction:
        if names_an_argument(text):
            raise
        return None  # "hello(world)" or "Refund(s) = 30 (USD)": brackets in a sentence


def tagged_calls(text: str, requestor: ToolRequestor) -> Calls | None:
    """Read a text in which calls stand between tags; what is outside of them is text."""
    parts = _TAG_SPLITTER.split(text)
    bodies = [body for kind, body in parts if kind is PartKind.CALL]
    if not bodies:
        return None
    if len(bodies) > MOST_CALLS:
        raise MalformedAction(
            f"{len(bodies)} tool calls in one answer are too many; make at most {MOST_CALLS}"
        )
    words = "".join(body for kind, body in parts if kind is PartKind.TEXT).strip()
    return Calls([_tagged_call(body, requestor) for body in bodies], words or None)


def _tagged_call(body: str, requestor: ToolRequestor) -> ToolCall:
    try:
        call = call_from_json(json.loads(body))
    except (ValueError, RecursionError) as error:
        raise MalformedAction(f"a tool call is not valid JSON: {error}") from error
    if call is None:
        raise MalformedAction('a tool call must be a JSON object {"name": ..., "arguments": {...}}')
    call.requestor = requestor
    return call


WHOLE_TEXT: tuple[Syntax, ...] = (json_calls, functional_call)
"""Syntaxes in which a text is a call as a whole: "Sure (yes)" and "hello(world)" are text."""

TAGGED: tuple[Syntax, ...] = (tagged_calls,)
"""The syntax in which only what stands between tags is a call."""


def read_calls(
    text: str, syntaxes: Sequence[Syntax], requestor: ToolRequestor = "assistant"
) -> Calls:
    """Return the tool calls of `text` in the first of `syntaxes` it is written in, else text.

    Raises:
        MalformedAction: a tool call was meant and cannot be read.
    """
    for syntax in syntaxes:
        found = syntax(text, requestor)
        if found is not None:
            return found
    return Calls([], text)


def read_text(
    text: str, syntaxes: Sequence[Syntax], requestor: ToolRequestor = "assistant"
) -> OwnMessage:
    """Return the message that a model's text stands for; thoughts in think tags are kept apart.

    Raises:
        MalformedAction: a tool call was meant and cannot be read, or the text says nothing, or it
            is longer than a message may be.
    """
    if len(text) > LONGEST_MESSAGE:
        raise MalformedAction(f"the answer has more than {LONGEST_MESSAGE:,} characters")
    visible, reasoning = split_reasoning(clean_text(text))
    if visible is None:
        raise MalformedAction("the answer is empty: say something, or call a tool")
    calls, words = read_calls(visible, syntaxes, requestor)
    return MESSAGE_TYPES[requestor](
        content=words, tool_calls=calls or None, reasoning_content=reasoning
    )


def parse_action(action: str, requestor: ToolRequestor = "assistant") -> OwnMessage:
    """Return the message that an action in text stands for.

    Raises:
        MalformedAction: a tool call was meant and cannot be read.
        ValueError: the action is empty.
    """
    return _parsed_action(action, WHOLE_TEXT, requestor)


def parse_action_string(action: str, requestor: ToolRequestor = "assistant") -> OwnMessage:
    """Do what `parse_action` does, but take a tool call that cannot be read for text.

    Raises:
        ValueError: the action is empty.
    """
    try:
        return _parsed_action(action, WHOLE_TEXT, requestor)
    except MalformedAction:
        return _parsed_action(action, (), requestor)


def _parsed_action(action: str, syntaxes: Sequence[Syntax], requestor: ToolRequestor) -> OwnMessage:
    if not action.strip():
        raise ValueError("an empty action: say something, or call a tool")
    action = clean_text(action)
    calls, words = read_calls(action, syntaxes, requestor)
    return MESSAGE_TYPES[requestor](
        content=words, tool_calls=calls or None, raw_data={"action": action}
    )
