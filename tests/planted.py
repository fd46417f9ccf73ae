"""Hostile text planted in every field that can hold text, and what must not be left of it."""

from __future__ import annotations

import enum
import re
import types
import typing
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

ESCAPES = {
    "colour": "\x1b[31;7m",
    "screen": "\x1b[2J\x1b[H",
    "title": "\x1b]0;owned\x07",
    "link": "\x1b]8;;http://evil.example\x1b\\",
    "clipboard": "\x1b]52;c;b3duZWQ=\x07",
    "device": "\x1bP$q\x1b\\",
    "C1 sequence": "\x9b2J",
    "C1 string": "\x9d0;owned\x9c",
}
CONTROLS = {
    "NUL": "\x00",
    "bell": "\x07",
    "backspace": "\b",
    "return": "\r",
    "vertical tab": "\v",
    "form feed": "\f",
    "escape": "\x1b",
    "DEL": "\x7f",
    "next line": "\x85",
    **{f"bidi {ord(mark):X}": mark for mark in "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e"},
    **{f"bidi {ord(mark):X}": mark for mark in "\u2066\u2067\u2068\u2069"},
    "line separator": "\u2028",
    "paragraph separator": "\u2029",
    **{f"no width {ord(mark):X}": mark for mark in "\u00ad\u200b\u200c\u200d\u2060\ufeff"},
    "tag": "\U000e0041",
    "second half of a character": "\udc00",  # in the other order they would be one character
    "first half of a character": "\ud83d",
}
FORGED = "\nFORGED: a line that only a newline in a name can begin"
"""A name with this in it must not begin a line of its own; a table may wrap it."""
MARKUP = "[bold]b[/bold] [/] [link=http://evil.example]l[/link] :smile: [@click=app.quit]c[/]"
HOSTILE = MARKUP + "".join(ESCAPES.values()) + "".join(CONTROLS.values())
NAME_WITH_LINES = HOSTILE + FORGED

RAW = re.compile("[" + "".join(re.escape(mark) for mark in CONTROLS.values()) + "\x80-\x9f]")
"""Characters none of which a terminal may receive."""


def raw_in(text: str) -> list[str]:
    """Return the characters of a printed text that should have been taken out, each once."""
    return sorted({f"U+{ord(mark):04X}" for mark in RAW.findall(text)})


def forged_in(text: str) -> bool:
    """Return whether a name began a line of its own."""
    return any(line.startswith(FORGED[1:]) for line in text.splitlines())


def filled(model: type[BaseModel], text: str = HOSTILE, depth: int = 6) -> dict[str, Any]:
    """Return data of a model in which `text` stands in every place that can hold text.

    Values that other fields restrict (an enumeration, a literal) are the first that there is.
    """
    return {
        name: _value(field.annotation, text, depth - 1)
        for name, field in model.model_fields.items()
        if not field.exclude
    }


def _value(kind: Any, text: str, depth: int) -> Any:
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _value(inner[0], text, depth)
    if origin is Literal:
        return inner[0]
    if origin in {Union, types.UnionType}:
        return _value(_widest(inner), text, depth) if depth > 0 else None
    if kind in {list, tuple} or origin in {list, tuple, set, frozenset}:
        return [_value(inner[0] if inner else str, text, depth - 1)] if depth > 0 else []
    if kind is dict or origin is dict or origin is typing.get_origin(typing.Mapping[str, Any]):
        key, value = inner or (str, str)
        return {_value(key, text, depth): _value(value, text, depth - 1)} if depth > 0 else {}
    if kind is Any:
        return text
    if isinstance(kind, type):
        return _of_class(kind, text, depth)
    return None


def _of_class(kind: type, text: str, depth: int) -> Any:
    if issubclass(kind, BaseModel):
        return filled(kind, text, depth)
    if issubclass(kind, enum.Enum):
        return next(iter(kind)).value
    defaults: dict[type, Any] = {bool: False, int: 1, float: 1.0, str: text}
    return defaults.get(kind)


def _widest(kinds: tuple[Any, ...]) -> Any:
    """Return the kind of a union that holds most text: a model, else text, else the first."""
    for wanted in (BaseModel, str):
        for kind in kinds:
            plain = get_args(kind)[0] if get_origin(kind) is Annotated else kind
            if isinstance(plain, type) and issubclass(plain, wanted):
                return kind
    return next(kind for kind in kinds if kind is not type(None))
