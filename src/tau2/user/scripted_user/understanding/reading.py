"""From an agent's message to the units that are understood: sentences, list items, table rows."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from tau2.user.scripted_user.text import clean, sentences
from tau2.utils.json_types import JsonValue

_MOST_READ = 6_000
"""Characters at the start and at the end of a message that are looked at: a question stands there,
and an agent may send anything."""
_MOST_UNITS = 400
_DEEPEST = 6  # levels of a JSON message that are read

_SIGNS = str.maketrans(
    {
        "\u2010": "-",
        "\u2011": "-",
        "\u2012": "-",
        "\u2013": "-",
        "\u2014": " - ",
        "\u00a0": " ",
        "\u202f": " ",
        "\u2009": " ",
        "\u2003": " ",
        "\u2026": "...",
        "\u2032": "'",
        "_": "_",
    }
)
_BULLET = re.compile(
    r"^[ \t]{0,12}(?:[-*•▪◦‣●○·>–]{1,2}|\(?(?:\d{1,2}|[a-zA-Z])[.)]|step \d{1,2}[:.)]|"
    r"[✅❌✔✓☑⚠➡📌🔹🔸]\ufe0f?|\d\ufe0f?\u20e3)[ \t]+",
    re.IGNORECASE,
)
_HEADING = re.compile(r"^#{1,6}[ \t]+")
_RULE = re.compile(r"^[\s|:\-=_*]{3,}$")
_MARKUP = re.compile(r"(?<=[^\s*])\*{1,3}|\*{1,3}(?=[^\s*])|__|~~|<br ?/?>", re.IGNORECASE)
_MESSAGE_KEYS = frozenset(
    {"message", "content", "text", "response", "reply", "answer", "assistant"}
)
_PLACEHOLDER = re.compile(r"\byour_|_your_|<\w+>|\bprovide_", re.IGNORECASE)
"""What a model writes into a tool call instead of a value that it does not know."""
_FENCE = re.compile(r"^```[a-z]{0,10}[ \t]*\n?|\n?```$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Unit:
    """One sentence, list item or table row, without markup."""

    text: str
    listed: bool = False
    lead: str = ""
    """Of a list item: the sentence before the list."""


def plain_text(content: str | None) -> str:
    """Return what a message says, bounded in length: without quotes, dashes and JSON around it."""
    text = (content or "").strip()
    if len(text) > 2 * _MOST_READ:
        text = f"{text[:_MOST_READ]}\n{text[-_MOST_READ:]}"
    text = clean(_spoken(_FENCE.sub("", text)).translate(_SIGNS))
    return _MARKUP.sub("", text)


def units(text: str) -> list[Unit]:
    """Return the units of a plain text in their order."""
    return list(_read(text))[:_MOST_UNITS]


def _read(text: str) -> Iterator[Unit]:
    lead = outer = ""
    before: list[str] = []
    for line in text.split("\n"):
        item = _item(line)
        if item is None:
            before.append(line)
            continue
        yield from (found := _sentences(before))
        if found:
            lead = outer = found[-1].text
        before = []
        parts = sentences(item)
        heads = len(parts) == 1 and parts[0].endswith(":")
        for part in parts:
            yield Unit(part, listed=True, lead=outer if heads else lead)
        if heads:
            lead = f"{outer} {parts[0]}"
    yield from _sentences(before)


def _sentences(lines: list[str]) -> list[Unit]:
    return [Unit(part) for part in sentences("\n".join(lines))]


def _item(line: str) -> str | None:
    """Return the text of a list item or table row, or None for a line of running text."""
    if _RULE.match(line):
        return ""
    if line.lstrip().startswith("|"):
        return ": ".join(cell.strip() for cell in line.strip().strip("|").split("|", 6))
    bullet = _BULLET.match(line)
    if bullet is not None:
        return _HEADING.sub("", line[bullet.end() :])
    heading = _HEADING.match(line)
    return line[heading.end() :] if heading is not None else None


def _spoken(text: str) -> str:
    """Return the texts of a message that is written as JSON, or the message itself."""
    if text[:1] not in {"{", "["} or text[-1:] not in {"}", "]"}:
        return text
    try:
        return "\n".join(_lines("", json.loads(text), 0))
    except (ValueError, RecursionError):
        return text.replace("\\n", "\n").strip("{}[] \n")


def _lines(key: str, value: JsonValue, depth: int) -> Iterator[str]:
    if depth > _DEEPEST or value is None:
        return
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _lines(name, item, depth + 1)
    elif isinstance(value, list):
        for item in value:
            yield from (f"- {line}" for line in _lines("", item, depth + 1))
    elif not key or key.lower() in _MESSAGE_KEYS or (isinstance(value, str) and "\n" in value):
        yield str(value)
    elif _PLACEHOLDER.search(str(value)):
        yield f"Please provide your {key.replace('_', ' ')}."
    else:
        yield f"{key.replace('_', ' ')}: {value}"
