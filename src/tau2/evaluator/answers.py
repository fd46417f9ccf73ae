"""Reading the JSON of a judge's or reviewer's answer, in the forms that models really send.

Reasoning in `<think>` tags, prose and code fences around the JSON, and commas before a closing
bracket are ignored. Nothing here raises for what a model wrote, and the time is linear in the
(capped) length of the answer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from tau2.utils.json_types import JsonObject, JsonValue
from tau2.utils.plain_data import clean

LONGEST_ANSWER = 400_000  # characters that are looked at; a judgement has a few thousand
_MOST_CANDIDATES = 50  # places at which JSON is looked for; a real answer has one or two

_OPENING = re.compile(r"[{\[]")
_THINK_END = "</think>"
_COMMA = r",(?=\s*[}\]])"
_STRING_OR_COMMA = re.compile(
    # After a quote without a partner no other quote has one, so it is looked for only once.
    rf'(?P<string>"(?:[^"\\]++|\\.)*+")|(?P<rest>".*+)|{_COMMA}',
    re.DOTALL,
)
_DECODER = json.JSONDecoder()


def json_values(text: str) -> Iterator[JsonValue]:
    """Yield the JSON objects and lists that stand in an answer, outermost first, in order."""
    text = text[:LONGEST_ANSWER]
    # A model may write JSON while it thinks; only what comes after is its answer.
    _, _, after_thinking = text.rpartition(_THINK_END)
    body = _STRING_OR_COMMA.sub(_without_comma, after_thinking)
    at = 0
    for _ in range(_MOST_CANDIDATES):
        opening = _OPENING.search(body, at)
        if opening is None:
            return
        try:
            value, at = _DECODER.raw_decode(body, opening.start())
        except (ValueError, RecursionError):
            at = opening.end()
            continue
        # JSON spells halves of characters, and numbers, that nothing can store.
        yield clean(value)


def _without_comma(found: re.Match[str]) -> str:
    """Return a string as it is, and what needs no comma without it."""
    return found["string"] or re.sub(_COMMA, "", found["rest"] or "")


def list_under(key: str, text: str) -> tuple[JsonObject, list[JsonValue]] | None:
    """Return the object in an answer and the list that it holds under `key`.

    A bare list of objects counts as that list, in an otherwise empty object. None when there is
    neither.
    """
    bare: list[JsonValue] | None = None
    for value in json_values(text):
        if isinstance(value, dict) and isinstance(value.get(key), list):
            return value, value[key]
        if bare is None and isinstance(value, list) and value and isinstance(value[0], dict):
            bare = value
    return None if bare is None else ({}, bare)
