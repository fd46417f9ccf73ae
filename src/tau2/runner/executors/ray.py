"""Units on a Ray cluster: one actor per worker, each with an event loop.

With RAY_ADDRESS set (or inside a Ray job) units go to that cluster; otherwise Ray is started on
this machine and stopped afterwards. The nodes need tau2 installed, the same data, and environment
variables for their keys.
"""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from itertools import count
from typing import Any

from tau2.data_model.simulation import SimulationRun
from tau2.errors import ConfigError, Tau2Error, needs_extra
from tau2.llm.middleware.limits import limits_of
from tau2.runner.events import Event, Sink
from tau2.runner.executors.processes import WorkerFailure
from tau2.runner.executors.protocol import (
    Setup,
    event_from_json,
    event_to_json,
    spec_from_json,
    spec_to_json,
)
from tau2.runner.middleware import installed_middleware
from tau2.runner.tasks import UnitSpec
from tau2.runner.tracing import tracers_of
from tau2.runner.trial import UnitRunner, failed_run
from tau2.utils.json_types import JsonObject

_ATTEMPTS = 3
_CLOSE_TIMEOUT = 15.0  # seconds for actors to send their last spans


class RayWorker:
    """The body of one actor."""

    def __init__(self, setup: JsonObject) -> None:
        self._sent = setup
        self._events: list[JsonObject] = []
        self._setup: Setup | None = None
        self._runner: UnitRunner | None = None

    async def start(self) -> str | None:
        """Read the setup; return why that cannot be done, or None."""
        try:
            self._setup = Setup.from_json(self._sent)
        except Tau2Error as problem:
            return str(problem)
        return None

    async def play(self, spec: JsonObject) -> JsonObject:
        """Return a finished unit, and the events since the last one."""
        if self._setup is None:
            self._setup = Setup.from_json(self._sent)
        setup = self._setup
        if self._runner is None:  # made here, because its threads belong to the actor's event loop
            self._runner = UnitRunner(
                setup.run,
                setup.evaluation_type,
                self._note,
                tracers=tracers_of(setup.run.config, setup.saved),
            )
        with installed_middleware(setup.run.config, setup.shared, setup.saved):
            run = await self._runner.play(spec_from_json(spec))
        events = self._events
        self._events = []
        return {"run": run.model_dump(mode="json"), "events": events}

    async def close(self) -> None:
        """Send what is still to be sent."""
        if self._runner is not None:
            await asyncio.to_thread(self._runner.close)

    def _note(self, event: Event) -> None:
        data = event_to_json(event)
        if data is not None:
            self._events.append(data)


class RayExecutor:
    """Plays units on `config.workers` actors (default: one per CPU of the cluster)."""

    def __init__(self, setup: Setup, sink: Sink) -> None:
        with needs_extra("ray", "ray"):
            import ray  # noqa: PLC0415  -- optional

        self._ray: Any = ray
        self.setup = setup
        self.sink = sink
        self._actors: list[Any] = []
        self._busy: list[int] = []
        self._started_here = False

    async def start(self) -> None:
        """Join the cluster and start the actors."""
        await asyncio.to_thread(self._join)
        run = self.setup.run
        workers = run.config.workers or max(1, int(self._ray.cluster_resources().get("CPU", 1)))
        shares = {"workers": workers, "provider_limits": self._share(workers)}
        config = run.config.model_copy(update=shares)
        self.setup = Setup(
            replace(run, config=config), self.setup.evaluation_type, saved=self.setup.saved
        )
        self._actors = [self._new_actor() for _ in range(workers)]
        self._busy = [0] * workers
        for problem in await asyncio.gather(*(actor.start.remote() for actor in self._actors)):
            if problem is not None:
                raise ConfigError(problem)

    def _join(self) -> None:
        if self._ray.is_initialized():
            return
        address = os.environ.get("RAY_ADDRESS")
        self._ray.init(
            address=address,
            log_to_driver=False,
            include_dashboard=False if address is None else None,
        )
        self._started_here = True

    def _share(self, workers: int) -> JsonObject | None:
        """Divide provider limits among actors, which may be on different machines."""
        shares: dict[str, dict[str, float]] = {}
        for provider, limit in limits_of(self.setup.run.config.provider_limits).items():
            share = shares[provider] = {}
            if limit.in_flight is not None:
                share["in_flight"] = max(1, limit.in_flight // workers)
            if limit.rpm is not None:
                share["rpm"] = limit.rpm / workers
            if limit.tpm is not None:
                share["tpm"] = limit.tpm / workers
        return shares or None

    def _new_actor(self) -> Any:
        actor = self._ray.remote(max_concurrency=self.setup.slots + 1, num_cpus=0)(RayWorker)
        return actor.remote(self.setup.to_json())

    async def play(self, spec: UnitSpec) -> SimulationRun:
        """Play one unit on the actor with the least to do; a new one takes over when it dies."""
        for attempt in count(1):
            place = min(range(len(self._actors)), key=self._busy.__getitem__)
            actor = self._actors[place]
            self._busy[place] += 1
            try:
                answer = await actor.play.remote(spec_to_json(spec))
            except self._ray.exceptions.RayActorError as problem:
                if self._actors[place] is actor:
                    self._actors[place] = self._new_actor()
                if attempt >= _ATTEMPTS:
                    text = f"a Ray worker ended while it played this unit: {problem}"
                    return failed_run(spec, WorkerFailure(text), attempt)
                continue
            finally:
                self._busy[place] -= 1
            for event in answer["events"]:
                self.sink(event_from_json(event))
            return SimulationRun.model_validate(answer["run"])
        raise AssertionError("count never ends")

    async def close(self) -> None:
        """Let the actors go; stop Ray if it was started for this run."""
        if self.setup.run.config.otel and self._actors:
            closing = [asyncio.wrap_future(actor.close.remote().future()) for actor in self._actors]
            await asyncio.wait(closing, timeout=_CLOSE_TIMEOUT)
        for actor in self._actors:
            self._ray.kill(actor)
        if self._started_here:
            await asyncio.to_thread(self._ray.shutdown)
