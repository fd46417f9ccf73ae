"""Tool calls between tags, as the chat templates of many models write them.

<tool_call>{"name": "get_users", "arguments": {}}</tool_call>
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from enum import Enum
from typing import NamedTuple

from tau2.actions.reasoning import Tags
from tau2.actions.tool_calls import MOST_CALLS
from tau2.data_model.message import ToolCall
from tau2.utils.finite_json import refuse_constant
from tau2.utils.json_types import JsonValue

TOOL_CALL_TAGS = Tags("<tool_call>", "</tool_call>")

_DECODER = json.JSONDecoder(parse_constant=refuse_constant)
_SPACE = re.compile(r"\s*")


class PartKind(Enum):
    """What a part of a text is."""

    TEXT = "text"
    CALL = "call"
    REASONING = "reasoning"


class Part(NamedTuple):
    """A part of a text, without its tags."""

    kind: PartKind
    body: str


class TagSplitter:
    """Splits texts at tags, in linear time and without ever failing.

    Args:
        call: What a call stands between.
        thoughts: What thoughts stand between.
    """

    def __init__(self, call: Tags, thoughts: Sequence[Tags] = ()) -> None:
        self._call = call
        self._thought_ends = frozenset(tags.closing for tags in thoughts)
        self._closing = {
            tags.opening: tags.closing
            for tags in (call, *thoughts)
            if tags.opening and tags.closing
        }
        self._tags = _any_of({*self._closing, *self._closing.values()})
        self._call_tags = _any_of(call)

    def split(self, text: str) -> list[Part]:
        """Return the parts of a text in their order; some may be empty.

        A closing tag of a thought that was never opened (the prompt held the opening one) makes
        all before it thought; an opening tag that is never closed reaches to the end. A tag in
        the JSON text of a call ends nothing.
        """
        # Positions first, texts at the end: cutting a text again and again would be quadratic.
        spans: list[tuple[PartKind, int, int]] = []
        at = calls = 0
        while (found := self._tags.search(text, at)) is not None:
            tag = found.group()
            if tag in self._thought_ends:
                spans = [(PartKind.REASONING, 0, found.start())]
                at = found.end()
                continue
            spans.append((PartKind.TEXT, at, found.start()))
            at = found.end()
            if tag == self._call.opening:
                calls += 1
                # The search for the end of a JSON value may take as long as the rest of the text.
                past = _past_value(text, at) if calls <= MOST_CALLS else at
                end, after = self._end_of_call(text, past)
                spans.append((PartKind.CALL, at, end))
                at = after
            elif tag in self._closing:
                end = text.find(self._closing[tag], at)
                end = end if end >= 0 else len(text)
                spans.append((PartKind.REASONING, at, end))
                at = min(end + len(self._closing[tag]), len(text))
        spans.append((PartKind.TEXT, at, len(text)))
        return [Part(kind, text[start:end]) for kind, start, end in spans]

    def _end_of_call(self, text: str, past: int) -> tuple[int, int]:
        """Return where a call ends, and where what follows begins."""
        edge = self._call_tags.search(text, past)
        if edge is None:
            return len(text), len(text)
        is_closing = edge.group() == self._call.closing
        return edge.start(), edge.end() if is_closing else edge.start()


def _any_of(tags: Iterable[str]) -> re.Pattern[str]:
    longest_first = sorted(filter(None, tags), key=lambda tag: (-len(tag), tag))
    return re.compile("|".join(map(re.escape, longest_first)) or r"(?!)")


def json_values(text: str) -> list[JsonValue]:
    """Return the JSON values that a text consists of, lists taken apart.

    Raises:
        ValueError: something else is in the text, or a number that is not finite.
        RecursionError: a value is nested too deeply.
    """
    values: list[JsonValue] = []
    at = _past_space(text, 0)
    while at < len(text):
        value, at = _DECODER.raw_decode(text, at)
        values += value if isinstance(value, list) else [value]
        at = _past_space(text, at)
    return values


def _past_value(text: str, at: int) -> int:
    """Return where the JSON value that begins here ends; `at` where none does."""
    try:
        return _DECODER.raw_decode(text, _past_space(text, at))[1]
    except (ValueError, RecursionError):
        return at


def _past_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def to_tagged_format(call: ToolCall) -> str:
    """Return a tool call as JSON between its tags; no closing tag stands within a string."""
    text = json.dumps({"name": call.name, "arguments": call.arguments}, ensure_ascii=False)
    opening, closing = TOOL_CALL_TAGS
    return f"{opening}\n" + text.replace("</", "<\\/") + f"\n{closing}"
