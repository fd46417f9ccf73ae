"""What the stored settings of a run name outside of its folder: addresses, paths, headers, trust.

A run folder may be a stranger's. Its settings are data: they may say what is played, and must not
decide, unseen, where the caller's keys are sent, which files are read or written, which
certificates are believed, or which variables of the environment are read.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tau2.llm.secrets.names import words_of
from tau2.utils.json_types import JsonMapping, JsonValue

_PLACES = frozenset({"tasks_file", "cache", "agent_url", "agent_command"})
"""Settings that are paths of files or folders, addresses, or commands."""
_MODELS = frozenset({"llm_agent", "llm_user", "llm_judge", "review_model"})
_ARGUMENTS = frozenset(
    {
        "llm_args_agent",
        "llm_args_user",
        "llm_args_judge",
        "review_args",
        "retrieval_config_kwargs",
        "text_streaming_config",
        "audio_native_config",
        "agent_voice_settings",
        "user_voice_settings",
    }
)
"""Settings that hold arguments of models and services."""

_NAMES_OF_VOICE = frozenset({"provider", "backend_model", "delegation", "backend_prompt"})
"""Settings of calls whose words would say that something lies outside: plain names do not.

A provider or engine is a package that is installed here, with an address of its own.
"""

_OUTSIDE_WORDS = frozenset(
    {
        *(
            "address",
            "base",
            "domain",
            "endpoint",
            "gateway",
            "host",
            "hostname",
            "port",
            "proxies",
        ),
        *("proxy", "server", "socket", "uri", "url", "urls", "webhook"),
        *("ca", "cert", "certificate", "certificates", "ssl", "tls", "verify"),
        *("dir", "directory", "file", "folder", "path", "paths"),
        *("backend", "callback", "callbacks", "client", "command", "env", "environ", "environment"),
        *("fallbacks", "import", "module", "plugin", "provider", "variable"),
        *("headers", "query"),
    }
)
"""Words in the names of arguments that say where something is sent, read or taken from."""

_OF_VOICE = frozenset(
    {
        "audio_native_config",
        "audio_native_config.live_config",
        "agent_voice_settings.synthesis_config",
        "agent_voice_settings.transcription_config",
        "user_voice_settings.synthesis_config",
        "user_voice_settings.transcription_config",
    }
)
"""Where these settings stand."""

_OUTSIDE_VALUE = re.compile(
    r"[a-z][a-z0-9+.-]{0,31}://|\A(?:[\w-]+\.)+[a-z]{2,}(?::\d+)?(?:/|\Z)|\A(?:~|\.{0,2})[\\/]"
    r"|\A[A-Za-z]:[\\/]|\Aos\.environ|\$\{?[A-Za-z_]|\Aenv[:/]|%[A-Z_]{2,}%",
    re.IGNORECASE,
)
"""A value that is an address, a path, or stands for a variable of the environment."""


@dataclass(frozen=True, slots=True)
class ForeignSetting:
    """A stored setting that names something outside of the folder of its run."""

    name: str
    """Where it stands, such as `llm_args_agent.api_base`."""
    value: JsonValue

    @property
    def field(self) -> str:
        """The field of the configuration that it is part of."""
        return self.name.partition(".")[0]


def foreign_settings(stored: JsonMapping, own: JsonMapping) -> list[ForeignSetting]:
    """Return the stored settings that name something outside, unless the caller names it as well.

    Args:
        stored: The configuration that lies in the folder of a run.
        own: What the caller configured now. Values of the environment count as configured too.
    """
    known = {_comparable(text) for text in _texts(own)}
    known.update(map(_comparable, os.environ.values()))
    return [
        setting
        for setting in _named_outside(stored)
        if not isinstance(setting.value, str) or _comparable(setting.value) not in known
    ]


def _named_outside(stored: JsonMapping) -> Iterator[ForeignSetting]:
    for name, value in stored.items():
        if value in (None, "", {}, []):
            continue
        if name in _PLACES or (name in _MODELS and "://" in str(value)):
            yield ForeignSetting(name, value)
        elif name in _ARGUMENTS:
            yield from _in_arguments(name, value)


def _in_arguments(name: str, value: JsonValue) -> Iterator[ForeignSetting]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _in_arguments(f"{name}.{key}", inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _in_arguments(name, inner)
    elif value is not None and value != "":
        # Everything below a name counts: `extra_headers.X-Team`, `proxies.https`.
        words = {word for part in name.split(".")[1:] for word in words_of(part)}
        is_outside = isinstance(value, str) and _OUTSIDE_VALUE.search(value) is not None
        root, _, last = name.rpartition(".")
        if last in _NAMES_OF_VOICE and root in _OF_VOICE:
            words = set()
        if is_outside or not _OUTSIDE_WORDS.isdisjoint(words):
            yield ForeignSetting(name, value)


def _texts(value: JsonValue) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(inner)


def _comparable(text: str) -> str:
    return text.strip().rstrip("/")
