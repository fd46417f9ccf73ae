"""Where the mock files are: `MOCK_DB_PATH` and others, looked up when asked for.

Importing one of these names binds the path for good; ask this module for it where a changed
TAU2_DATA_DIR should count.
"""

from __future__ import annotations

from tau2.environment.domain import data_paths

__getattr__ = data_paths(
    "mock",
    {
        "MOCK_DB_PATH": "db.json",
        "MOCK_USER_DB_PATH": "user_db.json",
        "MOCK_POLICY_PATH": "policy.md",
        "MOCK_POLICY_SOLO_PATH": "policy_solo.md",
        "MOCK_TASK_SET_PATH": "tasks.json",
        "MOCK_SPLITS_PATH": "split_tasks.json",
    },
)
