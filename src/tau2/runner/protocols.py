"""Named protocols: the settings of published comparisons, and where a run departs from them."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from tau2.data_model.run_config import RunConfig
from tau2.environment.environment import Environment
from tau2.errors import ConfigError, UnknownName
from tau2.utils.json_types import JsonMapping, JsonObject, JsonValue
from tau2.utils.text import shortened

_LONGEST_VALUE = 80
_SELECTIONS = ("task_ids", "num_tasks", "tasks_file", "task_set_name")
"""Fields that leave tasks out, or bring others."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting of a protocol."""

    field: str
    """A field of the run configuration, or `audio_native_config.NAME`."""
    value: JsonValue
    source: str
    """Where the value was published; or that it was not, and where it is from."""
    domains: tuple[str, ...] = ()
    """The domains in which it counts; empty: in all."""

    def counts_in(self, domain: str) -> bool:
        """Return whether runs of a domain have this setting."""
        return not self.domains or domain in self.domains


@dataclass(frozen=True, slots=True)
class Protocol:
    """The settings of a published comparison."""

    name: str
    title: str
    domains: tuple[str, ...]
    is_voice: bool
    settings: tuple[Setting, ...]

    def values(self, domain: str, *, is_voice: bool) -> JsonObject:
        """Return field → value for a run of a domain; audio settings as `audio_native_config.NAME`.

        Raises:
            ConfigError: the protocol is of other domains, or of the other kind of run.
        """
        if domain not in self.domains:
            raise ConfigError(
                f"the protocol {self.name} is for {', '.join(self.domains)}, not for {domain}"
            )
        if is_voice != self.is_voice:
            needed = (
                "a voice run: add --audio-native"
                if self.is_voice
                else "a run of text: leave out --audio-native"
            )
            raise ConfigError(f"the protocol {self.name} is for {needed}")
        return {
            setting.field: setting.value for setting in self.settings if setting.counts_in(domain)
        }


@lru_cache(maxsize=1)
def protocols() -> Mapping[str, Protocol]:
    """Return name → protocol."""
    text = files("tau2.runner").joinpath("protocols.toml").read_text(encoding="utf-8")
    return MappingProxyType(
        {name: _protocol(name, given) for name, given in tomllib.loads(text).items()}
    )


def _protocol(name: str, given: Mapping[str, Any]) -> Protocol:
    return Protocol(
        name=name,
        title=given["title"],
        domains=tuple(given["domains"]),
        is_voice=given["is_voice"],
        settings=tuple(
            Setting(
                field=setting["field"],
                value=setting["value"],
                source=setting["source"],
                domains=tuple(setting.get("domains", ())),
            )
            for setting in given["settings"]
        ),
    )


def protocol_named(name: str) -> Protocol:
    """Return a protocol. Raise UnknownName for another name."""
    if name not in protocols():
        raise UnknownName("protocol", name, protocols())
    return protocols()[name]


def departures(config: RunConfig, environment: Environment) -> list[str]:
    """Return, in words, where a run departs from the protocol that its configuration names.

    Empty when it follows the protocol, or names none.

    Raises:
        UnknownName: there is no such protocol.
        ConfigError: it is of other domains, or of the other kind of run.
    """
    if config.protocol is None:
        return []
    values = protocol_named(config.protocol).values(config.domain, is_voice=config.is_voice)
    return [*_other_values(config, values), *_other_tasks(config, environment)]


def _other_values(config: RunConfig, values: JsonMapping) -> Iterator[str]:
    for field, wanted in values.items():
        found: Any = config
        for part in field.split("."):
            found = getattr(found, part, None)
        if found != wanted:
            name = field.rpartition(".")[2]
            yield f"{name} is {_shown(found)}, not {_shown(wanted)}"


def _other_tasks(config: RunConfig, environment: Environment) -> Iterator[str]:
    for name in _SELECTIONS:
        value = getattr(config, name)
        if value is not None and not (name == "task_set_name" and value == config.domain):
            yield f"the tasks are chosen by {name}"
    if not environment.strict_compat:
        yield "the data are this package's own, not the public ones (TAU2_DATA_DIR)"


def _shown(value: object) -> str:
    return shortened(value if isinstance(value, str) else repr(value), _LONGEST_VALUE)
