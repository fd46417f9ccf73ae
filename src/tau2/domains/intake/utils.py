"""Where the intake files are, looked up when asked for.

Importing one of these names binds the path for good; ask this module for it where a changed
TAU2_DATA_DIR should count.
"""

from __future__ import annotations

from tau2.environment.domain import data_paths

__getattr__ = data_paths(
    "intake",
    {
        "INTAKE_DATA_DIR": ".",
        "INTAKE_DB_PATH": "db.json",
        "INTAKE_USER_DB_PATH": "user_db.json",
        "INTAKE_POLICY_PATH": "policy.md",
        "INTAKE_TASK_SET_PATH": "tasks.json",
        "INTAKE_SPLIT_PATH": "split_tasks.json",
    },
)
