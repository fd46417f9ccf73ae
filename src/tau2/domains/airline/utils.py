"""Where the airline files are: `AIRLINE_DB_PATH` and others, looked up when asked for.

Importing one of these names binds the path for good; ask this module for it where a changed
TAU2_DATA_DIR should count.
"""

from __future__ import annotations

from tau2.environment.domain import data_paths

__getattr__ = data_paths(
    "airline",
    {
        "AIRLINE_DB_PATH": "db.json",
        "AIRLINE_POLICY_PATH": "policy.md",
        "AIRLINE_TASK_SET_PATH": "tasks.json",
        "AIRLINE_SPLITS_PATH": "split_tasks.json",
    },
)
