"""What a worker process does: units in, records out, until the connection closes."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import sys
from contextlib import suppress

from tau2.errors import Tau2Error
from tau2.runner.episode_log import episode_logs_of
from tau2.runner.events import Event
from tau2.runner.executors.protocol import Setup, event_to_json, line, spec_from_json
from tau2.runner.middleware import installed_middleware, save_counts
from tau2.runner.tracing import tracers_of
from tau2.runner.trial import UnitRunner
from tau2.utils.json_types import JsonObject

_LONGEST_UNIT = 64 * 1024 * 1024  # bytes of one task


def serve(connection: socket.socket) -> None:
    """Play the units that arrive over `connection`; return when it is closed."""
    # Ctrl-C reaches the whole process group, but only the run decides what is abandoned.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Participants may print; their output must not end up in a JSON result of the run's command.
    sys.stdout = sys.stderr
    asyncio.run(_serve(connection))


async def _serve(connection: socket.socket) -> None:
    reader, writer = await asyncio.open_connection(sock=connection, limit=_LONGEST_UNIT)
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
        slots=setup.slots,
        logs=episode_logs_of(setup.run, setup.saved),
        tracers=tracers_of(setup.run.config, setup.saved),
    )
    with installed_middleware(setup.run.config, setup.shared, setup.saved) as stack:
        writer.write(line({"ready": True}))
        await _play_units(reader, writer, runner)
        save_counts(stack)
    runner.close()


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
    run = await runner.play(spec_from_json(message))
    writer.write(line({"id": message["id"], "run": run.model_dump(mode="json")}))
    with suppress(ConnectionError):  # the run's process has ended, which reading notices too
        await writer.drain()
