"""The intake domain: an insurer calls customers back for the one field that their form lacks.

It measures hearing, not policy: what counts is whether the exact value reaches the database.
Importing this package loads nothing else; `DOMAIN` is made when it is first asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tau2.environment.domain import DomainSpec

    DOMAIN: DomainSpec

__all__ = ["DOMAIN"]


def __getattr__(name: str) -> Any:
    if name != "DOMAIN":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from tau2.domains.intake.spec import DOMAIN  # noqa: PLC0415  -- loaded when asked for

    return DOMAIN
