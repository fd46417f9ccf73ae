"""Worker processes on one machine.

Each plays units on an event loop of its own and sends the records back.

Only this process writes the store. Units that a worker was playing when it died are given to
another one. Workers exchange JSON lines with this process over a socket pair, and end when this
process does, whatever ends it.
"""

from __future__ import annotations

import asyncio
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
from tau2.runner.executors.protocol import Setup, event_from_json, line, spec_to_json
from tau2.runner.executors.worker import serve
from tau2.runner.tasks import UnitSpec
from tau2.runner.trial import failed_run
from tau2.utils.json_types import JsonObject

logger = logging.getLogger(__name__)

LONGEST_MESSAGE = 256 * 1024 * 1024  # bytes of one record
_ATTEMPTS = 3
_STOP_TIMEOUT = 5.0  # seconds a worker has to end by itself


class WorkerFailure(Tau2Error):
    """A worker process ended while it played a unit."""


class _Worker:
    """One worker process, as this process sees it."""

    def __init__(self, number: int, setup: Setup, sink: Sink) -> None:
        self.number = number
        self.setup = setup
        self.sink = sink
        self.pending: dict[int, asyncio.Future[SimulationRun]] = {}
        self.alive = False
        self._writer: asyncio.StreamWriter | None = None
        self._process: SpawnProcess | None = None
        self._reading: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start the process and wait until it is ready. Raise ConfigError when it cannot be."""
        forget_missing_script()
        mine, theirs = socket.socketpair()
        self._process = multiprocessing.get_context("spawn").Process(
            target=serve, args=(theirs,), name=f"{WORKER_PREFIX}{self.number}", daemon=True
        )
        await asyncio.to_thread(self._process.start)
        theirs.close()
        reader, self._writer = await asyncio.open_connection(sock=mine, limit=LONGEST_MESSAGE)
        self._writer.write(line(self.setup.to_json()))
        await self._ready(reader)
        self.alive = True
        self._reading = asyncio.create_task(self._read(reader))

    async def _ready(self, reader: asyncio.StreamReader) -> None:
        try:
            answer = json.loads(await reader.readline() or b"{}")
        except ConnectionError:
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
        raise ConfigError(answer.get("refused", f"{ended}; what it wrote is above"))

    async def _read(self, reader: asyncio.StreamReader) -> None:
        try:
            while text := await reader.readline():
                self._handle(json.loads(text))
        except (ConnectionError, ValueError) as problem:
            logger.info("worker %s: %s", self.number, problem)
        finally:
            self.alive = False
            self._fail_pending()

    def _handle(self, message: JsonObject) -> None:
        if "event" in message:
            self.sink(event_from_json(message["event"]))
            return
        waiting = self.pending.pop(message["id"], None)
        if waiting is not None and not waiting.done():
            waiting.set_result(SimulationRun.model_validate(message["run"]))

    def _fail_pending(self) -> None:
        for waiting in self.pending.values():
            if not waiting.done():
                waiting.set_exception(
                    WorkerFailure(f"worker process {self.number} ended while it played this unit")
                )
        self.pending.clear()

    async def play(self, identifier: int, spec: UnitSpec) -> SimulationRun:
        """Return the record of a unit. Raise WorkerFailure when the process ends first."""
        assert self._writer is not None, "a worker is started before it is used"
        waiting: asyncio.Future[SimulationRun] = asyncio.get_running_loop().create_future()
        self.pending[identifier] = waiting
        try:
            self._writer.write(line({"id": identifier, **spec_to_json(spec)}))
            await self._writer.drain()
        except ConnectionError as problem:
            self.pending.pop(identifier, None)
            raise WorkerFailure(f"worker process {self.number} has ended") from problem
        try:
            return await waiting
        finally:
            self.pending.pop(identifier, None)

    async def close(self) -> None:
        """End the process: by closing its connection, and after a timeout by force."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
        if self._writer is not None:
            self._writer.close()
        if self._process is not None:
            await asyncio.to_thread(self._process.join, _STOP_TIMEOUT)
            if self._process.is_alive():
                self._process.kill()
                await asyncio.to_thread(self._process.join, _STOP_TIMEOUT)
            self._process.close()
            self._process = None


class ProcessExecutor:
    """Plays units in `config.workers` processes, `max_concurrency` in all of them together."""

    def __init__(self, setup: Setup, sink: Sink) -> None:
        self.setup = setup
        self.sink = sink
        self.workers: list[_Worker] = []
        self._numbers = count()
        self._ids = count()
        self._replacing = asyncio.Lock()

    async def start(self) -> None:
        """Start the workers."""
        self.workers = [
            _Worker(next(self._numbers), self.setup, self.sink)
            for _ in range(self.setup.run.config.workers)
        ]
        started = await asyncio.gather(
            *(worker.start() for worker in self.workers), return_exceptions=True
        )
        for problem in started:
            if problem is not None:
                raise problem

    async def play(self, spec: UnitSpec) -> SimulationRun:
        """Play one unit on the worker with the least to do; another one takes over when it dies."""
        for attempt in count(1):
            try:
                worker = await self._free_worker()
                return await worker.play(next(self._ids), spec)
            except WorkerFailure as problem:
                logger.warning("%s trial %s: %s", *spec.unit, problem)
                if attempt >= _ATTEMPTS:
                    return failed_run(spec, problem, attempt)
        raise AssertionError("count never ends")

    async def _free_worker(self) -> _Worker:
        async with self._replacing:
            for place, worker in enumerate(self.workers):
                if not worker.alive:
                    await worker.close()
                    self.workers[place] = _Worker(next(self._numbers), self.setup, self.sink)
                    try:
                        await self.workers[place].start()
                    except ConfigError as problem:
                        raise WorkerFailure(str(problem)) from problem
        return min(self.workers, key=lambda worker: len(worker.pending))

    async def close(self) -> None:
        """End every worker."""
        await asyncio.gather(*(worker.close() for worker in self.workers))
