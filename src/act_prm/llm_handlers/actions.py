"""Reads a model's reply into actions, whatever it holds: calls between tags, bare JSON, thoughts, plain text.

One pass over the text finds the tags; nothing is looked at twice, so the time is linear in the length.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from act_prm.llm_handlers.types import FUNCTION_CALL, MESSAGE, REASONING, UNREADABLE, ActionFromLLM
from tau2.data_model.malformed import MALFORMED_KEY
from tau2.llm.parse import parse_arguments
from tau2.llm.text import clean_text

Tags = tuple[str, str]

TOOL_CALL_TAGS: Tags = ("<tool_call>", "</tool_call>")
THOUGHT_TAGS: Tags = ("<thought>", "</thought>")
_MODELS_OWN: tuple[Tags, ...] = (("<think>", "</think>"), ("<thinking>", "</thinking>"))

LONGEST_REPLY = 400_000  # characters that are read; the longest replies of models have half as many
MOST_CALLS = 64  # of one reply; a model that writes more of them is caught in a loop
_LONGEST_NAME = 256  # characters; a longer name is no tool's
_FENCE = re.compile(r"\A```(?:json)?\s*\n(.*?)\n?```\Z", re.DOTALL)
_SPACE = re.compile(r"\s*")
_NAME = re.compile(r'"name"\s*:\s*"([^"\\]{1,256})"')


def get_actions(
    messages: str | Mapping[str, Any] | Iterable[str | Mapping[str, Any]],
    *,
    tool_call_tags: Tags = TOOL_CALL_TAGS,
    thought_tags: Tags = THOUGHT_TAGS,
    known_tools: Collection[str] | None = None,
    first_call: int = 0,
) -> list[ActionFromLLM]:
    """Return what a reply says and does, in its order; never raises on anything a model can write.

    Args:
        messages: The reply as text, or as one message or several of OpenAI's API.
        tool_call_tags: What a call stands between.
        thought_tags: What a thought stands between, besides the tags that models bring along (`<think>`).
        known_tools: A bare JSON object that names one of them is a call even without arguments.
        first_call: The number that the first call's id gets.
    """
    reader = _Reader(tool_call_tags, (thought_tags, *_MODELS_OWN), frozenset(known_tools or ()))
    given = [messages] if isinstance(messages, str | Mapping) else list(messages)
    found = [action for message in given for action in reader.message(message)]
    for number, action in enumerate(
        (one for one in found if one.is_call and not one.call_id), first_call
    ):
        action.call_id = f"call_{number}"
    return found


class _Reader:
    """Reads replies that use these tags."""

    def __init__(self, call: Tags, thoughts: Sequence[Tags], known: frozenset[str]) -> None:
        self.call, self.known = call, known
        self.closing = {
            opening: closing for opening, closing in (call, *thoughts) if opening and closing
        }
        self.thought_ends = frozenset(closing for _, closing in thoughts)
        self.tags = _any_of({*self.closing, *self.closing.values()})
        self.call_edges = _any_of({*call})

    def message(self, message: str | Mapping[str, Any]) -> list[ActionFromLLM]:
        """Return the actions of one message: what it thinks, says, and calls."""
        if isinstance(message, str):
            return self.text(message)
        thought = message.get("reasoning_content")
        thoughts = (
            _thoughts(clean_text(thought[:LONGEST_REPLY])) if isinstance(thought, str) else []
        )
        structured = message.get("tool_calls")
        calls = (
            [_wire_call(one) for one in structured[:MOST_CALLS]]
            if isinstance(structured, list)
            else []
        )
        return [*thoughts, *self.text(_content(message)), *calls]

    def text(self, text: str) -> list[ActionFromLLM]:
        """Return the actions of a text."""
        text = clean_text(text[:LONGEST_REPLY])
        parts = [(kind, text[start:end].strip()) for kind, start, end in self._parts(text)]
        said = [body for kind, body in parts if kind == MESSAGE and body]
        bare = (
            self._bare(said[0])
            if len(said) == 1 and all(kind != FUNCTION_CALL for kind, _ in parts)
            else []
        )
        found: list[ActionFromLLM] = []
        calls = 0
        for kind, body in parts:
            made = self._read(kind, body, bare)
            calls += sum(action.is_call for action in made)
            found += made
            if calls > MOST_CALLS:
                break
        return _capped(found)

    def _read(self, kind: str, body: str, bare: list[ActionFromLLM]) -> list[ActionFromLLM]:
        """Return the actions of one part; `bare` are those of the only text, where it is nothing but calls."""
        if kind == FUNCTION_CALL:
            return self._calls(body)
        if not body:
            return []
        return (
            bare
            if bare and kind == MESSAGE
            else [ActionFromLLM(role="assistant", type=kind, text=body)]
        )

    def _parts(self, text: str) -> list[tuple[str, int, int]]:
        """Return the kind, start and end of each part of a text.

        A closing tag of a thought that was never opened (the prompt held the opening one) makes all before it
        thought; an opening tag that is never closed reaches to the end.
        """
        parts: list[tuple[str, int, int]] = []
        at = calls = 0
        while (tag := self.tags.search(text, at)) is not None:
            if tag.group() in self.thought_ends:
                parts, at = [(REASONING, 0, tag.start())], tag.end()
                continue
            parts.append((MESSAGE, at, tag.start()))
            at = tag.end()
            if tag.group() == self.call[0]:
                calls += 1
                end, after = self._end_of_call(text, at, calls <= MOST_CALLS)
                parts.append((FUNCTION_CALL, at, end))
                at = after
            elif tag.group() in self.closing:
                end = text.find(self.closing[tag.group()], at)
                end, after = (
                    (end, end + len(self.closing[tag.group()]))
                    if end >= 0
                    else (len(text), len(text))
                )
                parts.append((REASONING, at, end))
                at = after
        return [*parts, (MESSAGE, at, len(text))]

    def _end_of_call(self, text: str, start: int, look_inside: bool) -> tuple[int, int]:
        """Return where a call ends and what follows begins; a tag inside of its JSON text ends nothing."""
        past = _past_value(text, start) if look_inside else start
        edge = self.call_edges.search(text, past)
        if edge is None:
            return len(text), len(text)
        return edge.start(), edge.end() if edge.group() == self.call[1] else edge.start()

    def _calls(self, body: str) -> list[ActionFromLLM]:
        """Return the calls between two tags: one, several in a row, or a list of them."""
        fenced = _FENCE.match(body)
        try:
            values = _values(fenced.group(1) if fenced else body)
        except (ValueError, RecursionError) as problem:
            reason = (
                "it is nested too deeply"
                if isinstance(problem, RecursionError)
                else f"not valid JSON: {problem}"
            )
            return [self._unreadable(body, reason)]
        if not values:
            return [self._unreadable(body, "there is nothing in it")]
        return [self._call(value) or self._unreadable(body, "it has no name") for value in values]

    def _call(self, value: Any) -> ActionFromLLM | None:
        """Return the call that a JSON value spells, or None."""
        if isinstance(value, dict) and isinstance(value.get("function"), dict):
            value = value["function"]
        name = value.get("name") if isinstance(value, dict) else None
        if not isinstance(name, str) or not name.strip():
            return None
        arguments = value["arguments"] if "arguments" in value else value.get("parameters")
        return _function_call(name, arguments)

    def _unreadable(self, body: str, reason: str) -> ActionFromLLM:
        opening, closing = self.call
        named = _NAME.search(body)
        return ActionFromLLM(
            role="assistant",
            type=UNREADABLE,
            name=named.group(1) if named else None,
            text=body,
            error=f"the tool call could not be read: {reason}. Write one JSON object with a name and arguments"
            f" between {opening} and {closing}.",
        )

    def _bare(self, text: str) -> list[ActionFromLLM]:
        """Return the calls that a text without tags is, when it is nothing but calls."""
        fenced = _FENCE.match(text)
        inner = fenced.group(1).strip() if fenced else text
        if not inner.startswith(("{", "[")):
            return []
        try:
            values = _values(inner)
        except (ValueError, RecursionError):
            return []
        calls = [self._call(value) for value in values if self._is_plainly_a_call(value)]
        return [call for call in calls if call is not None] if len(calls) == len(values) else []

    def _is_plainly_a_call(self, value: Any) -> bool:
        if not isinstance(value, dict) or not isinstance(value.get("name"), str):
            return False
        arguments = value.get("arguments", value.get("parameters"))
        if arguments is None:
            return value["name"] in self.known
        return MALFORMED_KEY not in parse_arguments(arguments)


def _any_of(tags: Iterable[str]) -> re.Pattern[str]:
    longest_first = sorted(filter(None, tags), key=lambda tag: (-len(tag), tag))
    return re.compile("|".join(map(re.escape, longest_first)) or r"(?!)")


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(parse_constant=_no_constant)


def _values(text: str) -> list[Any]:
    """Return the JSON values that a text consists of, lists taken apart. Raise ValueError or RecursionError."""
    values: list[Any] = []
    at = _past_space(text, 0)
    while at < len(text):
        value, at = _DECODER.raw_decode(text, at)
        values += value if isinstance(value, list) else [value]
        at = _past_space(text, at)
    return values


def _past_value(text: str, at: int) -> int:
    """Return where the JSON value that begins here ends; where none does, `at`."""
    try:
        return _DECODER.raw_decode(text, _past_space(text, at))[1]
    except (ValueError, RecursionError):
        return at


def _past_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _function_call(name: str, arguments: Any, call_id: Any = None) -> ActionFromLLM:
    """Return a call; arguments that are no object stay readable for the environment, which answers with an error."""
    return ActionFromLLM(
        role="assistant",
        type=FUNCTION_CALL,
        name=clean_text(name).strip()[:_LONGEST_NAME],
        arguments=parse_arguments(arguments),
        call_id=clean_text(call_id)[:_LONGEST_NAME]
        if isinstance(call_id, str) and call_id
        else None,
    )


def _wire_call(call: Any) -> ActionFromLLM:
    """Return a structured call of OpenAI's API."""
    call = call if isinstance(call, Mapping) else {}
    function = call.get("function", call)
    name = function.get("name") if isinstance(function, Mapping) else None
    if not isinstance(name, str) or not name.strip():
        problem = "the tool call could not be read: it has no name."
        return ActionFromLLM(role="assistant", type=UNREADABLE, text="", error=problem)
    return _function_call(name, function.get("arguments"), call.get("id"))


def _thoughts(text: str) -> list[ActionFromLLM]:
    return (
        [ActionFromLLM(role="assistant", type=REASONING, text=text.strip())] if text.strip() else []
    )


def _content(message: Mapping[str, Any]) -> str:
    """Return the text of a message: a string, or typed parts."""
    content = message.get("content")
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list | tuple) else ()
    texts = [part.get("text") for part in parts if isinstance(part, Mapping)]
    return "".join(text for text in texts if isinstance(text, str))


def _capped(actions: list[ActionFromLLM]) -> list[ActionFromLLM]:
    """Return the actions up to the most calls that are carried out; the first call beyond says why it is not."""
    calls = [number for number, action in enumerate(actions) if action.is_call]
    if len(calls) <= MOST_CALLS:
        return actions
    problem = f"more than {MOST_CALLS} tool calls in one reply; the rest was not carried out."
    return [
        *actions[: calls[MOST_CALLS]],
        ActionFromLLM(role="assistant", type=UNREADABLE, text="", error=problem),
    ]
