"""Whatever a client sends, in whatever order, a session answers and never raises."""

from __future__ import annotations

import base64
import json
from random import Random
from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter
from tests.unit.voice.cascade.cast import calls

from tau2.data_model.message import AssistantMessage
from tau2.voice.audio.codec import encode
from tau2.voice.audio.formats import TELEPHONE
from tau2.voice.cascade.work import Recognize, Synthesize, Thought, Work
from tau2.voice.speech.engines.tone import ToneSynthesizer
from tau2.voice.speech.protocols import Speech, Transcript, Voice
from tau2.voice.wire.live import LiveSession
from tau2.voice.wire.realtime import RealtimeSession
from tau2.voice.wire.session import WireSession

from .cast import setup_of, types_of

SESSIONS = 300
"""Of each protocol; `make faults` plays 10,000 in all."""

_SPEECH = encode(ToneSynthesizer().synthesize("stop that now", Voice()).samples, TELEPHONE)
_AUDIO = [
    base64.b64encode(data).decode()
    for data in (_SPEECH, _SPEECH[:2400], TELEPHONE.silence(600), b"\x00", b"", bytes(99))
]
_VALUES: list[Any] = [
    *(None, True, 0, -1, 2**70, 0.5, 1e300, "", "x", "item_1", "item_2", "resp_3", "call_5"),
    *("root", [], {}, [1], ["audio"], {"type": "x"}, "audio/pcmu", "\x00\u2028", "a" * 300),
    *("delegation_1", {"type": "server_vad"}, {"type": "client"}, _AUDIO[0]),
]
_PCMU = {"format": {"type": "audio/pcmu", "rate": 8000}}
_USER = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hello"}]}

REALTIME: list[dict[str, Any]] = [
    {"type": "session.update", "session": {"type": "realtime", "audio": {"input": {
        "format": {"type": "audio/pcmu"}, "turn_detection": {"type": "server_vad"},
        "transcription": {"model": "m"}}}}},
    {"type": "session.update", "session": {"audio": {"input": {"turn_detection": None}}}},
    {"type": "session.update", "session": {"output_modalities": ["text"], "tools": [
        {"type": "function", "name": "f", "parameters": {}}]}},
    *({"type": "input_audio_buffer.append", "audio": audio} for audio in _AUDIO),
    {"type": "input_audio_buffer.commit"},
    {"type": "input_audio_buffer.clear"},
    {"type": "conversation.item.create", "item": _USER},
    {"type": "conversation.item.create", "item": {**_USER, "id": "mine"},
     "previous_item_id": "root"},
    {"type": "conversation.item.create", "item": {
        "type": "function_call_output", "call_id": "call_5", "output": "done"}},
    {"type": "conversation.item.create", "item": {"type": "message", "role": "user", "content": [
        {"type": "input_audio", "audio": _AUDIO[1]}]}},
    {"type": "conversation.item.retrieve", "item_id": "item_1"},
    {"type": "conversation.item.delete", "item_id": "item_2"},
    {"type": "conversation.item.truncate", "item_id": "item_4", "content_index": 0,
     "audio_end_ms": 300},
    {"type": "response.create"},
    {"type": "response.create", "response": {"conversation": "none", "input": [_USER]}},
    {"type": "response.cancel"},
    {"type": "output_audio_buffer.clear"},
]  # fmt: skip
LIVE: list[dict[str, Any]] = [
    {"type": "session.start", "session": {"model": "m", "audio": _PCMU}},
    {"type": "session.start", "session": {"model": "m", "audio": _PCMU, "delegation": {
        "type": "client"}}},
    {"type": "session.start", "session": {"model": "m", "audio": _PCMU, "delegation": {
        "type": "responses", "responses": {"model": "b"}}}},
    {"type": "session.update", "session": {"delegation": {"type": "responses"}}},
    *({"type": "session.input_audio.append", "audio": audio} for audio in _AUDIO),
    {"type": "session.input_audio.mute"},
    {"type": "session.input_audio.unmute"},
    {"type": "session.instructions.append", "content": "x", "delegation_id": None},
    {"type": "session.thinking.append", "content": "x", "delegation_id": "delegation_1"},
    {"type": "session.commentary.append", "content": "x", "delegation_id": "delegation_1"},
    {"type": "session.commentary.append", "content": "x", "delegation_id": None},
    {"type": "response.item.create", "item": {
        "type": "function_call_output", "call_id": "call_1", "output": "done"}},
    {"type": "response.create"},
    {"type": "decision.create", "event_id": "e"},
    {"type": "session.close"},
]  # fmt: skip


def mutated(event: Any, random: Random) -> Any:
    """Return an event in which something was left out, added or replaced."""
    if not isinstance(event, dict) or not event:
        return random.choice(_VALUES)
    event = dict(event)
    key = random.choice(list(event))
    match random.randrange(4):
        case 0:
            del event[key]
        case 1:
            event[key] = random.choice(_VALUES)
        case 2:
            event[random.choice(("item_id", "session", "event_id", "wrong"))] = random.choice(
                _VALUES
            )
        case _:
            event[key] = mutated(event[key], random)
    return event


def sent(event: Any, random: Random) -> object:
    """Return what arrives of an event: an object, its text, or a piece of it."""
    chance = random.random()
    if chance < 0.6:
        return event
    text = json.dumps(event)
    if chance < 0.8:
        return text
    if chance < 0.9:
        return text[: random.randrange(len(text))]
    return text.encode()[: random.randrange(len(text))]


def result(work: Work, random: Random) -> Any:
    match work.job:
        case Recognize():
            return Transcript(random.choice(["", "hello", "uh-huh", "w two three"]))
        case Synthesize():
            length = random.choice([0, 800, 8000])
            return Speech(np.full(length, 0.1, np.float32), 8000)
        case think:
            reply: Any = calls("f", content=random.choice([None, "one moment"]))
            if random.random() < 0.6:
                reply = AssistantMessage(content=random.choice(["fine then", "###STOP###"]))
            return Thought(reply, think.state)


def play(session: WireSession, templates: list[dict[str, Any]], random: Random) -> list[Any]:
    """Play one session; return every event that it sent."""
    events = session.open()
    waiting: list[Work] = []
    for number in range(random.randrange(3, 14)):
        event: Any = templates[random.randrange(3)] if not number else random.choice(templates)
        for _ in range(random.choice((0, 0, 0, 1, 2))):
            event = mutated(event, random)
        events += session.receive(sent(event, random))
        waiting += session.take_work()
        random.shuffle(waiting)
        for work in waiting[: random.randrange(4)]:
            waiting.remove(work)
            if random.random() < 0.1:
                events += session.fail(work.id, "it failed")
            else:
                events += session.finish(work.id, result(work, random))
            waiting += session.take_work()
        events += session.advance(random.choice((0.0, 0.1, 0.7)))
    return events


PROTOCOLS = {
    "realtime": (
        lambda: RealtimeSession(setup_of(lambda _: "x"), "sess_1", "m"),
        REALTIME,
        ("openai.types.realtime.realtime_server_event", "RealtimeServerEvent"),
    ),
    "live": (
        lambda: LiveSession(setup_of(lambda _: "x"), "live_1", 1),
        LIVE,
        ("openai.types.live.server_event", "ServerEvent"),
    ),
}
"""For each protocol what makes a session, what is sent to it, and the type of what it sends."""


def kinds_of_events(protocol: str, seeds: range) -> set[str]:
    """Play a session for each seed; return the kinds of events that were sent."""
    make, templates, union = PROTOCOLS[protocol]
    adapter = TypeAdapter(types_of(*union))
    kinds: set[str] = set()
    for seed in seeds:
        for event in play(make(), templates, Random(seed)):
            if event["type"] not in kinds or seed % 100 == 0:
                adapter.validate_json(json.dumps(event, allow_nan=False))
            kinds.add(event["type"])
    return kinds


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_session_never_raises(protocol: str) -> None:
    kinds = kinds_of_events(protocol, range(SESSIONS))
    assert len(kinds) >= 12, "the sessions reach what a session can do"
