"""The tick engine for streams without items."""

from __future__ import annotations

import math

import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from tau2.data_model.message import ToolCall
from tau2.errors import VoiceSessionFailed
from tau2.voice.adapters.continuous import ContinuousEngine, peak
from tau2.voice.adapters.events import (
    AgentAudio,
    AgentTranscript,
    SessionEvent,
    ToolRequest,
    UserActivity,
)
from tau2.voice.audio.formats import TELEPHONE, AudioFormat, Encoding

LOUD = b"\x10"
QUIET = b"\xfe"  # the smallest sample that is not zero


def stream(*parts):
    """An engine that has received parts of (byte, milliseconds)."""
    made = ContinuousEngine(200, TELEPHONE)
    for byte, ms in parts:
        made.apply(AgentAudio(byte * TELEPHONE.bytes_of(ms)))
    return made


def test_speech_is_told_from_silence_by_its_level():
    made = stream((QUIET, 200), (LOUD, 200), (QUIET, 200))
    assert [made.tick().contains_speech for _ in range(4)] == [False, True, False, False]


def test_an_utterance_ends_with_a_pause_and_not_with_a_breath():
    made = stream((LOUD, 400), (QUIET, 400), (LOUD, 200), (QUIET, 600), (LOUD, 200))
    heard = [made.tick().item_ids for _ in range(9)]
    assert heard[0] == heard[1] == heard[4] == ["utterance_1"]
    assert heard[8] == ["utterance_2"]
    assert heard[2] == []


def test_nothing_is_cut_off_when_the_user_breaks_in():
    made = stream((LOUD, 600))
    made.tick()
    made.apply(UserActivity("speech_started"))
    made.apply(SessionEvent("cancelled"))
    tick = made.tick()
    assert tick.contains_speech
    assert tick.truncations == []
    assert tick.activity[0].kind == "speech_started"


def test_words_are_said_when_their_audio_was_played():
    made = stream((LOUD, 1000))
    made.apply(AgentTranscript("One", start_ms=0, end_ms=300))
    made.apply(AgentTranscript(" two", start_ms=300, end_ms=900))
    assert [made.tick().transcript for _ in range(5)] == ["", "One", "", "", " two"]


def test_times_that_do_not_fit_the_stream_are_not_believed():
    made = stream((LOUD, 400))
    made.apply(AgentTranscript("Late in the call", start_ms=90_000, end_ms=91_000))
    assert [made.tick().transcript for _ in range(2)] == ["", "Late in the call"]


def test_words_without_audio_are_said_in_the_end():
    made = ContinuousEngine(200, TELEPHONE)
    made.apply(AgentTranscript("Hello", start_ms=0, end_ms=400))
    said = [made.tick().transcript for _ in range(4)]
    assert said == ["", "", "Hello", ""]


def test_calls_and_errors_are_as_on_other_streams():
    made = ContinuousEngine(200, TELEPHONE)
    call = ToolCall(id="c1", name="find", arguments={})
    made.apply(ToolRequest(call))
    made.apply(ToolRequest(call))
    made.apply(ToolRequest(ToolCall(id="c2", name="find", arguments={}), problem="not JSON"))
    assert made.tick().tool_calls == [call]
    assert [request.call.id for request in made.refused] == ["c2"]
    with pytest.raises(VoiceSessionFailed, match="gone"):
        made.apply(SessionEvent("closed", "gone"))


@pytest.mark.parametrize(
    ("encoding", "subtype"),
    [(Encoding.MULAW, "ULAW"), (Encoding.ALAW, "ALAW"), (Encoding.PCM16, "PCM_16")],
)
def test_the_peak_is_that_of_the_decoded_samples(encoding, subtype, tmp_path):
    samples = [0.3 * math.sin(n / 7) for n in range(400)]
    path = tmp_path / "sound.raw"
    soundfile.write(path, samples, 8000, format="RAW", subtype=subtype)
    decoded, _ = soundfile.read(path, samplerate=8000, channels=1, format="RAW", subtype=subtype)
    loudest = max(abs(value) for value in decoded)
    assert peak(path.read_bytes(), AudioFormat(encoding, 8000)) == pytest.approx(loudest, abs=1e-4)


PARTS = st.lists(
    st.one_of(
        st.binary(min_size=1, max_size=4000),
        st.tuples(st.text(max_size=9), st.none() | st.floats(0, 9000)),
        st.none(),
    ),
    max_size=30,
)


@settings(max_examples=60, deadline=None)
@given(PARTS)
def test_the_whole_stream_is_played_and_all_words_are_said(parts):
    made = ContinuousEngine(200, TELEPHONE)
    ticks = []
    for part in parts:
        if part is None:
            ticks.append(made.tick())
        elif isinstance(part, bytes):
            made.apply(AgentAudio(part))
        else:
            made.apply(AgentTranscript(part[0], None, None, part[1]))
    left = made.buffered_ms
    ticks += [made.tick() for _ in range(6 + round(left / 200))]
    sent = b"".join(part for part in parts if isinstance(part, bytes))
    heard = b"".join(tick.audio for tick in ticks)
    assert len(heard) == 1600 * len(ticks)
    # Silence may stand between the parts, but nothing is lost, and the order is kept.
    place = iter(heard)
    assert all(byte in place for byte in sent)
    words = "".join(part[0] for part in parts if isinstance(part, tuple))
    assert "".join(tick.transcript for tick in ticks) == words
