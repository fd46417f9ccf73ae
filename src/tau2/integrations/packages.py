"""Optional packages, whose pins exclude one another: each is asked for by name where it is needed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tau2.errors import MissingExtra


@contextmanager
def needs_package(module: str, requirement: str) -> Iterator[None]:
    """Turn the absence of `module` into a MissingExtra that says what to install; a broken install stays visible."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != module:
            raise
        raise MissingExtra(f"{module} is not installed; pip install '{requirement}'") from error
