"""The difference between two requests to a model, as lines for people."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping, Sequence

from tau2.llm.request import Request
from tau2.utils.json_types import JsonMapping, JsonObject, JsonValue

_LONGEST = 160  # characters of one value or line
_MOST_LINES = 40  # of one text's difference
_MOST_COMPARED = 400  # lines of either text
_CONTEXT = 1


def differences(recorded: Request, now: Request) -> list[str]:
    """Return what differs, part by part, the most telling first; empty when nothing does."""
    found = [*_value("model", recorded.model, now.model)]
    found += _messages(recorded.messages, now.messages)
    found += _tools(recorded.tools or [], now.tools or [])
    found += _value("tool_choice", recorded.tool_choice, now.tool_choice)
    for name in sorted({*recorded.args, *now.args}):
        found += _value(f"args.{name}", recorded.args.get(name), now.args.get(name))
    return found


def _value(name: str, recorded: JsonValue, now: JsonValue) -> Iterator[str]:
    if recorded == now:
        return
    are_texts = isinstance(recorded, str) and isinstance(now, str)
    if are_texts and ("\n" in recorded + now or len(recorded + now) > _LONGEST):
        yield f"{name}:"
        yield from _text(recorded, now)
    else:
        yield f"{name}: recorded {_short(recorded)}, now {_short(now)}"


def _text(recorded: str, now: str) -> Iterator[str]:
    """Yield the lines that differ; long ones are cut around the place where they part."""
    mine, theirs = _differing_lines(recorded.splitlines(), now.splitlines())
    lines = difflib.unified_diff(mine, theirs, lineterm="", n=_CONTEXT)
    shown = [line for line in lines if not line.startswith(("---", "+++", "@@"))]
    old = next((line[1:] for line in shown if line.startswith("-")), "")
    new = next((line[1:] for line in shown if line.startswith("+")), "")
    pairs = enumerate(zip(old, new, strict=False))
    at = next((at for at, (one, other) in pairs if one != other), min(len(old), len(new)))
    for line in shown[:_MOST_LINES]:
        yield f"  {line[0]} {_cut(line[1:], at)}"
    if len(shown) > _MOST_LINES:
        yield f"  … {_count(len(shown) - _MOST_LINES, 'more line')}"


def _differing_lines(mine: list[str], theirs: list[str]) -> tuple[list[str], list[str]]:
    """Return the first lines of either text between what both begin with and what both end with.

    To compare all of two long texts takes quadratic time.
    """
    shorter = min(len(mine), len(theirs))
    start = next((n for n in range(shorter) if mine[n] != theirs[n]), shorter)
    rest = shorter - start
    same = next((n for n in range(rest) if mine[-1 - n] != theirs[-1 - n]), rest)
    start = max(0, start - _CONTEXT)
    not_shown = max(0, same - _CONTEXT)
    return (
        mine[start : len(mine) - not_shown][:_MOST_COMPARED],
        theirs[start : len(theirs) - not_shown][:_MOST_COMPARED],
    )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _cut(line: str, at: int) -> str:
    if len(line) <= _LONGEST:
        return line
    start = max(0, min(at, len(line)) - _LONGEST // 2)
    end = start + _LONGEST
    return ("…" if start else "") + line[start:end] + ("…" if end < len(line) else "")


def _short(value: JsonValue) -> str:
    if isinstance(value, str):
        text = repr(value)
    else:
        text = json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _messages(recorded: Sequence[JsonObject], now: Sequence[JsonObject]) -> Iterator[str]:
    """Yield the first message that differs: what follows differs because of it."""
    pairs = enumerate(zip(recorded, now, strict=False))
    at = next((index for index, (mine, theirs) in pairs if mine != theirs), None)
    if at is not None:
        yield from _message(at, recorded[at], now[at])
    elif len(recorded) != len(now):
        longer, word = (recorded, "recorded") if len(recorded) > len(now) else (now, "now")
        first = longer[min(len(recorded), len(now))]
        yield (
            f"messages: recorded {len(recorded)}, now {len(now)}; "
            f"the first of the others ({word}): {_short(first)}"
        )


def _message(at: int, recorded: JsonValue, now: JsonValue) -> Iterator[str]:
    if not isinstance(recorded, Mapping) or not isinstance(now, Mapping):
        yield from _value(f"message {at}", recorded, now)
        return
    role = now.get("role", "?")
    for key in dict.fromkeys([*recorded, *now]):
        yield from _value(f"message {at} ({role}) {key}", recorded.get(key), now.get(key))


def _tools(recorded: Sequence[JsonObject], now: Sequence[JsonObject]) -> Iterator[str]:
    mine = _by_name(recorded)
    theirs = _by_name(now)
    removed = [name for name in mine if name not in theirs]
    added = [name for name in theirs if name not in mine]
    if removed:
        yield f"tools no longer there: {', '.join(removed)}"
    if added:
        yield f"tools that are new: {', '.join(added)}"
    for name in mine:
        if name in theirs:
            yield from _inside(f"tool {name}", mine[name], theirs[name])
    if list(mine) != list(theirs) and not removed and not added:
        yield "tools: the same, in another order"


def _by_name(tools: Sequence[JsonValue]) -> dict[str, JsonMapping | None]:
    found: dict[str, JsonMapping | None] = {}
    for place, tool in enumerate(tools):
        function = tool.get("function") if isinstance(tool, Mapping) else None
        name = str(function.get("name")) if isinstance(function, Mapping) else f"#{place}"
        found[name] = function
    return found


def _inside(name: str, recorded: JsonValue, now: JsonValue) -> Iterator[str]:
    """Yield the innermost values that differ."""
    if isinstance(recorded, Mapping) and isinstance(now, Mapping):
        for key in dict.fromkeys([*recorded, *now]):
            yield from _inside(f"{name}.{key}", recorded.get(key), now.get(key))
    else:
        yield from _value(name, recorded, now)
