"""Optional trainer packages, checked where they are used: their pins exclude one another."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager

from tau2.errors import MissingExtra


@contextmanager
def needs_package(module: str, requirement: str, brings: Collection[str] = ()) -> Iterator[None]:
    """Raise MissingExtra, naming what to install, when `module` or what it `brings` is absent.

    Errors of an installed but broken package pass through.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in {module, *brings}:
            raise
        raise MissingExtra(f"{module} is not installed; pip install '{requirement}'") from error
