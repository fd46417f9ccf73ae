"""Tool calls from JSON: the entries of OpenAI's API, and the objects that models write as text."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Mapping

from tau2.actions.provider_data import data_of_call
from tau2.data_model.malformed import MALFORMED_KEY
from tau2.data_model.message import ToolCall, ToolRequestor
from tau2.errors import ToolError
from tau2.seeds import made_call_id
from tau2.utils.finite_json import refuse_constant
from tau2.utils.json_types import JsonMapping, JsonObject, JsonValue
from tau2.utils.plain_data import DEEPEST, clean, is_storable
from tau2.utils.sizes import LONGEST_MESSAGE
from tau2.utils.text import clean_text

MOST_CALLS = 64  # of one text; a model that writes more of them repeats itself
_NO_ARGUMENTS = frozenset({"", "null", "None", "undefined"})
_MOST_ENCODINGS = 4  # times that arguments may have been made JSON text
_LONGEST_RAW = 10_000  # characters of malformed arguments that are kept
_LONGEST_NAME = 256  # characters of a tool's name
_ARGUMENT_FIELDS = ("arguments", "parameters", "input")
_USUAL_INT = 64  # bits of an integer that needs no closer look


class MalformedAction(ToolError):
    """A tool call that was meant and cannot be read; the text says what is wrong."""


def parse_arguments(raw: JsonValue) -> JsonObject:
    """Return the arguments of a tool call, given as an object or as JSON text.

    Text that was made JSON more than once, as some servers do, is read as often. What is not a
    JSON object that can be stored comes back as text under MALFORMED_KEY.
    """
    if isinstance(raw, Mapping) and is_storable(raw):
        return dict(clean(raw))
    if raw is None or raw == []:  # an empty object, as PHP writes it
        return {}
    text = raw if isinstance(raw, str) else _as_json(raw)
    if len(text) > LONGEST_MESSAGE:
        # Not worth reading: an episode refuses it.
        return {MALFORMED_KEY: clean_text(text[: LONGEST_MESSAGE + 1])}
    value = _decoded(text)
    if value is None:
        return {}
    if isinstance(value, dict) and is_storable(value):
        return dict(clean(value))
    return {MALFORMED_KEY: clean_text(text[:_LONGEST_RAW])}


def _decoded(text: str) -> JsonValue:
    """Return the value of JSON text, of JSON in JSON text, and so on; None for nothing.

    Text that is no JSON comes back as it is.
    """
    value: JsonValue = text
    for _ in range(_MOST_ENCODINGS):
        if not isinstance(value, str):
            break
        if value.strip() in _NO_ARGUMENTS:
            return None
        # Gateways that turn streams of events into one message write "{}" before the arguments.
        spelled = value.strip().removeprefix("{}").strip() or "{}"
        try:
            value = json.loads(spelled, parse_constant=refuse_constant)
        except (ValueError, RecursionError):
            break
    return None if value == [] else value


def _as_json(raw: object) -> str:
    try:
        return json.dumps(raw, default=str)
    except (ValueError, TypeError, RecursionError):
        return f"<{type(raw).__name__}>"


def parse_tool_calls(raw: JsonValue, taken_ids: Collection[str] = ()) -> tuple[list[ToolCall], int]:
    """Return the tool calls of an assistant message in OpenAI's form.

    Args:
        raw: The `tool_calls` of the message; what is no object in it is left out. Name and
            arguments may stand in the entry itself. An entry without a name is a call without one,
            which the environment answers with an error.
        taken_ids: Ids that no call may get, because earlier calls have them.

    Returns:
        The calls, each with an id of its own, and how many of them have malformed arguments.
    """
    calls: list[ToolCall] = []
    ids = _Ids(taken_ids)
    for entry in raw if isinstance(raw, list) else ():
        if not isinstance(entry, Mapping):
            continue
        function = _function_of(entry)
        # gpt-oss's format may leave something around a name.
        name = _name(function.get("name")).partition("<|")[0].strip().removeprefix("functions.")
        given = next((function[key] for key in _ARGUMENT_FIELDS if key in function), None)
        arguments = parse_arguments(given)
        id_ = ids.take(entry.get("id") or entry.get("call_id"), name, arguments)
        data = data_of_call(entry)
        calls.append(ToolCall(id=id_, name=name, arguments=arguments, provider_data=data))
    return calls, sum(MALFORMED_KEY in call.arguments for call in calls)


def _function_of(entry: JsonMapping) -> JsonMapping:
    """Return what holds name and arguments: OpenAI's `function`, or the entry itself."""
    function = entry.get("function")
    if isinstance(function, str):  # either JSON text of the object, or the name alone
        decoded = _decoded(function)
        function = decoded if isinstance(decoded, Mapping) else {**entry, "name": function}
    if not isinstance(function, Mapping) or not function:
        return entry
    missing = [key for key in _ARGUMENT_FIELDS if key in entry]
    has_own = any(key in function for key in _ARGUMENT_FIELDS)
    return function if has_own or not missing else {**entry, **function}


def _name(given: JsonValue) -> str:
    return clean_text(given)[:_LONGEST_NAME] if isinstance(given, str) else ""


class _Ids:
    """Gives each call of a conversation an id of its own."""

    def __init__(self, taken: Collection[str]) -> None:
        self._taken = set(taken)
        self._tried: Counter[str] = Counter()

    def take(self, given: JsonValue, name: str, arguments: JsonMapping) -> str:
        """Return the given id if it is usable and new, else one derived from the call."""
        # Of any length: Gemini's ids hold thought signatures, which have to come back whole.
        kept = clean_text(given).strip() if isinstance(given, str) else ""
        if kept and kept not in self._taken:
            self._taken.add(kept)
            return kept
        # Derived, not random: the same conversation has the same ids on every machine.
        seed = json.dumps([kept, name, arguments], sort_keys=True)
        while True:
            number = self._tried[seed]
            self._tried[seed] += 1
            made = made_call_id(number, seed)
            if made not in self._taken:
                self._taken.add(made)
                return made


def call_part(value: JsonValue) -> JsonMapping | None:
    """Return the object in `value` that names a tool: itself, or OpenAI's `function` in it."""
    if not isinstance(value, Mapping):
        return None
    function = value.get("function")
    part = function if isinstance(function, Mapping) else value
    return part if "name" in part else None


def call_from_json(value: JsonValue) -> ToolCall | None:
    """Return the call that a JSON object spells, without an id; None when it names no tool.

    Arguments may be called `parameters`. Malformed ones stay under MALFORMED_KEY, so that the
    environment can answer them with an error.
    """
    part = call_part(value)
    name = _name(part["name"]).strip() if part is not None else ""
    if part is None or not name:
        return None
    arguments = part.get("arguments", part.get("parameters"))
    return ToolCall(name=name, arguments=parse_arguments(arguments))


def strict_call_from_json(entry: JsonMapping, requestor: ToolRequestor) -> ToolCall:
    """Return the call that a JSON object with a name spells. Raise MalformedAction."""
    part = call_part(entry) or {}
    name, arguments = part.get("name"), part.get("arguments")
    if not isinstance(name, str) or not name:
        raise MalformedAction("the name of a tool must be text")
    if isinstance(arguments, str):
        try:
            arguments = json.loads(arguments) if arguments.strip() else {}
        except (ValueError, RecursionError) as error:
            raise MalformedAction(
                f"the arguments of {name!r} are not valid JSON: {error}"
            ) from error
    if arguments is None:
        arguments = {}
    if not isinstance(arguments, dict):
        raise MalformedAction(
            f"the arguments of {name!r} must be an object, not {type(arguments).__name__}"
        )
    identifier = entry.get("id")
    return ToolCall(
        id=clean_text(identifier) if isinstance(identifier, str) else "",
        name=clean_text(name),
        arguments=storable_arguments(name, arguments),
        requestor=requestor,
    )


def storable_arguments(name: str, arguments: JsonObject) -> JsonObject:
    """Return arguments as any file takes them. Raise MalformedAction for what no file takes."""
    if all(map(_is_plain, arguments.values())) and all(map(str.isascii, arguments)):
        return arguments  # as nearly always
    if not _is_shallow(arguments, DEEPEST):
        raise MalformedAction(f"the arguments of {name!r} are nested too deeply")
    try:
        text = json.dumps(arguments, ensure_ascii=False)
    except ValueError as error:  # an integer of thousands of digits
        raise MalformedAction(f"the arguments of {name!r} cannot be stored: {error}") from error
    cleaned = clean_text(text)
    if cleaned == text:
        return arguments
    plain: JsonObject = json.loads(cleaned)
    return plain


def _is_plain(value: JsonValue) -> bool:
    if isinstance(value, str):
        return value.isascii()
    if isinstance(value, int):
        return value.bit_length() <= _USUAL_INT
    return value is None or isinstance(value, float)


def _is_shallow(value: JsonValue, levels: int) -> bool:
    if not isinstance(value, dict | list):
        return True
    inner = value.values() if isinstance(value, dict) else value
    return levels > 0 and all(_is_shallow(item, levels - 1) for item in inner)
