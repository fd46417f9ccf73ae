"""Calls with a scripted provider over a loopback WebSocket."""

from __future__ import annotations

import base64
import json
import logging
import time

import pytest

from tau2.errors import ConfigError, VoiceSessionFailed
from tau2.voice.adapters import session
from tau2.voice.adapters.address import websocket_address
from tau2.voice.adapters.openai import (
    OPENAI_PLACE,
    address_of,
    key_headers,
    make_realtime_adapter,
)
from tau2.voice.adapters.realtime import (
    OPENAI,
    RealtimeOptions,
    RealtimeTranslator,
    TurnDetection,
)
from tau2.voice.adapters.registry import make_adapter
from tau2.voice.adapters.session import TurnByHand
from tau2.voice.audio.formats import TELEPHONE

from .wire_cast import (
    TICK_BYTES,
    TICK_MS,
    audio_delta,
    context_for,
    function_call,
    provider,
    response_created,
    response_done,
    setup_with,
    words,
)

SILENCE = b"\xff" * TICK_BYTES
MANY = 500
"""Ticks, of which none is too many for what a test waits for."""


def is_speech(result):
    return result.contains_speech


def play(adapter, ticks, audio=SILENCE, until=None):
    """Play ticks, at most so many, until a tick fulfils a condition."""
    results = []
    for number in range(ticks):
        results.append(adapter.run_tick(audio, number))
        if until is not None and until(results[-1]):
            break
    return results


def test_a_call_with_audio_both_ways():
    def script(line):
        session = line.accept()
        assert session["instructions"] == "Be kind."
        line.hear_audio(40)
        line.say(response_created(), words("Good morning"), audio_delta(60))
        line.say({"type": "response.output_audio.done", "item_id": "item_1"}, response_done())
        line.drain()

    with provider(script) as (address, lines):
        adapter = make_adapter(context_for(address))
        adapter.connect(setup_with())
        voice = b"\x22" * TICK_BYTES
        results = play(adapter, MANY, audio=voice, until=is_speech)
        results += play(adapter, 8, audio=voice)
        adapter.disconnect()
        adapter.disconnect()
    speaking = [result for result in results if result.contains_speech]
    assert len(speaking) == 3
    assert b"".join(result.audio for result in speaking) == b"\x10" * 480
    assert "".join(result.transcript for result in results) == "Good morning"
    request = lines[0].connection.request
    assert request.path == "/v1/realtime?model=gpt-realtime-1.5"
    assert request.headers["Authorization"] == "Bearer secret-key-of-tests"
    assert set(lines[0].audio) == {0x22}


def test_a_dialect_with_other_formats_is_resampled_both_ways():
    second = b"\x00\x10" * 24_000

    def script(line):
        session = line.accept()
        assert session["input_audio_format"] == "pcm"
        line.hear_until("input_audio_buffer.append")
        frame = audio_delta(0, "item_1")
        for begin in range(0, 9600, 1001):
            part = base64.b64encode(second[begin : min(begin + 1001, 9600)]).decode()
            line.say({**frame, "type": "response.audio.delta", "delta": part})
        line.say({"type": "response.audio.done", "item_id": "item_1"})
        line.drain()

    with provider(script) as (address, lines):
        adapter = make_adapter(context_for(address, "qwen"))
        adapter.connect(setup_with())
        results = [*play(adapter, MANY, until=is_speech), *play(adapter, 15)]
        adapter.disconnect()
    # 200 ms of 24 kHz are 200 ms of telephone audio, the tail of the resampler included.
    assert adapter.engine.ledger("item_1").played == TELEPHONE.bytes_of(200)
    assert sum(result.contains_speech for result in results) in (10, 11)
    sent = len(lines[0].audio)
    whole = len(results) * TICK_MS * 16 * 2
    # The resampler of the user's audio holds back some milliseconds until the end.
    assert whole - 40 * 32 <= sent <= whole


def test_an_utterance_of_endless_words_ends_the_session():
    def script(line):
        line.accept()
        for _ in range(11):
            line.say(words("word " * 2000))
        line.drain()

    with provider(script) as (address, _):
        adapter = make_adapter(context_for(address))
        adapter.connect(setup_with())
        with pytest.raises(VoiceSessionFailed, match="more text than an utterance can have"):
            play(adapter, MANY)
        adapter.disconnect()


def test_no_log_holds_the_key(caplog):
    caplog.set_level(logging.DEBUG)

    def script(line):
        line.accept()
        line.drain()

    with provider(script) as (address, lines):
        adapter = make_adapter(context_for(address))
        adapter.connect(setup_with())
        play(adapter, 2)
        adapter.disconnect()
    assert "secret-key-of-tests" in lines[0].connection.request.headers["Authorization"]
    ours = [record for record in caplog.records if "server" not in record.name]
    assert not any("secret-key" in record.getMessage() for record in ours)
    assert "secret-key" not in repr(adapter)


def test_turns_by_hand_are_committed_when_the_user_falls_silent():
    def script(line):
        assert line.accept()["audio"]["input"]["turn_detection"] is None
        line.say(response_created(), audio_delta(2000))
        line.hear_until("response.cancel")
        line.hear_until("input_audio_buffer.commit")
        line.hear_until("response.create")
        line.drain()

    with provider(script) as (address, lines):
        detection = TurnDetection("manual", silence_duration_ms=60)
        adapter = make_realtime_adapter(context_for(address), OPENAI_PLACE, OPENAI, detection)
        adapter.connect(setup_with())
        results = play(adapter, MANY, until=is_speech)
        results += play(adapter, 8, audio=b"\x10" * TICK_BYTES)
        results += play(adapter, 6)
        adapter.disconnect()
    kinds = [activity.kind for result in results for activity in result.activity]
    assert kinds == ["speech_started", "speech_stopped"]
    assert [cut for result in results for cut in result.truncations]
    assert lines[0].of_kind("conversation.item.truncate")


def test_a_provider_that_charges_minutes_has_them_counted():
    def script(line):
        line.accept()
        line.drain()

    with provider(script) as (address, _):
        adapter = make_adapter(context_for(address, "xai"))
        adapter.connect(setup_with())
        last = play(adapter, 3)[-1]
        adapter.disconnect()
    [usage] = last.usage
    assert usage.is_cumulative
    assert usage.meters == {"audio_input_seconds": pytest.approx(0.06)}


def test_a_tick_lasts_as_long_as_its_audio():
    def script(line):
        line.accept()
        line.drain()

    with provider(script) as (address, _):
        adapter = make_adapter(context_for(address))
        adapter.connect(setup_with())
        began = time.monotonic()
        play(adapter, 10)
        assert 0.19 <= time.monotonic() - began < 10
        # A caller that was late does not get shorter ticks afterwards.
        time.sleep(0.2)
        began = time.monotonic()
        play(adapter, 5)
        assert time.monotonic() - began >= 0.075
        adapter.disconnect()


def test_a_barge_in_tells_the_provider_exactly_what_was_played():
    def script(line):
        line.accept()
        line.say(response_created(), words("A long sentence about orders"), audio_delta(5000))
        line.say({"type": "response.output_audio.done", "item_id": "item_1"}, response_done())
        line.hear_audio(300)
        line.say({"type": "input_audio_buffer.speech_started", "audio_start_ms": 200})
        line.hear_until("conversation.item.truncate")
        line.drain()

    with provider(script) as (address, lines):
        adapter = make_adapter(context_for(address))
        adapter.connect(setup_with())
        results = play(adapter, MANY, until=lambda result: result.truncations)
        results += play(adapter, 3)
        adapter.disconnect()
    played = TELEPHONE.milliseconds_of(sum(result.audio.count(b"\x10") for result in results))
    [sent] = lines[0].of_kind("conversation.item.truncate")
    assert sent == {
        "type": "conversation.item.truncate",
        "item_id": "item_1",
        "content_index": 0,
        "audio_end_ms": played,
    }
    assert 200 < played < 5000
    assert not results[-1].contains_speech


def test_a_tool_call_and_its_result():
    def script(line):
        line.accept()
        line.say(response_created(), function_call("c1", "find", '{"id": "W1"}'))
        line.say(function_call("c2", "find", '{"id": '), response_done())
        line.hear_until("response.create")
        line.say(response_created("resp_2"), words("Found it."), audio_delta(20))
        line.drain()

    with provider(script) as (address, lines):
        adapter = make_adapter(context_for(address))
        adapter.connect(setup_with())
        results = play(adapter, MANY, until=lambda result: result.tool_calls)
        [call] = results[-1].tool_calls
        assert call.arguments == {"id": "W1"}
        assert "could not be read" in results[-1].warnings[0]
        adapter.send_tool_result("c1", "an order")
        results = play(adapter, MANY, until=is_speech)
        adapter.disconnect()
    items = {
        frame["item"]["call_id"]: frame["item"]["output"]
        for frame in lines[0].of_kind("conversation.item.create")
    }
    assert items["c1"] == "an order"
    assert items["c2"].startswith("Error: its arguments are not a JSON object")
    assert len(lines[0].of_kind("response.create")) == 1


def test_a_provider_that_owes_an_answer_and_is_silent_has_failed():
    def script(line):
        line.accept()
        line.say(response_created())
        line.drain()

    with provider(script) as (address, _):
        adapter = make_adapter(context_for(address))
        adapter._stall_seconds = 0.1
        adapter.connect(setup_with())
        with pytest.raises(VoiceSessionFailed, match="owes an answer"):
            play(adapter, MANY)
        adapter.disconnect()


def test_silence_of_both_is_no_stall():
    def script(line):
        line.accept()
        line.drain()

    with provider(script) as (address, _):
        adapter = make_adapter(context_for(address))
        adapter._stall_seconds = 0.05
        adapter.connect(setup_with())
        play(adapter, 10)
        adapter.disconnect()


@pytest.mark.parametrize(
    ("ending", "told"),
    [
        (lambda line: line.connection.close(1011, "internal"), "was lost"),
        (lambda line: line.connection.socket.close(), "was lost"),
        (lambda line: line.say({"type": "error", "error": {"type": "server_error"}}), "server_e"),
        (lambda line: line.say("{"), "not JSON"),
        (lambda line: line.say("[1]"), "not an object"),
        (lambda line: line.say('{"type": ' + "[" * 100_000), "not JSON"),
    ],
)
def test_what_breaks_a_session_ends_it_as_a_failure_of_infrastructure(ending, told):
    def script(line):
        line.accept()
        ending(line)
        line.drain()

    with provider(script) as (address, _):
        adapter = make_adapter(context_for(address))
        adapter.connect(setup_with())
        with pytest.raises(VoiceSessionFailed, match=told) as caught:
            play(adapter, MANY)
        adapter.disconnect()
        with pytest.raises(VoiceSessionFailed, match="not open"):
            adapter.run_tick(SILENCE, 99)
    assert "secret-key" not in str(caught.value)


def test_a_frame_that_is_too_large_ends_the_session(monkeypatch):
    monkeypatch.setattr("tau2.voice.adapters.transport.LARGEST_FRAME", 10_000)

    def script(line):
        line.accept()
        line.say({"type": "x", "filling": "y" * 20_000})
        line.drain()

    with provider(script) as (address, _):
        adapter = make_adapter(context_for(address))
        adapter.connect(setup_with())
        with pytest.raises(VoiceSessionFailed, match="was lost"):
            play(adapter, MANY)
        adapter.disconnect()


def test_a_provider_that_never_stops_sending_does_not_hold_up_the_call(monkeypatch):
    class Flood:
        def connect(self):
            pass

        def send(self, frame):
            pass

        def receive(self, seconds):
            return {"type": "session.updated"}

        def close(self):
            pass

    monkeypatch.setattr(session, "MOST_FRAMES", 100)
    options = RealtimeOptions("gpt-realtime")
    adapter = session.WireAdapter(Flood, lambda: RealtimeTranslator(options))
    adapter.connect(setup_with())
    with pytest.raises(VoiceSessionFailed, match="more frames than a tick can hold"):
        adapter.run_tick(SILENCE, 0)


def test_a_benign_error_is_a_warning_of_its_tick():
    def script(line):
        line.accept()
        line.say({"type": "error", "error": {"type": "invalid_request_error", "message": "no"}})
        line.drain()

    with provider(script) as (address, _):
        adapter = make_adapter(context_for(address))
        adapter.connect(setup_with())
        results = play(adapter, MANY, until=lambda result: result.warnings)
        adapter.disconnect()
    assert results[-1].warnings == ["invalid_request_error: no"]


def test_a_refused_configuration_fails_the_connection():
    def script(line):
        line.hear_until("session.update")
        line.say({"type": "error", "error": {"code": "invalid_value", "message": "tools[0]"}})
        line.drain()

    with provider(script) as (address, _):
        adapter = make_adapter(context_for(address))
        with pytest.raises(VoiceSessionFailed, match=r"invalid_value: tools\[0\]"):
            adapter.connect(setup_with())


def test_a_provider_that_never_accepts_fails_the_connection():
    with provider(lambda line: line.drain()) as (address, _):
        adapter = make_adapter(context_for(address))
        adapter._ready_seconds = 0.1
        with pytest.raises(VoiceSessionFailed, match=r"did not accept the session within 0\.1 s"):
            adapter.connect(setup_with())


def test_connecting_is_attempted_again(monkeypatch, caplog):
    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr("tau2.voice.adapters.transport._RETRY_SECONDS", 0)
    adapter = make_adapter(context_for("ws://127.0.0.1:9/v1"))
    with pytest.raises(VoiceSessionFailed, match="cannot be reached"):
        adapter.connect(setup_with())
    again = [record for record in caplog.records if "again" in record.getMessage()]
    assert len(again) == 2
    assert "secret-key" not in caplog.text


def test_a_refusal_is_not_attempted_again(monkeypatch):
    from http import HTTPStatus

    from websockets.sync.server import serve

    asked = []

    def refuse(connection, request):
        asked.append(request.path)
        return connection.respond(HTTPStatus.UNAUTHORIZED, "no")

    import threading

    with serve(lambda _: None, "127.0.0.1", 0, process_request=refuse) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        port = server.socket.getsockname()[1]
        adapter = make_adapter(context_for(f"ws://127.0.0.1:{port}"))
        with pytest.raises(VoiceSessionFailed, match="HTTP 401") as caught:
            adapter.connect(setup_with())
        server.shutdown()
    assert len(asked) == 1
    assert not caught.value.is_retryable


def test_turns_are_found_by_level_when_nobody_else_does():
    turns = TurnByHand(TELEPHONE, 60)
    loud = b"\x10" * 160
    quiet = b"\xff" * 160
    heard = [turns.hear(part) for part in [quiet] + [loud] * 6 + [quiet] * 6]
    assert heard == [None] * 5 + ["speech_started"] + [None] * 3 + ["speech_stopped"] + [None] * 3


@pytest.mark.parametrize(
    ("base", "whole"),
    [
        ("wss://a.test/v1", "wss://a.test/v1/realtime?model=m"),
        ("wss://a.test/v1/realtime", "wss://a.test/v1/realtime?model=m"),
        ("wss://a.test/v1/?deployment=x&model=n", "wss://a.test/v1/realtime?model=n&deployment=x"),
    ],
)
def test_an_address_is_completed(base, whole):
    assert address_of(base, "/realtime", {"model": "m"}) == whole


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("ws://provider.test/v1", "must begin with wss://"),
        ("http://10.0.0.7/v1", "must begin with wss://"),
        ("ftp://127.0.0.1", "no address"),
        ("127.0.0.1:80", "no address"),
        ("wss://me:secret@provider.test", "must not contain credentials"),
        ("ftp://me:secret@provider.test", "must not contain credentials"),
        ("wss://me:secret", "is not of the form wss://host:port/path"),
        ("wss://[::1", "is not of the form wss://host:port/path"),
        ("wss://provider.test:99999", "is not of the form wss://host:port/path"),
    ],
)
def test_an_address_that_is_not_safe_is_refused(address, told):
    with pytest.raises(ConfigError, match=told) as caught:
        websocket_address(address)
    assert "me:secret" not in str(caught.value)


@pytest.mark.parametrize("address", ["wss://[::1", "wss://provider.test:none"])
def test_an_address_that_is_none_is_an_error_of_the_configuration(address):
    with pytest.raises(ConfigError, match="not of the form"):
        make_adapter(context_for(address))


def test_addresses_of_this_machine_need_no_encryption():
    assert websocket_address("http://localhost:8000/v1") == "ws://localhost:8000/v1"
    assert websocket_address("ws://[::1]:8000") == "ws://[::1]:8000"
    assert websocket_address("https://api.test/v1") == "wss://api.test/v1"


def test_a_key_that_no_header_can_hold_is_refused_without_repeating_it():
    with pytest.raises(ConfigError, match="OPENAI_API_KEY") as caught:
        key_headers("sk-abc\nX: y", "OPENAI_API_KEY")
    assert "sk-abc" not in str(caught.value)
    assert key_headers("", "X") == {}


def test_the_frames_of_a_tick_are_packets_of_20_ms_or_one():
    def script(line):
        line.accept()
        line.drain()

    for at_once, count in ((False, 3), (True, 1)):
        with provider(script) as (address, lines):
            context = context_for(address, send_audio_instant=at_once)
            adapter = make_adapter(context)
            from dataclasses import replace

            adapter.connect(replace(setup_with(), tick_ms=3 * TICK_MS))
            adapter.run_tick(SILENCE * 3, 0)
            adapter.disconnect()
        appended = lines[0].of_kind("input_audio_buffer.append")
        assert len(appended) == count
        assert json.dumps(appended)
