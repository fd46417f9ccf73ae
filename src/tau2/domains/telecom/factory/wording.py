"""The words of the scenarios, kept in `wording.toml`; read once per process."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from tau2.environment.db import read_data_file


@lru_cache(maxsize=1)
def _words() -> dict[str, Any]:
    words: dict[str, Any] = read_data_file(Path(__file__).with_name("wording.toml"))
    return words


@lru_cache(maxsize=256)
def texts(part: str, name: str) -> tuple[str, ...]:
    """Return the choices for one part of a scenario."""
    return tuple(_words()[part][name])


@lru_cache(maxsize=1)
def places() -> tuple[dict[str, str], ...]:
    """Return where customers travel: city, country and why."""
    return tuple(_words()["places"])
