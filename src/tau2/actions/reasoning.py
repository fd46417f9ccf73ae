"""Separates the text of a model from its reasoning in think tags."""

from __future__ import annotations

from typing import NamedTuple


class Tags(NamedTuple):
    """What a part of a text stands between."""

    opening: str
    closing: str


THINK_TAGS = (Tags("<think>", "</think>"), Tags("<thinking>", "</thinking>"))


def split_reasoning(text: str) -> tuple[str | None, str | None]:
    """Return the visible text and the reasoning in `text`; None where there is none.

    Reasoning stands between think tags, after an opening tag that is never closed, and before a
    closing tag that was never opened (templates put the opening one into the prompt).
    """
    thoughts: list[str] = []
    for tags in THINK_TAGS:
        if tags.opening in text or tags.closing in text:
            text = _without(text, tags, thoughts)
    reasoning = "\n".join(part for part in map(str.strip, thoughts) if part)
    visible = text.strip() if thoughts else text
    return visible if visible.strip() else None, reasoning or None


def _without(text: str, tags: Tags, thoughts: list[str]) -> str:
    """Return `text` without the thoughts, which are added to `thoughts`; in linear time."""
    opening, closing = tags
    start, end = text.find(opening), text.find(closing)
    at = 0
    if end >= 0 and (start < 0 or end < start):
        thoughts.append(text[:end])
        at = end + len(closing)
    kept: list[str] = []
    while (start := text.find(opening, at)) >= 0:
        kept.append(text[at:start])
        start += len(opening)
        end = text.find(closing, start)
        if end < 0:
            thoughts.append(text[start:])
            at = len(text)
        else:
            thoughts.append(text[start:end])
            at = end + len(closing)
    kept.append(text[at:])
    return "".join(kept).replace(closing, "")
