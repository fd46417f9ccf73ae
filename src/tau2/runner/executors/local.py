"""The executor that plays on the running event loop of this process."""

from __future__ import annotations

from tau2._compat.patching import patched
from tau2.data_model.simulation import SimulationRun
from tau2.runner.episode_log import episode_logs_of
from tau2.runner.events import Sink
from tau2.runner.executors.protocol import Setup
from tau2.runner.tasks import UnitSpec
from tau2.runner.tracing import tracers_of
from tau2.runner.trial import UnitRunner


class LocalExecutor:
    """Plays on the running event loop."""

    def __init__(self, setup: Setup, sink: Sink) -> None:
        self._runner = UnitRunner(
            setup.run,
            setup.evaluation_type,
            sink,
            logs=episode_logs_of(setup.run, setup.saved),
            tracers=tracers_of(setup.run.config, setup.saved),
            saved=setup.saved,
            stand_in=patched("tau2.runner.batch", "run_single_task"),
        )

    async def start(self) -> None:
        """Do nothing: there is nothing to start."""

    async def play(self, spec: UnitSpec) -> SimulationRun:
        """Play one unit."""
        return await self._runner.play(spec)

    async def close(self) -> None:
        """Release the threads."""
        self._runner.close()
