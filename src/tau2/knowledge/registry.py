"""Retrievers, embedders and rerankers by name, imported when a name is first asked for.

Built-in ones stand in tables. An installed package adds its own by an entry point of
`tau2.retrievers`, `tau2.embedders` or `tau2.rerankers`: the value is a class or function that makes
one, and takes the options that users give as keyword arguments.
"""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Generic, TypeAlias, TypeVar

from tau2.errors import ConfigError, UnknownName
from tau2.utils.text import load_problem

MadeT = TypeVar("MadeT")
Factory: TypeAlias = Callable[..., MadeT]


class PluginTable(Generic[MadeT]):
    """What makes the retrievers, embedders or rerankers of each name."""

    def __init__(self, kind: str, group: str, built_in: Mapping[str, str]) -> None:
        """Know the built-in names.

        Args:
            kind: What is made, for messages.
            group: The entry points of other packages.
            built_in: `module:attribute` below `tau2.knowledge`, by name.
        """
        self.kind = kind
        self._group = group
        self._built_in = dict(built_in)
        self._added: dict[str, Factory[MadeT]] = {}
        self._entries: dict[str, EntryPoint] | None = None
        self._lock = threading.Lock()

    def names(self) -> list[str]:
        """Return the known names, sorted; nothing is imported."""
        return sorted({*self._built_in, *self._added, *self._installed()})

    def __contains__(self, name: object) -> bool:
        return name in self._built_in or name in self._added or name in self._installed()

    def make(self, name: str, *arguments: object, **options: object) -> MadeT:
        """Return what the factory of that name makes.

        Raises:
            UnknownName: Nothing has this name; the message suggests the nearest one.
            MissingExtra: A package that it needs is not installed.
            ConfigError: It takes no such option, or cannot be loaded.
        """
        factory = self.factory(name)
        try:
            return factory(*arguments, **options)
        except TypeError as error:
            raise ConfigError(f"{self.kind} {name!r} cannot be made: {error}") from error

    def check(self, name: str, *arguments: object, **options: object) -> None:
        """Raise what `make` would raise, as far as that can be told without making anything.

        An option of a wrong type is found by the `check` of the factory, if it has one.
        """
        factory = self.factory(name)
        try:
            inspect.signature(factory).bind(*arguments, **options)
        except TypeError as error:
            raise ConfigError(f"{self.kind} {name!r} cannot be made: {error}") from error
        own_check = getattr(factory, "check", None)
        if own_check is not None:
            own_check(**options)

    def add(self, name: str, factory: Factory[MadeT]) -> None:
        """Make a name known in this process. Raise ConfigError for one in use."""
        with self._lock:
            if name in self:
                raise ConfigError(f"there is a {self.kind} named {name!r} already")
            self._added[name] = factory

    @contextmanager
    def adding(self, name: str, factory: Factory[MadeT]) -> Iterator[None]:
        """Make a name known for the duration of a `with` block."""
        self.add(name, factory)
        try:
            yield
        finally:
            del self._added[name]

    def _installed(self) -> Mapping[str, EntryPoint]:
        if self._entries is None:
            self._entries = {entry.name: entry for entry in entry_points(group=self._group)}
        return self._entries

    def factory(self, name: str) -> Factory[MadeT]:
        """Return the class or function that makes what has this name; see `make` for errors."""
        if name in self._added:
            return self._added[name]
        if name in self._built_in:
            module, _, attribute = self._built_in[name].partition(":")
            built_in: Factory[MadeT] = getattr(import_module(f"tau2.knowledge.{module}"), attribute)
            return built_in
        entry = self._installed().get(name)
        if entry is None:
            raise UnknownName(self.kind, name, self.names())
        try:
            factory: Factory[MadeT] = entry.load()
        except (Exception, SystemExit) as error:  # a plug-in may fail in any way on import
            raise ConfigError(
                f"{self.kind} {name!r} ({entry.value}) cannot be loaded: {load_problem(error)}"
            ) from error
        return factory
