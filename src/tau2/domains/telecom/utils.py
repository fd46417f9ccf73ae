"""Where the telecom files are: `TELECOM_DB_PATH` and others, looked up when asked for.

Importing one of these names binds the path for good; ask this module for it where a changed
TAU2_DATA_DIR should count.
"""

from __future__ import annotations

from pathlib import Path

from tau2.config import domain_dir

_FILES = {
    "TELECOM_MAIN_POLICY_PATH": ("main_policy.md",),
    "TELECOM_MAIN_POLICY_SOLO_PATH": ("main_policy_solo.md",),
    "TELECOM_TECH_SUPPORT_POLICY_MANUAL_PATH": ("tech_support_manual.md",),
    "TELECOM_TECH_SUPPORT_POLICY_WORKFLOW_PATH": ("tech_support_workflow.md",),
    "TELECOM_TECH_SUPPORT_POLICY_WORKFLOW_SOLO_PATH": ("tech_support_workflow_solo.md",),
    "TELECOM_DB_PATH": ("db.json", "db.toml"),
    "TELECOM_USER_DB_PATH": ("user_db.json", "user_db.toml"),
    "TELECOM_TASK_SET_PATH": ("tasks.json",),
    "TELECOM_SPLIT_PATH": ("split_tasks.json",),
}
"""Name → file; of several, the first that is there."""


def path_of(name: str, folder: Path | None = None) -> Path:
    """Return where a file lies in a folder (the domain's own).

    Raise KeyError for a name that is not listed.
    """
    home = domain_dir("telecom") if folder is None else folder
    first, *others = _FILES[name]
    path = home / first
    if others and not path.exists():
        return next((home / other for other in others if (home / other).exists()), path)
    return path


def __getattr__(name: str) -> Path:
    if name == "TELECOM_DATA_DIR":
        return domain_dir("telecom")
    if name not in _FILES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return path_of(name)
