"""Where the mock domain's files lie, looked up when asked for."""

from __future__ import annotations

from pathlib import Path

from tau2.config import domain_dir

_FILES = {
    "MOCK_DB_PATH": "db.json",
    "MOCK_USER_DB_PATH": "user_db.json",
    "MOCK_POLICY_PATH": "policy.md",
    "MOCK_POLICY_SOLO_PATH": "policy_solo.md",
    "MOCK_TASK_SET_PATH": "tasks.json",
    "MOCK_SPLITS_PATH": "split_tasks.json",
}


def __getattr__(name: str) -> Path:
    if name not in _FILES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return domain_dir("mock") / _FILES[name]
