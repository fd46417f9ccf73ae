"""Where the data files lie: `RETAIL_DB_PATH` and its kin are worked out when they are asked for.

So a changed TAU2_DATA_DIR counts at once; do not bind these names early where that matters.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tau2.config import domain_dir

_FILES = {
    "RETAIL_DB_PATH": "db.json",
    "RETAIL_POLICY_PATH": "policy.md",
    "RETAIL_TASK_SET_PATH": "tasks.json",
    "RETAIL_SPLIT_PATH": "split_tasks.json",
}

if TYPE_CHECKING:
    RETAIL_DATA_DIR: Path
    RETAIL_DB_PATH: Path
    RETAIL_POLICY_PATH: Path
    RETAIL_TASK_SET_PATH: Path
    RETAIL_SPLIT_PATH: Path


def __getattr__(name: str) -> Path:
    if name == "RETAIL_DATA_DIR":
        return domain_dir("retail")
    if name in _FILES:
        return domain_dir("retail") / _FILES[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
