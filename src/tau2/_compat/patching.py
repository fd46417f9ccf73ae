"""Monkeypatch points: names at public paths that clients replace; looked up at every use."""

from __future__ import annotations

import sys
from typing import Any

_ORIGINALS: dict[tuple[str, str], object] = {}


def patch_point(module: str, name: str, original: object) -> None:
    """Declare that clients may replace `module.name`; `original` is what it is until they do."""
    _ORIGINALS[module, name] = original


def patched(module: str, name: str) -> Any | None:
    """Return the replacement that a client put at `module.name`, or None when there is none.

    The module is not imported: a client that replaced the name has imported it.
    """
    loaded = sys.modules.get(module)
    if loaded is None or (module, name) not in _ORIGINALS:
        return None
    current = getattr(loaded, name, None)
    return None if current is _ORIGINALS[module, name] else current
