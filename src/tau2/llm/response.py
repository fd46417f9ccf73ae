"""Chat completions of any client library as plain data, and as objects with attributes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tau2.llm.request import Response
from tau2.llm.secrets import redactor_of, text_redactor
from tau2.utils.json_types import JsonObject, JsonValue
from tau2.utils.plain_data import DEEPEST, clean

_CALL = {"id": None, "function": {"name": None, "arguments": None}}
_MESSAGE = {
    "role": None,
    "content": None,
    "tool_calls": [_CALL],
    "reasoning_content": None,
    "reasoning": None,
    "refusal": None,
}
_OUTLINE: JsonObject = {
    "id": None,
    "model": None,
    "created": None,
    "choices": [{"message": _MESSAGE, "finish_reason": None}],
    "usage": {"prompt_tokens": None, "completion_tokens": None, "cost": None},
}
"""The fields of a completion in use: None is a value, a list any number of its element."""

_HIDDEN_PARAMS = "_hidden_params"
RESPONSE_COST = "response_cost"


class Completion(dict[str, Any]):
    """A chat completion that reads both as a dictionary and, like litellm's, by attributes."""

    def __getattr__(self, name: str) -> JsonValue:
        """Return the entry `name`."""
        try:
            return self[name]
        except KeyError as error:
            raise AttributeError(f"this completion has no {name!r}") from error

    def model_dump(self, **_options: object) -> JsonObject:
        """Return plain data."""
        plain: JsonObject = as_plain(self)
        return plain

    to_dict = model_dump


def with_attributes(value: JsonValue) -> JsonValue:
    """Return a copy of plain data in which every mapping is a Completion."""
    if isinstance(value, Mapping):
        return Completion({key: with_attributes(item) for key, item in value.items()})
    if isinstance(value, list):
        return [with_attributes(item) for item in value]
    return value


def clean_response(response: object, secrets: Iterable[str] = ()) -> Response:
    """Return a completion of any usual form as plain, finite JSON without any of `secrets`."""
    spellings = redactor_of(frozenset(secrets)).spellings
    plain: Response = clean(as_plain(response), text_redactor(spellings))
    return plain


def as_plain(response: object) -> JsonValue:
    """Return a completion as dictionaries, lists and scalars.

    Understands mappings, pydantic models (litellm, openai) and any object that carries the fields
    of a completion as attributes; anything else becomes None.
    """
    plain = _plain(response, DEEPEST)
    return _outlined(response, _OUTLINE) if plain is None and response is not None else plain


def _plain(value: object, depth: int) -> JsonValue:
    if value is None or isinstance(value, str | int | float):
        return value
    if depth <= 0:
        return None
    if isinstance(value, Mapping):
        return {str(key): _plain(item, depth - 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, depth - 1) for item in value]
    return _plain(_dumped(value), depth - 1)


def _dumped(value: object) -> JsonObject | None:
    dump = getattr(value, "model_dump", None)
    if not callable(dump):
        return None
    try:
        # litellm's models hold values that their own types do not foresee, and would warn.
        dumped = dump(warnings=False)
    except TypeError:
        dumped = dump()
    if not isinstance(dumped, Mapping):
        return None
    cost = stated_cost(value)
    return {**dumped, _HIDDEN_PARAMS: {RESPONSE_COST: cost}} if cost is not None else dict(dumped)


def _outlined(value: object, outline: JsonValue) -> JsonValue:
    """Return what `value` holds of the outline, as entries or attributes.

    Other attributes are left out, because a mock invents any attribute it is asked for.
    """
    if outline is None:
        return _plain(value, DEEPEST)
    if isinstance(outline, list):
        items = value if isinstance(value, list | tuple) else None
        return None if items is None else [_outlined(item, outline[0]) for item in items]
    return {name: _outlined(_entry(value, name), inner) for name, inner in outline.items()}


def stated_cost(response: object) -> float | None:
    """Return the US dollars that the response states, or None.

    Sources: litellm's hidden parameters, then OpenRouter's usage.
    """
    hidden = _entry(response, _HIDDEN_PARAMS)
    for cost in (_entry(hidden, RESPONSE_COST), _entry(_entry(response, "usage"), "cost")):
        is_number = isinstance(cost, int | float) and not isinstance(cost, bool)
        if is_number and 0 <= cost < float("inf"):
            return float(cost)
    return None


def _entry(value: object, name: str) -> JsonValue:
    return value.get(name) if isinstance(value, Mapping) else getattr(value, name, None)
