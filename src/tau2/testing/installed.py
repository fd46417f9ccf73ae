"""The check that a package can be used by name once it is installed."""

from __future__ import annotations

from typing import Any

from tau2.errors import ConfigError, UnknownName
from tau2.registry import Catalog


def check_name(catalog: Catalog[Any], spec: object, name: str) -> None:
    """Assert that a catalog has the spec under its name."""
    try:
        found = catalog.get(name)
    except UnknownName as unknown:
        raise AssertionError(
            f"{unknown}. Is the package installed (`pip install -e .`, again after every change "
            "of its entry points)?"
        ) from unknown
    except ConfigError as problem:
        raise AssertionError(str(problem)) from problem
    assert found == spec, f"{catalog.kind} {name!r} is another one, of another package"
