"""Cleaning of what a provider sent: text that any file takes, values of bounded depth, reasoning kept apart."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from tau2.llm.secrets import REDACTED
from tau2.utils.text import clean_text

__all__ = ["DEEPEST", "clean", "clean_text", "is_storable", "split_reasoning"]

DEEPEST = 64  # levels of nested data that are kept; real answers have about ten, serializers fail near 250
_LONGEST_INT = 14_000  # bits; json refuses to write integers of more than 4300 decimal digits
_THINK = (("<think>", "</think>"), ("<thinking>", "</thinking>"))


def clean(value: Any, secrets: Sequence[str] = (), depth: int = DEEPEST) -> Any:
    """Return a copy of `value` that is plain, finite JSON without any of `secrets`, cut below `depth` levels."""
    match value:
        case None | bool() | int():
            return value
        case str():
            return _hidden(clean_text(value), secrets)
        case float():
            return value if math.isfinite(value) else None
    if depth <= 0:
        return None
    if isinstance(value, Mapping):
        return {
            str(clean(key, secrets)): clean(item, secrets, depth - 1) for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [clean(item, secrets, depth - 1) for item in value]
    return clean_text(str(value))


def is_storable(value: Any, depth: int = DEEPEST) -> bool:
    """Return whether `clean` would keep every number and every level of `value`."""
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, int):
        return value.bit_length() <= _LONGEST_INT
    if isinstance(value, Mapping):
        return depth > 0 and all(is_storable(item, depth - 1) for item in value.values())
    if isinstance(value, list | tuple):
        return depth > 0 and all(is_storable(item, depth - 1) for item in value)
    return True


def _hidden(text: str, secrets: Sequence[str]) -> str:
    for secret in secrets:
        if secret in text:
            text = text.replace(secret, REDACTED)
    return text


def split_reasoning(text: str) -> tuple[str | None, str | None]:
    """Return what is said and what is only thought in `text`.

    Thought is what stands between think tags, after an opening tag that is never closed, and before a closing tag
    that was never opened (templates put the opening one into the prompt).
    """
    thoughts: list[str] = []
    for opening, closing in _THINK:
        if opening in text or closing in text:
            text = _without(text, opening, closing, thoughts)
    thought = "\n".join(part for part in (t.strip() for t in thoughts) if part)
    said = text.strip() if thoughts else text
    return said if said.strip() else None, thought or None


def _without(text: str, opening: str, closing: str, thoughts: list[str]) -> str:
    first, last = text.find(opening), text.find(closing)
    if last >= 0 and (first < 0 or last < first):
        thoughts.append(text[:last])
        text = text[last + len(closing) :]
    said: list[str] = []
    while text:
        before, found, rest = text.partition(opening)
        said.append(before)
        if not found:
            break
        thought, _, text = rest.partition(closing)
        thoughts.append(thought)
    return "".join(said).replace(closing, "")
