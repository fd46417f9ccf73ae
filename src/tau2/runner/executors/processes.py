"""Worker processes on one machine.

Each plays units on an event loop of its own and sends the records back.

Only this process writes the store. Workers exchange JSON lines with this process over a socket
pair, and end when this process does, whatever ends it. Who replaces them: see `pool`.
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
from tau2.errors import ConfigError
from tau2.runner.events import Sink
from tau2.runner.executors.main_guard import (
    EXIT_CODE,
    MESSAGE,
    WORKER_PREFIX,
    forget_missing_script,
)
from tau2.runner.executors.pool import WorkerFailure, WorkerPool, patience, start_patience
from tau2.runner.executors.protocol import (
    HEARTBEAT_INTERVAL,
    Setup,
    event_from_json,
    line,
    spec_to_json,
)
from tau2.runner.executors.worker import serve
from tau2.runner.tasks import UnitSpec
from tau2.utils.json_types import JsonObject

logger = logging.getLogger(__name__)

LONGEST_MESSAGE = 256 * 1024 * 1024  # bytes of one record
_STOP_TIMEOUT = 5.0  # seconds a worker has to end by itself
_EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.EAGAIN, errno.ENOMEM})


class _Worker:
    """One worker process, as this process sees it."""

    def __init__(self, number: int, setup: Setup, sink: Sink) -> None:
        self.number = number
        self.setup = setup
        self.sink = sink
        self.pending: dict[int, asyncio.Future[SimulationRun]] = {}
        """What is waited for, by the number of its request."""
        self.alive = False
        self._requests = count()
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
        seconds = start_patience(self.setup.run.config)
        try:
            async with asyncio.timeout(seconds):
                answer = json.loads(await reader.readline() or b"{}")
        except (ConnectionError, TimeoutError, ValueError):
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
            ended = f"a worker process was not ready in {seconds:g} seconds"
        if code is not None and code < 0:
            raise WorkerFailure(f"a worker process was killed while it started (signal {-code})")
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
        while self._silent < patience(self.setup.run.config):
            await asyncio.sleep(HEARTBEAT_INTERVAL)
            self._silent += HEARTBEAT_INTERVAL
        self._ending = f"was silent for {self._silent:g} seconds and was ended"
        self._give_up()

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

    async def play(self, spec: UnitSpec) -> SimulationRun:
        """Return the record of a unit. Raise WorkerFailure when the process ends first."""
        assert self._writer is not None, "a worker is started before it is used"
        waiting: asyncio.Future[SimulationRun] = asyncio.get_running_loop().create_future()
        identifier = next(self._requests)
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


class ProcessExecutor(WorkerPool[_Worker]):
    """Plays units in `config.workers` processes, `max_concurrency` in all of them together."""

    def __init__(self, setup: Setup, sink: Sink) -> None:
        super().__init__()
        self.setup = setup
        self.sink = sink

    def _new_worker(self, number: int) -> _Worker:
        return _Worker(number, self.setup, self.sink)

    async def start(self) -> None:
        """Start the workers."""
        await self._start_workers(self.setup.run.config.workers)
