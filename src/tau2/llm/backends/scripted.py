"""Models that answer from a script: for tests, demonstrations and dry runs.

Offline, free and deterministic.

    scripted/echo            repeats the last text of the user or of a tool
    scripted/stop            says ###STOP###
    scripted/<anything>      with llm_args {"script": [...]}: says the entries one after the other
    scripted/<path>.json     the same, with the list read from a file
    scripted/<name>          calls the function registered by `register_script(name, function)`

An entry of a script is a text, a tool call `{"name": ..., "arguments": {...}}`, a list of tool
calls, or a message `{"content": ..., "tool_calls": [...]}`. Which entry is next follows from the
conversation alone: from how often the assistant has spoken since a greeting. So a script may serve
any number of conversations at once. `script_offset` skips answers that a conversation began with;
`script_end` is said when the script is over (###STOP### if absent).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TypeAlias

from tau2.data_model.conventions import STOP
from tau2.errors import ConfigError, DataFileError, UnknownName
from tau2.llm.request import Backend, Request, Response, by_prefix_alone
from tau2.llm.response import RESPONSE_COST
from tau2.seeds import numbered_call_id
from tau2.utils.json_types import JsonMapping, JsonObject, JsonValue

ScriptFn: TypeAlias = Callable[[list[JsonObject], list[JsonObject] | None, JsonMapping], JsonValue]
"""Called with messages and tools in OpenAI's form and `llm_args`; returns an entry of a script."""

PREFIX = "scripted/"
_CHARACTERS_PER_TOKEN = 4  # an estimate; the same on every machine
_LARGEST_FILE = 8 * 2**20  # bytes of a script file
_MESSAGE_FIELDS = frozenset({"content", "tool_calls", "reasoning_content"})
_REGISTERED: dict[str, ScriptFn] = {}
"""Process-wide, because models are known by name only.

Entries last as long as `register_script`.
"""


@contextmanager
def register_script(name: str, fn: ScriptFn) -> Iterator[str]:
    """Serve the model `scripted/<name>` from `fn` until the block ends; yields the model's name."""
    if name in _REGISTERED or name in _BUILT_IN:
        raise ConfigError(f"there is already a script named {name!r}; choose another name")
    _REGISTERED[name] = fn
    try:
        yield PREFIX + name
    finally:
        del _REGISTERED[name]


def _echo(
    messages: list[JsonObject], _tools: list[JsonObject] | None, _args: JsonMapping
) -> JsonValue:
    texts = [message["content"] for message in messages if message["role"] in {"user", "tool"}]
    return texts[-1] if texts else "..."


def _stop(
    _messages: list[JsonObject], _tools: list[JsonObject] | None, _args: JsonMapping
) -> JsonValue:
    return STOP


_BUILT_IN: Mapping[str, ScriptFn] = {"echo": _echo, "stop": _stop}


def _script_fn(model: str, args: JsonMapping) -> ScriptFn:
    """Return the function that answers for `model`. Raise ConfigError or UnknownName for none."""
    name = model.removeprefix(PREFIX)
    if args.get("script") is not None:
        return _in_turn(args["script"])
    if name in _REGISTERED:
        return _REGISTERED[name]
    if name in _BUILT_IN:
        return _BUILT_IN[name]
    if name.endswith(".json"):
        return _in_turn(_loaded(name))
    raise UnknownName("script", name, [*_BUILT_IN, *_REGISTERED, "<path>.json"])


def _in_turn(script: JsonValue) -> ScriptFn:
    if not isinstance(script, Sequence) or isinstance(script, str):
        raise ConfigError(f"a script is a list of replies, not {type(script).__name__}")

    def entry(
        messages: list[JsonObject], _tools: list[JsonObject] | None, args: JsonMapping
    ) -> JsonValue:
        turn = _turns_taken(messages) - int(args.get("script_offset") or 0)
        return script[turn] if 0 <= turn < len(script) else args.get("script_end", STOP)

    return entry


def _turns_taken(messages: list[JsonObject]) -> int:
    """Return how often the assistant has spoken, not counting greetings before the first input."""
    turns = 0
    had_input = False
    for message in messages:
        had_input = had_input or message["role"] in {"user", "tool"}
        if message["role"] == "assistant":
            turns += had_input or bool(message.get("tool_calls"))
    return turns


def _loaded(path: str) -> JsonValue:
    try:
        stat = Path(path).stat()
        if stat.st_size > _LARGEST_FILE:
            raise DataFileError(
                f"{path}: a script file of more than {_LARGEST_FILE} bytes; split it"
            )
        return _parsed_file(path, stat.st_mtime_ns)
    except OSError as error:
        raise DataFileError(f"{path}: the script cannot be read: {error.strerror}") from error


@lru_cache(maxsize=64)
def _parsed_file(path: str, _changed_at: int) -> JsonValue:
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise DataFileError(f"{path}: the script is not JSON: {error}") from error


def _send(request: Request) -> Response:
    entry = _script_fn(request.model, request.args)(request.messages, request.tools, request.args)
    message = message_of(entry, turn=len(request.messages))
    reason = "tool_calls" if message.get("tool_calls") else "stop"
    return {
        "id": "scripted",
        "object": "chat.completion",
        "model": request.model,
        "choices": [{"index": 0, "message": message, "finish_reason": reason}],
        "usage": {
            "prompt_tokens": _tokens_of([request.messages, request.tools]),
            "completion_tokens": _tokens_of(message),
        },
        "_hidden_params": {RESPONSE_COST: 0.0},
    }


def _tokens_of(value: JsonValue) -> int:
    return max(1, len(json.dumps(value, default=str)) // _CHARACTERS_PER_TOKEN)


def message_of(entry: JsonValue, turn: int) -> JsonObject:
    """Return the message, in OpenAI's form, that an entry of a script stands for.

    Args:
        entry: The entry.
        turn: The number of messages before it; ids of tool calls are made from it.

    Raises:
        ConfigError: it is no entry of a script.
    """
    if entry is None or isinstance(entry, str):
        return {"role": "assistant", "content": entry}
    if isinstance(entry, Mapping) and "name" in entry:
        entry = [entry]
    if isinstance(entry, Sequence):
        entry = {"content": None, "tool_calls": entry}
    if not isinstance(entry, Mapping) or not _MESSAGE_FIELDS & entry.keys():
        raise ConfigError(
            f"not an entry of a script: {entry!r:.200}; use a text, a tool call or a message"
        )
    calls = [_call(call, turn, index) for index, call in enumerate(entry.get("tool_calls") or ())]
    return {"role": "assistant", "content": None, **entry, "tool_calls": calls or None}


def _call(call: JsonValue, turn: int, index: int) -> JsonObject:
    if not isinstance(call, Mapping):
        raise ConfigError(
            f"not a tool call of a script: {call!r:.200}; use {{'name': ..., 'arguments': {{...}}}}"
        )
    function = call.get("function", call)
    arguments = function.get("arguments", {})
    if not isinstance(arguments, str):
        arguments = json.dumps(arguments, default=str)
    return {
        "id": call.get("id") or numbered_call_id(turn, index),
        "type": "function",
        "function": {"name": function.get("name"), "arguments": arguments},
    }


async def _asend(request: Request) -> Response:
    return _send(request)


def _check(model: str, args: JsonMapping) -> None:
    try:
        _script_fn(model, args)
    except (UnknownName, DataFileError) as error:
        raise ConfigError(f"model {model!r} cannot answer: {error}") from error


BACKEND = Backend(
    "scripted", claims=by_prefix_alone, send=_send, asend=_asend, check=_check, is_free=True
)
