"""`tau2 voice serve` as its clients see it: OpenAI's own client, and sockets that behave badly."""

from __future__ import annotations

import asyncio
import base64
import json
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import wraps
from typing import Any

import numpy as np
import openai
import pytest
from tests.unit.voice.cascade.cast import ScriptedAgent, calls, echo
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tau2.data_model.message import AssistantMessage, Message, ToolMessage
from tau2.service import voice_server
from tau2.service.voice_server import VoiceServer
from tau2.voice.audio.codec import decode, encode
from tau2.voice.audio.formats import TELEPHONE
from tau2.voice.cascade.work import Engines
from tau2.voice.speech.engines.energy import EnergyDetector
from tau2.voice.speech.engines.tone import ToneRecognizer, ToneSynthesizer
from tau2.voice.speech.protocols import Voice
from tau2.voice.wire.session import WireSetup

LONG_ANSWER = f"Your order has left our warehouse{' and is on the road' * 8} until tomorrow"
TOOL: dict[str, Any] = {"type": "function", "name": "get_order", "parameters": {"type": "object"}}


def on_a_loop(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Run a test on an event loop of its own; it gets its fixtures as usual."""

    @wraps(test)
    def run(*args: Any, **fixtures: Any) -> None:
        asyncio.run(test(*args, **fixtures))

    return run


@contextmanager
def serving(
    answer: Callable[[Message], AssistantMessage | str], **fields: Any
) -> Iterator[VoiceServer]:
    """Serve an agent that answers by a function, over the tone channel."""
    setup = WireSetup(lambda _prompt, _tools: ScriptedAgent(answer), EnergyDetector(), **fields)
    with VoiceServer(setup, Engines(ToneRecognizer(), ToneSynthesizer())) as server:
        thread = threading.Thread(target=server.run)
        thread.start()
        try:
            yield server
        finally:
            server.stop()
            thread.join(10)
            assert not thread.is_alive()


def client_of(server: VoiceServer) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(
        api_key=server.token, websocket_base_url=server.websocket_base_url, max_retries=0
    )


def speech(text: str, seconds_after: float = 1.0) -> list[str]:
    """Return speech and silence after it, in pieces of 200 ms."""
    samples = ToneSynthesizer().synthesize(text, Voice()).samples
    samples = np.pad(samples, (0, round(8000 * seconds_after)))
    data = encode(samples, TELEPHONE)
    return [
        base64.b64encode(data[start : start + 1600]).decode() for start in range(0, len(data), 1600)
    ]


def understood(deltas: list[str]) -> str:
    data = b"".join(base64.b64decode(delta) for delta in deltas)
    return ToneRecognizer().transcribe(decode(data, TELEPHONE), 8000).text


async def received(connection: Any, until: str, most_seconds: float = 20.0) -> list[Any]:
    """Return the events up to one of a kind."""
    events: list[Any] = []
    async with asyncio.timeout(most_seconds):
        while not events or events[-1].type != until:
            events.append(await connection.recv())
    return events


def texts(events: list[Any], kind: str) -> list[Any]:
    return [event for event in events if event.type == kind]


PCMU = {"input": {"format": {"type": "audio/pcmu"}}, "output": {"format": {"type": "audio/pcmu"}}}


def caller_of_tools(message: Message) -> AssistantMessage | str:
    if isinstance(message, ToolMessage):
        return f"It is {message.content}"
    if message.content == "Where is it?":
        return calls("get_order")
    return LONG_ANSWER if message.content == "Tell me more" else echo(message)


@on_a_loop
async def test_official_client_completes_a_realtime_call_with_a_tool_and_an_interruption() -> None:
    with serving(caller_of_tools, generation_speed=2.0) as server:
        async with client_of(server).realtime.connect(model="any") as connection:
            assert (await connection.recv()).type == "session.created"
            await connection.session.update(
                session={"type": "realtime", "audio": PCMU, "tools": [TOOL]}  # type: ignore[typeddict-item]
            )
            await received(connection, "session.updated")
            for piece in speech("Where is it?"):
                await connection.input_audio_buffer.append(audio=piece)
            (done,) = texts(await received(connection, "response.done"), "response.done")
            call = done.response.output[0]
            assert call.name == "get_order"
            output = {
                "type": "function_call_output",
                "call_id": call.call_id,
                "output": "on its way",
            }
            await connection.conversation.item.create(item=output)  # type: ignore[arg-type]
            await connection.response.create()
            events = await received(connection, "response.done")
            audio = [event.delta for event in texts(events, "response.output_audio.delta")]
            assert understood(audio) == "It is on its way"

            for piece in speech("Tell me more"):
                await connection.input_audio_buffer.append(audio=piece)
            events = await received(connection, "response.output_audio.delta")
            for piece in speech("Stop it please"):
                await connection.input_audio_buffer.append(audio=piece)
            events += await received(connection, "response.done")
            cancelled = events[-1].response
            assert cancelled.status_details.reason == "turn_detected"
            item = cancelled.output[0]
            await connection.conversation.item.truncate(
                item_id=item.id, content_index=0, audio_end_ms=150
            )
            events = await received(connection, "response.done")
            assert texts(events, "conversation.item.truncated")[0].audio_end_ms == 150
            audio = [event.delta for event in texts(events, "response.output_audio.delta")]
            assert understood(audio) == "You said Stop it please"


class LiveCall:
    """A session of the official client, which streams silence while it waits."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.events: list[Any] = []

    async def exchange(self, piece: str) -> list[Any]:
        """Send one piece of audio; return what comes back up to the piece that answers it."""
        await self.connection.send({"type": "session.input_audio.append", "audio": piece})
        async with asyncio.timeout(20):
            events = await received(self.connection, "session.output_audio.delta")
        self.events += events
        await asyncio.sleep(0.01)  # in which work is done
        return events

    async def say(self, text: str) -> None:
        for piece in speech(text, 0):
            await self.exchange(piece)

    async def until(self, is_there: Callable[[Any], bool]) -> Any:
        """Return the first event of a kind."""
        (silence,) = speech("", 0.2)
        for _ in range(200):
            for event in await self.exchange(silence):
                if is_there(event):
                    return event
        raise AssertionError(f"it did not happen; what was said: {self.said}")

    async def until_said(self, word: str) -> None:
        await self.until(
            lambda event: event.type == "session.output_transcript.delta" and word in event.delta
        )

    @property
    def said(self) -> str:
        return "".join(e.delta for e in texts(self.events, "session.output_transcript.delta"))


@on_a_loop
async def test_official_client_completes_a_live_call_with_a_tool_and_an_interruption() -> None:
    pytest.importorskip("openai.types.live", reason="this version of openai knows no Live")
    with serving(caller_of_tools) as server:
        async with client_of(server).live.connect() as connection:
            delegation = {"type": "responses", "responses": {"model": "any", "tools": [TOOL]}}
            audio = {"format": {"type": "audio/pcmu", "rate": 8000}}
            session = {"model": "gpt-live-1", "audio": audio, "delegation": delegation}
            await connection.send({"type": "session.start", "session": session})  # type: ignore[typeddict-item]
            await received(connection, "session.started")
            call = LiveCall(connection)
            await call.say("Where is it?")
            nested = await call.until(
                lambda event: (
                    event.type == "response.event"
                    and event.event["type"] == "response.output_item.done"
                )
            )
            output = {
                "type": "function_call_output",
                "call_id": nested.event["item"]["call_id"],
                "output": "on its way",
            }
            await connection.send({"type": "response.item.create", "item": output})  # type: ignore[typeddict-item]
            await connection.send({"type": "response.create"})
            await call.until_said("way")
            await call.say("Tell me more")
            await call.until_said("warehouse")
            await call.say("Stop it please")
            await call.until_said("please")
            await connection.send({"type": "session.close"})
            await received(connection, "session.closed")
            assert call.said.startswith("It is on its way Your order")
            assert call.said.endswith("You said Stop it please")
            assert "tomorrow" not in call.said


@on_a_loop
async def test_wrong_token_and_foreign_origin_are_refused() -> None:
    with serving(echo) as server:
        address = f"{server.websocket_base_url}/realtime"
        right = {"Authorization": f"Bearer {server.token}"}
        for headers in ({}, {"Authorization": "Bearer wrong"}, {**right, "Origin": "http://a.b"}):
            with pytest.raises(InvalidStatus, match="403"):
                async with connect(address, additional_headers=headers, proxy=None):
                    pass
        async with connect(address, additional_headers=right, proxy=None) as socket:
            assert json.loads(await socket.recv())["type"] == "session.created"


@asynccontextmanager
async def socket_of(server: VoiceServer) -> AsyncIterator[Any]:
    headers = {"Authorization": f"Bearer {server.token}"}
    address = f"{server.websocket_base_url}/realtime?model=m"
    async with connect(address, additional_headers=headers, proxy=None) as socket:
        await socket.recv()
        yield socket


@on_a_loop
async def test_garbage_is_answered_and_an_oversized_message_ends_the_connection() -> None:
    with serving(echo) as server:
        async with socket_of(server) as socket:
            for data in ("no JSON", b"\xff\x00", "[]", '{"type": "nothing"}'):
                await socket.send(data)
                assert json.loads(await socket.recv())["type"] == "error"
            await socket.send("x" * 1_100_000)
            with pytest.raises(ConnectionClosed) as closed:
                await socket.recv()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1009


@on_a_loop
async def test_failing_agent_is_told_and_the_session_goes_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def answer(message: Message) -> str:
        raise RuntimeError("secret detail")

    with serving(answer) as server:
        async with socket_of(server) as socket:
            await socket.send('{"type": "response.create"}')
            events = [json.loads(await socket.recv()) for _ in range(2)]
            error = events[1]["response"]["status_details"]["error"]
            assert error["message"] == "the server failed; its log says why"
            await socket.send('{"type": "session.update", "session": {"type": "realtime"}}')
            assert json.loads(await socket.recv())["type"] == "session.updated"
    assert "secret detail" in caplog.text


@on_a_loop
async def test_only_some_sessions_are_open_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(voice_server, "MOST_SESSIONS", 1)
    with serving(echo) as server:
        async with socket_of(server):
            with pytest.raises(InvalidStatus):
                async with socket_of(server):
                    pass
        for _ in range(50):  # the place is free again, soon after the first one left
            try:
                async with socket_of(server):
                    return
            except InvalidStatus:
                await asyncio.sleep(0.05)
    raise AssertionError("no session was admitted")


@on_a_loop
async def test_session_ends_after_its_longest_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(voice_server, "LONGEST_SECONDS", 0.05)
    with serving(echo) as server:
        async with socket_of(server) as socket:
            expired = json.loads(await socket.recv())
            assert expired["error"]["code"] == "session_expired"
            with pytest.raises(ConnectionClosed):
                await socket.recv()
