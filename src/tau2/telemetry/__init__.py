"""OpenTelemetry traces of a run: a span per episode, turn, model call and tool call.

Needs the extra `otel`.

Loaded only by runs that ask for it (`otel`, `--otel`). Names load on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tau2.telemetry.destination import check_telemetry
    from tau2.telemetry.tracing import Tracing, start_tracing

__all__ = ["Tracing", "check_telemetry", "start_tracing"]

_HOME = {"Tracing": "tracing", "check_telemetry": "destination", "start_tracing": "tracing"}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
