"""The tick engine: what is heard, said, counted and cut off."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tau2.data_model.message import ToolCall
from tau2.errors import VoiceSessionFailed
from tau2.voice.adapters.engine import TickEngine
from tau2.voice.adapters.events import (
    AgentAudio,
    AgentTranscript,
    SessionEvent,
    ToolRequest,
    Usage,
    UserActivity,
)
from tau2.voice.audio.formats import TELEPHONE, AudioFormat, Encoding

TICK = 1600
SECOND = 8000
WIDE = AudioFormat(Encoding.PCM16, 16000)


def engine(audio_format=TELEPHONE):
    return TickEngine(200, audio_format)


def audio(ms, item="a", byte=b"\x10"):
    return AgentAudio(byte * TELEPHONE.bytes_of(ms), item)


def played(ticks):
    """The audio of ticks without the silence behind it."""
    return b"".join(tick.audio for tick in ticks).replace(b"\xff", b"")


def test_speech_longer_than_a_tick_is_carried_over():
    played_by = engine()
    played_by.apply(audio(500))
    ticks = [played_by.tick() for _ in range(4)]
    assert [len(tick.audio) for tick in ticks] == [TICK] * 4
    assert [tick.contains_speech for tick in ticks] == [True, True, True, False]
    assert ticks[2].audio == b"\x10" * 800 + b"\xff" * 800
    assert ticks[0].item_ids == ["a"]
    assert ticks[3].item_ids == []


def test_two_utterances_may_share_a_tick():
    both = engine()
    both.apply(audio(100, "a", b"\x01"))
    both.apply(audio(100, "b", b"\x02"))
    tick = both.tick()
    assert tick.item_ids == ["a", "b"]
    assert tick.audio == b"\x01" * 800 + b"\x02" * 800


def test_words_of_a_whole_utterance_follow_its_audio():
    spoken = engine()
    text = "Your order is on its way and will arrive on Monday morning."
    spoken.apply(AgentTranscript(text, "a"))
    spoken.apply(audio(1000))
    spoken.apply(SessionEvent("item_done", item_id="a"))
    said = [spoken.tick().transcript for _ in range(5)]
    assert "".join(said) == text
    assert all(said)
    assert max(len(part) for part in said) <= len(text) * 0.4
    for part in said[:-1]:
        assert text[text.index(part) + len(part)] == " "


def test_words_do_not_run_ahead_while_the_length_is_not_known():
    spoken = engine()
    text = "word " * 60
    spoken.apply(AgentTranscript(text, "a"))
    spoken.apply(audio(400))
    said = spoken.tick().transcript + spoken.tick().transcript
    # 0.4 seconds of speech are about six characters, though all the text and audio is here.
    assert 0 < len(said) <= 8
    spoken.apply(audio(19_600))
    spoken.apply(SessionEvent("item_done", item_id="a"))
    for _ in range(98):
        said += spoken.tick().transcript
    assert said == text


def test_the_pace_of_the_session_is_learned():
    spoken = engine()
    spoken.apply(AgentTranscript("x" * 9 + " " + "x" * 10, "a"))
    spoken.apply(audio(4000))
    spoken.apply(SessionEvent("item_done", item_id="a"))
    for _ in range(20):
        spoken.tick()
    spoken.apply(AgentTranscript("aa bb cc dd ee ff gg hh", "b"))
    spoken.apply(audio(1000, "b"))
    said = "".join(spoken.tick().transcript for _ in range(5))
    assert said == "aa bb"  # five characters a second, not fifteen


def test_text_that_comes_after_its_audio_is_said_at_once():
    late = engine()
    late.apply(audio(200))
    late.apply(SessionEvent("item_done", item_id="a"))
    assert late.tick().transcript == ""
    late.apply(AgentTranscript("Hello.", "a"))
    assert late.tick().transcript == "Hello."


def test_a_barge_in_cuts_at_what_was_played():
    cut = engine()
    cut.apply(AgentTranscript("one two three four five six seven eight nine ten", "a"))
    cut.apply(audio(5000))
    for _ in range(6):
        cut.tick()
    cut.apply(UserActivity("speech_started"))
    tick = cut.tick()
    [truncation] = tick.truncations
    assert truncation.played_ms == 1200.0
    assert truncation.dropped_ms == 3800.0
    assert not tick.contains_speech
    assert tick.audio == b"\xff" * TICK
    assert cut.ledger("a").is_cancelled


def test_late_audio_and_text_of_a_cancelled_utterance_are_skipped():
    cut = engine()
    cut.apply(audio(1000))
    cut.tick()
    cut.apply(UserActivity("speech_started"))
    cut.tick()
    cut.apply(audio(1000))
    cut.apply(AgentTranscript("too late", "a"))
    tick = cut.tick()
    assert not tick.contains_speech
    assert tick.transcript == ""
    assert cut.ledger("a").dropped == 800 * 8 + 1000 * 8
    cut.apply(audio(200, "b"))
    assert cut.tick().item_ids == ["b"]


def test_an_utterance_that_was_heard_whole_is_not_truncated():
    whole = engine()
    whole.apply(audio(200))
    whole.apply(SessionEvent("item_done", item_id="a"))
    whole.tick()
    whole.apply(UserActivity("speech_started"))
    assert whole.tick().truncations == []


def test_an_utterance_that_is_still_sent_is_truncated_even_if_nothing_waits():
    sent = engine()
    sent.apply(audio(200))
    sent.tick()
    sent.apply(UserActivity("speech_started"))
    [truncation] = sent.tick().truncations
    assert (truncation.played_ms, truncation.dropped_ms) == (200.0, 0.0)


def test_streams_without_ids_have_utterances_of_our_own():
    plain = engine()
    plain.apply(audio(400, None))
    plain.tick()
    plain.apply(SessionEvent("cancelled"))
    plain.apply(audio(200, None, b"\x22"))
    tick = plain.tick()
    assert [cut.item_id for cut in tick.truncations] == ["item_0"]
    assert tick.item_ids == ["item_1"]
    assert tick.audio == b"\x22" * TICK


def test_the_audio_of_many_utterances_together_is_bounded():
    flooded = engine()
    flooded.apply(audio(19 * 60_000, "a"))
    flooded.apply(SessionEvent("cancelled", item_id="a"))
    flooded.apply(audio(19 * 60_000, "b"))
    flooded.tick()
    with pytest.raises(VoiceSessionFailed, match="more audio than a call can hold"):
        flooded.apply(audio(2 * 60_000, "c"))


def test_a_transcript_of_the_user_is_bounded():
    with pytest.raises(VoiceSessionFailed, match="more text than can be said"):
        engine().apply(UserActivity("transcript", "a" * 100_001))


def test_half_a_sample_waits_for_its_other_half():
    wide = engine(WIDE)
    wide.apply(AgentAudio(b"\x01\x02\x03", "a"))
    wide.apply(AgentAudio(b"\x04", "a"))
    assert wide.tick().audio[:4] == b"\x01\x02\x03\x04"
    wide.apply(AgentAudio(b"\x05", "a"))
    wide.apply(SessionEvent("item_done", item_id="a"))
    wide.apply(AgentAudio(b"\x06\x07", "b"))
    assert wide.tick().audio[:4] == b"\x06\x07\x00\x00"
    assert wide.ledger("a").dropped == 1


def test_calls_are_made_once_and_unreadable_ones_are_refused():
    calls = engine()
    good = ToolCall(id="c1", name="find", arguments={"id": "W1"})
    bad = ToolRequest(ToolCall(id="c2", name="find", arguments={}), problem="not JSON")
    for event in (ToolRequest(good), ToolRequest(good), bad):
        calls.apply(event)
    tick = calls.tick()
    assert tick.tool_calls == [good]
    assert calls.refused == [bad]
    assert "not JSON" in tick.warnings[0]


def test_usage_and_warnings_come_with_the_tick_in_which_they_arrived():
    told = engine()
    told.apply(Usage({"input_tokens": 3}))
    told.apply(SessionEvent("warning", "slow down"))
    tick = told.tick()
    assert tick.usage[0].meters == {"input_tokens": 3}
    assert tick.warnings == ["slow down"]
    assert told.tick().usage == []


@pytest.mark.parametrize(
    ("event", "retryable"),
    [
        (SessionEvent("error", "quota", is_retryable=False), False),
        (SessionEvent("error", "overloaded", is_retryable=True), True),
        (SessionEvent("closed", "bye"), True),
    ],
)
def test_an_error_of_the_provider_ends_the_session(event, retryable):
    with pytest.raises(VoiceSessionFailed, match=event.text) as caught:
        engine().apply(event)
    assert caught.value.is_retryable is retryable


IDS = st.sampled_from(["a", "b", "c", None])
TICK_NOW = "tick"
STEPS = st.one_of(
    st.builds(lambda size, item: AgentAudio(b"\x33" * size, item), st.integers(1, 5000), IDS),
    st.builds(AgentTranscript, st.text(max_size=30), IDS),
    st.builds(lambda item: SessionEvent("item_done", item_id=item), IDS),
    st.builds(lambda item: SessionEvent("cancelled", item_id=item), IDS),
    st.just(UserActivity("speech_started")),
    st.just(TICK_NOW),
)


def all_ticks(made, steps):
    """Play the steps, then everything that is left; return the ticks."""
    ticks = []
    for step in steps:
        if step == TICK_NOW:
            ticks.append(made.tick())
        else:
            made.apply(step)
    left = sum(ledger.waiting for ledger in made.ledgers.values())
    return [*ticks, *(made.tick() for _ in range(2 + left // TICK))]


@settings(max_examples=80, deadline=None)
@given(st.lists(STEPS, max_size=40), st.sampled_from([TELEPHONE, WIDE]))
def test_every_byte_is_played_dropped_or_waiting(steps, audio_format):
    made = TickEngine(200, audio_format)
    ticks = all_ticks(made, steps)
    assert all(len(tick.audio) == audio_format.bytes_of(200) for tick in ticks)
    ledgers = made.ledgers.values()
    sent = sum(len(step.data) for step in steps if isinstance(step, AgentAudio))
    assert sent == sum(ledger.received for ledger in ledgers)
    heard = sum(tick.audio.count(b"\x33") for tick in ticks)
    assert heard == sum(ledger.played for ledger in ledgers)
    # Half a sample may wait for its rest for ever.
    assert all(0 <= ledger.waiting < audio_format.bytes_per_sample for ledger in ledgers)


@settings(max_examples=80, deadline=None)
@given(st.lists(STEPS, max_size=40))
def test_a_truncation_names_exactly_what_was_in_the_ticks_before(steps):
    made = TickEngine(200, TELEPHONE)
    for tick in all_ticks(made, steps):
        for cut in tick.truncations:
            ledger = made.ledger(cut.item_id)
            assert cut.item_id not in tick.item_ids
            assert cut.played_ms == TELEPHONE.milliseconds_of(ledger.played)
            assert cut.played_ms + cut.dropped_ms <= TELEPHONE.milliseconds_of(ledger.received)


@settings(max_examples=80, deadline=None)
@given(st.text(max_size=300), st.lists(st.integers(1, 4000), min_size=1, max_size=20))
def test_the_words_of_all_ticks_are_the_text(text, sizes):
    made = TickEngine(200, TELEPHONE)
    steps = [AgentTranscript(text, "a"), *(AgentAudio(b"\x33" * size, "a") for size in sizes)]
    ticks = all_ticks(made, [*steps, TICK_NOW, SessionEvent("item_done", item_id="a")])
    assert "".join(tick.transcript for tick in ticks) == text
