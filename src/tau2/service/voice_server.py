"""The server behind `tau2 voice serve`: OpenAI's voice protocols over WebSockets, on loopback."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import Literal, TypeAlias

from tau2.errors import Tau2Error, needs_extra
from tau2.llm.clock import clock
from tau2.service.server import HOST, LoopbackServer
from tau2.utils.json_types import JsonObject
from tau2.voice.cascade.work import Engines, JobResult, Work
from tau2.voice.wire.live import LiveSession
from tau2.voice.wire.realtime import RealtimeSession
from tau2.voice.wire.session import WireSession, WireSetup

with needs_extra("serve", "starlette"):
    from starlette.applications import Starlette
    from starlette.routing import WebSocketRoute
    from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState
with needs_extra("voice", "websockets"):
    import websockets  # noqa: F401  -- uvicorn speaks WebSocket through it

logger = logging.getLogger(__name__)

Protocol: TypeAlias = Literal["realtime", "live"]
PROTOCOLS: tuple[Protocol, ...] = ("realtime", "live")
PATHS: dict[Protocol, str] = {"realtime": "/v1/realtime", "live": "/v1/live/sessions"}

MOST_SESSIONS = 8
"""At a time; each may keep a thread busy."""
LONGEST_SECONDS = 3600.0
"""Of one session."""

_TICK_SECONDS = 0.02  # between two looks at the clock
_SEND_SECONDS = 30.0  # in which a client must take an event
_MOST_WAITING = 64  # messages of a client that are read ahead
_TRY_AGAIN = 1013  # close codes of the WebSocket protocol
_TOO_LONG = 1001
_NORMAL = 1000
_SUBPROTOCOL = "realtime"
_FAULT = "the server failed; its log says why"

_Input: TypeAlias = Callable[[WireSession], list[JsonObject]]
"""What happened to a session: returns the events to send."""


class VoiceServer(LoopbackServer):
    """Voice sessions for who knows the token."""

    def __init__(
        self,
        setup: WireSetup,
        engines: Engines,
        port: int = 0,
        token: str | None = None,
        protocols: Collection[Protocol] = PROTOCOLS,
    ) -> None:
        """Prepare to serve sessions; port 0 is any free port.

        Raises:
            ConfigError: The port cannot be used.
        """
        self._threads = ThreadPoolExecutor(2 * MOST_SESSIONS, thread_name_prefix="tau2-voice")
        api = _Api(setup, engines, self._threads)
        handlers = {"realtime": api.realtime, "live": api.live}
        routes = [WebSocketRoute(PATHS[protocol], handlers[protocol]) for protocol in protocols]
        super().__init__(
            Starlette(routes=routes), port, token, body="json", place="header", has_websockets=True
        )

    def __exit__(self, *exc: object) -> None:
        super().__exit__(*exc)
        self._threads.shutdown(wait=False, cancel_futures=True)

    @property
    def websocket_base_url(self) -> str:
        """The address that the openai package takes as `websocket_base_url`."""
        return f"ws://{HOST}:{self.port}/v1"


class _Api:
    def __init__(self, setup: WireSetup, engines: Engines, threads: ThreadPoolExecutor) -> None:
        self._setup = setup
        self._engines = engines
        self._numbers = count(1)
        self._open = 0
        self._threads = threads

    async def realtime(self, websocket: WebSocket) -> None:
        model = websocket.query_params.get("model", "")
        session = RealtimeSession(self._setup, f"sess_{next(self._numbers)}", model)
        await self._serve(websocket, session)

    async def live(self, websocket: WebSocket) -> None:
        expires_at = int(clock.get().wall() + LONGEST_SECONDS)
        session = LiveSession(self._setup, f"live_{next(self._numbers)}", expires_at)
        await self._serve(websocket, session)

    async def _serve(self, websocket: WebSocket, session: WireSession) -> None:
        if self._open >= MOST_SESSIONS:
            await websocket.close(_TRY_AGAIN, "too many sessions are open")
            return
        self._open += 1
        asked = websocket.scope.get("subprotocols", [])
        try:
            await websocket.accept(_SUBPROTOCOL if _SUBPROTOCOL in asked else None)
            await _Connection(websocket, session, self._engines, self._threads).run()
        finally:
            self._open -= 1


@dataclass(eq=False)
class _Connection:
    """One WebSocket: its messages, the clock and results of work, in one order."""

    websocket: WebSocket
    session: WireSession
    engines: Engines
    threads: ThreadPoolExecutor

    async def run(self) -> None:
        """Serve the session until either side ends it."""
        self._inputs: asyncio.Queue[_Input] = asyncio.Queue(_MOST_WAITING)
        self._working: set[asyncio.Task[None]] = set()
        self._reading = asyncio.ensure_future(self._read())
        try:
            await self._send(self.session.open())
            await self._go_on()
        except (WebSocketDisconnect, TimeoutError):
            logger.debug("a voice session's client is gone")
        finally:
            tasks = (self._reading, *self._working)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _read(self) -> None:
        """Put what the client sends among the inputs, until it is gone."""
        while True:
            message = await self.websocket.receive()
            if message["type"] != "websocket.receive":
                return
            data = message.get("text")
            data = message.get("bytes") if data is None else data
            await self._inputs.put(partial(_received, data))

    async def _go_on(self) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        seen = began
        while not self.session.is_closed:
            happened = await self._next()
            if happened is None:
                return
            now = loop.time()
            events = self.session.advance(now - seen)
            seen = now
            events += happened(self.session)
            if now - began > LONGEST_SECONDS:
                events += self.session.expire()
            for work in self.session.take_work():
                self._begin(work)
            await self._send(events)
        await self.websocket.close(_TOO_LONG if seen - began > LONGEST_SECONDS else _NORMAL)

    async def _next(self) -> _Input | None:
        """Return the next input; after a while, one that does nothing; None at the end."""
        try:
            return await asyncio.wait_for(self._inputs.get(), _TICK_SECONDS)
        except TimeoutError:
            return None if self._reading.done() else _nothing

    def _begin(self, work: Work) -> None:
        task = asyncio.ensure_future(self._work(work))
        self._working.add(task)
        task.add_done_callback(self._working.discard)

    async def _work(self, work: Work) -> None:
        loop = asyncio.get_running_loop()
        perform = partial(self.engines.perform, work.job)
        try:
            result = await loop.run_in_executor(self.threads, perform)
        except Tau2Error as problem:
            await self._inputs.put(partial(_failed, work.id, str(problem)))
        except Exception:  # an agent or an engine of somebody else may fail in any way
            logger.exception("work of a voice session failed")
            await self._inputs.put(partial(_failed, work.id, _FAULT))
        else:
            await self._inputs.put(partial(_finished, work.id, result))

    async def _send(self, events: list[JsonObject]) -> None:
        """Send events. Raise TimeoutError for a client that does not take them."""
        for event in events:
            if self.websocket.application_state is not WebSocketState.CONNECTED:
                raise WebSocketDisconnect(_TOO_LONG)
            async with asyncio.timeout(_SEND_SECONDS):
                await self.websocket.send_text(json.dumps(event))


def _nothing(_session: WireSession) -> list[JsonObject]:
    return []


def _received(data: str | bytes | None, session: WireSession) -> list[JsonObject]:
    return session.receive(data)


def _finished(work_id: int, result: JobResult, session: WireSession) -> list[JsonObject]:
    return session.finish(work_id, result)


def _failed(work_id: int, problem: str, session: WireSession) -> list[JsonObject]:
    return session.fail(work_id, problem)
