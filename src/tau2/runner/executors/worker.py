"""What a worker process does: units in, records out, until the connection closes.

Between them it sends heartbeats, from the event loop that plays the units.
"""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import sys
from contextlib import suppress

from tau2.errors import Tau2Error
from tau2.runner.containment import interrupts_are_handled
from tau2.runner.episode_log import episode_logs_of
from tau2.runner.event_loop import fewer_collections
from tau2.runner.events import Event
from tau2.runner.executors.protocol import (
    HEARTBEAT,
    HEARTBEAT_INTERVAL,
    Setup,
    event_to_json,
    line,
    spec_from_json,
)
from tau2.runner.middleware import installed_middleware, save_counts
from tau2.runner.tasks import UnitSpec
from tau2.runner.tracing import tracers_of
from tau2.runner.trial import UnitRunner, failed_run
from tau2.utils.json_types import JsonObject
from tau2.utils.output import protected_output

_LONGEST_UNIT = 64 * 1024 * 1024  # bytes of one task


def serve(connection: socket.socket) -> None:
    """Play the units that arrive over `connection`; return when it is closed."""
    # Signals may reach the whole process group, but only the run decides what is abandoned.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    interrupts_are_handled.set(True)
    with protected_output(), fewer_collections():
        # Participants may print; their output must not end up in a JSON result of the command.
        sys.stdout = sys.stderr
        asyncio.run(_serve(connection))


async def _serve(connection: socket.socket) -> None:
    reader, writer = await asyncio.open_connection(sock=connection, limit=_LONGEST_UNIT)
    try:
        await _serve_over(reader, writer)
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def _serve_over(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    greeting = await reader.readline()
    if not greeting:
        return
    try:
        setup = Setup.from_json(json.loads(greeting))
    except Tau2Error as problem:
        writer.write(line({"refused": str(problem)}))
        await writer.drain()
        return

    def emit(event: Event) -> None:
        data = event_to_json(event)
        if data is not None:
            writer.write(line({"event": data}))

    runner = UnitRunner(
        setup.run,
        setup.evaluation_type,
        emit,
        logs=episode_logs_of(setup.run, setup.saved),
        tracers=tracers_of(setup.run.config, setup.saved),
        saved=setup.saved,
    )
    with installed_middleware(setup.run.config, setup.shared, setup.saved) as stack:
        writer.write(line({"ready": True}))
        beating = asyncio.create_task(_beat(writer))
        await _play_units(reader, writer, runner)
        beating.cancel()
        save_counts(stack)
    runner.close()


async def _beat(writer: asyncio.StreamWriter) -> None:
    """Send signs of life."""
    while True:
        writer.write(line(HEARTBEAT))
        await asyncio.sleep(HEARTBEAT_INTERVAL)


async def _play_units(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, runner: UnitRunner
) -> None:
    """Play every unit as it arrives; the run sends no more of them than there are slots."""
    playing: set[asyncio.Task[None]] = set()
    while text := await _next_line(reader):
        task = asyncio.create_task(_play(json.loads(text), writer, runner))
        playing.add(task)
        task.add_done_callback(playing.discard)
    # The run has closed the connection, so their results would not be read.
    for task in playing:
        task.cancel()
    await asyncio.gather(*playing, return_exceptions=True)


async def _next_line(reader: asyncio.StreamReader) -> bytes:
    """Return the next line; an empty one if the run's process has ended, in whatever way."""
    try:
        return await reader.readline()
    except ConnectionError:
        return b""


async def _play(message: JsonObject, writer: asyncio.StreamWriter, runner: UnitRunner) -> None:
    spec = spec_from_json(message)
    writer.write(await played_line(message["id"], spec, runner))
    with suppress(ConnectionError):  # the run's process has ended, which reading notices too
        await writer.drain()


async def played_line(identifier: int, spec: UnitSpec, runner: UnitRunner) -> bytes:
    """Play a unit; return the message with its record, one that says why if there is no other."""
    try:
        run = await runner.play(spec)
        return line({"id": identifier, "run": run.model_dump(mode="json")})
    except Exception as problem:  # noqa: BLE001  -- a foreign record may not serialise
        failed = failed_run(spec, problem, 1)
        return line({"id": identifier, "run": failed.model_dump(mode="json")})
