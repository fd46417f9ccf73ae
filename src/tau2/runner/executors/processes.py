"""Worker processes on one machine.

Each plays units on an event loop of its own and sends the records back.

Only this process writes the store. A worker that ends, that sends nothing for too long (because it
is stopped or stuck) or that sends what cannot be read is replaced. The units that it was playing
are played again, each in a process of its own, so that one that ends its worker again takes no
other with it. Workers exchange JSON lines with this process over a socket pair, and end when this
process does, whatever ends it.
"""

from __future__ import annotations

import asyncio
import errno
import json
import logging
import multiprocessing
import socket
from itertools import count
from multiprocessing.context import SpawnProcess

from tau2.data_model.simulation import SimulationRun
from tau2.errors import ConfigError, Tau2Error
from tau2.runner.events import Sink
from tau2.runner.executors.main_guard import (
    EXIT_CODE,
    MESSAGE,
    WORKER_PREFIX,
    forget_missing_script,
)
from tau2.runner.executors.protocol import (
    HEARTBEAT_INTERVAL,
    Setup,
    event_from_json,
    line,
    spec_to_json,
)
from tau2.runner.executors.worker import serve
from tau2.runner.tasks import UnitSpec
from tau2.runner.trial import TIMEOUT_GRACE, failed_run
from tau2.utils.json_types import JsonObject

logger = logging.getLogger(__name__)

LONGEST_MESSAGE = 256 * 1024 * 1024  # bytes of one record
_ATTEMPTS = 3
_STOP_TIMEOUT = 5.0  # seconds a worker has to end by itself
_EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.EAGAIN, errno.ENOMEM})


class WorkerFailure(Tau2Error):
    """A worker process ended, or had to be ended, while it played a unit."""


class _Worker:
    """One worker process, as this process sees it."""

    def __init__(self, number: int, setup: Setup, sink: Sink) -> None:
        self.number = number
        self.setup = setup
        self.sink = sink
        self.pending: dict[int, asyncio.Future[SimulationRun]] = {}
        self.alive = False
        self._silent = 0.0
        self._ending = "ended"
        self._writer: asyncio.StreamWriter | None = None
        self._process: SpawnProcess | None = None
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Start the process and wait until it is ready.

        Raise ConfigError when it cannot be started, because of exhausted limits for one.
        """
        try:
            await self._start()
        except OSError as problem:
            if problem.errno not in _EXHAUSTED:
                raise
            raise ConfigError(
                f"worker process {self.number} cannot start: {problem.strerror}; "
                "lower --workers, or raise the limits of this system (ulimit -n, ulimit -u)"
            ) from problem

    async def _start(self) -> None:
        forget_missing_script()
        mine, theirs = socket.socketpair()
        try:
            self._process = multiprocessing.get_context("spawn").Process(
                target=serve, args=(theirs,), name=f"{WORKER_PREFIX}{self.number}", daemon=True
            )
            await asyncio.to_thread(self._process.start)
        except BaseException:
            self._process = None
            mine.close()
            raise
        finally:
            theirs.close()
        reader, self._writer = await asyncio.open_connection(sock=mine, limit=LONGEST_MESSAGE)
        self._writer.write(line(self.setup.to_json()))
        await self._ready(reader)
        self.alive = True
        self._tasks = [
            asyncio.create_task(self._read(reader)),
            asyncio.create_task(self._watch()),
        ]

    async def _ready(self, reader: asyncio.StreamReader) -> None:
        try:
            async with asyncio.timeout(self.setup.run.config.worker_timeout):
                answer = json.loads(await reader.readline() or b"{}")
        except (ConnectionError, TimeoutError):
            answer = {}
        if "ready" in answer:
            return
        assert self._process is not None, "it has been started"
        await asyncio.to_thread(self._process.join, _STOP_TIMEOUT)
        code = self._process.exitcode
        await self.close()
        if code == EXIT_CODE:
            raise ConfigError(MESSAGE)
        ended = f"a worker process ended while it started (exit code {code})"
        if code is None:
            seconds = self.setup.run.config.worker_timeout
            ended = f"a worker process was not ready in {seconds:g} seconds"
        raise ConfigError(answer.get("refused", f"{ended}; what it wrote is above"))

    async def _read(self, reader: asyncio.StreamReader) -> None:
        try:
            while text := await reader.readline():
                self._silent = 0.0
                self._handle(json.loads(text))
        except Exception as problem:  # what a worker sends may hold anything that foreign code made
            logger.info("worker %s: %s", self.number, problem, exc_info=True)
            self._ending = f"sent what cannot be read ({type(problem).__name__})"
        self._give_up()

    async def _watch(self) -> None:
        """End a worker that has been silent for too long.

        Seconds are counted in steps and not taken from a clock: when this process was stopped
        itself, or was busy, the messages of its workers are still to be read.
        """
        while self._silent < self._patience():
            await asyncio.sleep(HEARTBEAT_INTERVAL)
            self._silent += HEARTBEAT_INTERVAL
        self._ending = f"was silent for {self._silent:g} seconds and was ended"
        self._give_up()

    def _patience(self) -> float:
        """Return the seconds for which a worker may be silent.

        Heartbeats come from the loop that plays the episodes, so one that holds it for longer than
        its own time limit has exceeded that limit.
        """
        config = self.setup.run.config
        if config.timeout is None:
            return config.worker_timeout
        return min(config.worker_timeout, config.timeout + TIMEOUT_GRACE)

    def _give_up(self) -> None:
        """Use the worker no more: what it was playing has to be played by another one."""
        self.alive = False
        if self._process is not None:
            self._process.kill()
        self._fail_pending()

    def _handle(self, message: JsonObject) -> None:
        if "event" in message:
            self.sink(event_from_json(message["event"]))
        elif "id" in message:
            waiting = self.pending.pop(message["id"], None)
            if waiting is not None and not waiting.done():
                _answer(waiting, message["run"])

    def _fail_pending(self) -> None:
        for waiting in self.pending.values():
            if not waiting.done():
                text = f"worker process {self.number} {self._ending} while it played this unit"
                waiting.set_exception(WorkerFailure(text))
        self.pending.clear()

    async def play(self, identifier: int, spec: UnitSpec) -> SimulationRun:
        """Return the record of a unit. Raise WorkerFailure when the process ends first."""
        assert self._writer is not None, "a worker is started before it is used"
        waiting: asyncio.Future[SimulationRun] = asyncio.get_running_loop().create_future()
        request = line({"id": identifier, **spec_to_json(spec)})
        self.pending[identifier] = waiting
        try:
            if not self.alive:
                raise WorkerFailure(f"worker process {self.number} has ended")
            self._writer.write(request)
            # A worker that reads nothing more would make `drain` wait: the watch ends that, too.
            return await waiting
        finally:
            self.pending.pop(identifier, None)

    async def close(self) -> None:
        """End the process: by closing its connection, and after a timeout by force."""
        for task in self._tasks:
            task.cancel()
        self.alive = False
        if self._writer is not None:
            self._writer.close()
        if self._process is None:
            return
        try:
            await asyncio.to_thread(self._process.join, _STOP_TIMEOUT)
        finally:
            # Also when this is cancelled: at exit, Python would wait for the process.
            self._process.kill()
            self._process.join(_STOP_TIMEOUT)
            self._process.close()
            self._process = None


def _answer(waiting: asyncio.Future[SimulationRun], record: object) -> None:
    try:
        waiting.set_result(SimulationRun.model_validate(record))
    except ValueError as problem:
        waiting.set_exception(WorkerFailure(f"a worker process sent no valid record: {problem}"))


class ProcessExecutor:
    """Plays units in `config.workers` processes, `max_concurrency` in all of them together."""

    def __init__(self, setup: Setup, sink: Sink) -> None:
        self.setup = setup
        self.sink = sink
        self.workers: list[_Worker] = []
        self.lone_workers: list[_Worker] = []
        """Workers that play one unit each, which was in progress when another worker ended."""
        self._numbers = count()
        self._ids = count()
        self._replacing = asyncio.Lock()
        self._lone_places = asyncio.Semaphore(max(1, setup.run.config.workers))

    def _new_worker(self) -> _Worker:
        return _Worker(next(self._numbers), self.setup, self.sink)

    async def start(self) -> None:
        """Start the workers."""
        self.workers = [self._new_worker() for _ in range(self.setup.run.config.workers)]
        started = await asyncio.gather(
            *(worker.start() for worker in self.workers), return_exceptions=True
        )
        for problem in started:
            if problem is not None:
                raise problem

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
        return await worker.play(next(self._ids), spec)

    async def _play_alone(self, spec: UnitSpec) -> SimulationRun:
        async with self._lone_places:
            worker = self._new_worker()
            self.lone_workers.append(worker)
            try:
                await self._restarted(worker)
                return await worker.play(next(self._ids), spec)
            finally:
                self.lone_workers.remove(worker)
                await worker.close()

    async def _restarted(self, worker: _Worker) -> None:
        try:
            await worker.start()
        except ConfigError as problem:
            raise WorkerFailure(str(problem)) from problem

    async def _free_worker(self) -> _Worker:
        async with self._replacing:
            for place, worker in enumerate(self.workers):
                if not worker.alive:
                    await worker.close()
                    self.workers[place] = self._new_worker()
                    await self._restarted(self.workers[place])
        return min(self.workers, key=lambda worker: len(worker.pending))

    async def close(self) -> None:
        """End every worker."""
        await asyncio.gather(*(worker.close() for worker in (*self.workers, *self.lone_workers)))
