"""Who speaks when: single situations, and laws that hold for every course of a call."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tau2.data_model.audio import AudioNativeConfig
from tau2.voice.turn_taking.policy import (
    Action,
    Activity,
    Answers,
    Question,
    Reason,
    Situation,
    Thresholds,
    TurnTakingPolicy,
)

LIMITS = Thresholds()
POLICY = TurnTakingPolicy(LIMITS)
EAGER = TurnTakingPolicy(LIMITS, interrupts=True, backchannels=True)
SPEAKING = Situation(is_speaking=True)
LISTENING = Situation(has_heard=True)


def lived(course: str, policy: TurnTakingPolicy = POLICY) -> Activity:
    """Return the activity after a course of ticks: s (self), o (other), b (both), . (nobody)."""
    activity = Activity()
    for tick in course:
        activity = policy.observe(activity, self_talks=tick in "sb", other_talks=tick in "ob")
    return activity


class TestThresholds:
    def test_one_second_is_five_ticks_of_a_fifth(self) -> None:
        assert LIMITS.ticks(1.0) == 5

    def test_a_threshold_between_two_ticks_is_reached_at_the_later_one(self) -> None:
        assert Thresholds(tick=0.4).ticks(1.0) == 3

    def test_floating_point_adds_no_tick(self) -> None:
        assert [Thresholds(tick=0.1).ticks(n / 10) for n in range(1, 60)] == list(range(1, 60))

    def test_they_are_those_of_the_run(self) -> None:
        config = AudioNativeConfig(
            tick_duration_seconds=0.1, yield_threshold_when_interrupted_seconds=0.7
        )
        limits = Thresholds.of(config)
        assert limits.ticks(limits.yield_interrupted) == 7
        assert limits.ticks(limits.wait_self) == 50


class TestYielding:
    def test_an_interrupted_speaker_stops_after_one_second(self) -> None:
        assert POLICY.decide(lived("ssss" + "b" * 4), SPEAKING).action is Action.KEEP_TALKING
        decision = POLICY.decide(lived("ssss" + "b" * 5), SPEAKING)
        assert decision.action is Action.STOP_TALKING
        assert decision.reason is Reason.YIELDS

    def test_who_has_interrupted_holds_out_for_five_seconds(self) -> None:
        assert POLICY.decide(lived("oo" + "b" * 24), SPEAKING).action is Action.KEEP_TALKING
        decision = POLICY.decide(lived("oo" + "b" * 25), SPEAKING)
        assert decision.action is Action.STOP_TALKING
        assert decision.reason is Reason.YIELDS_OWN

    def test_a_short_sound_of_the_other_makes_nobody_yield(self) -> None:
        assert POLICY.decide(lived("sssbbssss"), SPEAKING).action is Action.KEEP_TALKING

    def test_the_result_of_a_tool_is_told_against_an_interruption(self) -> None:
        telling = Situation(is_speaking=True, tells_result=True)
        assert POLICY.decide(lived("s" + "b" * 10), telling).action is Action.KEEP_TALKING

    def test_a_gap_within_the_others_sentence_does_not_reset_the_count(self) -> None:
        decision = POLICY.decide(lived("ssbbsbb"), SPEAKING)
        assert decision.action is Action.STOP_TALKING


class TestTakingTheTurn:
    def test_after_one_second_of_silence_of_the_other(self) -> None:
        assert POLICY.decide(lived("o" * 20 + "." * 4), LISTENING).action is Action.WAIT
        decision = POLICY.decide(lived("o" * 20 + "." * 5), LISTENING)
        assert decision == (decision.__class__)(Action.GENERATE_MESSAGE, Reason.OTHER_SILENT)

    def test_not_before_five_seconds_after_ones_own_words(self) -> None:
        course = "sss" + "ooo" + "." * 21
        assert POLICY.decide(lived(course), LISTENING).action is Action.WAIT
        assert POLICY.decide(lived(course + "."), LISTENING).action is Action.GENERATE_MESSAGE

    def test_a_result_is_told_at_once_even_while_the_other_talks(self) -> None:
        has_result = Situation(has_result=True, has_heard=True)
        decision = POLICY.decide(lived("oooo"), has_result)
        assert decision.action is Action.GENERATE_MESSAGE
        assert decision.reason is Reason.TOOL_RESULT

    def test_nothing_is_said_while_a_tool_runs(self) -> None:
        running = Situation(awaits_result=True, has_heard=True)
        assert POLICY.decide(lived("o" + "." * 60), running).action is Action.WAIT

    def test_who_is_not_answered_asks_and_then_waits_twice_as_long(self) -> None:
        silent = lived("sss" + "." * 40)
        assert POLICY.decide(silent, Situation()).reason is Reason.UNANSWERED
        assert POLICY.decide(silent, Situation(reminders=1)).action is Action.WAIT
        longer = lived("sss" + "." * 80)
        assert POLICY.decide(longer, Situation(reminders=1)).reason is Reason.UNANSWERED

    def test_a_caller_begins_where_nobody_does(self) -> None:
        assert POLICY.decide(lived("." * 14), Situation()).action is Action.WAIT
        assert POLICY.decide(lived("." * 15), Situation()).reason is Reason.OPENS


class TestWhileTheOtherTalks:
    def test_questions_are_asked_every_two_seconds(self) -> None:
        asked = [n for n in range(1, 41) if EAGER.questions(lived("o" * n), Situation())]
        by_model = TurnTakingPolicy(
            LIMITS, interrupts=True, backchannels=True, asks_each_tick=False
        )
        rare = [n for n in range(1, 41) if by_model.questions(lived("o" * n), Situation())]
        assert asked == [10, *range(15, 41)]
        assert rare == [10, 20, 30, 40]

    def test_no_backchannel_before_three_seconds_nor_soon_after_the_last(self) -> None:
        long_talk = lived("o" * 40)
        assert Question.BACKCHANNEL in EAGER.questions(long_talk, Situation())
        soon = Situation(since_backchannel=14)
        assert Question.BACKCHANNEL not in EAGER.questions(long_talk, soon)
        later = Situation(since_backchannel=15)
        assert Question.BACKCHANNEL in EAGER.questions(long_talk, later)

    def test_nobody_breaks_in_right_after_ones_own_words(self) -> None:
        soon = lived("s" + "o" * 20)
        later = lived("s" + "o" * 30)
        assert Question.INTERRUPT not in EAGER.questions(soon, Situation())
        assert Question.INTERRUPT in EAGER.questions(later, Situation())

    def test_an_interruption_wins_over_a_backchannel(self) -> None:
        both = Answers(interrupt=True, backchannel=True)
        assert EAGER.decide(lived("o" * 20), Situation(), both).action is Action.INTERRUPT

    def test_a_patient_caller_is_not_even_asked(self) -> None:
        assert not POLICY.questions(lived("o" * 40), Situation())
        both = Answers(interrupt=True, backchannel=True)
        assert POLICY.decide(lived("o" * 40), Situation(), both).action is Action.WAIT


COURSES = st.text(alphabet="sob.", max_size=120)
SITUATIONS = st.builds(
    Situation,
    is_speaking=st.booleans(),
    never_yields=st.booleans(),
    tells_result=st.booleans(),
    awaits_result=st.booleans(),
    has_result=st.booleans(),
    has_heard=st.booleans(),
    reminders=st.integers(0, 3),
    since_backchannel=st.none() | st.integers(0, 60),
)
ANSWERS = st.builds(Answers, interrupt=st.booleans(), backchannel=st.booleans())


class TestLaws:
    @given(COURSES, SITUATIONS, ANSWERS)
    @settings(max_examples=200, deadline=None)
    def test_what_is_decided_fits_what_one_is_doing(
        self, course: str, situation: Situation, answers: Answers
    ) -> None:
        action = EAGER.decide(lived(course), situation, answers).action
        speaking = {Action.KEEP_TALKING, Action.STOP_TALKING}
        assert (action in speaking) == situation.is_speaking
        if situation.never_yields:
            assert action is not Action.STOP_TALKING
        if action in {Action.INTERRUPT, Action.BACKCHANNEL}:
            assert lived(course).other_talk > 0

    @given(COURSES, st.integers(1, 40))
    @settings(max_examples=200, deadline=None)
    def test_a_speaker_yields_by_the_threshold_and_one_tick(
        self, course: str, overlap: int
    ) -> None:
        """However the call went before, who is talked over for longer than that is silent."""
        activity = lived(course + "s" + "b" * overlap)
        action = EAGER.decide(activity, SPEAKING).action
        limit = LIMITS.yield_interrupting if activity.began_overlap else LIMITS.yield_interrupted
        if overlap >= LIMITS.ticks(limit) + 1:
            assert action is Action.STOP_TALKING

    @given(COURSES, ANSWERS)
    @settings(max_examples=200, deadline=None)
    def test_the_turn_is_taken_only_in_silence_that_was_long_enough(
        self, course: str, answers: Answers
    ) -> None:
        activity = lived(course + ".")
        if EAGER.decide(activity, LISTENING, answers).action is Action.GENERATE_MESSAGE:
            assert "o" not in course[-4:]
            assert "s" not in course[-24:]

    @given(COURSES)
    @settings(max_examples=100, deadline=None)
    def test_counts_agree_with_the_course(self, course: str) -> None:
        activity = lived(course)
        assert activity.tick == len(course)
        assert (activity.self_silence is None) == (not set(course) & set("sb"))
        assert (activity.self_talk > 0) == (course[-1:] in {"s", "b"})
        assert activity.overlap <= activity.self_talk
        assert activity.overlap <= activity.other_talk
