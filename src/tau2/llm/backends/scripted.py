"""Models that say what a script says: for tests, demonstrations and dry runs; offline, free and deterministic.

    scripted/echo                 repeats the last thing said to it
    scripted/stop                 says ###STOP###
    scripted/<anything>           with llm_args {"script": [...]}: says the entries one after the other
    scripted/<path>.json          the same, with the list read from a file
    scripted/<name>               asks the function registered by `register_script(name, function)`

An entry of a script is a text, a tool call `{"name": ..., "arguments": {...}}`, a list of tool calls, or a message
`{"content": ..., "tool_calls": [...]}`. Which entry is next follows from the conversation alone: from how often the
assistant has spoken since a greeting. So a script may serve any number of conversations at once. `script_offset`
skips answers that a conversation began with; `script_end` is said when the script is over (###STOP### if absent).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from tau2.data_model.conventions import STOP
from tau2.errors import ConfigError, DataFileError, UnknownName
from tau2.llm.request import Backend, Request, Response
from tau2.llm.response import RESPONSE_COST

ScriptFn = Callable[[list[dict[str, Any]], list[dict[str, Any]] | None, Mapping[str, Any]], Any]
"""Called with wire messages, wire tools and `llm_args`; returns an entry of a script."""

PREFIX = "scripted/"
_CHARACTERS_PER_TOKEN = 4  # rough, but the same for everybody
_LARGEST_FILE = 8 * 2**20  # bytes of a script file
_REGISTERED: dict[str, ScriptFn] = {}


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


def _echo(messages: list[dict[str, Any]], _tools: Any, _args: Mapping[str, Any]) -> Any:
    heard = [message["content"] for message in messages if message["role"] in {"user", "tool"}]
    return heard[-1] if heard else "..."


def _stop(_messages: Any, _tools: Any, _args: Mapping[str, Any]) -> Any:
    return STOP


_BUILT_IN: Mapping[str, ScriptFn] = {"echo": _echo, "stop": _stop}


def _script_fn(model: str, args: Mapping[str, Any]) -> ScriptFn:
    """Return what answers for `model`. Raise ConfigError or UnknownName when nothing does."""
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


def _in_turn(script: Any) -> ScriptFn:
    if not isinstance(script, Sequence) or isinstance(script, str):
        raise ConfigError(f"a script is a list of replies, not {type(script).__name__}")

    def entry(messages: list[dict[str, Any]], _tools: Any, args: Mapping[str, Any]) -> Any:
        turn = _turns_taken(messages) - int(args.get("script_offset") or 0)
        return script[turn] if 0 <= turn < len(script) else args.get("script_end", STOP)

    return entry


def _turns_taken(messages: list[dict[str, Any]]) -> int:
    """Return how often the assistant has spoken, not counting a greeting before anybody spoke to it."""
    roles = [message["role"] for message in messages]
    first = next(
        (index for index, role in enumerate(roles) if role in {"user", "tool"}), len(roles)
    )
    greeting = sum(
        1
        for message in messages[:first]
        if message["role"] == "assistant" and not message.get("tool_calls")
    )
    return roles.count("assistant") - greeting


def _loaded(path: str) -> Any:
    stat = Path(path)
    try:
        if stat.stat().st_size > _LARGEST_FILE:
            raise DataFileError(
                f"{path}: a script file of more than {_LARGEST_FILE} bytes; split it"
            )
        return _parsed_file(path, stat.stat().st_mtime_ns)
    except OSError as error:
        raise DataFileError(f"{path}: the script cannot be read: {error.strerror}") from error


@lru_cache(maxsize=64)
def _parsed_file(path: str, _changed_at: int) -> Any:
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise DataFileError(f"{path}: the script is not JSON: {error}") from error


def _send(request: Request) -> Response:
    entry = _script_fn(request.model, request.args)(request.messages, request.tools, request.args)
    message = message_of(entry, turn=len(request.messages))
    asked = len(json.dumps([request.messages, request.tools], default=str))
    said = len(json.dumps(message, default=str))
    usage = {"prompt_tokens": _tokens(asked), "completion_tokens": _tokens(said)}
    return {
        "id": "scripted",
        "object": "chat.completion",
        "model": request.model,
        "choices": [{"index": 0, "message": message, "finish_reason": _reason(message)}],
        "usage": usage,
        "_hidden_params": {RESPONSE_COST: 0.0},
    }


def _tokens(characters: int) -> int:
    return max(1, characters // _CHARACTERS_PER_TOKEN)


def _reason(message: Mapping[str, Any]) -> str:
    return "tool_calls" if message.get("tool_calls") else "stop"


def message_of(entry: Any, turn: int) -> dict[str, Any]:
    """Return the wire message that an entry of a script stands for. Raise ConfigError when it stands for none."""
    if entry is None or isinstance(entry, str):
        return {"role": "assistant", "content": entry}
    if isinstance(entry, Mapping) and "name" in entry:
        entry = [entry]
    if isinstance(entry, Sequence):
        entry = {"content": None, "tool_calls": entry}
    if not isinstance(entry, Mapping) or not {"content", "tool_calls", "reasoning_content"} & set(
        entry
    ):
        raise ConfigError(
            f"not an entry of a script: {entry!r:.200}; use a text, a tool call or a message"
        )
    calls = [_call(call, turn, index) for index, call in enumerate(entry.get("tool_calls") or ())]
    return {"role": "assistant", "content": None, **entry, "tool_calls": calls or None}


def _call(call: Any, turn: int, index: int) -> dict[str, Any]:
    if not isinstance(call, Mapping):
        raise ConfigError(
            f"not a tool call of a script: {call!r:.200}; use {{'name': ..., 'arguments': {{...}}}}"
        )
    function = call.get("function", call)
    arguments = function.get("arguments", {})
    return {
        "id": call.get("id") or f"call_{turn}_{index}",
        "type": "function",
        "function": {
            "name": function.get("name"),
            "arguments": arguments
            if isinstance(arguments, str)
            else json.dumps(arguments, default=str),
        },
    }


async def _asend(request: Request) -> Response:
    return _send(request)


def _claims(_model: str, _args: Mapping[str, Any]) -> bool:
    return False  # only by its prefix


def _check(model: str, args: Mapping[str, Any]) -> None:
    try:
        _script_fn(model, args)
    except (UnknownName, DataFileError) as error:
        raise ConfigError(f"model {model!r} cannot answer: {error}") from error


BACKEND = Backend("scripted", claims=_claims, send=_send, asend=_asend, check=_check, rank=0)
