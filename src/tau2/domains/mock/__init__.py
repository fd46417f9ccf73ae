"""The smallest complete domain: a task list with one user and a notification inbox.

Used in tests and examples.
"""

from __future__ import annotations

from typing import Any


def __getattr__(name: str) -> Any:
    if name != "DOMAIN":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from tau2.domains.mock.spec import DOMAIN  # noqa: PLC0415  -- loaded when asked for

    return DOMAIN
