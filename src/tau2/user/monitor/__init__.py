"""A monitor over simulated users: finds turns in which the user, and not the agent, failed.

It is deterministic, needs no model, and reads only what participants say and call. See
`docs/user-monitor.md`.
"""

from tau2.user.monitor.finding import Finding, FindingKind
from tau2.user.monitor.monitor import UserMonitor, monitor_setup, user_findings
from tau2.user.monitor.tools import MonitoredTools

USERS = ()
"""There is no user to play in this folder."""

__all__ = [
    "Finding",
    "FindingKind",
    "MonitoredTools",
    "UserMonitor",
    "monitor_setup",
    "user_findings",
]
