"""Where spans go: to the application's tracer provider, else where the OTEL_* variables say."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tau2 import __version__
from tau2.errors import UnknownName, needs_extra

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer, TracerProvider

_SCOPE = "tau2"


@dataclass(frozen=True, slots=True)
class Destination:
    """A tracer, and what ends it."""

    tracer: Tracer
    close: Callable[[], None] = lambda: None


def _otlp() -> Any:
    with needs_extra("otel", "opentelemetry"):
        from opentelemetry.exporter.otlp.proto.http import (  # noqa: PLC0415  -- optional
            trace_exporter,
        )
    return trace_exporter.OTLPSpanExporter()


def _console() -> Any:
    from opentelemetry.sdk.trace.export import ConsoleSpanExporter  # noqa: PLC0415  -- optional

    return ConsoleSpanExporter(out=sys.stderr)  # standard output may hold a command's JSON


_EXPORTERS: Mapping[str, Callable[[], Any]] = {
    "otlp": _otlp,
    "console": _console,
    "none": lambda: None,
}


def _named() -> str:
    """Return the exporter that OTEL_TRACES_EXPORTER names.

    Raise UnknownName for another one than ours.
    """
    name = os.environ.get("OTEL_TRACES_EXPORTER", "").strip() or "otlp"
    if name not in _EXPORTERS:
        raise UnknownName("exporter of spans (OTEL_TRACES_EXPORTER)", name, _EXPORTERS)
    return name


def _of_the_application() -> TracerProvider | None:
    """Return the tracer provider that the application has set up, if it has."""
    from opentelemetry import trace  # noqa: PLC0415  -- optional

    provider = trace.get_tracer_provider()
    return None if isinstance(provider, trace.ProxyTracerProvider) else provider


def check_telemetry() -> None:
    """Raise MissingExtra or UnknownName when a run could not be traced."""
    with needs_extra("otel", "opentelemetry"):
        import opentelemetry.sdk.trace  # noqa: F401, PLC0415  -- optional
    if _of_the_application() is None:
        exporter = _EXPORTERS[_named()]()
        if exporter is not None:
            exporter.shutdown()


def open_destination() -> Destination:
    """Return where this process sends its spans. Raise as `check_telemetry` does."""
    with needs_extra("otel", "opentelemetry"):
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415  -- optional
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415  -- optional
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415  -- optional
    known = _of_the_application()
    if known is not None:
        return Destination(known.get_tracer(_SCOPE, __version__))
    is_named = "OTEL_SERVICE_NAME" in os.environ or (
        "service.name=" in os.environ.get("OTEL_RESOURCE_ATTRIBUTES", "")
    )
    resource = Resource.create({} if is_named else {"service.name": _SCOPE})
    provider = TracerProvider(resource=resource)
    exporter = _EXPORTERS[_named()]()
    if exporter is not None:
        provider.add_span_processor(BatchSpanProcessor(exporter))
    return Destination(provider.get_tracer(_SCOPE, __version__), provider.shutdown)
