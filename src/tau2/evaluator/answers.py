"""Reads what a judging model answers, whatever it is: prose and fences around a JSON object are ignored."""

from __future__ import annotations

import json
import re
from typing import Any

LONGEST_ANSWER = 400_000  # characters that are looked at; a judgement has a few thousand

_FENCE = re.compile(r"```(?:json)?\s*(.*?)```", re.DOTALL)


def list_under(key: str, text: str) -> tuple[dict[str, Any], list[Any]] | None:
    """Return the JSON object in an answer and the list that it holds under `key`; None when there is none."""
    text = text[:LONGEST_ANSWER]
    fenced = _FENCE.search(text)
    for body in (text[text.find("{") : text.rfind("}") + 1], fenced.group(1) if fenced else ""):
        try:
            found = json.loads(body)
            entries = found[key]
        except (ValueError, TypeError, KeyError, RecursionError):
            continue
        if isinstance(found, dict) and isinstance(entries, list):
            return found, entries
    return None
