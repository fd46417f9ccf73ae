"""Where the retail files are: `RETAIL_DB_PATH` and others, looked up when asked for.

Importing one of these names binds the path for good; ask this module for it where a changed
TAU2_DATA_DIR should count.
"""

from __future__ import annotations

from tau2.environment.domain import data_paths

__getattr__ = data_paths(
    "retail",
    {
        "RETAIL_DATA_DIR": ".",
        "RETAIL_DB_PATH": "db.json",
        "RETAIL_POLICY_PATH": "policy.md",
        "RETAIL_TASK_SET_PATH": "tasks.json",
        "RETAIL_SPLIT_PATH": "split_tasks.json",
    },
)
