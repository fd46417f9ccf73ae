"""The telecom domain: a carrier's support line, and customers with a simulated phone.

Importing this package loads nothing else; `DOMAINS` is made when it is first asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tau2.environment.domain import DomainSpec

    DOMAINS: tuple[DomainSpec, ...]

__all__ = ["DOMAINS", "NAMES", "TASK_SETS"]

NAMES = ("telecom", "telecom-workflow")
"""The same company twice: technical support by a manual, or by a workflow of steps."""
TASK_SETS = {"telecom_full": "telecom", "telecom_small": "telecom"}
"""Further task sets, and the domain they are played in."""


def __getattr__(name: str) -> Any:
    if name != "DOMAINS":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from tau2.domains.telecom.spec import DOMAINS  # noqa: PLC0415  -- loaded when asked for

    return DOMAINS
