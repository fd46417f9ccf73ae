"""Units on a Ray cluster: one actor per worker, each with an event loop.

With RAY_ADDRESS set (or inside a Ray job) units go to that cluster; otherwise Ray is started on
this machine and stopped afterwards. The nodes need tau2 installed, the same data, and environment
variables for their keys. An actor is asked for a sign of life every second, on the loop that plays
its units; what happens to one that gives none: see `pool`.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tau2.data_model.simulation import SimulationRun
from tau2.errors import ConfigError, Tau2Error, needs_extra
from tau2.llm.middleware.limits import limits_of
from tau2.runner.containment import interrupts_are_handled
from tau2.runner.events import Event, Sink
from tau2.runner.executors.pool import WorkerFailure, WorkerPool, patience, start_patience
from tau2.runner.executors.protocol import (
    HEARTBEAT_INTERVAL,
    Setup,
    event_from_json,
    event_to_json,
    spec_from_json,
    spec_to_json,
)
from tau2.runner.executors.worker import played_line
from tau2.runner.middleware import installed_middleware
from tau2.runner.tasks import UnitSpec
from tau2.runner.tracing import tracers_of
from tau2.runner.trial import UnitRunner
from tau2.storage.results import results_file
from tau2.utils.json_types import JsonObject

_CLOSE_TIMEOUT = 15.0  # seconds for an actor to send its last spans
_OTHER_CALLS = 3  # of an actor, beside its units: a sign of life, start and close


class RayWorker:
    """The body of one actor."""

    def __init__(self, setup: JsonObject, home: str) -> None:
        """Take a setup, and the id of the node on which the run itself is."""
        self._sent = setup
        self._home = home
        self._events: list[JsonObject] = []
        self._setup: Setup | None = None
        self._runner: UnitRunner | None = None

    async def start(self) -> str | None:
        """Read the setup; return why that cannot be done, or None."""
        # Participants may print; that belongs to no result.
        sys.stdout = sys.stderr
        try:
            setup = Setup.from_json(self._sent)
        except Tau2Error as problem:
            return str(problem)
        self._setup = setup
        self._make_run_folder(setup)
        self._runner = UnitRunner(
            setup.run,
            setup.evaluation_type,
            self._note,
            tracers=tracers_of(setup.run.config, setup.saved),
            saved=setup.saved,
        )
        return None

    async def beat(self) -> list[JsonObject]:
        """Return the events since the last sign of life."""
        events = self._events
        self._events = []
        return events

    async def play(self, spec: JsonObject) -> bytes:
        """Return the record of a finished unit as JSON: whatever it holds can be sent."""
        assert self._setup is not None, "an actor is started before it is used"
        assert self._runner is not None, "likewise"
        setup = self._setup
        interrupts_are_handled.set(True)
        with installed_middleware(setup.run.config, setup.shared, setup.saved):
            return await played_line(0, spec_from_json(spec), self._runner)

    async def close(self) -> None:
        """Send what is still to be sent."""
        if self._runner is not None:
            await asyncio.to_thread(self._runner.close)

    def _make_run_folder(self, setup: Setup) -> None:
        """Make a place for logs on another node.

        Where the run is, the folder is there, unless it was taken away.
        """
        import ray  # noqa: PLC0415  -- optional

        if setup.saved is not None and ray.get_runtime_context().get_node_id() != self._home:
            results_file(setup.saved).parent.mkdir(parents=True, exist_ok=True)

    def _note(self, event: Event) -> None:
        data = event_to_json(event)
        if data is not None:
            self._events.append(data)


class _Actor:
    """One actor, as this process sees it."""

    def __init__(self, number: int, setup: Setup, sink: Sink, make: Callable[[], Any]) -> None:
        self.number = number
        self.setup = setup
        self.sink = sink
        self.pending: set[asyncio.Future[Any]] = set()
        self.alive = False
        self._make = make
        self._actor: Any = None
        self._given_up: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        """Done when the actor is used no more; why."""
        self._watching: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start the actor and wait until it is ready.

        Raise ConfigError when it cannot be used, WorkerFailure when it was killed meanwhile.
        """
        self._actor = self._make()
        starting = _future_of(self._actor.start.remote())
        seconds = start_patience(self.setup.run.config)
        await asyncio.wait({starting}, timeout=seconds)
        refused = f"Ray worker {self.number} was not ready in {seconds:g} seconds"
        if starting.done():
            problem = starting.exception()
            if _has_died(problem):
                raise WorkerFailure(f"Ray worker {self.number} ended while it started")
            refused = (
                f"Ray worker {self.number} cannot start: {_first_line(problem)}"
                if problem is not None
                else starting.result()
            )
        if refused is not None:
            await self.close()
            raise ConfigError(refused)
        self.alive = True
        self._watching = asyncio.create_task(self._watch())

    async def _watch(self) -> None:
        """Give an actor up that ended, or that gives no sign of life for too long."""
        while True:
            beat = _future_of(self._actor.beat.remote())
            silent = 0.0
            # In steps, as for worker processes: this process may have been stopped itself.
            while not beat.done() and silent < patience(self.setup.run.config):
                await asyncio.wait({beat}, timeout=HEARTBEAT_INTERVAL)
                silent += HEARTBEAT_INTERVAL
            if not beat.done():
                self._give_up(f"was silent for {silent:g} seconds and was ended")
                return
            problem = beat.exception()
            if problem is not None:
                self._give_up(f"ended ({type(problem).__name__})")
                return
            for event in beat.result():
                self.sink(event_from_json(event))
            await asyncio.sleep(HEARTBEAT_INTERVAL)

    def _give_up(self, why: str) -> None:
        self.alive = False
        if not self._given_up.done():
            self._given_up.set_result(why)
        self._kill()

    async def play(self, spec: UnitSpec) -> SimulationRun:
        """Return the record of a unit. Raise WorkerFailure when the actor ends first."""
        if not self.alive:
            raise WorkerFailure(f"Ray worker {self.number} has ended")
        playing = _future_of(self._actor.play.remote(spec_to_json(spec)))
        self.pending.add(playing)
        try:
            # Not awaited itself: it may end with the CancelledError of the other process.
            await asyncio.wait({playing, self._given_up}, return_when=asyncio.FIRST_COMPLETED)
            return self._record_of(playing)
        finally:
            self.pending.discard(playing)

    def _record_of(self, playing: asyncio.Future[Any]) -> SimulationRun:
        """Return the record that an actor sent. Raise WorkerFailure when it sent none."""
        what = f"Ray worker {self.number}"
        if not playing.done():
            raise WorkerFailure(f"{what} {self._given_up.result()} while it played this unit")
        problem = playing.exception()
        if problem is not None:
            raise WorkerFailure(f"{what} ended while it played this unit: {_first_line(problem)}")
        try:
            return SimulationRun.model_validate(json.loads(playing.result())["run"])
        except ValueError as error:
            raise WorkerFailure(f"{what} sent no valid record: {error}") from error

    async def close(self) -> None:
        """Let the actor go."""
        if self._watching is not None:
            self._watching.cancel()
        if self.setup.run.config.otel and self.alive:
            closing = _future_of(self._actor.close.remote())
            await asyncio.wait({closing}, timeout=_CLOSE_TIMEOUT)
        self._give_up("was closed")

    def _kill(self) -> None:
        import ray  # noqa: PLC0415  -- optional

        if self._actor is not None:
            ray.kill(self._actor)


def _future_of(reference: Any) -> asyncio.Future[Any]:
    """Return a future of this loop for what an actor returns."""
    future: asyncio.Future[Any] = asyncio.wrap_future(reference.future())
    future.add_done_callback(_look_at)
    return future


def _look_at(future: asyncio.Future[Any]) -> None:
    """Keep asyncio from reporting the exception of a future that nobody waits for any more."""
    if not future.cancelled():
        future.exception()


def _has_died(problem: BaseException | None) -> bool:
    import ray  # noqa: PLC0415  -- optional

    return isinstance(problem, ray.exceptions.RayActorError)


def _first_line(problem: BaseException) -> str:
    text = str(problem).strip()
    return text.splitlines()[0] if text else type(problem).__name__


class RayExecutor(WorkerPool[_Actor]):
    """Plays units on `config.workers` actors (default: one per CPU of the cluster)."""

    def __init__(self, setup: Setup, sink: Sink) -> None:
        with needs_extra("ray", "ray"):
            import ray  # noqa: PLC0415  -- optional

        super().__init__()
        self._ray: Any = ray
        self.setup = setup
        self.sink = sink
        self._started_here = False

    async def start(self) -> None:
        """Join the cluster and start the actors. Raise ConfigError when that cannot be done."""
        try:
            await asyncio.to_thread(self._join)
        except (ConnectionError, RuntimeError, ValueError) as problem:
            raise ConfigError(f"Ray cannot be used: {_first_line(problem)}") from problem
        run = self.setup.run
        workers = run.config.workers or max(1, int(self._ray.cluster_resources().get("CPU", 1)))
        shares = {"workers": workers, "provider_limits": self._share(workers)}
        config = run.config.model_copy(update=shares)
        self.setup = Setup(
            replace(run, config=config), self.setup.evaluation_type, saved=self.setup.saved
        )
        await self._start_workers(workers)

    def _join(self) -> None:
        if self._ray.is_initialized():
            return
        address = os.environ.get("RAY_ADDRESS")
        self._ray.init(
            address=address,
            log_to_driver=False,
            logging_level=logging.ERROR,
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

    def _new_worker(self, number: int) -> _Actor:
        return _Actor(number, self.setup, self.sink, self._new_actor)

    def _new_actor(self) -> Any:
        calls = self.setup.slots + _OTHER_CALLS
        actor = self._ray.remote(max_concurrency=calls, num_cpus=0)(RayWorker)
        home = self._ray.get_runtime_context().get_node_id()
        return actor.remote(self.setup.to_json(), home)

    async def close(self) -> None:
        """Let the actors go; stop Ray if it was started for this run."""
        await super().close()
        if self._started_here:
            await asyncio.to_thread(self._ray.shutdown)
