"""Which domains, agents, users and displays there are, by name, found without importing them.

A catalog covers a package of built-in plug-ins and a group of entry points; a plug-in's module is
imported when its name is first asked for. Nothing concrete is imported here, and only the entry
points of the package (cli, runner.build, gym, rollout and the by-name form of grading) use it.

`registry` is the one instance, created when this module is imported. The module forwards attributes
to it, because `from tau2 import registry` means that object in the public package.
"""

from __future__ import annotations

import inspect
import pkgutil
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, Protocol, TypeAlias, TypeVar

from pydantic import BaseModel

from tau2.errors import ConfigError, UnknownName
from tau2.utils.json_types import JsonValue
from tau2.utils.text import load_problem

if TYPE_CHECKING:  # the registry is below the packages that define these, and imports none of them
    from tau2.data_model.tasks import Task
    from tau2.environment.domain import DomainSpec, Splits
    from tau2.environment.environment import Environment
    from tau2.participant.protocols import AgentProtocol, UserProtocol
    from tau2.participant.spec import AgentSpec, UserSpec
    from tau2.runner.events import DisplaySpec

EnvironmentConstructor: TypeAlias = "Callable[..., Environment]"
TaskLoader: TypeAlias = "Callable[..., list[Task]]"
SplitsLoader: TypeAlias = "Callable[[], Splits]"
AgentFactory: TypeAlias = "Callable[..., AgentProtocol]"
UserConstructor: TypeAlias = "Callable[..., UserProtocol]"
TaskFilter: TypeAlias = "Callable[[Task], bool]"
Plugin: TypeAlias = Any
"""What a plug-in's source loads: a module with exported specs, a spec, or a list of them."""


class Named(Protocol):
    """A spec: it has a name, beside whatever the users of its catalog need."""

    @property
    def name(self) -> str:
        """The name it is asked for by."""


SpecT = TypeVar("SpecT", bound=Named)
EntryT = TypeVar("EntryT")
ResultT = TypeVar("ResultT")


class Catalog(Generic[SpecT]):
    """The plug-ins of one kind, by name.

    A plug-in is a module that exports its spec (or several), a package, or an entry point that
    leads to either. A package that exports under other names than its own says so in `NAMES`, so
    that listing it loads nothing else.
    """

    spec_class = ""
    """The class of the specs, where it is not called after their kind, as `AgentSpec` is."""

    def __init__(
        self,
        kind: str,
        package: str,
        exports: tuple[str, ...],
        group: str,
        elsewhere: Mapping[str, str] | None = None,
    ) -> None:
        """Look for plug-ins of `kind` in modules of `package` with `exports`, and entry points.

        `elsewhere` names modules outside of `package` by the names of their specs.
        """
        self.kind = kind
        self._package = package
        self._exports = exports
        self._group = group
        self._elsewhere = dict(elsewhere or {})
        self._specs: dict[str, SpecT] = {}
        self._entries: dict[str, EntryPoint] = {}
        self._sources: dict[str, Callable[[], Plugin]] | None = None
        self.added: dict[str, SpecT] = {}
        """The specs that were added at run time, by name."""

    def _index(self) -> dict[str, Callable[[], Plugin]]:
        """Return, for every name, what loads the plug-in that has it."""
        if self._sources is None:
            found: dict[str, Callable[[], Plugin]] = {}
            for names, load in (*self._built_in(), *self._installed()):
                for name in names:
                    found[name] = load if name not in found else partial(self._refuse_two, name)
            self._sources = found
        return self._sources

    def _refuse_two(self, name: str) -> Plugin:
        # Raised where the name is asked for, so that everything else can be used.
        entry = self._entries.get(name)
        source = "" if entry is None else f" (one is {_described(entry)})"
        raise ConfigError(
            f"two {self.kind}s are named {name!r}{source}; rename or remove one plug-in"
        )

    def _built_in(self) -> Iterator[tuple[tuple[str, ...], Callable[[], Plugin]]]:
        for name, place in self._elsewhere.items():
            yield (name,), partial(import_module, place)
        for found in pkgutil.iter_modules(import_module(self._package).__path__):
            module = import_module(f"{self._package}.{found.name}")
            yield (
                self._names_of(found.name, module, is_package=found.ispkg),
                partial(import_module, module.__name__),
            )

    def _names_of(self, own_name: str, module: ModuleType, *, is_package: bool) -> tuple[str, ...]:
        """Return the names a module exports under.

        A package that exports lazily is not made to load its spec.
        """
        if "NAMES" in vars(module):
            return tuple(module.NAMES)
        if is_package and not any(name in vars(module) for name in self._exports):
            return (own_name,)
        return tuple(spec.name for spec in self._exported(module))

    def _installed(self) -> Iterator[tuple[tuple[str, ...], Callable[[], Plugin]]]:
        for entry in entry_points(group=self._group):
            self._entries[entry.name] = entry
            yield (entry.name,), partial(self._entry, entry)

    def _entry(self, entry: EntryPoint) -> Plugin:
        try:
            return entry.load()
        except (Exception, SystemExit) as error:  # a plug-in may fail in any way on import
            raise ConfigError(
                f"plug-in {entry.name!r} ({_described(entry)}) cannot be loaded: "
                f"{load_problem(error)}"
            ) from error

    def _exported(self, plugin: Plugin) -> list[SpecT]:
        """Return the specs of a module, or of an entry point that names a spec or several."""
        exported = plugin
        if isinstance(plugin, ModuleType):
            exported = next(
                (e for name in self._exports if (e := getattr(plugin, name, None)) is not None), ()
            )
        return list(exported) if isinstance(exported, list | tuple) else [exported]

    def names(self) -> list[str]:
        """Return the known names, sorted."""
        return sorted(self._index())

    def __contains__(self, name: object) -> bool:
        return name in self._index()

    def package_of(self, name: str) -> Plugin:
        """Return the plug-in module under `name`; of a package, only the `__init__` is loaded."""
        if name not in self._index():
            raise UnknownName(self.kind, name, self._index())
        return self._index()[name]()

    def get(self, name: str) -> SpecT:
        """Return the spec of that name. Raise UnknownName with the nearest one."""
        if name not in self._specs:
            exported = {
                self._name_of(spec, name): spec for spec in self._exported(self.package_of(name))
            }
            if name not in exported:
                raise ConfigError(
                    f"the plug-in for {self.kind} {name!r} exports "
                    f"{sorted(exported) or 'nothing'} instead{self._lines_to_write(name, exported)}"
                )
            self._specs[name] = exported[name]
        return self._specs[name]

    def _name_of(self, spec: SpecT, asked: str) -> str:
        """Return the name of a spec. Raise ConfigError for what is no spec of this kind."""
        wanted = self.spec_class or f"{self.kind.capitalize()}Spec"
        # By name, because the registry imports no spec.
        if any(base.__name__ == wanted for base in type(spec).__mro__):
            return spec.name
        name = type(spec).__name__
        exported = f"{'an' if name[0] in 'AEIOU' else 'a'} {name}"
        if isinstance(spec, type):
            exported = f"the class {spec.__name__}"
        raise ConfigError(
            f"the plug-in for {self.kind} {asked!r} exports {exported}, and no {wanted}; export "
            f"one (see tau2.plugins) as {self._exports[-1]}"
        )

    def _lines_to_write(self, name: str, exported: Iterable[str]) -> str:
        """Return which lines of a package's pyproject.toml to change, if a package is at fault."""
        entry = self._entries.get(name)
        if entry is None or not exported:
            return ""
        lines = "\n".join(f'  {spec} = "{entry.value}"' for spec in exported)
        return (
            f"; a line below [project.entry-points.{self._group!r}] begins with the name that its "
            f'spec has, so change `{name} = "{entry.value}"` in its pyproject.toml to\n{lines}\n'
            "and install the package again"
        )

    @contextmanager
    def adding(self, spec: SpecT) -> Iterator[SpecT]:
        """Make a spec known for the duration of a `with` block."""
        self.add(spec)
        try:
            yield spec
        finally:
            del self._index()[spec.name]
            del self.added[spec.name]
            self._specs.pop(spec.name, None)

    def add(self, spec: SpecT) -> None:
        """Make a spec known. Raise ConfigError for a name in use."""
        index = self._index()
        if spec.name in index:
            raise ConfigError(f"there is a {self.kind} named {spec.name!r} already")
        index[spec.name] = lambda: spec
        self.added[spec.name] = spec


def _described(entry: EntryPoint) -> str:
    """Return what an entry point names, and the package it is of where that is known."""
    package = f" of the package {entry.dist.name}" if entry.dist is not None else ""
    return f"{entry.value}{package}"


class _Registered(MutableMapping[str, EntryT]):
    """What was registered at run time, with the entries of a catalog below it.

    Clients read and change these mappings as if they were the plain dictionaries of the original
    (`registry._agent_factories`), so deleting an entry of the catalog has to hide it.
    """

    def __init__(
        self, kind: str, names: Callable[[], list[str]], resolve: Callable[[str], EntryT]
    ) -> None:
        self._kind = kind
        self._names = names
        self._resolve = resolve
        self.own: dict[str, EntryT] = {}
        self._hidden: set[str] = set()

    def __getitem__(self, name: str) -> EntryT:
        if name in self.own:
            return self.own[name]
        if name in self._hidden or name not in self._names():
            raise UnknownName(self._kind, name, list(self))
        return self._resolve(name)

    def __setitem__(self, name: str, value: EntryT) -> None:
        self.own[name] = value

    def __delitem__(self, name: str) -> None:
        if name not in self:
            raise UnknownName(self._kind, name, list(self))
        self.own.pop(name, None)
        self._hidden.add(name)

    def __iter__(self) -> Iterator[str]:
        known = [name for name in self._names() if name not in self._hidden]
        yield from dict.fromkeys([*known, *self.own])

    def __contains__(self, name: object) -> bool:
        return name in self.own or (name in self._names() and name not in self._hidden)

    def __len__(self) -> int:
        return sum(1 for _ in self)


class _Registration(NamedTuple):
    """What was registered at run time under one name."""

    factory: Callable[..., Any]
    task_filter: TaskFilter | None
    metadata: Mapping[str, object]


class RegistryInfo(BaseModel):
    """Every name that can be asked for."""

    domains: list[str]
    agents: list[str]
    users: list[str]
    task_sets: list[str]


class Registry:
    """Domains, task sets, agents and users by name.

    What is registered here comes before the plug-ins.
    """

    def __init__(self) -> None:
        """Start with the built-in plug-ins and the installed ones; none is imported yet."""
        self.domains: Catalog[DomainSpec] = Catalog(
            "domain", "tau2.domains", ("DOMAINS", "DOMAIN"), "tau2.domains"
        )
        # The server of programs is above the agents.
        programs = dict.fromkeys(
            ("program_agent", "program_agent_solo"), "tau2.service.called_programs"
        )
        self.agents: Catalog[AgentSpec] = Catalog(
            "agent", "tau2.agent", ("AGENTS",), "tau2.agents", programs
        )
        self.users: Catalog[UserSpec] = Catalog("user", "tau2.user", ("USERS",), "tau2.users")
        self.displays: Catalog[DisplaySpec] = Catalog(
            "display", "tau2.report.terminal", ("DISPLAYS",), "tau2.displays"
        )
        domains = self.domains
        agents = self.agents
        users = self.users
        self._domains: MutableMapping[str, EnvironmentConstructor] = _Registered(
            "domain", domains.names, lambda name: domains.get(name).environment
        )
        self._tasks: MutableMapping[str, TaskLoader] = _Registered(
            "task set", self._task_set_names, self._task_set
        )
        self._task_splits: MutableMapping[str, SplitsLoader | None] = _Registered(
            "task set", self._task_set_names, self._splits
        )
        self._agent_factories: MutableMapping[str, AgentFactory] = _Registered(
            "agent", agents.names, lambda name: agents.get(name).make
        )
        self._agent_filters: dict[str, TaskFilter | None] = {}
        self._agent_metadata: dict[str, Mapping[str, object]] = {}
        self._users: MutableMapping[str, UserConstructor] = _Registered(
            "user", users.names, lambda name: users.get(name).make
        )

    def _task_set_owners(self) -> dict[str, str]:
        """Return task set → domain.

        A package with more task sets than itself lists them in `TASK_SETS`.
        """
        owners = {}
        for name in self.domains.names():
            owners[name] = name
            try:
                plugin = self.domains.package_of(name)
            except ConfigError:
                continue  # raised again where this domain is asked for; the others can be used
            if isinstance(plugin, ModuleType):
                owners.update(getattr(plugin, "TASK_SETS", {}))
            else:
                owners.update(dict.fromkeys(getattr(plugin, "task_sets", ()), name))
        return owners

    def _task_set_names(self) -> list[str]:
        return list(self._task_set_owners())

    def _owner(self, task_set: str) -> DomainSpec:
        return self.domains.get(self._task_set_owners()[task_set])

    def _task_set(self, name: str) -> TaskLoader:
        spec = self._owner(name)
        return spec.tasks if name == spec.name else spec.task_sets[name]

    def _splits(self, name: str) -> SplitsLoader | None:
        return self._owner(name).splits

    def register_domain(self, get_environment: EnvironmentConstructor, name: str) -> None:
        """Make an environment constructor known. Raise ValueError for a name in use."""
        _register(self._domains, "domain", name, get_environment)

    def register_tasks(
        self, get_tasks: TaskLoader, name: str, get_task_splits: SplitsLoader | None = None
    ) -> None:
        """Make a task loader known. Raise ValueError for a name in use."""
        _register(self._tasks, "task set", name, get_tasks)
        if get_task_splits is not None:
            self._task_splits[name] = get_task_splits

    def register_agent_factory(
        self,
        factory: AgentFactory,
        name: str,
        task_filter: TaskFilter | None = None,
        metadata: Mapping[str, object] | None = None,
    ) -> None:
        """Make `factory(tools, domain_policy, **options)` known.

        Raise ValueError for a name in use.
        """
        _register(self._agent_factories, "agent", name, factory)
        self._agent_filters[name] = task_filter
        self._agent_metadata[name] = metadata or {}

    def register_agent(self, agent: AgentFactory, name: str) -> None:
        """Make an agent class known (the form used before 1.0)."""

        def factory(tools: object, domain_policy: object, **options: object) -> AgentProtocol:
            given = {"tools": tools, "domain_policy": domain_policy, **options}
            return call_with_known(agent, given)

        self.register_agent_factory(factory, name)

    def register_user(self, user: UserConstructor, name: str | None = None) -> None:
        """Make a user class, or another constructor of users, known.

        Raise ValueError for a name in use, TypeError for a class that is not a user.
        """
        takes_turns = hasattr(user, "generate_next_message") or hasattr(user, "get_next_chunk")
        if isinstance(user, type) and not takes_turns:
            raise TypeError(
                f"{user.__name__} is not a user: "
                "it has neither generate_next_message nor get_next_chunk"
            )
        _register(self._users, "user", name or user.__name__, user)

    def registered_here(self, kind: str, name: str) -> object | None:
        """Return what stands for a name in this process alone; None for an installed plug-in.

        `kind` is domain, agent or user. What comes back is for `register_here` of the registry of
        another process.
        """
        table, catalog = self._by_kind(kind)
        spec: object | None = catalog.added.get(name)
        if spec is not None:
            return spec
        own = table.own if isinstance(table, _Registered) else table
        if name not in own:
            return None
        return _Registration(
            own[name], self._agent_filters.get(name), self._agent_metadata.get(name, {})
        )

    def register_here(self, kind: str, name: str, entry: object) -> None:
        """Register what `registered_here` returned in another process."""
        table, catalog = self._by_kind(kind)
        if not isinstance(entry, _Registration):
            catalog.add(entry)
            return
        table[name] = entry.factory
        if kind == "agent":
            self._agent_filters[name] = entry.task_filter
            self._agent_metadata[name] = entry.metadata

    def _by_kind(self, kind: str) -> tuple[MutableMapping[str, Any], Catalog[Any]]:
        tables: dict[str, tuple[MutableMapping[str, Any], Catalog[Any]]] = {
            "domain": (self._domains, self.domains),
            "agent": (self._agent_factories, self.agents),
            "user": (self._users, self.users),
        }
        return tables[kind]

    def get_env_constructor(self, name: str) -> EnvironmentConstructor:
        """Return a domain's `get_environment`. Raise UnknownName (a KeyError)."""
        return self._domains[name]

    def get_tasks_loader(self, name: str) -> TaskLoader:
        """Return a task set's loader `load(split=...)`. Raise UnknownName (a KeyError)."""
        return self._tasks[name]

    def has_own_splits(self, name: str) -> bool:
        """Return whether the splits of a task set are those of its loader.

        They are not where a client has put another loader in the place of the original one.
        """
        own_tasks = getattr(self._tasks, "own", self._tasks)
        own_splits = getattr(self._task_splits, "own", self._task_splits)
        return (name in own_tasks) == (name in own_splits)

    def get_task_splits_loader(self, name: str) -> SplitsLoader | None:
        """Return the loader of a task set's splits, or None."""
        return _find(self._task_splits, name)

    def get_agent_factory(self, name: str) -> AgentFactory | None:
        """Return an agent's factory, or None."""
        return _find(self._agent_factories, name)

    def get_agent_task_filter(self, name: str) -> TaskFilter | None:
        """Return which tasks an agent accepts; None accepts all."""
        if name in self._agent_filters:
            return self._agent_filters[name]
        return self.agents.get(name).accepts if name in self.agents else None

    def get_agent_metadata(self, name: str, key: str, default: JsonValue = None) -> JsonValue:
        """Return one entry of an agent's metadata."""
        if name in self._agent_metadata:
            return self._agent_metadata[name].get(key, default)
        if name not in self.agents:
            return default
        spec = self.agents.get(name)
        return spec.solo if key == "solo_mode" else spec.metadata.get(key, default)

    def get_user_constructor(self, name: str) -> UserConstructor:
        """Return a user's constructor. Raise UnknownName (a KeyError)."""
        return self._users[name]

    def get_domains(self) -> list[str]:
        """Return the names of all domains."""
        return list(self._domains)

    def get_task_sets(self) -> list[str]:
        """Return the names of all task sets."""
        return list(self._tasks)

    def get_agents(self) -> list[str]:
        """Return the names of all agents."""
        return list(self._agent_factories)

    def get_users(self) -> list[str]:
        """Return the names of all users."""
        return list(self._users)

    def get_info(self) -> RegistryInfo:
        """Return every name that can be asked for."""
        return RegistryInfo(
            domains=self.get_domains(),
            agents=self.get_agents(),
            users=self.get_users(),
            task_sets=self.get_task_sets(),
        )


# Functions and not methods of `_Registered`: clients replace those mappings by plain dictionaries.


def _register(table: MutableMapping[str, EntryT], kind: str, name: str, entry: EntryT) -> None:
    if name in table:
        raise ConfigError(f"a {kind} named {name!r} is registered already; choose another name")
    table[name] = entry


def _find(table: Mapping[str, EntryT], name: str) -> EntryT | None:
    # `table.get` would also return None for a KeyError that the import of a plug-in raises.
    if name not in table:
        return None
    return table[name]


def call_with_known(function: Callable[..., ResultT], options: Mapping[str, object]) -> ResultT:
    """Call `function` with those of `options` that its signature has."""
    parameters = inspect.signature(function).parameters.values()
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        return function(**options)
    known = {parameter.name for parameter in parameters}
    return function(**{name: value for name, value in options.items() if name in known})


registry = Registry()


class _RegistryModule(ModuleType):
    """The class of this module: it forwards attribute access to the one Registry instance.

    Deleting an attribute restores what it was before it was set here, because that is how
    monkeypatch and unittest.mock undo a patch.
    """

    def __getattr__(self, name: str) -> Any:
        return getattr(registry, name)

    def __setattr__(self, name: str, value: object) -> None:
        if name in registry.__dict__:
            _REPLACED.setdefault(name, getattr(registry, name))
            setattr(registry, name, value)
        else:
            super().__setattr__(name, value)

    def __delattr__(self, name: str) -> None:
        if name in _REPLACED:
            setattr(registry, name, _REPLACED.pop(name))
        else:
            super().__delattr__(name)


_REPLACED: dict[str, object] = {}
"""Attributes of the registry that were set through the module → what they were before."""

sys.modules[__name__].__class__ = _RegistryModule
