"""Units on a Ray cluster: one actor per worker, each with an event loop.

With RAY_ADDRESS set (or inside a Ray job) units go to that cluster; otherwise Ray is started on
this machine and stopped afterwards. The nodes need tau2 installed, the same data, and environment
variables for their keys. An actor is asked for a sign of life every second, on the loop that plays
its units; what happens to one that gives none: see `pool`. One more actor, on the node of the run,
keeps what all of them share: see `coordinator`.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from contextvars import Context, copy_context
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tau2.data_model.simulation import SimulationRun
from tau2.errors import ConfigError, Tau2Error, needs_extra
from tau2.llm.middleware.ledger import down
from tau2.runner.containment import interrupts_are_handled
from tau2.runner.episode_log import log_folder
from tau2.runner.events import Event, RunPreparing, Sink
from tau2.runner.executors.cluster_link import ClusterLink, ClusterLogs
from tau2.runner.executors.coordinator import Coordinator, Terms
from tau2.runner.executors.pool import WorkerFailure, WorkerPool, patience, start_patience
from tau2.runner.executors.protocol import (
    HEARTBEAT_INTERVAL,
    Setup,
    event_from_json,
    event_to_json,
    spec_from_json,
    spec_to_json,
)
from tau2.runner.executors.ray_lines import ray_lines_apart
from tau2.runner.executors.worker import played_line
from tau2.runner.middleware import (
    MiddlewareStack,
    installed_middleware,
    ledger_folder,
    save_cache_counts,
)
from tau2.runner.tasks import UnitSpec
from tau2.runner.tracing import tracers_of
from tau2.runner.trial import UnitRunner
from tau2.storage.results import results_file
from tau2.utils.json_types import JsonObject

logger = logging.getLogger(__name__)

_CLOSE_TIMEOUT = 15.0  # seconds for an actor to send its last spans
_OTHER_CALLS = 3  # of an actor, beside its units: a sign of life, start and close
_CALLS_OF_ONE_WORKER = 64  # of the coordinator, beside one for each unit in progress


class RayWorker:
    """The body of one actor."""

    def __init__(self, setup: JsonObject, home: str, coordinator: Any, number: int) -> None:
        """Take a setup, the id of the node on which the run itself is, and what it shares."""
        self._sent = setup
        self._home = home
        self._link = ClusterLink(coordinator, number)
        self._events: list[JsonObject] = []
        self._setup: Setup | None = None
        self._playing: _Playing | None = None
        self._following: asyncio.Task[None] | None = None
        self._stack = ExitStack()

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
        interrupts_are_handled.set(True)
        middleware = self._stack.enter_context(
            installed_middleware(setup.run.config, saved=setup.saved, cluster=self._link)
        )
        logs = ClusterLogs(self._link, setup.run.participants if setup.saved is not None else None)
        runner = UnitRunner(
            setup.run,
            setup.evaluation_type,
            self._note,
            logs=logs,
            tracers=tracers_of(setup.run.config, setup.saved),
            saved=setup.saved,
        )
        # Every call of an actor has a context of its own, without the middleware.
        self._playing = _Playing(runner, logs, middleware, copy_context())
        self._following = asyncio.create_task(self._link.follow_pauses())
        return None

    async def beat(self) -> list[JsonObject]:
        """Return the events since the last sign of life."""
        events = self._events
        self._events = []
        return events

    async def play(self, spec: JsonObject) -> bytes:
        """Return the record of a finished unit as JSON: whatever it holds can be sent."""
        assert self._playing is not None, "an actor is started before it is used"
        playing = self._playing
        unit_spec = spec_from_json(spec)
        await playing.logs.fetch(unit_spec.unit)
        try:
            return await asyncio.create_task(
                played_line(0, unit_spec, playing.runner), context=playing.context.copy()
            )
        finally:
            playing.logs.leave(unit_spec.unit)

    async def close(self) -> tuple[int, int] | None:
        """Send what is still to be sent; return the hits and misses of the cache, if there is."""
        if self._playing is None:
            return None
        await asyncio.to_thread(self._playing.runner.close)
        cache = self._playing.middleware.cache
        return (cache.hits, cache.misses) if cache is not None else None

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


@dataclass(frozen=True, slots=True)
class _Playing:
    """What an actor plays with, once it has started."""

    runner: UnitRunner
    logs: ClusterLogs
    middleware: MiddlewareStack
    context: Context


@dataclass(frozen=True, slots=True)
class _Making:
    """How an actor is made and told of."""

    setup: Setup
    shared: Path | None
    coordinator: Any
    actor: Callable[[], Any]


class _Actor:
    """One actor, as this process sees it."""

    def __init__(self, number: int, making: _Making, sink: Sink) -> None:
        self.number = number
        self.setup = making.setup
        self.sink = sink
        self.pending: set[asyncio.Future[Any]] = set()
        self.alive = False
        self._making = making
        self._actor: Any = None
        self._given_up: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        """Done when the actor is used no more; why."""
        self._watching: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start the actor and wait until it is ready.

        Raise ConfigError when it cannot be used, WorkerFailure when it was killed meanwhile.
        """
        self._actor = self._making.actor()
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
                self.give_up(f"was silent for {silent:g} seconds and was ended")
                return
            problem = beat.exception()
            if problem is not None:
                self.give_up(f"ended ({type(problem).__name__})")
                return
            for event in beat.result():
                self.sink(event_from_json(event))
            await asyncio.sleep(HEARTBEAT_INTERVAL)

    def give_up(self, why: str) -> None:
        """Use the actor no more."""
        self.alive = False
        if not self._given_up.done():
            self._given_up.set_result(why)
            self._making.coordinator.forget.remote(self.number)
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
        config = self.setup.run.config
        if (config.otel or config.cache) and self.alive:
            closing = _future_of(self._actor.close.remote())
            await asyncio.wait({closing}, timeout=_CLOSE_TIMEOUT)
            self._save_counts(closing)
        self.give_up("was closed")

    def _save_counts(self, closing: asyncio.Future[Any]) -> None:
        is_answered = closing.done() and closing.exception() is None
        counts = closing.result() if is_answered else None
        if counts is not None and self._making.shared is not None:
            save_cache_counts(self._making.shared, *counts)

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


def _what_takes_long() -> str:
    address = os.environ.get("RAY_ADDRESS")
    if address is None:
        return "starting Ray and its workers on this machine, which may take a minute"
    return f"joining the Ray cluster at {address} and starting workers there"


def _on_node(node: str, *, soft: bool) -> Any:
    """Return that an actor is to be on a node; on another one if that is gone, when `soft`."""
    with needs_extra("ray", "ray"):
        from ray.util.scheduling_strategies import (  # noqa: PLC0415  -- optional
            NodeAffinitySchedulingStrategy,
        )

    return NodeAffinitySchedulingStrategy(node, soft=soft)


class RayExecutor(WorkerPool[_Actor]):
    """Plays units on `config.workers` actors (default: one per CPU of the cluster)."""

    def __init__(self, setup: Setup, sink: Sink) -> None:
        with needs_extra("ray", "ray"):
            import ray  # noqa: PLC0415  -- optional

        super().__init__()
        self._ray: Any = ray
        self.setup = setup
        """As the actors get it: they know no folder of this machine but the run's."""
        self.sink = sink
        self._shared = setup.shared
        self._coordinator: Any = None
        self._coordinating = asyncio.Lock()
        self._started_here = False
        self._lines = ExitStack()
        self._given: Counter[str] = Counter()
        """How many actors each node was given."""

    async def start(self) -> None:
        """Join the cluster and start the actors. Raise ConfigError when that cannot be done."""
        self.sink(RunPreparing(_what_takes_long()))
        self._lines.enter_context(ray_lines_apart())
        try:
            await asyncio.to_thread(self._join)
        except (ConnectionError, RuntimeError, ValueError) as problem:
            raise ConfigError(f"Ray cannot be used: {_first_line(problem)}") from problem
        run = self.setup.run
        workers = run.config.workers or max(1, int(self._ray.cluster_resources().get("CPU", 1)))
        config = run.config.model_copy(update={"workers": workers})
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

    async def _started(self) -> _Actor:
        """Return a new actor that is ready, after the coordinator is."""
        async with self._coordinating:
            await self._ensure_coordinator()
        return await super()._started()

    async def _ensure_coordinator(self) -> None:
        """Start the coordinator, if there is none, or none any more. Raise ConfigError.

        The actors of one that ended end with it: it knew what they held.
        """
        if self._coordinator is not None:
            asked = _future_of(self._coordinator.is_at_home.remote())
            await asyncio.wait({asked}, timeout=start_patience(self.setup.run.config))
            if asked.done() and asked.exception() is None:
                return
            logger.warning("the coordinator of the run ended, and is started again")
            self._ray.kill(self._coordinator)
            for actor in (*self.workers, *self.lone_workers):
                actor.give_up("ended with the coordinator of the run")
        self._coordinator = self._new_coordinator()
        asked = _future_of(self._coordinator.is_at_home.remote())
        await asyncio.wait({asked}, timeout=start_patience(self.setup.run.config))
        if not asked.done() or asked.exception() is not None:
            problem = asked.exception() if asked.done() else None
            why = _first_line(problem) if problem is not None else "it was not ready in time"
            raise ConfigError(f"the coordinator of the run cannot start: {why}")
        if not asked.result():
            raise ConfigError(
                "the run is not on a node of the Ray cluster, so nothing keeps its budget and its "
                "logs there: start it on a node (RAY_ADDRESS=auto), or as a Ray job"
            )

    def _new_coordinator(self) -> Any:
        """Return a new coordinator, on the node of this process."""
        config = self.setup.run.config
        saved = self.setup.saved.absolute() if self.setup.saved is not None else None
        terms = Terms(
            limits=config.provider_limits,
            cap=down(config.max_cost) if config.max_cost is not None else None,
            ledger=ledger_folder(self._shared, saved),
            logs=log_folder(saved) if saved is not None else None,
            witness=self._shared,
        )
        place = _on_node(self._home(), soft=False)
        calls = config.max_concurrency + _CALLS_OF_ONE_WORKER * config.workers
        actor = self._ray.remote(max_concurrency=calls, num_cpus=0, scheduling_strategy=place)
        return actor(Coordinator).remote(terms)

    def _emptiest_node(self) -> str:
        """Return the id of the node that was given the fewest actors for its CPUs.

        Ray itself would put actors that take no CPU anywhere.
        """
        cpus: dict[str, float] = {
            node["NodeID"]: node["Resources"].get("CPU", 0.0)
            for node in self._ray.nodes()
            if node["Alive"]
        }
        # A head node is often set up without CPUs, so that nothing is put there.
        usable = {node: count for node, count in cpus.items() if count} or dict.fromkeys(cpus, 1.0)
        chosen = min(usable, key=lambda node: (self._given[node] + 1) / usable[node])
        self._given[chosen] += 1
        return chosen

    def _home(self) -> str:
        """Return the id of the node on which this process is."""
        return str(self._ray.get_runtime_context().get_node_id())

    def _new_worker(self, number: int) -> _Actor:
        coordinator = self._coordinator

        def make() -> Any:
            calls = self.setup.slots + _OTHER_CALLS
            place = _on_node(self._emptiest_node(), soft=True)
            actor = self._ray.remote(max_concurrency=calls, num_cpus=0, scheduling_strategy=place)(
                RayWorker
            )
            return actor.remote(self.setup.to_json(), self._home(), coordinator, number)

        return _Actor(number, _Making(self.setup, self._shared, coordinator, make), self.sink)

    async def close(self) -> None:
        """Let the actors go; stop Ray if it was started for this run."""
        with self._lines:
            await self._leave()

    async def _leave(self) -> None:
        await super().close()
        if self._coordinator is not None:
            # Afterwards nobody writes logs any more: those that are left over can be removed.
            closing = _future_of(self._coordinator.close.remote())
            await asyncio.wait({closing}, timeout=_CLOSE_TIMEOUT)
            self._ray.kill(self._coordinator)
        if self._started_here:
            await asyncio.to_thread(self._ray.shutdown)
