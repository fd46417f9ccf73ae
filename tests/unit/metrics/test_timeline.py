"""The timeline of calls that are drawn tick by tick."""

from __future__ import annotations

from tests.calls import a_call, with_call

from tau2.data_model.message import AssistantMessage, Tick
from tau2.metrics.timeline import Span, timeline_of


def spans(found: list[Span]) -> list[tuple[int, int]]:
    return [(span.start, span.end) for span in found]


def test_segments_overlaps_and_silences_lie_where_they_were_drawn():
    timeline = timeline_of(a_call("uuu.....bb......uuu.", ".....aaaaaaaa..aaa.."))

    assert spans(timeline.user) == [(0, 3), (8, 10), (16, 19)]
    assert spans(timeline.agent) == [(5, 13), (15, 18)]
    assert spans(timeline.overlaps()) == [(8, 10), (16, 18)]
    assert spans(timeline.silences()) == [(3, 5), (13, 15), (19, 20)]
    assert spans(timeline.silences(at_least_seconds=0.4)) == [(3, 5), (13, 15)]
    assert timeline.seconds == 4.0


def test_a_segment_says_how_it_begins_and_ends():
    timeline = timeline_of(a_call("uuu.....bb......", ".....aaaaaxaa..."))

    turn, backchannel = timeline.user
    assert not turn.starts_over_other
    assert not turn.is_backchannel
    assert backchannel.is_backchannel
    assert backchannel.starts_over_other
    assert backchannel.ends_under_other
    assert turn.text == "you you you "
    assert timeline.agent[0].is_cut_off
    assert [cut.tick for cut in timeline.cuts] == [10]


def test_a_turn_without_a_pause_behind_a_backchannel_is_a_segment_of_its_own():
    timeline = timeline_of(a_call("....bbuuu..", "aaaaaa....."))

    backchannel, turn = timeline.user
    assert backchannel.is_backchannel
    assert not turn.is_backchannel
    assert spans(timeline.user) == [(4, 6), (6, 9)]
    assert turn.text == "you you you "


def test_effects_last_from_their_first_to_their_last_tick():
    timeline = timeline_of(a_call("uutt.**..T..T", "............."))

    found = [(one.effect.kind, one.start, one.end) for one in timeline.effects]
    assert found == [("vocal_tic", 2, 4), ("burst_noise", 5, 7), ("vocal_tic", 9, 10),
                     ("vocal_tic", 12, 13)]  # fmt: skip
    assert timeline.user[0].effects == {"vocal_tic"}


def test_an_effect_of_the_whole_call_is_not_one_of_its_first_tick():
    ticks = a_call("...", "...")
    assert ticks[0].user_chunk is not None
    ticks[0].user_chunk.channel_effects = [
        {"effect_type": "telephony", "start_ms": 0.0, "end_ms": None},
        {"effect_type": "frame_drop", "start_ms": 20.0, "end_ms": 60.0},
    ]

    assert [one.effect.kind for one in timeline_of(ticks).effects] == ["packet_loss"]


def test_tool_calls_are_found_with_their_results():
    ticks = a_call("uuu.......", ".....aaaaa")
    with_call(ticks, 4, failed=True)

    (made,) = timeline_of(ticks).calls
    assert (made.tick, made.call.name) == (4, "look")
    assert made.result is not None
    assert made.result.error


def test_a_result_of_the_next_tick_belongs_to_its_call():
    ticks = a_call("uuu.......", ".....aaaaa")
    with_call(ticks, 4)
    ticks[5].agent_tool_results = ticks[4].agent_tool_results
    ticks[4].agent_tool_results = []

    (made,) = timeline_of(ticks).calls
    assert made.result is not None
    assert made.result.content == "pending"


def test_what_the_agent_understood_is_kept_with_its_tick():
    ticks = a_call("uuu...", "......")
    ticks[4].user_transcript = "you you you"

    (heard,) = timeline_of(ticks).heard
    assert (heard.tick, heard.text) == (4, "you you you")


def test_what_a_provider_reports_is_read_too():
    ticks = a_call("uuu...", "...aaa")
    assert ticks[4].agent_chunk is not None
    ticks[4].agent_chunk.raw_data = {
        "user_activity": [
            {"kind": "speech_started", "text": ""}, {"kind": "transcript", "text": " you "}
        ],
        "truncations": [{"item_id": "1", "played_ms": 400.0, "dropped_ms": 1250.0}],
    }  # fmt: skip

    timeline = timeline_of(ticks)

    assert [(one.tick, one.text) for one in timeline.heard] == [(4, "you")]
    assert [(cut.tick, cut.dropped_ms) for cut in timeline.cuts] == [(4, 1250.0)]
    assert timeline.agent[0].is_cut_off


def test_words_that_come_after_the_sound_belong_to_it():
    ticks = a_call("......", ".aa...")
    assert ticks[4].agent_chunk is not None
    ticks[4].agent_chunk.content = "late"

    assert timeline_of(ticks).agent[0].text == "word word late"


def test_ticks_of_the_public_format_are_read():
    """There the agent's words are in the raw data, and a tick does not say how long it is."""
    chunk = AssistantMessage(raw_data={"proportional_transcript": "Hello", "was_truncated": True})
    timeline = timeline_of([Tick(tick_id=0, timestamp="t", agent_chunk=chunk)])

    assert timeline.tick_seconds == 0.2
    assert timeline.agent[0].text == "Hello"
    assert timeline.agent[0].is_cut_off


def test_nothing_is_no_call():
    timeline = timeline_of([])

    assert timeline.segments == []
    assert timeline.silences() == []
    assert timeline.overlaps() == []


def test_speech_may_be_cut_off_in_the_silent_tick_behind_it():
    ticks = a_call("..uuu.", "aaa...")
    assert ticks[3].agent_chunk is not None
    ticks[3].agent_chunk.raw_data = {"truncations": [{"dropped_ms": 400.0}]}

    timeline = timeline_of(ticks)

    assert timeline.agent[0].is_cut_off
    assert [(cut.tick, cut.dropped_ms) for cut in timeline.cuts] == [(3, 400.0)]
