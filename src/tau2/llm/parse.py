"""Reads chat completions: whatever a provider sends is parsed, or is a CallFailed."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from tau2.actions.message import text_of_content
from tau2.actions.reasoning import split_reasoning
from tau2.actions.tool_calls import parse_tool_calls
from tau2.data_model.message import ToolCall
from tau2.llm.failure import CallFailed, from_error_body, unreachable
from tau2.llm.request import Response
from tau2.utils.json_types import JsonMapping, JsonObject, JsonValue
from tau2.utils.text import clean_text

_QUOTED = 200  # characters of an unusable response that the error quotes


@dataclass(frozen=True, slots=True)
class ParsedCompletion:
    """What a chat completion says."""

    content: str | None = None
    tool_calls: list[ToolCall] = field(default_factory=list)
    reasoning: str | None = None
    malformed: int = 0
    """Tool calls whose arguments are not a JSON object."""

    @property
    def is_empty(self) -> bool:
        """Whether there is neither text nor a tool call (there may be reasoning)."""
        return self.content is None and not self.tool_calls


def checked_completion(response: object) -> JsonObject:
    """Return `response` if it has the outline of a chat completion.

    Raises:
        CallFailed: it has not; says whether asking again may help.
    """
    if isinstance(response, dict) and _message_of(response) is not None:
        return response
    if isinstance(response, Mapping) and response.get("error"):
        raise from_error_body(response["error"])
    raise unreachable(f"the answer is not a chat completion: {repr(response)[:_QUOTED]}")


def _message_of(response: JsonMapping) -> JsonMapping | None:
    choices = response.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    message = first.get("message") if isinstance(first, Mapping) else None
    return message if isinstance(message, Mapping) else None


def parse_completion(response: Response, taken_ids: Collection[str] = ()) -> ParsedCompletion:
    """Return what a completion says; no id of its tool calls is in `taken_ids`.

    Raises:
        CallFailed: the response is no chat completion.
    """
    message = _message_of(response)
    if message is None:
        raise CallFailed("the answer is not a chat completion")
    text = _text(message.get("content")) or _text(message.get("refusal"))
    content, thought = split_reasoning(text)
    raw_calls = message.get("tool_calls")
    old_style = message.get("function_call")
    if not raw_calls and isinstance(old_style, Mapping):
        raw_calls = [{"function": old_style}]
    calls, malformed = parse_tool_calls(raw_calls, taken_ids)
    return ParsedCompletion(content, calls, _reasoning(message) or thought, malformed)


def _text(content: JsonValue) -> str:
    """Return the text of a content field; parts of other types than text are left out."""
    if isinstance(content, list):
        content = [
            part for part in content if isinstance(part, Mapping) and part.get("type") == "text"
        ]
    return clean_text(text_of_content(content))


def _reasoning(message: JsonMapping) -> str | None:
    for name in ("reasoning_content", "reasoning"):
        text = _text(message.get(name))
        if text.strip():
            return text
    return None


def tokens_of(response: Response) -> tuple[int | None, int | None]:
    """Return the prompt and completion tokens that the response states."""
    usage = response.get("usage")
    if not isinstance(usage, Mapping):
        return None, None
    return _count(usage.get("prompt_tokens")), _count(usage.get("completion_tokens"))


def _count(value: JsonValue) -> int | None:
    is_count = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53
    return int(value) if is_count else None
