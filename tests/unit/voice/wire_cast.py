"""A scripted provider on a loopback WebSocket, and the frames of the Realtime protocol."""

from __future__ import annotations

import base64
import contextlib
import json
import threading
from collections.abc import Callable, Iterator

from websockets.sync.server import ServerConnection, serve

from tau2.data_model.audio import AudioNativeConfig
from tau2.voice.adapters.protocol import AgentSetup
from tau2.voice.adapters.registry import AdapterContext
from tau2.voice.audio.formats import TELEPHONE

TICK_MS = 20
TICK_BYTES = TELEPHONE.bytes_of(TICK_MS)


class Line:
    """The provider's end of a connection: what it received, and what it says."""

    def __init__(self, connection: ServerConnection) -> None:
        self.connection = connection
        self.received: list[dict] = []

    def say(self, *frames: dict | str) -> None:
        for frame in frames:
            self.connection.send(frame if isinstance(frame, str) else json.dumps(frame))

    def hear(self) -> dict:
        frame = json.loads(self.connection.recv(timeout=5))
        self.received.append(frame)
        return frame

    def hear_until(self, kind: str) -> dict:
        while True:
            frame = self.hear()
            if frame["type"] == kind:
                return frame

    def hear_audio(self, milliseconds: int) -> None:
        """Wait until so much audio has come since the beginning."""
        while self.heard_ms < milliseconds:
            self.hear()

    @property
    def heard_ms(self) -> float:
        return TELEPHONE.milliseconds_of(len(self.audio))

    @property
    def audio(self) -> bytes:
        names = ("input_audio_buffer.append", "session.input_audio.append")
        parts = [frame["audio"] for frame in self.received if frame["type"] in names]
        return b"".join(map(base64.b64decode, parts))

    def of_kind(self, kind: str) -> list[dict]:
        return [frame for frame in self.received if frame["type"] == kind]

    def accept(self) -> dict:
        """Begin a session of the Realtime protocol; return its configuration."""
        self.say({"type": "session.created", "session": {}})
        session = self.hear_until("session.update")["session"]
        self.say({"type": "session.updated", "session": session})
        return session

    def drain(self) -> None:
        """Take everything until the other side hangs up."""
        with contextlib.suppress(Exception):
            while True:
                self.hear()


@contextlib.contextmanager
def provider(*scripts: Callable[[Line], None]) -> Iterator[tuple[str, list[Line]]]:
    """Serve on a loopback port; the n-th connection plays the n-th script, the last one again."""
    lines: list[Line] = []

    def play(connection: ServerConnection) -> None:
        line = Line(connection)
        lines.append(line)
        script = scripts[min(len(lines), len(scripts)) - 1]
        with contextlib.suppress(Exception):
            script(line)

    with serve(play, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        host, port = server.socket.getsockname()[:2]
        try:
            yield f"ws://{host}:{port}/v1", lines
        finally:
            server.shutdown()
            thread.join(5)


def context_for(address: str, name: str = "openai", **config) -> AdapterContext:
    settings = AudioNativeConfig(
        provider=name, base_url=address, tick_duration_seconds=TICK_MS / 1000, **config
    )
    return AdapterContext(settings, environ={"OPENAI_API_KEY": "secret-key-of-tests"})


def setup_with(*tools, **fields) -> AgentSetup:
    values = {"system_prompt": "Be kind.", "tools": tools, "tick_ms": TICK_MS}
    return AgentSetup(**values, audio_format=TELEPHONE, **fields)


def audio_delta(milliseconds: float, item: str = "item_1", byte: bytes = b"\x10") -> dict:
    data = byte * TELEPHONE.bytes_of(milliseconds)
    encoded = base64.b64encode(data).decode()
    return {"type": "response.output_audio.delta", "item_id": item, "delta": encoded}


def words(text: str, item: str = "item_1") -> dict:
    return {"type": "response.output_audio_transcript.delta", "item_id": item, "delta": text}


def response_created(identifier: str = "resp_1") -> dict:
    return {"type": "response.created", "response": {"id": identifier}}


def response_done(identifier: str = "resp_1", status: str = "completed", **fields) -> dict:
    return {"type": "response.done", "response": {"id": identifier, "status": status, **fields}}


def function_call(call_id: str, name: str, arguments: str) -> dict:
    item = {"type": "function_call", "call_id": call_id, "name": name, "arguments": arguments}
    return {"type": "response.output_item.done", "item": {"id": f"item_{call_id}", **item}}
