"""Chat completions as objects: plain data from any client library, and attribute access for those who expect it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tau2.llm.text import DEEPEST

_CALL = {"id": None, "function": {"name": None, "arguments": None}}
_MESSAGE = {
    "role": None,
    "content": None,
    "tool_calls": [_CALL],
    "reasoning_content": None,
    "reasoning": None,
    "refusal": None,
}
_OUTLINE: Mapping[str, Any] = {
    "id": None,
    "model": None,
    "created": None,
    "choices": [{"message": _MESSAGE, "finish_reason": None}],
    "usage": {"prompt_tokens": None, "completion_tokens": None, "cost": None},
}
"""The fields of a completion that matter here; None stands for a value, a list for many of its only element."""

_HIDDEN_PARAMS = "_hidden_params"
RESPONSE_COST = "response_cost"


class Completion(dict[str, Any]):
    """A chat completion that reads both as a dictionary and, like litellm's, by attributes."""

    def __getattr__(self, name: str) -> Any:
        """Return the entry `name`."""
        try:
            return self[name]
        except KeyError as error:
            raise AttributeError(f"this completion has no {name!r}") from error

    def model_dump(self, **_options: Any) -> dict[str, Any]:
        """Return plain data."""
        plain: dict[str, Any] = as_plain(self)
        return plain

    to_dict = model_dump


def with_attributes(value: Any) -> Any:
    """Return a copy of plain data in which every mapping is a Completion."""
    if isinstance(value, Mapping):
        return Completion({key: with_attributes(item) for key, item in value.items()})
    if isinstance(value, list):
        return [with_attributes(item) for item in value]
    return value


def as_plain(response: Any) -> Any:
    """Return a completion as dictionaries, lists and scalars.

    Understands mappings, pydantic models (litellm, openai) and any object that carries the fields of a completion as
    attributes; anything else becomes None.
    """
    plain = _plain(response, DEEPEST)
    return _outlined(response, _OUTLINE) if plain is None and response is not None else plain


def _plain(value: Any, depth: int) -> Any:
    if value is None or isinstance(value, str | int | float):
        return value
    if depth <= 0:
        return None
    if isinstance(value, Mapping):
        return {str(key): _plain(item, depth - 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, depth - 1) for item in value]
    return _plain(_dumped(value), depth - 1)


def _dumped(value: Any) -> dict[str, Any] | None:
    dump = getattr(value, "model_dump", None)
    if not callable(dump):
        return None
    try:
        dumped = dump(
            warnings=False
        )  # litellm's models hold values that their own types do not foresee
    except TypeError:
        dumped = dump()
    if not isinstance(dumped, Mapping):
        return None
    cost = price_noted(value)
    return {**dumped, _HIDDEN_PARAMS: {RESPONSE_COST: cost}} if cost is not None else dict(dumped)


def _outlined(value: Any, outline: Any) -> Any:
    """Return what `value` holds, as entries or attributes, of the outline; what a mock invents is no data."""
    match outline:
        case None:
            return _plain(value, DEEPEST)
        case [inner]:
            return (
                [_outlined(item, inner) for item in value]
                if isinstance(value, list | tuple)
                else None
            )
        case _:
            return {name: _outlined(_entry(value, name), inner) for name, inner in outline.items()}


def price_noted(response: Any) -> float | None:
    """Return the cost that the response itself states (litellm's hidden parameters, OpenRouter's usage), or None."""
    hidden = _entry(response, _HIDDEN_PARAMS)
    for cost in (_entry(hidden, RESPONSE_COST), _entry(_entry(response, "usage"), "cost")):
        if (
            isinstance(cost, int | float)
            and not isinstance(cost, bool)
            and 0 <= cost < float("inf")
        ):
            return float(cost)
    return None


def _entry(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, Mapping) else getattr(value, name, None)
