"""Reads chat completions: whatever a provider sends is parsed, or is a CallFailed."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from tau2.actions.provider_data import REASONING_FIELDS, data_of_message
from tau2.actions.reasoning import split_reasoning
from tau2.actions.tool_calls import parse_tool_calls
from tau2.actions.written_calls import argument_names, written_calls
from tau2.data_model.message import ToolCall
from tau2.llm.content import ContentParts, parts_of_content
from tau2.llm.failure import CallFailed, from_error_body, unreachable
from tau2.llm.finish import CUT_SHORT, FAILED_REASONS, finish_reasons
from tau2.llm.request import Response
from tau2.utils.json_types import JsonMapping, JsonObject, JsonValue
from tau2.utils.sizes import LONGEST_MESSAGE

_QUOTED = 200  # characters of an unusable response that the error quotes


@dataclass(frozen=True, slots=True)
class ParsedCompletion:
    """What a chat completion says."""

    content: str | None = None
    tool_calls: list[ToolCall] = field(default_factory=list)
    reasoning: str | None = None
    malformed: int = 0
    """Tool calls whose arguments are not a JSON object."""
    finish_reason: str | None = None
    """`length` or `content_filter` when the answer was cut off; None for any other end."""
    provider_data: JsonObject | None = None
    """What the provider attached to the message, without its origin."""

    @property
    def is_empty(self) -> bool:
        """Whether there is neither text nor a tool call (there may be reasoning)."""
        return self.content is None and not self.tool_calls


def checked_completion(response: object, *, from_server: bool = False) -> JsonObject:
    """Return `response` if it has the outline of a chat completion, and reports no error.

    Args:
        response: What came back.
        from_server: A server sent it. One that generated nothing has then failed; a caller's own
            function may well return an empty message.

    Raises:
        CallFailed: it has not; says whether asking again may help.
    """
    if not isinstance(response, Mapping):
        raise unreachable(_no_completion(response))
    error = _error_in(response)
    if error is not None:
        raise from_error_body(error)
    if not isinstance(response, dict) or not _messages_of(response):
        raise unreachable(_no_completion(response))
    failed = next((word for word in finish_reasons(response) if word in FAILED_REASONS), None)
    if failed is not None:
        raise unreachable(f"the provider broke the answer off (finish_reason {failed!r})")
    # No model generates nothing at all by itself.
    reasons = finish_reasons(response)
    may_be_empty = bool(reasons) and (reasons[0] in CUT_SHORT or tokens_of(response)[1] != 0)
    if from_server and not may_be_empty and not _said_anything(response):
        raise unreachable(f"the answer is empty: {repr(response)[:_QUOTED]}")
    return response


def _no_completion(response: object) -> str:
    return f"the answer is not a chat completion: {repr(response)[:_QUOTED]}"


def _error_in(response: JsonMapping) -> JsonValue:
    """Return the error that a response reports, at the top or in a choice; None for none."""
    choices = response.get("choices")
    listed = choices if isinstance(choices, list) else []
    holders = [response, *(choice for choice in listed if isinstance(choice, Mapping))]
    holders += [message for _, message in _choices_of(response)]
    errors = [holder.get("error") for holder in holders]
    # MiniMax's form: `base_resp`, with a status code other than 0.
    base = response.get("base_resp")
    if isinstance(base, Mapping) and base.get("status_code"):
        errors.append({"code": str(base["status_code"]), "message": base.get("status_msg")})
    return next((error for error in errors if _says_something(error)), None)


def _says_something(error: JsonValue) -> bool:
    return any(error.values()) if isinstance(error, Mapping) else bool(error)


def _said_anything(response: JsonMapping) -> bool:
    return any(
        message.get(name) not in (None, "", [], {})
        for message in _messages_of(response)
        for name in message
        if name != "role"
    )


def _choices_of(response: JsonMapping) -> Iterator[tuple[JsonMapping, JsonMapping]]:
    """Yield every choice that has a message, and the message."""
    choices = response.get("choices")
    for choice in choices if isinstance(choices, list) else ():
        message = choice.get("message") if isinstance(choice, Mapping) else None
        if isinstance(message, Mapping):
            yield choice, message


def _messages_of(response: JsonMapping) -> list[JsonMapping]:
    return [message for _, message in _choices_of(response)]


def parse_completion(
    response: Response, taken_ids: Collection[str] = (), *, alternatives: bool = False
) -> ParsedCompletion:
    """Return what a completion says; no id of its tool calls is in `taken_ids`.

    Some gateways put text and tool calls into one choice each: they are taken together, unless
    the choices are `alternatives`, because several were asked for.

    Raises:
        CallFailed: the response is no chat completion.
    """
    messages = _messages_of(response)[: 1 if alternatives else None]
    if not messages:
        raise CallFailed("the answer is not a chat completion")
    parts = [parts_of_content(message.get("content")) for message in messages]
    refusals = (parts_of_content(message.get("refusal")).text for message in messages)
    text = _first(part.text for part in parts) or _first(refusals)
    # What is longer is not worth reading: an episode refuses it.
    content, thought = split_reasoning(text) if len(text) <= LONGEST_MESSAGE else (text, None)
    calls, malformed = parse_tool_calls(_raw_calls(messages, parts), taken_ids)
    reasoning = _first(map(_reasoning, messages)) or _first(part.reasoning for part in parts)
    calls = _without_empty(calls, content)
    cut = next((word for word in finish_reasons(response) if word in CUT_SHORT), None)
    # Of a field that several choices have, the first one's.
    fields: JsonObject = {}
    for message in reversed(messages):
        fields |= {name: value for name, value in message.items() if value not in (None, "", [])}
    return ParsedCompletion(
        content,
        calls,
        reasoning or thought,
        malformed,
        finish_reason=CUT_SHORT[cut] if cut else None,
        provider_data=data_of_message(fields, reasoning or thought),
    )


def with_written_calls(
    completion: ParsedCompletion, tools: Sequence[JsonMapping], taken_ids: Collection[str] = ()
) -> ParsedCompletion:
    """Return a completion whose text makes calls of the tools as one that makes them.

    One that has calls of its own, or makes none, comes back as it is.

    Args:
        completion: What the model said.
        tools: The tools that were offered.
        taken_ids: Ids that no call may get.
    """
    if completion.tool_calls or not completion.content:
        return completion
    found = written_calls(completion.content, argument_names(tools))
    if found is None:
        return completion
    raw = [{"function": {"name": one.name, "arguments": one.arguments}} for one in found.calls]
    calls, _ = parse_tool_calls(raw, taken_ids)
    return replace(completion, content=found.words, tool_calls=calls)


def _first(texts: Iterator[str]) -> str:
    return next((text for text in texts if text.strip()), "")


def _raw_calls(messages: list[JsonMapping], parts: list[ContentParts]) -> list[JsonValue]:
    """Return the tool calls of all messages, once each."""
    given: list[JsonValue] = []
    for message, part in zip(messages, parts, strict=True):
        own = _listed(message.get("tool_calls"))
        old_style = message.get("function_call")
        if not own and isinstance(old_style, Mapping) and old_style:
            own = [{"function": old_style}]
        given += own or part.calls
    return _distinct(given) if len(given) > 1 else given


def _distinct(given: list[JsonValue]) -> list[JsonValue]:
    """Return calls once each: a gateway that repeats a choice repeats its calls and their ids."""
    calls: list[JsonValue] = []
    known: set[str] = set()
    for call in given:
        has_id = isinstance(call, Mapping) and bool(call.get("id"))
        spelled = json.dumps(call, sort_keys=True, default=str) if has_id else ""
        if spelled not in known:
            calls.append(call)
        if has_id:
            known.add(spelled)
    return calls


def _listed(calls: JsonValue) -> list[JsonValue]:
    """Return tool calls given as a list, as one object, or as JSON text of either."""
    if isinstance(calls, str):
        try:
            calls = json.loads(calls)
        except (ValueError, RecursionError):
            return []
    if isinstance(calls, Mapping):
        return [calls] if calls else []
    return list(calls) if isinstance(calls, list) else []


def _without_empty(calls: list[ToolCall], content: str | None) -> list[ToolCall]:
    """Return the calls without those that name nothing and say nothing.

    If there is nothing else in the answer they stay, for the model to be told.
    """
    named = [call for call in calls if call.name or call.arguments]
    return named if named or content is not None else calls[:1]


def _reasoning(message: JsonMapping) -> str:
    for name in filter(message.get, REASONING_FIELDS):
        text = parts_of_content(message.get(name)).everything
        if text.strip():
            return text
    return ""


def tokens_of(response: Response) -> tuple[int | None, int | None]:
    """Return the prompt and completion tokens that the response states."""
    usage = response.get("usage")
    if not isinstance(usage, Mapping):
        return None, None
    return _count(usage.get("prompt_tokens")), _count(usage.get("completion_tokens"))


def _count(value: JsonValue) -> int | None:
    is_count = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53
    return int(value) if is_count else None


def token_details_of(response: Response) -> dict[str, int]:
    """Return how many tokens were read from a cache, written to it, and used for reasoning.

    They are among the tokens of `tokens_of`; a kind that was not used is left out.
    """
    usage = response.get("usage")
    found: dict[str, int] = {}
    for group, names in _TOKEN_DETAILS.items():
        details = usage.get(group) if isinstance(usage, Mapping) else None
        if isinstance(details, Mapping):
            counts = {name: _count(details.get(name)) for name in names}
            found |= {name: number for name, number in counts.items() if number}
    return found


_TOKEN_DETAILS = {
    "prompt_tokens_details": ("cached_tokens", "cache_write_tokens", "cache_write_1h_tokens"),
    "completion_tokens_details": ("reasoning_tokens",),
}


# Former names, which scripts of other people import.
Reading = ParsedCompletion
checked = checked_completion
read = parse_completion
