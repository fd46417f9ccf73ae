"""Public path of the original package."""

from tau2._compat.work import WorkQueue, WorkUnit

__all__ = ["WorkQueue", "WorkUnit"]
