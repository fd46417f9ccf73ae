"""Which backend reaches a model. Backends are modules of `llm/backends` and entry points."""

from __future__ import annotations

import pkgutil
from functools import lru_cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points

from tau2.errors import ConfigError
from tau2.llm import backends
from tau2.llm.request import Backend
from tau2.utils.json_types import JsonMapping
from tau2.utils.text import load_problem

ENTRY_POINTS = "tau2.llm_backends"


def backend_names() -> list[str]:
    """Return the names of all backends, built in and installed; imports none of them."""
    return sorted({*_built_in_names(), *_installed()})


def installed_backends() -> dict[str, str]:
    """Return the name of every backend of another package, and what is wrong with it, if anything.

    Imports all of them.
    """
    problems = {}
    for name, points in _installed().items():
        problems[name] = ""
        try:
            if name in _built_in_names():
                raise ConfigError(
                    f"the model backend {name!r} ({points[0].value}) has the name of one of tau2, "
                    "which is used instead; rename it"
                )
            _plugin(points)
        except ConfigError as problem:
            problems[name] = str(problem)
    return problems


def _built_in_names() -> list[str]:
    return [module.name for module in pkgutil.iter_modules(backends.__path__)]


@lru_cache(maxsize=1)
def _installed() -> dict[str, list[EntryPoint]]:
    """Return the backends of other packages by name, scanned once per process."""
    found: dict[str, list[EntryPoint]] = {}
    for point in entry_points(group=ENTRY_POINTS):
        found.setdefault(point.name, []).append(point)
    return found


@lru_cache(maxsize=1)
def _built_in() -> tuple[Backend, ...]:
    """Return the backends of this package in the order in which they are asked.

    Importing them is light.
    """
    modules = [import_module(f"{backends.__name__}.{name}") for name in _built_in_names()]
    found = [
        backend
        for module in modules
        if isinstance(backend := getattr(module, "BACKEND", None), Backend)
    ]
    return tuple(sorted(found, key=lambda backend: (backend.rank, backend.name)))


def backend_for(model: str, llm_args: JsonMapping) -> Backend:
    """Return the backend that `model` names before its first slash, else the first that claims it.

    Raises:
        ConfigError: no backend reaches the model, or its backend cannot be loaded.
    """
    if not isinstance(model, str) or not model.strip():
        raise ConfigError(f"a model is named by a text such as 'openai/gpt-4.1', not {model!r}")
    prefix = model.partition("/")[0]
    named = next((backend for backend in _built_in() if backend.name == prefix), None)
    if named is not None and not named.leaves(model, llm_args):
        return named
    if prefix in _installed():
        return _plugin(_installed()[prefix])
    claiming = next((backend for backend in _built_in() if backend.claims(model, llm_args)), None)
    if claiming is None:
        raise ConfigError(
            f"no backend reaches model {model!r}; known backends: {', '.join(backend_names())}"
        )
    return claiming


def _plugin(points: list[EntryPoint]) -> Backend:
    point = points[0]
    if len(points) > 1:
        both = " and ".join(one.value for one in points)
        raise ConfigError(
            f"two model backends are named {point.name!r} ({both}); rename or remove one plug-in"
        )
    try:
        backend = point.load()
    except (Exception, SystemExit) as error:  # a plug-in may fail in any way on import
        raise ConfigError(
            f"the model backend {point.name!r} ({point.value}) cannot be loaded: "
            f"{load_problem(error)}"
        ) from error
    if not isinstance(backend, Backend):
        raise ConfigError(
            f"the model backend {point.name!r} ({point.value}) is not a tau2.llm.request.Backend"
        )
    return backend


def check_model(model: str, llm_args: JsonMapping | None = None) -> None:
    """Raise ConfigError when calls of `model` are bound to fail.

    Reasons are an unknown backend, no key or address, or a missing package.

    Sends nothing. For a batch to call before it starts, so that no conversation is paid for in
    vain.
    """
    args = dict(llm_args or {})
    backend_for(model, args).check(model, args)
