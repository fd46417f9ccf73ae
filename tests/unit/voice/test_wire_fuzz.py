"""Providers that send anything in any order: no translator raises but VoiceSessionFailed."""

from __future__ import annotations

import contextlib
import json
import random

import pytest

from tau2.errors import VoiceSessionFailed
from tau2.voice.adapters.continuous import ContinuousEngine
from tau2.voice.adapters.engine import TickEngine
from tau2.voice.adapters.gemini import GeminiTranslator
from tau2.voice.adapters.live import _HANDLERS as LIVE_HANDLERS
from tau2.voice.adapters.live import LiveOptions, LiveTranslator
from tau2.voice.adapters.livekit import _HANDLERS as LIVEKIT_HANDLERS
from tau2.voice.adapters.livekit import LiveKitTranslator
from tau2.voice.adapters.nova import NovaTranslator
from tau2.voice.adapters.protocol import Truncation
from tau2.voice.adapters.realtime import (
    _HANDLERS,
    OPENAI,
    QWEN,
    XAI,
    RealtimeOptions,
    RealtimeTranslator,
)
from tau2.voice.adapters.wire import frame_of
from tau2.voice.audio.formats import TELEPHONE

from .wire_cast import setup_with

SESSIONS = 400
"""Of each provider; `make faults` plays 10,000."""
FRAMES = 8

IDS = ["a", "b", "item_1", "", None, 7, "x" * 300, "\ud800"]
VALUES = [
    *IDS,
    "//8=",
    "//8",
    "not base64 \u2603",
    "server_error",
    "insufficient_quota",
    "completed",
    "cancelled",
    "failed",
    "incomplete",
    "turn_detected",
    '{"id": "W1"}',
    '{"id": ',
    "[[[[",
    0,
    -1,
    1e308,
    10**400,
    float("nan"),
    True,
    [],
    {},
    [{}],
    ["a", None, {"id": "a"}],
    {"id": "a", "type": "message"},
    {"type": "function_call", "call_id": "c1", "name": "find", "arguments": '{"a": 1}'},
    {"type": "function_call", "call_id": "c1", "name": ["find"], "arguments": {"a": 1}},
    {"input_tokens": "many", "input_token_details": {"text_tokens": None}},
    {"status": "failed", "status_details": {"error": {"type": "server_error"}}},
    {"id": "r", "status": "cancelled", "output": [{"id": "a"}, 3]},
    {"seconds": 12.5, "active_seconds": -3},
    {"type": "response.output_item.done", "item": {"type": "function_call", "name": "find"}},
    {"type": "response.completed", "response": {"usage": {"input_tokens": 3}}},
    # Gemini
    {"model_turn": {"parts": [{"inline_data": {"data": "//8="}}, {"inline_data": {"data": 3}}, 7]}},
    {"interrupted": True, "output_transcription": {"text": "Hi"}, "turn_complete": True},
    {"generation_complete": True, "input_transcription": {"text": ["x"]}},
    {"function_calls": [{"id": "a", "name": "find", "args": {"a": 1}}, {"args": "{"}, None]},
    {"ids": ["a", 3, None]},
    {"prompt_tokens_details": [{"modality": "AUDIO", "token_count": 3}, "x"], "time_left": "9s"},
    # Nova
    {"contentStart": {"contentId": "a", "type": "AUDIO", "role": "ASSISTANT"}},
    {"contentStart": {"contentId": "b", "role": "ASSISTANT", "additionalModelFields": 7}},
    {"textOutput": {"contentId": "b", "role": "ASSISTANT", "content": '{"interrupted": true}'}},
    {"textOutput": {"contentId": "b", "role": "USER", "content": None}},
    {"audioOutput": {"contentId": "a", "content": "//8="}},
    {"toolUse": {"toolName": "find", "toolUseId": "c1", "content": "{"}},
    {"contentEnd": {"contentId": "a", "stopReason": "INTERRUPTED"}},
    {"usageEvent": {"details": {"total": {"input": 7}}}},
]
FIELDS = {
    "realtime": [
        "item_id", "delta", "transcript", "text", "item", "response", "error", "call_id", "name",
        "arguments", "audio_start_ms", "audio_end_ms", "session",
    ],
    "live": [
        "delta", "start_ms", "end_ms", "delegation", "event", "delegation_id", "usage", "error",
        "reason", "code", "message", "session", "offset_ms",
    ],
    "gemini": [
        "server_content", "tool_call", "usage_metadata", "tool_call_cancellation", "go_away",
    ],
    "nova": ["event"],
    "livekit": [
        "item_id", "audio", "text", "speaking", "call_id", "name", "arguments", "component",
        "meters", "is_retryable",
    ],
}  # fmt: skip
KINDS = {
    "realtime": [*_HANDLERS, "unknown", ""],
    "live": [*LIVE_HANDLERS, "unknown", ""],
    "gemini": ["ready", ""],
    "nova": ["ready", ""],
    "livekit": [*LIVEKIT_HANDLERS, "unknown"],
}


def make_realtime(dialect):
    return RealtimeTranslator(RealtimeOptions("m"), dialect)


MADE = {
    "openai": (lambda: make_realtime(OPENAI), TickEngine, "realtime"),
    "xai": (lambda: make_realtime(XAI), TickEngine, "realtime"),
    "qwen": (lambda: make_realtime(QWEN), TickEngine, "realtime"),
    "live": (lambda: LiveTranslator(LiveOptions("m", "b")), ContinuousEngine, "live"),
    "live_client": (
        lambda: LiveTranslator(LiveOptions("m", None, delegation="client")),
        ContinuousEngine,
        "live",
    ),
    "gemini": (lambda: GeminiTranslator("v", "high"), TickEngine, "gemini"),
    "nova": (lambda: NovaTranslator("v"), TickEngine, "nova"),
    "livekit": (LiveKitTranslator, TickEngine, "livekit"),
}


def random_frame(rng, kinds, fields):
    frame = {"type": rng.choice(kinds)}
    for name in rng.sample(fields, rng.randrange(min(4, len(fields)) + 1)):
        frame[name] = rng.choice(VALUES)
    return frame


def spelled(rng, frame):
    """A frame as text: whole, or cut off, or something else altogether."""
    try:
        text = json.dumps(frame)
    except ValueError:
        return "{}"
    match rng.randrange(30):
        case 0:
            return text[: rng.randrange(len(text))]
        case 1:
            return rng.choice(["", "[]", "null", "7", '"text"', "[" * 5000, text + text])
        case 2:
            return text.encode()
    return text


def play(rng, translator, engine, kinds, fields):
    """One session: frames, ticks, results and interruptions in random order."""
    translator.open(setup_with(greeting=rng.choice([None, "Hello."])))
    for _ in range(FRAMES):
        for event in translator.receive(frame_of(spelled(rng, random_frame(rng, kinds, fields)))):
            engine.apply(event)
        if rng.randrange(4) == 0:
            result = engine.tick()
            assert len(result.audio) == 160
            for truncation in [*result.truncations, Truncation(None, 1.0, 2.0)]:
                translator.truncate(truncation)
            for call in result.tool_calls:
                translator.answer(call.id, "a result", is_error=False)
            translator.send_audio(b"\xff" * 160)
        assert translator.is_expecting in (True, False)
    json.dumps(translator.outbox)


def surviving_sessions(name, sessions):
    """Play random sessions of a provider; return how many went to their end."""
    make, make_engine, protocol = MADE[name]
    rng = random.Random(f"wire {name}")
    whole = 0
    for _ in range(sessions):
        with contextlib.suppress(VoiceSessionFailed):
            play(rng, make(), make_engine(20, TELEPHONE), KINDS[protocol], FIELDS[protocol])
            whole += 1
    return whole


@pytest.mark.parametrize("name", MADE)
def test_no_session_raises_anything_but_a_failure_of_infrastructure(name):
    # Most sessions survive what they are sent, so that the test is not about the first frame.
    assert surviving_sessions(name, SESSIONS) > SESSIONS / 10
