"""Reads a chat completion of any shape: whatever a provider sends, this raises CallFailed or returns a Reading."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from tau2.data_model.malformed import MALFORMED_KEY
from tau2.data_model.message import ToolCall
from tau2.llm.failure import CallFailed, from_error_body, unreachable
from tau2.llm.request import Response
from tau2.llm.text import clean, clean_text, is_storable, split_reasoning

_LONGEST_RAW = 10_000  # characters of malformed arguments that are kept
_LONGEST_NAME = 256  # characters of a tool's name
_LONGEST_ID = 256  # characters of a tool call's id
_SHOWN_OF_JUNK = 200  # characters of an unusable answer that the error quotes


@dataclass(frozen=True, slots=True)
class Reading:
    """What one answer says."""

    content: str | None = None
    tool_calls: list[ToolCall] = field(default_factory=list)
    reasoning: str | None = None
    malformed: int = 0
    """Tool calls whose arguments are not a JSON object."""

    @property
    def is_empty(self) -> bool:
        """Whether the model said and did nothing (it may have thought)."""
        return self.content is None and not self.tool_calls


def checked(response: Any) -> dict[str, Any]:
    """Return `response` when it has the outline of a chat completion. Raise CallFailed, judged, when it has not."""
    if isinstance(response, dict) and isinstance(_message_of(response), Mapping):
        return response
    if isinstance(response, Mapping) and response.get("error"):
        raise from_error_body(response["error"])
    shown = repr(response)[:_SHOWN_OF_JUNK]
    raise unreachable(f"the answer is not a chat completion: {shown}")


def _message_of(response: Mapping[str, Any]) -> Any:
    choices = response.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    return first.get("message") if isinstance(first, Mapping) else None


def read(response: Response, taken_ids: Collection[str] = ()) -> Reading:
    """Return what the answer says; no id of its tool calls is in `taken_ids`."""
    message = _message_of(response)
    if not isinstance(message, Mapping):
        raise CallFailed("the answer is not a chat completion")
    text = _text(message.get("content")) or _text(message.get("refusal"))
    content, thought = split_reasoning(text) if text else (None, None)
    calls, malformed = parse_tool_calls(message.get("tool_calls") or _old_style(message), taken_ids)
    return Reading(content, calls, _reasoning(message) or thought, malformed)


def _text(content: Any) -> str | None:
    """Return the text of a content field: a string, or a list of typed parts."""
    if isinstance(content, str):
        return clean_text(content)
    if not isinstance(content, list):
        return None
    parts = [
        part.get("text")
        for part in content
        if isinstance(part, Mapping) and part.get("type") == "text"
    ]
    return clean_text("".join(part for part in parts if isinstance(part, str)))


def _reasoning(message: Mapping[str, Any]) -> str | None:
    for name in ("reasoning_content", "reasoning"):
        text = _text(message.get(name))
        if text and text.strip():
            return text
    return None


def _old_style(message: Mapping[str, Any]) -> Any:
    call = message.get("function_call")
    return [{"function": call}] if isinstance(call, Mapping) else None


def tokens_of(response: Response) -> tuple[int | None, int | None]:
    """Return the prompt and completion tokens that the response states."""
    usage = response.get("usage")
    if not isinstance(usage, Mapping):
        return None, None
    return _count(usage.get("prompt_tokens")), _count(usage.get("completion_tokens"))


def _count(value: Any) -> int | None:
    is_count = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53
    return int(value) if is_count else None


def parse_tool_calls(raw: Any, taken_ids: Collection[str] = ()) -> tuple[list[ToolCall], int]:
    """Return the tool calls in `raw`, each with its own id, and how many have malformed arguments."""
    calls: list[ToolCall] = []
    taken = set(taken_ids)
    malformed = 0
    for entry in raw if isinstance(raw, list) else ():
        function = entry.get("function") if isinstance(entry, Mapping) else None
        if not isinstance(function, Mapping):
            continue
        name = function.get("name")
        name = clean_text(name)[:_LONGEST_NAME] if isinstance(name, str) else ""
        arguments = parse_arguments(function.get("arguments"))
        malformed += MALFORMED_KEY in arguments
        id_ = _own_id(entry.get("id"), name, arguments, taken)
        taken.add(id_)
        calls.append(ToolCall(id=id_, name=name, arguments=arguments))
    return calls, malformed


def _own_id(given: Any, name: str, arguments: Mapping[str, Any], taken: Collection[str]) -> str:
    """Return the provider's id where it is usable and new, else one made from the call itself, so always the same."""
    kept = clean_text(given).strip()[:_LONGEST_ID] if isinstance(given, str) else ""
    if kept and kept not in taken:
        return kept
    seed = json.dumps([kept, name, arguments], sort_keys=True)
    for number in range(len(taken) + 1):
        made = "call_" + hashlib.sha256(f"{number}:{seed}".encode()).hexdigest()[:20]
        if made not in taken:
            return made
    raise AssertionError("more different ids than taken ones cannot all be taken")


def parse_arguments(raw: Any) -> dict[str, Any]:
    """Return the arguments of a tool call; what is not a JSON object comes back under MALFORMED_KEY."""
    if raw is None or (isinstance(raw, str) and not raw.strip()):
        return {}
    if isinstance(raw, Mapping) and is_storable(raw):
        return dict(clean(raw))
    text = raw if isinstance(raw, str) else _spelled(raw)
    parsed = _parsed(text)
    return {MALFORMED_KEY: clean_text(text[:_LONGEST_RAW])} if parsed is None else parsed


def _spelled(raw: Any) -> str:
    try:
        return json.dumps(raw, default=str)
    except (ValueError, TypeError, RecursionError):
        return f"<{type(raw).__name__}>"


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _parsed(text: str) -> dict[str, Any] | None:
    """Return the object that `text` spells, or None when it spells none that can be stored."""
    try:
        value = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return None
    return dict(clean(value)) if isinstance(value, dict) and is_storable(value) else None
