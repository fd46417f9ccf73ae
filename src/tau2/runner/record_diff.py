"""Differences between two records of one simulation, except times and durations."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from tau2.utils.json_types import JsonMapping, JsonObject, JsonValue
from tau2.utils.text import shortened

_OF_A_RUN = frozenset({"id", "timestamp", "start_time", "end_time", "duration"})
_OF_TIME = frozenset({"timestamp", "generation_time_seconds", "search_seconds"})
_OF_A_FAILURE = frozenset({"error_traceback", "failed_after_attempts"})
_LONGEST = 160  # characters of one value
_MOST = 8  # fields that are named


class RecordDifference(NamedTuple):
    """Where two records part."""

    what: str
    details: tuple[str, ...] = ()


def comparable(run: JsonMapping) -> JsonObject:
    """Return what of a simulation is the same whenever it is played."""
    kept = {name: value for name, value in run.items() if name not in _OF_A_RUN}
    kept["messages"] = [_timeless(message) for message in run.get("messages") or ()]
    info = {
        name: value for name, value in (run.get("info") or {}).items() if name not in _OF_A_FAILURE
    }
    return {**kept, "info": info}


def _timeless(value: JsonValue) -> JsonValue:
    if isinstance(value, Mapping):
        return {name: _timeless(inner) for name, inner in value.items() if name not in _OF_TIME}
    return [_timeless(inner) for inner in value] if isinstance(value, list) else value


def first_difference(
    recorded: JsonMapping, again: JsonMapping, *, cut_short: bool
) -> RecordDifference | None:
    """Return what differs, conversation first; None when nothing does.

    An episode that was `cut_short` by its time-out may have gone on a little when it is played
    again without one.
    """
    mine, theirs = comparable(recorded), comparable(again)
    if cut_short:
        theirs["messages"] = theirs["messages"][: len(mine["messages"])]
        mine, theirs = ({"messages": record["messages"]} for record in (mine, theirs))
    found = _in_messages(mine.pop("messages"), theirs.pop("messages"))
    if found is not None:
        return found
    lines = list(_fields("", mine, theirs))
    return (
        RecordDifference("another result, after the same conversation", tuple(lines[:_MOST]))
        if lines
        else None
    )


def _in_messages(
    recorded: Sequence[JsonValue], again: Sequence[JsonValue]
) -> RecordDifference | None:
    for at, (mine, theirs) in enumerate(zip(recorded, again, strict=False)):
        if mine != theirs:
            role = theirs.get("role", "?") if isinstance(theirs, Mapping) else "?"
            return RecordDifference(
                f"message {at} ({role}) is another one", tuple(_fields("", mine, theirs))[:_MOST]
            )
    if len(recorded) == len(again):
        return None
    return RecordDifference(f"messages: {len(recorded):,} recorded, {len(again):,} now")


def _fields(name: str, recorded: JsonValue, again: JsonValue) -> Iterator[str]:
    """Yield the innermost values that differ."""
    if recorded == again:
        return
    if isinstance(recorded, Mapping) and isinstance(again, Mapping):
        for key in dict.fromkeys([*recorded, *again]):
            yield from _fields(f"{name}.{key}".lstrip("."), recorded.get(key), again.get(key))
    elif isinstance(recorded, list) and isinstance(again, list) and len(recorded) == len(again):
        for at, (mine, theirs) in enumerate(zip(recorded, again, strict=True)):
            yield from _fields(f"{name}[{at}]", mine, theirs)
    else:
        yield f"{name}: recorded {_short(recorded)}, now {_short(again)}"


def _short(value: JsonValue) -> str:
    return shortened(json.dumps(value, ensure_ascii=False, default=str), _LONGEST)
