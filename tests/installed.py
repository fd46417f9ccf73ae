"""Packages of people's own, installed for the length of a test, as `pip install -e` would do it."""

from __future__ import annotations

import importlib
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tau2.llm import routing
from tau2.registry import Catalog, registry


@contextmanager
def installed(folder: Path) -> Iterator[None]:
    """Make a package's modules importable and its entry points known, from its pyproject.toml."""
    project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    write_metadata(folder, project)
    modules = {target.partition(":")[0].partition(".")[0] for target in targets(project)}
    sys.path.insert(0, str(folder))
    forget(modules)
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        forget(modules)


def write_metadata(folder: Path, project: dict) -> None:
    """Write what pip writes of a package: its name and its entry points."""
    info = folder / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir(exist_ok=True)
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n",
        encoding="utf-8",
    )
    lines = []
    for group, entries in project["entry-points"].items():
        lines += [f"[{group}]", *(f"{name} = {target}" for name, target in entries.items())]
    (info / "entry_points.txt").write_text("\n".join(lines), encoding="utf-8")


def targets(project: dict) -> list[str]:
    """Return what the entry points of a package lead to."""
    groups = project["entry-points"].values()
    return [target for entries in groups for target in entries.values()]


def forget(modules: set[str]) -> None:
    """Have everything found anew."""
    importlib.invalidate_caches()
    for name in list(sys.modules):
        if name.partition(".")[0] in modules:
            del sys.modules[name]
    routing._installed.cache_clear()
    for catalog in (registry.domains, registry.agents, registry.users):
        find_anew(catalog)


def find_anew(catalog: Catalog) -> None:
    """Have a catalog look for its plug-ins again, keeping what was added at run time."""
    added = dict(catalog.added)
    catalog._sources = None
    catalog._entries.clear()
    catalog._specs.clear()
    catalog.added.clear()
    for spec in added.values():
        catalog.add(spec)
