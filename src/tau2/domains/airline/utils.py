"""Where the airline's files lie, looked up when asked for."""

from __future__ import annotations

from pathlib import Path

from tau2.config import domain_dir

_FILES = {
    "AIRLINE_DB_PATH": "db.json",
    "AIRLINE_POLICY_PATH": "policy.md",
    "AIRLINE_TASK_SET_PATH": "tasks.json",
    "AIRLINE_SPLITS_PATH": "split_tasks.json",
}


def __getattr__(name: str) -> Path:
    if name not in _FILES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return domain_dir("airline") / _FILES[name]
