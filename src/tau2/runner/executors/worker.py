"""The life of a worker process: units in, records out, until the line closes."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import sys
from contextlib import suppress
from typing import Any

from tau2.runner.episode_log import episode_logs_of
from tau2.runner.events import Event
from tau2.runner.executors.protocol import Setup, event_to_json, line, spec_from_json
from tau2.runner.middleware import installed_middleware
from tau2.runner.middleware import tell as tell_counts
from tau2.runner.tracing import tracers_of
from tau2.runner.trial import UnitRunner

_LONGEST_UNIT = 64 * 1024 * 1024  # bytes of one task


def serve(connection: socket.socket) -> None:
    """Play the units that come over `connection`; return when it is closed."""
    signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # Ctrl-C reaches the whole group; the run decides what happens
    sys.stdout = sys.stderr  # participants may print; that is no message
    asyncio.run(_serve(connection))


async def _serve(connection: socket.socket) -> None:
    reader, writer = await asyncio.open_connection(sock=connection, limit=_LONGEST_UNIT)
    greeting = await reader.readline()
    if not greeting:
        return
    setup = Setup.from_json(json.loads(greeting))

    def tell(event: Event) -> None:
        data = event_to_json(event)
        if data is not None:
            writer.write(line({"event": data}))

    logs, tracers = (
        episode_logs_of(setup.config, setup.saved),
        tracers_of(setup.config, setup.saved),
    )
    runner = UnitRunner(
        setup.config,
        setup.evaluation_type,
        tell,
        slots=setup.slots,
        logs=logs,
        tracers=tracers,
    )
    with installed_middleware(setup.config, setup.shared, setup.saved) as layers:
        await _units(reader, writer, runner)
        tell_counts(layers)
    runner.close()


async def _units(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, runner: UnitRunner
) -> None:
    """Play every unit that arrives, all at once: the run sends no more than there are slots."""
    playing: set[asyncio.Task[None]] = set()
    while text := await _next_line(reader):
        task = asyncio.create_task(_play(json.loads(text), writer, runner))
        playing.add(task)
        task.add_done_callback(playing.discard)
    for task in playing:  # nobody waits for them any more
        task.cancel()
    await asyncio.gather(*playing, return_exceptions=True)


async def _next_line(reader: asyncio.StreamReader) -> bytes:
    """Return the next line; nothing when the run is gone, however it went."""
    try:
        return await reader.readline()
    except ConnectionError:
        return b""


async def _play(message: dict[str, Any], writer: asyncio.StreamWriter, runner: UnitRunner) -> None:
    run = await runner.play(spec_from_json(message))
    writer.write(line({"id": message["id"], "run": run.model_dump(mode="json")}))
    with suppress(ConnectionError):  # the run is gone; the line of units tells so, too
        await writer.drain()
