"""The options of `tau2 run --audio-native`: the fields of a voice run that a text run lacks.

The fields of `AudioNativeConfig` are flags too; a flag's field is then `audio_native_config.NAME`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tau2.cli.flags import Flag, flags_of
from tau2.data_model.audio import AudioNativeConfig
from tau2.data_model.run_config import TextRunConfig, VoiceRunConfig
from tau2.errors import ConfigError

CONFIG = "audio_native_config"

_NAMES: Mapping[str, str] = {
    "provider": "--audio-native-provider",
    "model": "--audio-native-model",
    "base_url": "--audio-native-base-url",
    "clock": "--audio-native-clock",
    "cascaded_config_name": "--cascaded-config",
    "tick_duration_seconds": "--tick-duration",
    "wait_to_respond_threshold_other_seconds": "--wait-to-respond-other",
    "wait_to_respond_threshold_self_seconds": "--wait-to-respond-self",
    "yield_threshold_when_interrupted_seconds": "--yield-when-interrupted",
    "yield_threshold_when_interrupting_seconds": "--yield-when-interrupting",
    "interruption_check_interval_seconds": "--interruption-check-interval",
    "integration_duration_seconds": "--integration-duration",
    "silence_annotation_threshold_seconds": "--silence-annotation-threshold",
    "backchannel_min_threshold_seconds": "--backchannel-min",
    "backchannel_max_threshold_seconds": "--backchannel-max",
    "backchannel_poisson_rate": "--backchannel-rate",
    "use_llm_backchannel": "--llm-backchannel",
    "use_xml_prompt": "--xml-prompt",
}

_OF_TEXT = {
    "max_steps": "--max-steps counts messages; a call is limited by --max-steps-seconds",
    "user_monitor": "--user-monitor reads text runs only",
    "enforce_communication_protocol": (
        "--enforce-communication-protocol is for text: on the telephone an agent may call tools "
        "while it speaks"
    ),
    "agent_url": (
        "--agent-url is for text runs; the agent of a call is a speech model or, with "
        "--audio-native-provider local, a text agent by name"
    ),
    "agent_protocol": "--agent-protocol belongs to --agent-url, which is for text runs",
    "agent_command": "--agent-command is for text runs: over MCP, a program hears nothing",
    "session_timeout": "--session-timeout belongs to --agent-command, which is for text runs",
    "text_streaming_config": "--text-streaming-config is for text runs",
}
_BEHIND_THE_VOICE = {"agent": "agent", "llm_agent": "llm", "llm_args_agent": "llm_args"}
"""Fields of a text run, and what they are called in `local_config`."""


def _flags() -> list[Flag]:
    own = [flag for flag in flags_of(VoiceRunConfig, skipped={CONFIG}) if not _is_shared(flag)]
    return own + [_of_config(flag) for flag in flags_of(AudioNativeConfig)]


def _is_shared(flag: Flag) -> bool:
    return flag.field in TextRunConfig.model_fields


def _of_config(flag: Flag) -> Flag:
    name = _NAMES.get(flag.field, f"--{flag.field.replace('_', '-')}")
    default = flag.default or None  # the default model depends on the provider
    if flag.default is False or flag.kind in {int, float}:
        default = flag.default
    return replace(flag, field=f"{CONFIG}.{flag.field}", names=(name,), default=default)


VOICE_FLAGS = _flags()

FILE_FLAG = Flag(
    field=CONFIG,
    names=(CONFIG,),
    kind=dict,
    choices=(),
    may_be_none=False,
    default=None,
    help="",
)
"""How a configuration file says the fields of `AudioNativeConfig`: as one mapping."""

_WHO_SPEAKS = (
    "provider",
    "model",
    "base_url",
    "reasoning_effort",
    "cascaded_config_name",
    "live_config",
    "local_config",
)
"""The fields of `AudioNativeConfig` that say who speaks; the others are about time and turns."""

VOICE_GROUPS = {
    "voice: who speaks (with --audio-native)": (
        *(f"{CONFIG}.{name}" for name in _WHO_SPEAKS),
        "agent_voice_settings",
        "user_voice_settings",
        "speech_complexity",
        "speech_condition",
    ),
    "voice: time and turns (with --audio-native)": tuple(
        f"{CONFIG}.{name}" for name in AudioNativeConfig.model_fields if name not in _WHO_SPEAKS
    ),
    "voice: recordings and replays (with --audio-native)": (
        "audio_debug",
        "audio_taps",
        "hallucination_retries",
    ),
}
"""The groups of the help text: title → fields, in the order in which they are listed."""


def nested(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of flags, with those of `audio_native_config` in one mapping."""
    prefix = f"{CONFIG}."
    of_config = {
        name.removeprefix(prefix): value
        for name, value in values.items()
        if name.startswith(prefix)
    }
    others = {name: value for name, value in values.items() if not name.startswith(prefix)}
    return {**others, CONFIG: of_config} if of_config else others


def without(values: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values that were not given otherwise, also below `audio_native_config`."""
    kept = {name: value for name, value in values.items() if name not in given or name == CONFIG}
    if isinstance(kept.get(CONFIG), dict):
        inside = given.get(CONFIG) or {}
        kept[CONFIG] = {name: value for name, value in kept[CONFIG].items() if name not in inside}
    return kept


def merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of a file or a stored run with those of flags in their place."""
    both = {**below, **above}
    if isinstance(below.get(CONFIG), dict) and isinstance(above.get(CONFIG), dict):
        both[CONFIG] = {**below[CONFIG], **above[CONFIG]}
    return both


def voice_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of a voice run: a text agent that is named goes behind the voice.

    Raise ConfigError for settings that only text runs have.
    """
    wrong = [_OF_TEXT[name] for name in values if name in _OF_TEXT]
    if wrong:
        raise ConfigError("; ".join(wrong))
    kept = {name: value for name, value in values.items() if name not in _BEHIND_THE_VOICE}
    behind = {
        own: values[name] for name, own in _BEHIND_THE_VOICE.items() if values.get(name) is not None
    }
    audio = dict(kept.get(CONFIG) or {})
    if behind:
        _check_text_agent(audio, behind)
        audio["local_config"] = {**(audio.get("local_config") or {}), **behind}
    return {**kept, CONFIG: audio}


def _check_text_agent(audio: Mapping[str, Any], behind: Mapping[str, Any]) -> None:
    provider = audio.get("provider", AudioNativeConfig.model_fields["provider"].default)
    live = audio.get("live_config")
    is_behind_live = isinstance(live, dict) and live.get("delegation") == "client"
    if provider == "local" or audio.get("local_config") or is_behind_live:
        return
    named = "--agent" if "agent" in behind else "--agent-llm"
    raise ConfigError(
        f"{named} names a text agent, but a speech model of provider {provider!r} is the agent: "
        "name it with --audio-native-model, or play a text agent with "
        "--audio-native-provider local"
    )


def check_text_values(values: Mapping[str, Any]) -> None:
    """Raise ConfigError when a text run is given settings of voice runs."""
    names: dict[str, str] = {flag.field: flag.names[-1] for flag in VOICE_FLAGS}
    fields = [name for name in values if name not in TextRunConfig.model_fields and name != CONFIG]
    fields += [f"{CONFIG}.{name}" for name in values.get(CONFIG) or ()]
    given = [names[field] for field in fields if field in names]
    if given:
        verb = "is" if len(given) == 1 else "are"
        raise ConfigError(f"{', '.join(given)} {verb} for voice runs: add --audio-native")
