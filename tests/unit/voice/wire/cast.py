"""A client of a session without a socket, over the tone channel."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter
from tests.unit.voice.cascade.cast import ScriptedAgent

from tau2.data_model.message import AssistantMessage, Message
from tau2.errors import Tau2Error
from tau2.voice.audio.codec import decode, encode
from tau2.voice.audio.formats import AudioFormat, Encoding
from tau2.voice.audio.resample import resample
from tau2.voice.cascade.work import Engines
from tau2.voice.speech.engines.energy import EnergyDetector
from tau2.voice.speech.engines.tone import ToneRecognizer, ToneSynthesizer
from tau2.voice.speech.protocols import Voice
from tau2.voice.wire.session import WireSession, WireSetup

PCM = AudioFormat(Encoding.PCM16, 24000)
TELEPHONE = AudioFormat(Encoding.MULAW, 8000)


def setup_of(answer: Callable[[Message], AssistantMessage | str], **fields: Any) -> WireSetup:
    """Return what serves sessions of an agent that answers by a function."""
    return WireSetup(lambda _prompt, _tools: ScriptedAgent(answer), EnergyDetector(), **fields)


def events_of(kind: str, events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [event for event in events if event["type"] == kind]


class Client:
    """Sends events, has the work done at once, and keeps what comes back."""

    def __init__(self, session: WireSession, audio_format: AudioFormat = PCM) -> None:
        self.session = session
        self.audio_format = audio_format
        self.engines = Engines(ToneRecognizer(), ToneSynthesizer())
        self.events: list[dict[str, Any]] = []
        self.append = "input_audio_buffer.append"
        self._take(session.open())

    def send(self, kind: str, **fields: Any) -> list[dict[str, Any]]:
        """Send an event; return what it caused."""
        before = len(self.events)
        self._take(self.session.receive(json.dumps({"type": kind, **fields})))
        self._work()
        return self.events[before:]

    def wait(self, seconds: float) -> list[dict[str, Any]]:
        """Let time pass in which nothing is sent."""
        before = len(self.events)
        for _ in range(round(seconds / 0.1)):
            self._take(self.session.advance(0.1))
            self._work()
        return self.events[before:]

    def say(self, text: str) -> list[dict[str, Any]]:
        """Stream speech, and time with it."""
        speech = ToneSynthesizer().synthesize(text, Voice())
        samples = resample(speech.samples, speech.sample_rate, self.audio_format.sample_rate)
        return self.stream(samples)

    def silence(self, seconds: float) -> list[dict[str, Any]]:
        """Stream silence, and time with it."""
        return self.stream(np.zeros(round(seconds * self.audio_format.sample_rate), np.float32))

    def stream(self, samples: np.ndarray) -> list[dict[str, Any]]:
        before = len(self.events)
        step = self.audio_format.sample_rate // 10
        for start in range(0, len(samples), step):
            piece = encode(samples[start : start + step], self.audio_format)
            self.send(self.append, audio=base64.b64encode(piece).decode())
            self.wait(0.1)
        return self.events[before:]

    def of(self, kind: str) -> list[dict[str, Any]]:
        return events_of(kind, self.events)

    def only(self, kind: str) -> dict[str, Any]:
        (event,) = self.of(kind)
        return event

    def heard(self, kind: str = "response.output_audio.delta", rate: int | None = None) -> str:
        """Return what is understood of the audio that came back."""
        data = b"".join(base64.b64decode(event["delta"]) for event in self.of(kind))
        samples = decode(data, self.audio_format)
        return ToneRecognizer().transcribe(samples, self.audio_format.sample_rate).text

    def _work(self) -> None:
        while work := self.session.take_work():
            for item in work:
                try:
                    result = self.engines.perform(item.job)
                except Tau2Error as problem:
                    self._take(self.session.fail(item.id, str(problem)))
                else:
                    self._take(self.session.finish(item.id, result))

    def _take(self, events: list[dict[str, Any]]) -> None:
        self.events += events


def types_of(module: str, name: str) -> Any:
    """Return a union of event types of the openai package."""
    types = pytest.importorskip(module, reason="this version of openai has no such types")
    return getattr(types, name)


def validate_events(monkeypatch: pytest.MonkeyPatch, union: Any) -> None:
    """Have every client validate the events that it receives by a union of the openai package."""
    adapter = TypeAdapter(union)
    take = Client._take

    def checked(self: Client, events: list[dict[str, Any]]) -> None:
        for event in events:
            model = adapter.validate_python(json.loads(json.dumps(event)))
            assert model.type == event["type"]
            assert model.model_extra in ({}, None), "a field that the type does not have"
        take(self, events)

    monkeypatch.setattr(Client, "_take", checked)
