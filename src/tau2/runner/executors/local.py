"""The executor that plays on the running event loop of this process."""

from __future__ import annotations

from tau2.data_model.simulation import SimulationRun
from tau2.runner.episode_log import inflight_of
from tau2.runner.events import Sink
from tau2.runner.executors.protocol import Setup
from tau2.runner.tracing import watchers_of
from tau2.runner.trial import Job, UnitPlayer


class LocalExecutor:
    """Plays on the running event loop."""

    def __init__(self, setup: Setup, sink: Sink) -> None:
        inflight = inflight_of(setup.config, setup.saved)
        watchers = watchers_of(setup.config, setup.saved)
        self._player = UnitPlayer(
            setup.config, setup.evaluation_type, sink, inflight=inflight, watchers=watchers
        )

    async def start(self) -> None:
        """Nothing to start."""

    async def play(self, job: Job) -> SimulationRun:
        """Play one unit."""
        return await self._player.play(job)

    async def close(self) -> None:
        """Release the threads."""
        self._player.close()
