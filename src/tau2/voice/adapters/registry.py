"""Who can play a speaking agent: the providers by name.

A provider is a `VoiceProvider`. Those of this package are listed here without importing anything;
others come from the entry points of the group `tau2.voice_adapters`, each of which leads to one, or
are added at run time by `providers.add`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from typing import Any, Literal, NamedTuple, Protocol, TypeAlias

from tau2.data_model.audio import (
    ADAPTERS_GROUP,
    PROVIDERS,
    AudioNativeConfig,
    registered_providers,
)
from tau2.data_model.message import AssistantMessage
from tau2.errors import ConfigError
from tau2.registry import Catalog
from tau2.voice.adapters.address import is_loopback, parts_of
from tau2.voice.adapters.protocol import VoiceAdapter


class TextAgent(Protocol):
    """What a voice front end needs of a text agent that works behind it."""

    def get_init_state(self, message_history: Any = None) -> Any:
        """Return the state of an agent that has heard nothing."""

    def generate_next_message(self, message: Any, state: Any) -> tuple[AssistantMessage, Any]:
        """Return the next message, in reply to `message`, and the state after it."""

    def is_stop(self, message: Any, /) -> bool:
        """Return whether `message` ends the conversation."""


@dataclass(frozen=True, slots=True)
class AdapterContext:
    """What an adapter is made from."""

    config: AudioNativeConfig
    seed: int = 0
    """Of this simulation; everything random in an adapter derives from it."""
    make_text_agent: Callable[[], TextAgent] | None = None
    """Makes the text agent of providers that have one behind the voice."""
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    """Where keys and addresses are read from."""


MakeAdapter: TypeAlias = Callable[[AdapterContext], VoiceAdapter]


@dataclass(frozen=True, slots=True)
class VoiceProvider:
    """A provider that can be asked for by name."""

    name: str
    make: MakeAdapter
    """Returns an adapter for one simulation; nothing is connected yet."""
    default_model: str = ""
    default_voice: str = ""
    default_reasoning_effort: str | None = None
    keys: tuple[str, ...] = ()
    """Environment variables of which one must be set; empty if none is needed."""
    clock: Literal["wall", "virtual"] = "wall"
    """Whether it lives in real time, or is as fast as it computes."""
    kind: Literal["audio_native", "cascaded"] = "audio_native"
    """Whether one model hears and speaks, or recognition, text and synthesis follow each other."""
    needs_text_agent: bool = False
    """Whether it cannot do without `AdapterContext.make_text_agent`."""

    def missing_key(
        self, environ: Mapping[str, str] | None = None, base_url: str | None = None
    ) -> str | None:
        """Return which variable to set, as a phrase for people; None if nothing is missing.

        A server on this machine (`base_url`) needs no key. Raise ConfigError for no address.
        """
        known = os.environ if environ is None else environ
        is_here = base_url is not None and is_loopback(parts_of(base_url).hostname or "")
        if is_here or not self.keys or any(known.get(name) for name in self.keys):
            return None
        return " or ".join(self.keys)


def _made_by(place: str) -> MakeAdapter:
    """Return what makes adapters by `module:function`, imported when it is used."""

    def make(context: AdapterContext) -> VoiceAdapter:
        module, _, function = place.partition(":")
        adapter: VoiceAdapter = getattr(import_module(module), function)(context)
        return adapter

    return make


class _Row(NamedTuple):
    """What is told of a built-in provider here; its defaults stand in `tau2.data_model.audio`."""

    place: str
    """`module:function` below `tau2.voice.adapters`, which makes the adapter."""
    voice: str = ""
    keys: tuple[str, ...] = ()
    needs_text_agent: bool = False


_BUILT_IN = {
    "openai": _Row("openai:make_openai", "alloy", ("OPENAI_API_KEY",)),
    "openai_live": _Row("openai_live:make_adapter", "marin", ("OPENAI_API_KEY",)),
    "xai": _Row("openai:make_xai", "ara", ("XAI_API_KEY",)),
    "qwen": _Row("openai:make_qwen", "Tina", ("DASHSCOPE_API_KEY",)),
    "gemini": _Row(
        "gemini:make_adapter",
        "Zephyr",
        ("GEMINI_API_KEY", "GOOGLE_API_KEY", "GOOGLE_APPLICATION_CREDENTIALS"),
    ),
    # The chain of the AWS package finds credentials in more places than variables.
    "nova": _Row("nova:make_adapter", "tiffany"),
    "livekit": _Row("livekit:make_adapter", keys=("DEEPGRAM_API_KEY",)),
    "local": _Row("local:make_adapter", needs_text_agent=True),
}


def _built_in(name: str) -> VoiceProvider:
    row = _BUILT_IN[name]
    defaults = PROVIDERS[name]
    return VoiceProvider(
        name,
        _made_by(f"tau2.voice.adapters.{row.place}"),
        default_model=defaults.model,
        default_voice=row.voice,
        default_reasoning_effort=defaults.reasoning_effort,
        keys=row.keys,
        clock="virtual" if name == "local" else "wall",
        kind=defaults.kind,
        needs_text_agent=row.needs_text_agent,
    )


class _Providers(Catalog[VoiceProvider]):
    """The built-in providers are a list, not the modules of a package."""

    spec_class = "VoiceProvider"

    def _built_in(self) -> Iterator[tuple[tuple[str, ...], Callable[[], VoiceProvider]]]:
        for name in _BUILT_IN:
            yield (name,), partial(_built_in, name)

    def add(self, spec: VoiceProvider) -> None:
        """Make a provider known, to configurations too. Raise ConfigError for a name in use."""
        super().add(spec)
        registered_providers.add(spec.name)

    @contextmanager
    def adding(self, spec: VoiceProvider) -> Iterator[VoiceProvider]:
        """Make a provider known for the duration of a `with` block."""
        with super().adding(spec):
            try:
                yield spec
            finally:
                registered_providers.discard(spec.name)


providers: Catalog[VoiceProvider] = _Providers(
    "voice provider", "tau2.voice.adapters", ("PROVIDER", "PROVIDERS"), ADAPTERS_GROUP
)
"""Every provider, by name."""


def make_adapter(context: AdapterContext) -> VoiceAdapter:
    """Return an adapter of the provider that the configuration names.

    Raises:
        UnknownName: there is no such provider.
        ConfigError: it needs a key that is not set, or a text agent that was not given.
    """
    provider = providers.get(context.config.provider)
    missing = provider.missing_key(context.environ, context.config.base_url)
    if missing is not None:
        raise ConfigError(f"voice provider {provider.name!r} needs the variable {missing}")
    if provider.needs_text_agent and context.make_text_agent is None:
        raise ConfigError(f"voice provider {provider.name!r} needs a text agent behind the voice")
    return provider.make(context)
