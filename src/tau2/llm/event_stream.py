"""Streamed chat completions (server-sent events) as one completion.

Some servers stream whatever is asked for, and some models can only be streamed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from tau2.llm.failure import from_error_body, unreachable
from tau2.utils.json_types import JsonMapping, JsonObject, JsonValue

_PREFIXES = ("data:", "event:", "id:", "retry:", ":")
DONE = "[DONE]"
"""What the last event of a stream says."""
_LONGEST_NAME = 1000  # characters of a tool's name, after which no more pieces are added to it
_JOINED = frozenset({"content", "reasoning_content", "reasoning", "refusal", "arguments"})
"""Fields whose pieces are joined; other texts, such as a role, are whole in every chunk."""


def is_event_stream(text: str) -> bool:
    """Return whether a body is a stream of events rather than JSON."""
    return text.lstrip().startswith(_PREFIXES)


def completion_of_stream(text: str) -> JsonObject:
    """Return the completion whose chunks `text` holds.

    Raises:
        CallFailed: the stream reports an error, or ends too early.
    """
    completion: JsonObject = {"object": "chat.completion"}
    choices: dict[int, JsonObject] = {}
    is_done = False
    for data in events(text):
        if data == DONE:
            is_done = True
            break
        chunk = chunk_of(data)
        if chunk.get("error"):
            raise from_error_body(chunk["error"])
        _take_chunk(chunk, completion, choices)
    completion["choices"] = [_whole(choices[index]) for index in sorted(choices)]
    is_done = is_done or any(choice.get("finish_reason") for choice in choices.values())
    if not is_done:
        raise unreachable("the stream of the answer ended too early")
    return completion


def events(text: str) -> Iterator[str]:
    """Yield the data of every event; an event may have several lines."""
    lines: list[str] = []
    # Other ends of lines that Python knows, such as U+2028, may stand in JSON as they are.
    for line in [*text.replace("\r\n", "\n").replace("\r", "\n").split("\n"), ""]:
        if line.startswith("data:"):
            lines.append(line.removeprefix("data:").removeprefix(" "))
        elif not line.strip() and lines:
            yield "\n".join(lines).strip()
            lines = []


def chunk_of(data: str) -> JsonMapping:
    """Return the object of an event; an empty one for what is none, such as a keep-alive."""
    if not data:
        return {}
    try:
        chunk = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise unreachable(f"an event of the stream is not JSON: {data[:200]!r}") from error
    return chunk if isinstance(chunk, Mapping) else {}


def _take_chunk(chunk: JsonMapping, completion: JsonObject, choices: dict[int, JsonObject]) -> None:
    given = chunk.get("choices")
    for name, value in chunk.items():
        if name not in ("choices", "object") and value is not None:
            completion[name] = value  # the usage comes last
    for place, choice in enumerate(given if isinstance(given, list) else ()):
        if not isinstance(choice, Mapping):
            continue
        index = choice.get("index")
        index = index if isinstance(index, int) else place
        whole = choices.setdefault(index, {"index": index, "message": {"role": "assistant"}})
        delta = choice.get("delta") or choice.get("message")
        if isinstance(delta, Mapping):
            _add(delta, whole["message"])
        for name, value in choice.items():
            if name not in ("delta", "message", "index") and value is not None:
                whole[name] = value


class _Pieces(list[str]):
    """The pieces of a text. Joined once, at the end: adding to a text copies it every time."""


class _Calls:
    """The tool calls of a message, found by index and by id."""

    def __init__(self) -> None:
        self.calls: list[JsonObject] = []
        self._by_index: dict[int, JsonObject] = {}
        self._by_id: dict[str, JsonObject] = {}

    def add(self, deltas: list[JsonValue]) -> None:
        """Add pieces of calls."""
        for delta in deltas:
            if not isinstance(delta, Mapping):
                continue
            call = self._call_for(delta)
            function = delta.get("function")
            _add({name: value for name, value in delta.items() if name != "function"}, call)
            if isinstance(function, Mapping):
                _add_function(function, call.setdefault("function", {}))
            index = call.get("index")
            identifier = call.get("id")
            if isinstance(index, int):
                self._by_index.setdefault(index, call)
            if isinstance(identifier, str):
                self._by_id.setdefault(identifier, call)

    def _call_for(self, delta: JsonMapping) -> JsonObject:
        """Return the call that a piece belongs to: by index, else by id, else the last one."""
        index = delta.get("index")
        identifier = delta.get("id")
        function = delta.get("function")
        found = self._by_index.get(index) if isinstance(index, int) else None
        # Some servers give every call the index 0.
        if found is not None and (not identifier or found.get("id") in (None, "", identifier)):
            return found
        same = None
        if identifier:
            same = self._by_id.get(identifier) if isinstance(identifier, str) else None
        elif not isinstance(index, int):
            is_new = isinstance(function, Mapping) and bool(function.get("name"))
            same = self.calls[-1] if self.calls and not is_new else None
        if same is None:
            same = {}
            self.calls.append(same)
        return same


def _add(delta: JsonMapping, message: JsonObject) -> None:
    """Add a piece to a message, a function, or any other object of it."""
    for name, value in delta.items():
        if name != "tool_calls":
            message[name] = _with(message.get(name), name, value)
        elif isinstance(value, list):
            message.setdefault("tool_calls", _Calls()).add(value)


def _with(before: JsonValue, name: str, value: JsonValue) -> JsonValue:
    """Return a field with one more piece; a piece of another kind replaces what is no text."""
    if value is None:
        return before
    if before is None:
        return _first(name, value)
    if isinstance(before, _Pieces):
        if isinstance(value, str):
            before.append(value)
    elif isinstance(value, Mapping) and isinstance(before, dict):
        _add(value, before)
    elif isinstance(value, list) and isinstance(before, list):
        before.extend(value)
    elif value != "":
        return value
    return before


def _first(name: str, value: JsonValue) -> JsonValue:
    """Return the first value of a field, to which others can be added."""
    if isinstance(value, Mapping):
        whole: JsonObject = {}
        _add(value, whole)
        return whole
    if isinstance(value, str) and name in _JOINED:
        return _Pieces([value])
    return list(value) if isinstance(value, list) else value


def _whole(value: JsonValue) -> JsonValue:
    """Return a value with its texts joined."""
    if isinstance(value, _Pieces):
        return "".join(value)
    if isinstance(value, _Calls):
        return [_whole(call) for call in value.calls]
    if isinstance(value, dict):
        return {name: _whole(inner) for name, inner in value.items()}
    return value


def _add_function(delta: JsonMapping, function: JsonObject) -> None:
    """Add a piece of a function: arguments are joined, and so is a name that comes in pieces."""
    name = delta.get("name")
    before = function.get("name")
    if isinstance(name, str) and isinstance(before, str) and name != before:
        name = before + name if len(before) <= _LONGEST_NAME else before
    _add(delta, function)
    if name or before:
        function["name"] = name or before
