"""Reads a model's reply as actions: calls in tags, bare JSON, thoughts, plain text.

Texts are split and calls are read by `tau2.actions`; the time is linear in the length. Where the
offered tools are given, calls are read in every form of `tau2.actions.written_calls`, as `tau2 run`
reads them.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence

from act_prm.llm_handlers.types import FUNCTION_CALL, MESSAGE, REASONING, UNREADABLE, ActionFromLLM
from tau2.actions.message import text_of_content
from tau2.actions.parse import unfenced
from tau2.actions.reasoning import THINK_TAGS, Tags
from tau2.actions.tagged import TOOL_CALL_TAGS, Part, PartKind, TagSplitter, json_values
from tau2.actions.tool_calls import MOST_CALLS, call_from_json
from tau2.actions.written_calls import Offered, argument_names, written_calls
from tau2.data_model.malformed import MALFORMED_KEY
from tau2.data_model.message import ToolCall
from tau2.utils.json_types import JsonMapping, JsonValue
from tau2.utils.text import clean_text

__all__ = ["LONGEST_REPLY", "MOST_CALLS", "THOUGHT_TAGS", "TOOL_CALL_TAGS", "get_actions"]

THOUGHT_TAGS = Tags("<thought>", "</thought>")

LONGEST_REPLY = 400_000  # characters that are read; the longest replies of models have half as many
_LONGEST_ID = 256  # characters of a call's id
_NAME = re.compile(r'"name"\s*:\s*"([^"\\]{1,256})"')


def get_actions(
    messages: str | JsonMapping | Iterable[str | JsonMapping],
    *,
    tool_call_tags: tuple[str, str] = TOOL_CALL_TAGS,
    thought_tags: tuple[str, str] = THOUGHT_TAGS,
    known_tools: Collection[str] | None = None,
    tools: Sequence[JsonMapping] = (),
    first_call: int = 0,
) -> list[ActionFromLLM]:
    """Return what a reply says and does, in its order; never raises on anything a model can write.

    Args:
        messages: The reply as text, or as one message or several of OpenAI's API.
        tool_call_tags: What a call stands between.
        thought_tags: The tags of a thought, besides those that models use anyway (`<think>`).
        known_tools: A bare JSON object that names one of them is a call even without arguments.
        tools: The offered tools, as OpenAI's API states them. Calls of them are read in other
            forms, too (`<function=name>`, `name(key="value")`, ReAct …).
        first_call: The number that the first call's id gets.
    """
    thoughts = (Tags(*thought_tags), *THINK_TAGS)
    offered = argument_names(tools)
    known = frozenset({*(known_tools or ()), *offered})
    reader = _Reader(Tags(*tool_call_tags), thoughts, known, offered)
    given = [messages] if isinstance(messages, str | Mapping) else list(messages)
    found: list[ActionFromLLM] = []
    for message in given:
        found += reader.message(message)
    without_id = (action for action in found if action.is_call and not action.call_id)
    for number, action in enumerate(without_id, first_call):
        action.call_id = f"call_{number}"
    return found


class _Reader:
    """Reads replies that use these tags."""

    def __init__(
        self, call: Tags, thoughts: Sequence[Tags], known: frozenset[str], offered: Offered
    ) -> None:
        self._call_tags = call
        self._known = known
        self._offered = offered
        self._splitter = TagSplitter(call, thoughts)

    def message(self, message: str | JsonMapping) -> list[ActionFromLLM]:
        """Return the actions of one message: what it thinks, says, and calls."""
        if isinstance(message, str):
            return self.text(message)
        found: list[ActionFromLLM] = []
        thought = message.get("reasoning_content")
        if isinstance(thought, str) and thought.strip():
            found.append(_words(REASONING, clean_text(thought[:LONGEST_REPLY]).strip()))
        found += self.text(text_of_content(message.get("content")))
        calls = message.get("tool_calls")
        if isinstance(calls, list):
            found += map(_native_call, calls[:MOST_CALLS])
        return found

    def text(self, text: str) -> list[ActionFromLLM]:
        """Return the actions of a text."""
        parts = [
            Part(kind, body.strip())
            for kind, body in self._splitter.split(clean_text(text[:LONGEST_REPLY]))
        ]
        texts = [body for kind, body in parts if kind is PartKind.TEXT and body]
        has_tagged = any(kind is PartKind.CALL for kind, _ in parts)
        # Without tags, a reply whose only text is nothing but calls in JSON makes these calls.
        bare = self._bare_calls(texts[0]) if len(texts) == 1 and not has_tagged else []
        found: list[ActionFromLLM] = []
        calls = 0
        for kind, body in parts:
            if kind is PartKind.TEXT and not has_tagged and not bare:
                actions = self._written(body)
            else:
                actions = self._of_part(kind, body, bare)
            calls += sum(action.is_call for action in actions)
            found += actions
            if calls > MOST_CALLS:
                break
        return _capped(found)

    def _of_part(self, kind: PartKind, body: str, bare: list[ActionFromLLM]) -> list[ActionFromLLM]:
        if kind is PartKind.CALL:
            return self._tagged_calls(body)
        if not body:
            return []
        if kind is PartKind.REASONING:
            return [_words(REASONING, body)]
        return bare or [_words(MESSAGE, body)]

    def _written(self, text: str) -> list[ActionFromLLM]:
        """Return what a text without tags says and calls."""
        if not text:
            return []
        found = written_calls(text, self._offered)
        if found is None:
            return [_words(MESSAGE, text)]
        said = [_words(MESSAGE, found.words)] if found.words else []
        return [*said, *map(_call, found.calls)]

    def _tagged_calls(self, body: str) -> list[ActionFromLLM]:
        """Return the calls between two tags: one, several in a row, or a list of them."""
        try:
            values = json_values(unfenced(body))
        except RecursionError:
            return [self._unreadable(body, "it is nested too deeply")]
        except ValueError as problem:
            other = written_calls(f"<tool_call>{body}</tool_call>", self._offered)
            if other is not None:
                return [_call(call) for call in other.calls]
            return [self._unreadable(body, f"not valid JSON: {problem}")]
        if not values:
            return [self._unreadable(body, "there is nothing in it")]
        calls = map(call_from_json, values)
        return [_call(call) if call else self._unreadable(body, "it has no name") for call in calls]

    def _unreadable(self, body: str, reason: str) -> ActionFromLLM:
        opening, closing = self._call_tags
        named = _NAME.search(body)
        return ActionFromLLM(
            role="assistant",
            type=UNREADABLE,
            name=named.group(1) if named else None,
            text=body,
            error=f"the tool call could not be read: {reason}. Write one JSON object with a name "
            f"and arguments between {opening} and {closing}.",
        )

    def _bare_calls(self, text: str) -> list[ActionFromLLM]:
        """Return the calls that a text without tags is, when it is nothing but calls."""
        text = unfenced(text)
        if not text.startswith(("{", "[")):
            return []
        try:
            values = json_values(text)
        except (ValueError, RecursionError):
            return []
        calls = [self._plain_call(value) for value in values]
        return [_call(call) for call in calls if call] if all(calls) else []

    def _plain_call(self, value: JsonValue) -> ToolCall | None:
        """Return the call that a bare value is; None when it may as well be data."""
        if not isinstance(value, dict) or not isinstance(value.get("name"), str):
            return None
        call = call_from_json(value)
        if value.get("arguments", value.get("parameters")) is None:
            return call if value["name"] in self._known else None
        return call if call and MALFORMED_KEY not in call.arguments else None


def _words(kind: str, text: str) -> ActionFromLLM:
    return ActionFromLLM(role="assistant", type=kind, text=text)


def _call(call: ToolCall, call_id: str | None = None) -> ActionFromLLM:
    return ActionFromLLM(
        role="assistant",
        type=FUNCTION_CALL,
        name=call.name,
        arguments=call.arguments,
        call_id=call_id,
    )


def _native_call(entry: JsonValue) -> ActionFromLLM:
    """Return a structured call of OpenAI's API."""
    call = call_from_json(entry)
    if call is None:
        problem = "the tool call could not be read: it has no name."
        return ActionFromLLM(role="assistant", type=UNREADABLE, text="", error=problem)
    given = entry.get("id")
    call_id = clean_text(given)[:_LONGEST_ID] if isinstance(given, str) else ""
    return _call(call, call_id or None)


def _capped(actions: list[ActionFromLLM]) -> list[ActionFromLLM]:
    """Return the actions up to the maximal number of calls; the next call is an error."""
    calls = [number for number, action in enumerate(actions) if action.is_call]
    if len(calls) <= MOST_CALLS:
        return actions
    problem = f"more than {MOST_CALLS} tool calls in one reply; the rest was not carried out."
    return [
        *actions[: calls[MOST_CALLS]],
        ActionFromLLM(role="assistant", type=UNREADABLE, text="", error=problem),
    ]
