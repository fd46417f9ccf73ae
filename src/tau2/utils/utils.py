"""Clock and folder names under the paths that downstream code imports."""

from __future__ import annotations

from datetime import datetime
from importlib import import_module
from typing import Any

from tau2._compat.patching import patch_point
from tau2.config import data_dir

DATA_DIR = data_dir()
"""Replace this to redirect every later look-up; TAU2_DATA_DIR does the same without patching."""
patch_point(__name__, "DATA_DIR", DATA_DIR)


def get_now(use_compact_format: bool = False) -> str:
    """Return the local time as a naive ISO string, the form of published trajectories.

    `use_compact_format` returns a form for file names: `20250131_235959`.
    """
    moment = datetime.now()  # noqa: DTZ005  -- the public format stores naive local time
    return format_time(moment, use_compact_format)


def format_time(time: datetime, use_compact_format: bool = False) -> str:
    """Return `time` as an ISO string, or in the compact form."""
    return time.strftime("%Y%m%d_%H%M%S") if use_compact_format else time.isoformat()


def get_commit_hash() -> str:
    """Return the commit of the checkout this package runs from, or "unknown"."""
    from tau2.runner.tasks import commit_hash  # noqa: PLC0415  -- nothing else here needs it

    return commit_hash()


def __getattr__(name: str) -> Any:
    """Return the functions on dicts, which this light module does not load before they are used."""
    if name not in {"get_dict_hash", "show_dict_diff"}:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("tau2._compat.plain"), name)
