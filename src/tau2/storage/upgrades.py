"""Stored results of older versions, and of the original, brought to the current shape."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import get_args

from pydantic import BaseModel

from tau2.data_model.audio import AudioNativeConfig, LiveConfig, LocalConfig
from tau2.data_model.message import (
    AssistantMessage,
    SystemMessage,
    Tick,
    ToolCall,
    ToolMessage,
    UserMessage,
)
from tau2.data_model.persona import PersonaConfig
from tau2.data_model.simulation import SimulationRun
from tau2.utils.json_types import JsonObject, JsonValue

_MESSAGES: Mapping[str, type[BaseModel]] = {
    "assistant": AssistantMessage,
    "system": SystemMessage,
    "tool": ToolMessage,
    "user": UserMessage,
}


def upgrade_results(raw: JsonObject) -> JsonObject:
    """Bring a results object of any older version to the current shape.

    Before 1.0 a `format_version` was stored, and task ids and seeds could be missing or integers.
    """
    raw = {key: value for key, value in raw.items() if key != "format_version"}
    raw["tasks"] = _each(raw.get("tasks"), lambda task: _with_text_id(task, "id"))
    raw["simulations"] = _each(raw.get("simulations"), upgrade_simulation)
    if isinstance(raw.get("info"), dict):
        raw["info"] = _upgrade_info(raw["info"])
    return raw


def _upgrade_info(raw: JsonObject) -> JsonObject:
    """Leave out settings that this version does not know, which a strict model would refuse."""
    raw = dict(raw)
    user = raw.get("user_info")
    if "audio_native_config" in raw:
        raw["audio_native_config"] = _known_audio(raw["audio_native_config"])
    if isinstance(user, dict) and "persona_config" in user:
        raw["user_info"] = {**user, "persona_config": _known(PersonaConfig, user["persona_config"])}
    return raw


def _known_audio(raw: JsonValue) -> JsonValue:
    audio = _known(AudioNativeConfig, raw)
    if isinstance(audio, dict):
        for name, kind in (("live_config", LiveConfig), ("local_config", LocalConfig)):
            if name in audio:
                audio[name] = _known(kind, audio[name])
    return audio


def _known(kind: type[BaseModel], raw: JsonValue) -> JsonValue:
    return (
        {key: value for key, value in raw.items() if key in kind.model_fields}
        if isinstance(raw, dict)
        else raw
    )


def _each(entries: JsonValue, upgrade: Callable[[JsonValue], JsonValue]) -> JsonValue:
    """Upgrade every entry of a list; what is no list is left for the model to refuse."""
    return [upgrade(entry) for entry in entries] if isinstance(entries, list) else entries or []


def upgrade_simulation(raw: JsonValue) -> JsonValue:
    """Bring a simulation object of any older version to the current shape."""
    if not isinstance(raw, dict):
        return raw
    raw = _defaults_for_null(SimulationRun, _with_text_id(raw, "task_id"))
    if isinstance(raw.get("messages"), list):
        raw["messages"] = [_upgrade_message(message) for message in raw["messages"]]
    if isinstance(raw.get("ticks"), list):
        raw["ticks"] = [_upgrade_tick(tick) for tick in raw["ticks"]]
    return raw


def _upgrade_tick(raw: JsonValue) -> JsonValue:
    if not isinstance(raw, dict):
        return raw
    raw = _defaults_for_null(Tick, raw)
    for name in ("agent_chunk", "user_chunk"):
        if name in raw:
            raw[name] = _upgrade_message(raw[name])
    return raw


def _with_text_id(raw: JsonValue, key: str) -> JsonValue:
    if not isinstance(raw, dict):
        return raw
    value = raw.get(key)
    return (
        {**raw, key: str(value)}
        if isinstance(value, int) and not isinstance(value, bool)
        else dict(raw)
    )


def _upgrade_message(raw: JsonValue) -> JsonValue:
    if not isinstance(raw, dict):
        return raw
    kind = _MESSAGES.get(str(raw.get("role")))
    raw = _defaults_for_null(kind, raw) if kind is not None else dict(raw)
    calls = raw.get("tool_calls")
    if calls == []:
        raw["tool_calls"] = None  # an empty list was written where no call was meant
    elif isinstance(calls, list):
        raw["tool_calls"] = [_upgrade_call(call) for call in calls]
    return raw


def _upgrade_call(raw: JsonValue) -> JsonValue:
    if not isinstance(raw, dict):
        return raw
    raw = _defaults_for_null(ToolCall, raw)
    return raw if raw.get("arguments", {}) is not None else {**raw, "arguments": {}}


def _defaults_for_null(kind: type[BaseModel], raw: JsonObject) -> JsonObject:
    """Return an object without nulls that its model does not take: the default is meant."""
    return {
        name: value
        for name, value in raw.items()
        if value is not None or name not in _fields_without_null(kind)
    }


@lru_cache(maxsize=16)
def _fields_without_null(kind: type[BaseModel]) -> frozenset[str]:
    """Return the fields of a model that have a default and cannot be null."""
    return frozenset(
        name
        for name, field in kind.model_fields.items()
        if not field.is_required() and type(None) not in get_args(field.annotation)
    )
