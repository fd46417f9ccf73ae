"""Monkeypatch points: names at public paths that clients replace; looked up at every use."""

from __future__ import annotations

import sys
from typing import Any

_LLM_UTILS = "tau2.utils.llm_utils"

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
    value = getattr(loaded, name, None)
    return None if value is _ORIGINALS[module, name] else value


def patched_or(module: str, name: str, own: Any) -> Any:
    """Return what a client put at `module.name`, else `own`."""
    replacement = patched(module, name)
    return own if replacement is None else replacement


def answers_calls(module: str) -> bool:
    """Return whether a client answers the model calls of a participant's module itself."""
    points = ((module, "generate"), (_LLM_UTILS, "generate"), (_LLM_UTILS, "completion"))
    return any(patched(*point) is not None for point in points)
