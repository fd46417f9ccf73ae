"""A pool of workers: who plays a unit, and what becomes of it when a worker ends.

A worker that ends, that is silent for too long (because it is stopped or stuck) or that sends what
cannot be read is replaced. The units that it was playing are played again, each on a worker of its
own, so that one that ends its worker again takes no other with it.
"""

from __future__ import annotations

import asyncio
import logging
from abc import abstractmethod
from collections.abc import Sized
from itertools import count
from typing import Generic, Protocol, TypeVar

from tau2.data_model.run_config import RunConfig
from tau2.data_model.simulation import SimulationRun
from tau2.errors import ConfigError, Tau2Error
from tau2.runner.tasks import UnitSpec
from tau2.runner.trial import TIMEOUT_GRACE, failed_run

logger = logging.getLogger(__name__)

_ATTEMPTS = 3
_STARTS = 5  # of a worker that is killed while it starts
_SHORTEST_START = 60.0  # seconds in which a busy machine starts a process and imports the package


class WorkerFailure(Tau2Error):
    """A worker ended, or had to be ended, while it played a unit."""


class Worker(Protocol):
    """One worker, as the process of the run sees it."""

    alive: bool

    @property
    def pending(self) -> Sized:
        """The units that it plays."""

    async def start(self) -> None:
        """Return when it is ready.

        Raise ConfigError when it cannot be started, WorkerFailure when it was killed meanwhile.
        """

    async def play(self, spec: UnitSpec) -> SimulationRun:
        """Return the record of a unit. Raise WorkerFailure when the worker ends first."""

    async def close(self) -> None:
        """End the worker."""


WorkerT = TypeVar("WorkerT", bound=Worker)


class WorkerPool(Generic[WorkerT]):
    """Plays units on workers; what a worker is, a subclass says."""

    def __init__(self) -> None:
        self.workers: list[WorkerT] = []
        self.lone_workers: list[WorkerT] = []
        """Workers that play one unit each, which was in progress when another worker ended."""
        self._numbers = count()
        self._replacing = asyncio.Lock()
        self._lone_places = asyncio.Semaphore(1)

    @abstractmethod
    def _new_worker(self, number: int) -> WorkerT:
        """Return a worker that is not started."""

    async def _start_workers(self, workers: int) -> None:
        self._lone_places = asyncio.Semaphore(workers)
        started = await asyncio.gather(
            *(self._started() for _ in range(workers)), return_exceptions=True
        )
        self.workers = [worker for worker in started if not isinstance(worker, BaseException)]
        for problem in started:
            if isinstance(problem, BaseException):
                raise problem

    async def _started(self) -> WorkerT:
        """Return a new worker that is ready. Raise ConfigError.

        One that is killed while it starts is replaced.
        """
        for attempt in count(1):
            worker = self._new_worker(next(self._numbers))
            try:
                await worker.start()
            except WorkerFailure as problem:
                await worker.close()
                if attempt >= _STARTS:
                    raise ConfigError(str(problem)) from problem
            except BaseException:
                await worker.close()
                raise
            else:
                return worker
        raise AssertionError("count never ends")

    async def play(self, spec: UnitSpec) -> SimulationRun:
        """Play one unit on the worker with the least to do.

        If that ends, the unit is played again alone.
        """
        play = self._play_shared
        for attempt in count(1):
            try:
                return await play(spec)
            except WorkerFailure as problem:
                logger.warning("%s trial %s: %s", *spec.unit, problem)
                if attempt >= _ATTEMPTS:
                    return failed_run(spec, problem, attempt)
            play = self._play_alone
        raise AssertionError("count never ends")

    async def _play_shared(self, spec: UnitSpec) -> SimulationRun:
        worker = await self._free_worker()
        return await worker.play(spec)

    async def _play_alone(self, spec: UnitSpec) -> SimulationRun:
        async with self._lone_places:
            worker = await self._replacement()
            self.lone_workers.append(worker)
            try:
                return await worker.play(spec)
            finally:
                self.lone_workers.remove(worker)
                await worker.close()

    async def _free_worker(self) -> WorkerT:
        async with self._replacing:
            for place, worker in enumerate(self.workers):
                if not worker.alive:
                    await worker.close()
                    self.workers[place] = await self._replacement()
        return min(self.workers, key=lambda worker: len(worker.pending))

    async def _replacement(self) -> WorkerT:
        try:
            return await self._started()
        except ConfigError as problem:
            raise WorkerFailure(str(problem)) from problem

    async def close(self) -> None:
        """End every worker."""
        await asyncio.gather(*(worker.close() for worker in (*self.workers, *self.lone_workers)))


def start_patience(config: RunConfig) -> float:
    """Return the seconds in which a worker has to get ready."""
    return max(config.worker_timeout, _SHORTEST_START)


def patience(config: RunConfig) -> float:
    """Return the seconds for which a worker may be silent.

    Signs of life come from the loop that plays the episodes, so a worker that holds it for longer
    than its own time limit has exceeded that limit.
    """
    if config.timeout is None:
        return config.worker_timeout
    return min(config.worker_timeout, config.timeout + TIMEOUT_GRACE)
