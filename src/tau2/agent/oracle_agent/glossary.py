"""What identifiers stand for, read from tool results ("1151293680" is the keyboard)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from tau2.utils.json_types import JsonMapping, JsonValue

_LARGEST_READ = 200_000  # characters of one tool result
_DEEPEST = 8  # levels of nesting that are looked into
_LONGEST_NOTE = 80  # characters that fit into a sentence
_NAMES = ("name", "title", "full_name")


def notes_in(content: str | None, wanted: frozenset[str]) -> dict[str, str]:
    """Return identifier → description, for the wanted identifiers that a tool result explains."""
    if not content or len(content) > _LARGEST_READ or content[:1] not in {"{", "["}:
        return {}
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    found: dict[str, str] = {}
    for identifier, note in _notes(value, "", 0):
        if identifier in wanted and note and note != identifier:
            found.setdefault(identifier, note[:_LONGEST_NOTE])
    return found


def _notes(value: JsonValue, family: str, depth: int) -> Iterator[tuple[str, str]]:
    """Yield every (identifier, note) below `value`.

    `family` names the thing that variants belong to.
    """
    if depth > _DEEPEST:
        return
    if isinstance(value, list):
        for item in value:
            yield from _notes(item, family, depth + 1)
    elif isinstance(value, Mapping):
        name = next((str(value[key]) for key in _NAMES if isinstance(value.get(key), str)), "")
        described = ", ".join(filter(None, (name or family, _options(value))))
        ids = [key for key in value if key == "id" or key.endswith("_id")]
        # Further ids refer to other records, which this name is not of.
        own_id = "item_id" if "item_id" in ids else next(iter(ids), None)
        for key, item in value.items():
            if key == own_id and isinstance(item, str) and described:
                yield item, described
            yield from _notes(item, name or family, depth + 1)


def _options(value: JsonMapping) -> str:
    options = value.get("options")
    if not isinstance(options, Mapping):
        return ""
    return ", ".join(str(option) for option in options.values())
