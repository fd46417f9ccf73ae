"""The interaction metrics of calls that are drawn tick by tick; expected values are by hand."""

from __future__ import annotations

import pytest
from tests.calls import a_call
from tests.unit.report.conftest import a_run, some_results

from tau2.data_model.message import Tick, UserMessage
from tau2.metrics.interaction import (
    Event,
    EventKind,
    InteractionMetrics,
    NoVoiceTicksError,
    Windows,
    call_metrics,
    events_of,
    metrics_of_events,
    run_metrics,
)


def kinds(user: str, agent: str) -> list[str]:
    """Return what happened in a call, in order."""
    return [event.kind.value for event in events_of(a_call(user, agent))]


def measured(user: str, agent: str) -> InteractionMetrics:
    return call_metrics(a_call(user, agent))


@pytest.mark.parametrize("seconds", [0.0, -1.0, 5e-324, 1e308, float("inf"), float("nan")])
def test_a_file_whose_ticks_have_no_length_is_measured_at_the_usual_one(seconds):
    ticks = a_call("uuuu ..... .....", ".... ..... aaaaa")
    for tick in ticks:
        tick.tick_duration_seconds = seconds

    assert call_metrics(ticks).response_latency_mean == pytest.approx(1.0)


# --- responses ------------------------------------------------------------------------------------


def test_the_latency_is_the_silence_between_the_end_of_a_turn_and_the_answer():
    # The user is silent from tick 4, the agent speaks from tick 9: 5 ticks of 0.2 s.
    found = measured("uuuu ..... .....", ".... ..... aaaaa")

    assert found.response_latency_mean == pytest.approx(1.0)
    assert found.response_rate == 1.0
    assert found.counts.response_total == 1


def test_a_turn_that_the_user_has_to_repeat_has_no_response():
    # Turn 1 is answered after 2 ticks, turn 2 never: the user speaks again; turn 3 after 4 ticks.
    user = "uuu.. ..... uu.... uu.... ..."
    agent = "..... aaaaa ...... ...... aaa"

    found = measured(user, agent)

    assert found.counts.response_total == 3
    assert found.response_rate == pytest.approx(2 / 3)
    assert found.response_latency_mean == pytest.approx((2 + 4) * 0.2 / 2)


def test_the_last_turn_of_a_call_waits_for_nobody():
    assert measured("uuu.... uuu...", "....aaa ......").counts.response_total == 1


def test_a_turn_into_which_the_agent_is_still_speaking_is_no_turn_to_answer():
    # The user interrupts and stops again, while the agent goes on.
    assert "response" not in kinds("...uuu......", "aaaaaaaaaa..")


def test_a_turn_that_took_the_floor_by_interrupting_is_answered_like_any_other():
    assert kinds("...uuuu....", "aaaaa....aa") == ["yield", "response"]


# --- yielding -------------------------------------------------------------------------------------


def test_yielding_is_timed_from_the_beginning_of_the_interruption():
    # The user breaks in at tick 5, the agent is silent from tick 8.
    found = measured(".....uuuuuuu....", "aaaaaaaa.....aaa")

    assert found.yield_latency_mean == pytest.approx(0.6)
    assert found.yield_rate == 1.0


@pytest.mark.parametrize(("silent_after", "yields"), [(9, True), (10, False)])
def test_two_seconds_of_talking_on_are_no_yielding(silent_after, yields):
    user = "..." + "u" * 20
    agent = ("a" * (3 + silent_after)).ljust(23, ".")

    found = measured(user, agent)

    assert found.yield_rate == (1.0 if yields else 0.0)
    assert found.yield_latency_mean == (pytest.approx(1.8) if yields else None)


def test_the_one_tick_in_which_the_user_hangs_up_interrupts_nobody():
    assert kinds("..........u", "aaaaaaaaaaa") == []
    assert kinds(".........uu", "aaaaaaaaaaa") == ["no_yield"]


# --- interruptions by the agent -------------------------------------------------------------------


def test_an_agent_that_starts_while_the_user_speaks_interrupts():
    # Two turns are answered; within the second the agent begins twice.
    user = "uuu....... uuuuuuuuuu .... ...."
    agent = ".....aa... ..aa..aa.. .aaa ...."

    found = measured(user, agent)

    assert found.counts.agent_interrupts_count == 2
    assert found.counts.response_total == 2
    assert found.agent_interruption_rate == 1.0


# --- selectivity ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("goes_on", "value"), [(4, 0.0), (5, 1.0)])
def test_an_agent_goes_on_through_a_backchannel_for_a_second(goes_on, value):
    agent = ("a" * (3 + goes_on)).ljust(12, ".")

    found = measured("...bb.......", agent)

    assert found.selectivity_backchannel == value
    assert found.counts.backchannel_total == 1
    assert found.yield_rate is None


def test_a_tic_while_the_agent_speaks_is_no_interruption():
    assert kinds("...tt.........", "aaaaaaaaaaaaaa") == ["vocal_tic_correct"]
    assert kinds("...nn.........", "aaaaa.........") == ["non_directed_error"]


@pytest.mark.parametrize(("at", "kind"), [(14, "vocal_tic_error"), (15, "vocal_tic_correct")])
def test_an_answer_to_a_tic_within_two_seconds_is_an_error(at, kind):
    # The tic ends at tick 4 (exclusive); two seconds later is tick 14.
    user = "..tt".ljust(20, ".")
    agent = ("." * at + "aa").ljust(20, ".")

    assert kind in kinds(user, agent)


def test_effects_outside_of_speech_count_as_well():
    assert kinds("...TT...........", "................") == ["vocal_tic_correct"]
    assert kinds("...NN...........", "......aa........") == ["non_directed_error"]


def test_an_effect_outside_of_speech_that_silences_the_agent_is_an_error():
    assert kinds("...T........", "aaaaaa......") == ["vocal_tic_error"]


def test_talking_through_an_effect_outside_of_speech_is_counted_apart():
    """The published panel has no event for it: its figures would be others."""
    found = measured("...T........", "aaaaaaaaaaaa")

    assert found.counts.vocal_tic_total == 0
    assert found.counts.out_of_turn_talked_through == 1


def test_a_burst_of_noise_is_nothing_to_ignore_or_to_answer():
    assert kinds("...*........", "aaaaaa......") == []


def test_effects_are_read_in_the_form_of_the_public_trajectories_too():
    ticks = a_call("...uu.........", "aaaaaaaaaaaaaa")
    insert = {"speech_insert": {"type": "vocal_tic", "text": ".[cough]"}}
    for tick in ticks[3:5]:
        assert tick.user_chunk is not None
        tick.user_chunk.speech_effects = insert

    assert [event.kind.value for event in events_of(ticks)] == ["vocal_tic_correct"]


# --- the whole panel ------------------------------------------------------------------------------


def test_a_whole_call_has_every_metric():
    """One line per second, so that the times can be counted."""
    parts = [
        ("uuuuu", "....."),
        ("...uu", ".aaaa"),  # answered after 1 tick; an interruption at tick 8 ...
        ("uuu..", "aa..."),  # ... yielded to after 4 ticks
        (".....", "..aaa"),  # answered after 4 ticks (13 → 17)
        ("bb...", "aaaaa"),  # talked through
        ("..tt.", "aaaaa"),  # talked through
        (".....", "a...."),  # silent before a second has passed: 22 + 5 > 26 → ...
        ("..N..", "....."),  # a phrase to someone else
        (".....", "....."),
        (".....", "....."),  # not answered
        ("uuuuu", "....."),
        (".....", ".aaaa"),  # answered after 1 tick (55 → 56)
        ("uuuuu", "....a"),  # the agent begins in the last tick of the user's turn
        (".....", "aaaaa"),
    ]
    found = measured("".join(user for user, _ in parts), "".join(agent for _, agent in parts))

    assert found.counts.response_total == 3
    assert found.response_latency_mean == pytest.approx((1 + 4 + 1) * 0.2 / 3)
    assert found.response_rate == 1.0
    assert found.yield_latency_mean == pytest.approx(0.8)
    assert found.yield_rate == 1.0
    assert found.agent_interruption_rate == pytest.approx(1 / 3)
    assert found.selectivity_backchannel == 1.0
    assert found.selectivity_vocal_tic == 0.0
    assert found.selectivity_non_directed == 1.0


def test_windows_follow_the_length_of_a_tick():
    ticks = a_call("...uuuuuuuuuuuuuuuuuuuuuuuuu", "aaaaaaaaaaaaaaaaaaaaa.......", tick_seconds=0.1)

    (event,) = events_of(ticks)

    assert event.kind is EventKind.YIELD
    assert event.latency == pytest.approx(1.8)


def test_a_window_can_be_changed():
    ticks = a_call("...bb.......", "aaaaaaa.....")

    assert call_metrics(ticks).selectivity_backchannel == 0.0
    assert call_metrics(ticks, Windows(backchannel_yield=0.6)).selectivity_backchannel == 1.0


def test_silence_and_missing_chunks_measure_nothing():
    ticks = [Tick(tick_id=0, timestamp="t"), Tick(tick_id=1, timestamp="t", user_chunk=None)]

    assert events_of(ticks) == []
    assert call_metrics([]).response_rate is None


def test_effects_of_any_shape_are_read_without_an_error():
    for junk in (None, 3, "x", [3, None, {}], {"effect_type": 7}, {"events": "no"}, [[[]]]):
        chunk = UserMessage(content="u", contains_speech=True, speech_effects=junk)
        assert events_of([Tick(tick_id=0, timestamp="t", user_chunk=chunk)]) == []


# --- runs -----------------------------------------------------------------------------------------


def spoken(task_id: str, user: str, agent: str):
    return a_run(task_id, ticks=a_call(user, agent))


def test_a_run_is_measured_over_all_its_calls():
    results = some_results(
        spoken("one", "uuu...........", "....aaaaaaaaaa"),
        spoken("two", "uuu...........", "......aaaaaaaa"),
        a_run("text only"),
    )

    panel = run_metrics(results)

    assert panel.metrics.counts.n_simulations == 2
    assert panel.metrics.response_latency_mean == pytest.approx((1 + 3) * 0.2 / 2)
    low, high = panel.intervals["response_latency_mean"]
    assert low < 0.4 < high


def test_a_figure_of_few_events_is_named_as_such():
    panel = run_metrics(some_results(spoken("one", "uuu.....", "....aaaa")))

    assert panel.metrics.events_behind("response_rate") == 1
    assert "response_rate" in panel.metrics.too_few()


def test_ten_events_are_enough():
    event = Event(EventKind.RESPONSE, 0, 0.0, 1.0)
    metrics = metrics_of_events([event] * 10, n_simulations=1)

    assert metrics.too_few() == ["yield_latency_mean", "yield_rate", "selectivity_backchannel",
                                 "selectivity_vocal_tic", "selectivity_non_directed"]  # fmt: skip


def test_a_latency_stands_on_the_answered_turns_only():
    answered = [Event(EventKind.RESPONSE, 0, 0.0, 1.0)] * 5
    unanswered = [Event(EventKind.NO_RESPONSE, 0, 0.0)] * 5

    metrics = metrics_of_events(answered + unanswered, n_simulations=1)

    assert metrics.events_behind("response_latency_mean") == 5
    assert metrics.events_behind("response_rate") == 10


def test_a_text_run_has_no_interaction_metrics():
    with pytest.raises(NoVoiceTicksError, match="no spoken simulation"):
        run_metrics(some_results(a_run("one"), a_run("two")))
