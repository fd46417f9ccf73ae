"""Reads what clients send: anything at all may arrive."""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeVar

from tau2.utils.json_types import JsonObject

MOST_MESSAGE = 1_000_000
"""Characters of one event."""
MOST_TEXT = 200_000
"""Characters of one text in an event: instructions, a message, the result of a call."""
MOST_TOOLS = 128
MOST_ITEMS = 2000
"""Items of one conversation."""
MOST_ID = 128

_ECHOED = 200  # characters of a client's text that an error repeats
ResultT = TypeVar("ResultT")


class WireError(Exception):
    """A client's event cannot be accepted; the session goes on."""

    def __init__(self, code: str, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.param = param


def read_event(data: object) -> JsonObject:
    """Return one event of a client, given as text, bytes or an object with a type.

    Raise WireError for anything else.
    """
    if isinstance(data, bytes | bytearray):
        data = data.decode("utf-8", "replace")
    if isinstance(data, str):
        data = _parsed(data)
    if not isinstance(data, dict):
        raise WireError("invalid_event", "an event is a JSON object")
    if not isinstance(data.get("type"), str):
        raise WireError("missing_required_parameter", "an event needs a type", "type")
    return data


def _parsed(text: str) -> object:
    if len(text) > MOST_MESSAGE:
        raise WireError("message_too_large", f"an event has at most {MOST_MESSAGE:,} characters")
    try:
        value = json.loads(text, parse_constant=_refuse, parse_float=_finite)
        # Halves of characters and integers of thousands of digits are JSON, but cannot be sent on.
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise WireError("invalid_json", "an event is one JSON object") from None
    return value


def _refuse(name: str) -> float:
    raise ValueError(f"{name} is no JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError("too large a number")
    return number


class Reader:
    """The fields of one object of a client's event; each is read once, by its kind."""

    def __init__(self, data: object, where: str = "") -> None:
        """Read `data`, which stands at `where` in the event. Raise WireError for no object."""
        self._where = where
        if not isinstance(data, Mapping):
            raise WireError("invalid_type", f"{where or 'the event'} must be an object", where)
        self._data = data

    def __contains__(self, name: str) -> bool:
        return self._data.get(name) is not None

    def has(self, name: str) -> bool:
        """Return whether a field is given, even as null."""
        return name in self._data

    def path(self, name: str) -> str:
        """Return how a field is called in errors."""
        return f"{self._where}.{name}" if self._where else name

    def raw(self, name: str) -> Any:
        """Return a field as it is; None where it is missing."""
        return self._data.get(name)

    def known(self, names: Collection[str]) -> None:
        """Raise WireError for a field that is none of `names`."""
        for name in self._data:
            if name not in names:
                shown = self.path(str(name)[:_ECHOED])
                raise WireError("unknown_parameter", f"Unknown parameter: {shown!r}.", shown)

    def text(self, name: str, default: str | None = None, most: int = MOST_TEXT) -> str:
        """Return a text; without a default it must be there."""
        value = self._data.get(name)
        if value is None and default is not None:
            return default
        if value is None:
            raise WireError(
                "missing_required_parameter", f"{self.path(name)} is required", self.path(name)
            )
        if not isinstance(value, str):
            raise self.wrong(name, "must be a string", "invalid_type")
        if len(value) > most:
            raise self.wrong(name, f"has more than {most:,} characters", "string_above_max_length")
        return value

    def one_of(self, name: str, values: Collection[str], default: str | None = None) -> str:
        """Return one of some words."""
        value = self.text(name, default)
        if value not in values:
            raise self.wrong(name, f"must be one of {', '.join(sorted(values))}")
        return value

    def number(
        self, name: str, default: float, least: float = 0.0, most: float = math.inf
    ) -> float:
        """Return a number within bounds."""
        value = self._data.get(name)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.wrong(name, "must be a number", "invalid_type")
        if not least <= value <= most:
            raise self.wrong(name, f"must be between {least:g} and {most:g}")
        return value

    def integer(self, name: str, default: int | None = None) -> int:
        """Return an integer; without a default it must be there."""
        value = self._data.get(name)
        if value is None and default is not None:
            return default
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.wrong(name, "must be an integer", "invalid_type")
        return value

    def flag(self, name: str, *, default: bool) -> bool:
        """Return a truth value."""
        value = self._data.get(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise self.wrong(name, "must be true or false", "invalid_type")
        return value

    def object(self, name: str) -> Reader:
        """Return an object; a missing one is empty."""
        value = self._data.get(name)
        return Reader({} if value is None else value, self.path(name))

    def list(self, name: str, read: Callable[[Reader], ResultT], most: int) -> list[ResultT]:
        """Return what `read` makes of each object of a list."""
        value = self._data.get(name)
        if value is None:
            return []
        if not isinstance(value, list):
            raise self.wrong(name, "must be a list", "invalid_type")
        if len(value) > most:
            raise self.wrong(name, f"has more than {most} entries", "array_above_max_length")
        path = self.path(name)
        return [read(Reader(entry, f"{path}[{place}]")) for place, entry in enumerate(value)]

    def audio(self, name: str) -> bytes:
        """Return audio that was sent as base64."""
        value = self.text(name, most=MOST_MESSAGE)
        try:
            return base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError):
            raise self.wrong(name, "must be base64") from None

    def wrong(self, name: str, problem: str, code: str = "invalid_value") -> WireError:
        """Return the error for a field."""
        return WireError(code, f"{self.path(name)} {problem}", self.path(name))


def read_tool(reader: Reader) -> JsonObject:
    """Return a function tool in the form of chat completions. Raise WireError for another one."""
    reader.one_of("type", ("function",))
    name = reader.text("name", most=MOST_ID)
    if not name:
        raise reader.wrong("name", "must not be empty")
    parameters = reader.raw("parameters")
    if parameters is not None and not isinstance(parameters, Mapping):
        raise reader.wrong("parameters", "must be a JSON schema", "invalid_type")
    return {
        "type": "function",
        "function": {
            "name": name,
            "description": reader.text("description", ""),
            "parameters": dict(parameters or {"type": "object", "properties": {}}),
        },
    }
