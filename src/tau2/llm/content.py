"""The content of a message: text, or parts of text, thought and tool calls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tau2.utils.json_types import JsonMapping, JsonValue
from tau2.utils.text import clean_text

# Tuples, because the type that a server names may be any JSON value, also one without a hash.
_THOUGHTS = ("thinking", "reasoning", "reasoning_text", "thought", "summary_text")
_CALLS = ("tool_use", "tool_call", "function_call", "function")
_TEXT_FIELDS = ("text", "content", "output_text", "refusal", "value")
_THOUGHT_FIELDS = ("thinking", "reasoning", "reasoning_content", "text", "content", "summary")
_DEEPEST = 4  # levels of parts within parts


@dataclass(slots=True)
class ContentParts:
    """What a content field holds, apart."""

    text: str = ""
    reasoning: str = ""
    calls: list[JsonValue] = field(default_factory=list)
    """Tool calls in OpenAI's form."""

    @property
    def everything(self) -> str:
        """All words, for a field that is reasoning as a whole."""
        return self.reasoning + self.text


def parts_of_content(content: JsonValue) -> ContentParts:
    """Return text, reasoning and tool calls of a content field: text, a part, or a list of parts.

    Parts of other types, such as images, are left out.
    """
    if content is None or isinstance(content, str):
        return ContentParts(clean_text(content or ""))
    pieces = _Pieces()
    _collect(content, pieces, _DEEPEST)
    return ContentParts(
        clean_text("".join(pieces.text)), clean_text("".join(pieces.reasoning)), pieces.calls
    )


@dataclass(slots=True)
class _Pieces:
    """Content while it is collected. Joined once: adding to a text copies it every time."""

    text: list[str] = field(default_factory=list)
    reasoning: list[str] = field(default_factory=list)
    calls: list[JsonValue] = field(default_factory=list)


def _collect(content: JsonValue, parts: _Pieces, depth: int) -> None:
    if isinstance(content, str):
        parts.text.append(content)
    elif isinstance(content, list) and depth > 0:
        for part in content:
            _collect(part, parts, depth - 1)
    elif isinstance(content, Mapping) and depth > 0:
        _collect_part(content, parts, depth - 1)


def _collect_part(part: JsonMapping, parts: _Pieces, depth: int) -> None:
    kind = part.get("type")
    if kind in _CALLS:
        parts.calls.append(_call_of(part))
    elif kind in _THOUGHTS or part.get("thought") is True:
        parts.reasoning.append(_words(part, _THOUGHT_FIELDS, depth))
    elif kind in (None, "text", "output_text", "refusal", "message"):
        parts.text.append(_words(part, _TEXT_FIELDS, depth))


def _words(part: JsonMapping, fields: tuple[str, ...], depth: int) -> str:
    given = next((part[name] for name in fields if part.get(name)), None)
    inner = _Pieces()
    _collect(given, inner, depth)
    return "".join([*inner.reasoning, *inner.text])


def _call_of(part: JsonMapping) -> JsonValue:
    """Return the tool call of a content part, such as Anthropic's `tool_use`."""
    function = part.get("function")
    if isinstance(function, Mapping):
        return dict(part)
    arguments = next(
        (part[name] for name in ("input", "arguments", "parameters") if name in part), None
    )
    call = {"name": part.get("name"), "arguments": arguments}
    return {"id": part.get("id") or part.get("call_id"), "type": "function", "function": call}
