"""tau2: simulate conversations between an agent, a user and a company's tools, and grade what happened.

This module is a table of contents: importing it loads nothing else, and names load on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "2.0.0.dev0"


def __getattr__(name: str) -> Any:
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
