"""Where units are played: in this process, in worker processes, or on a Ray cluster.

The results are the same.
"""

from __future__ import annotations

from tau2.runner.events import Sink
from tau2.runner.executors.local import LocalExecutor
from tau2.runner.executors.protocol import Setup, UnitExecutor

__all__ = ["Setup", "UnitExecutor", "build_executor"]


def build_executor(setup: Setup, sink: Sink) -> UnitExecutor:
    """Return the executor that a configuration asks for.

    Raise MissingExtra for Ray without the package.
    """
    if setup.run.config.executor == "ray":
        from tau2.runner.executors.ray import RayExecutor  # noqa: PLC0415  -- an optional package

        return RayExecutor(setup, sink)
    if setup.run.config.workers:
        from tau2.runner.executors.processes import (  # noqa: PLC0415  -- only such runs load it
            ProcessExecutor,
        )

        return ProcessExecutor(setup, sink)
    return LocalExecutor(setup, sink)
