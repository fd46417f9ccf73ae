"""A complete package for one domain, agent, user or backend, from templates.

The templates of a kind are a folder of `templates/`. In their paths `__module__` is the package's
module; `.jinja` is left out.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Literal, TypeAlias

from jinja2 import Environment, StrictUndefined

from tau2.errors import ConfigError, quoted
from tau2.scaffold.derived import (
    about,
    code_of,
    policy_of,
    readme_parts,
    tasks_text,
    unknown_lookup,
)
from tau2.scaffold.draft_tasks import drafts, last_resort
from tau2.scaffold.interface import Interface
from tau2.scaffold.trial import imported, sound_tasks

Kind: TypeAlias = Literal["domain", "agent", "user", "backend"]

_NAME = re.compile(r"[a-z][a-z0-9]*(?:[_-][a-z0-9]+)*")
_LONGEST = 40  # characters of a name: it is part of paths, ids of runs and columns of tables
_TASKS = 2
_DEVICES = frozenset({"aux", "con", "nul", "prn", *(f"com{i}" for i in range(10))}) | {
    f"lpt{i}" for i in range(10)
}
"""Names that are no folders on Windows."""


@dataclass(frozen=True, slots=True)
class _Form:
    """What packages of a kind have in common."""

    group: str
    export: str
    about: str
    """What it is, in one line, until its author says so."""


_FORMS: Mapping[Kind, _Form] = {
    "domain": _Form("tau2.domains", "DOMAIN", "customers move and cancel their orders"),
    "agent": _Form("tau2.agents", "AGENTS", "asks a model once per turn"),
    "user": _Form("tau2.users", "USERS", "tells everything at once and agrees"),
    "backend": _Form("tau2.llm_backends", "BACKEND", "models that answer by a function"),
}
KINDS = tuple(_FORMS)


@dataclass(frozen=True, slots=True)
class NewPackage:
    """A package that was written."""

    folder: Path
    module: str
    files: tuple[str, ...]
    """Paths of its files below its folder, sorted."""


def check_name(name: str) -> None:
    """Raise ConfigError for what cannot be a folder, a part of a module's name and an option."""
    if not _NAME.fullmatch(name) or len(name) > _LONGEST:
        raise ConfigError(
            f"{quoted(name)} cannot be a name: write lower-case letters, digits, - and _, at most "
            f"{_LONGEST} characters, beginning with a letter, such as 'bakery' or 'toy_shop'"
        )
    if name in _DEVICES:
        raise ConfigError(f"{name!r} cannot be a folder on Windows; choose another name")


def module_of(name: str) -> str:
    """Return the module of the package of that name."""
    return f"tau2_{name.replace('-', '_')}"


def write_package(
    kind: Kind, name: str, parent: Path, interface: Interface | None = None
) -> NewPackage:
    """Write a package into a new folder of `parent`, and return it.

    Args:
        kind: What the package holds.
        name: What it is called; also the name of the folder.
        parent: A folder that exists.
        interface: What a domain is derived from; None: it is the example of the templates.

    Raises:
        ConfigError: the name cannot be one, `parent` is no folder, or there is something of that
            name in it. Nothing was written.
        OSError: a file could not be written; what was written before is removed.
    """
    check_name(name)
    if not parent.is_dir():
        raise ConfigError(f"{parent} is not a folder; make it first, or name another with --dir")
    module = module_of(name)
    texts = (
        _rendered(kind, name, module) if interface is None else _derived(name, module, interface)
    )
    folder = parent / name
    try:
        folder.mkdir()
    except FileExistsError:
        raise ConfigError(
            f"{folder} exists already, and nothing is overwritten; choose another name or --dir"
        ) from None
    try:
        for path, text in texts.items():
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        if interface is not None:
            _add_tasks(folder, name, module, interface)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return NewPackage(folder, module, tuple(sorted(texts)))


def _derived(name: str, module: str, interface: Interface) -> dict[str, str]:
    """Return path → text of the files of a domain that is derived; its tasks are still missing."""
    parts = {
        **readme_parts(interface),
        "has_own_records": interface.has_own_records,
        "lookup": unknown_lookup(interface),
    }
    texts = _rendered("domain", name, module, "derived", about(interface), parts)
    prefix = "".join(word.capitalize() for word in re.split(r"[_-]", name))
    texts |= code_of(interface, module, prefix)
    texts[f"{module}/policy.md"] = policy_of(interface, name)
    texts[f"{module}/tasks.json"] = tasks_text([])
    return texts


def _add_tasks(folder: Path, name: str, module: str, interface: Interface) -> None:
    """Try drafts of tasks on the package that was written, and write those that are sound."""
    with imported(folder, module) as spec:
        tasks = sound_tasks(spec, drafts(interface, name), _TASKS)
        if not tasks:
            tasks = sound_tasks(spec, last_resort(interface, name), 1)
    text = tasks_text(tasks)
    (folder / module / "tasks.json").write_text(text, encoding="utf-8")
    interface.task_count = len(tasks)


def _rendered(
    kind: Kind,
    name: str,
    module: str,
    template: str = "",
    summary: str = "",
    more: Mapping[str, object] | None = None,
) -> dict[str, str]:
    """Return path → text of the files of a package."""
    form = _FORMS[kind]
    summary = summary or form.about
    words = re.split(r"[_-]", name)
    title = " ".join(words).capitalize()
    values = {
        "name": name,
        "module": module,
        "package": f"tau2-{name.replace('_', '-')}",
        "prefix": "".join(word.capitalize() for word in words),
        "title": title,
        "about": summary,
        "summary": f"{title}: {summary}",
        "group": form.group,
        "export": form.export,
        **(more or {}),
    }
    env = Environment(
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701  -- Python and TOML, no HTML; the values come from a name
    )
    found = {}
    root = files("tau2.scaffold") / "templates"
    for path, file in _templates(root / (template or kind), ""):
        target = path.replace("__module__", module).removesuffix(".jinja")
        found[target] = env.from_string(file.read_text(encoding="utf-8")).render(values)
    return found


def _templates(folder: Traversable, below: str) -> list[tuple[str, Traversable]]:
    """Return the templates in a folder, each with its path."""
    found = []
    for entry in folder.iterdir():
        path = f"{below}{entry.name}"
        if entry.is_dir():
            found += _templates(entry, f"{path}/")
        elif entry.name.endswith(".jinja"):
            found.append((path, entry))
    return found
