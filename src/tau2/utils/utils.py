"""Clock and folder names under the paths that downstream code imports."""

from __future__ import annotations

from datetime import datetime

from tau2._compat.patching import patch_point
from tau2.config import data_dir

DATA_DIR = data_dir()
"""Replace this to redirect every later look-up; TAU2_DATA_DIR does the same without patching."""
patch_point(__name__, "DATA_DIR", DATA_DIR)


def get_now() -> str:
    """Return the local time as a naive ISO string, the form of published trajectories."""
    return datetime.now().isoformat()  # noqa: DTZ005  -- the public format stores naive local time


def format_time(moment: datetime) -> str:
    """Return `moment` as an ISO string."""
    return moment.isoformat()
