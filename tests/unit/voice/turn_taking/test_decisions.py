"""Interruptions and backchannels are decided by rule or by a model."""

from __future__ import annotations

from dataclasses import replace

from tau2.voice.turn_taking.decisions import (
    ModelAnswer,
    ModelDecider,
    RuleDecider,
    Scene,
    goes_on_after,
)
from tau2.voice.turn_taking.language import load_pack
from tau2.voice.turn_taking.policy import Question

SCENE = Scene(
    tick=30,
    tick_seconds=0.2,
    other_talk_seconds=6.0,
    without_backchannel_seconds=6.0,
    heard="Which order is it? You can find the",
    conversation="agent: Which order is it? You can find the",
)


def share(decider: RuleDecider, question: Question, scene: Scene, ticks: int) -> float:
    scenes = (replace(scene, tick=tick) for tick in range(ticks))
    return sum(decider.answer(question, scene).yes for scene in scenes) / ticks


class TestRule:
    def test_backchannels_come_at_the_rate_of_the_configuration(self) -> None:
        found = share(RuleDecider(seed=1), Question.BACKCHANNEL, SCENE, 20_000)
        assert abs(found / 0.2 - 0.1) < 0.01  # one in ten seconds

    def test_after_the_longest_time_there_is_always_one(self) -> None:
        long_talk = replace(SCENE, without_backchannel_seconds=12.0)
        assert share(RuleDecider(seed=1), Question.BACKCHANNEL, long_talk, 20) == 1
        after_one = replace(SCENE, other_talk_seconds=20.0, without_backchannel_seconds=4.0)
        assert share(RuleDecider(seed=1), Question.BACKCHANNEL, after_one, 20) < 0.5

    def test_the_same_tick_of_the_same_call_is_answered_the_same(self) -> None:
        ticks = [replace(SCENE, tick=tick) for tick in range(500)]
        once = [RuleDecider(seed=7).answer(Question.BACKCHANNEL, scene).yes for scene in ticks]
        again = [RuleDecider(seed=7).answer(Question.BACKCHANNEL, scene).yes for scene in ticks]
        other = [RuleDecider(seed=8).answer(Question.BACKCHANNEL, scene).yes for scene in ticks]
        assert once == again != other

    def test_a_caller_breaks_in_on_who_goes_on_after_a_question(self) -> None:
        eager = RuleDecider(seed=1, interruption_rate=1e6)
        assert eager.answer(Question.INTERRUPT, SCENE).yes
        for heard in ("Which order is", "Which order is it?", "One moment, please. I look", ""):
            assert not eager.answer(Question.INTERRUPT, replace(SCENE, heard=heard)).yes
        soon = replace(SCENE, other_talk_seconds=2.0)
        assert not eager.answer(Question.INTERRUPT, soon).yes

    def test_or_on_who_has_no_end(self) -> None:
        eager = RuleDecider(seed=1, interruption_rate=1e6)
        long_talk = replace(SCENE, heard="It has shipped. It left", other_talk_seconds=12.0)
        assert eager.answer(Question.INTERRUPT, long_talk).yes

    def test_what_goes_on(self) -> None:
        assert goes_on_after("It costs $5.20. Would you") == "It costs $5.20. "
        assert not goes_on_after("It costs $5.20")
        assert not goes_on_after("Is that right?")
        assert not goes_on_after("")


class TestModel:
    def test_it_is_shown_the_call_and_answers_with_a_word(self) -> None:
        asked: list[tuple[str, str]] = []

        def ask(system: str, prompt: str) -> ModelAnswer:
            asked.append((system, prompt))
            return ModelAnswer("YES", cost=0.002)

        verdict = ModelDecider(ask, load_pack("en")).answer(Question.INTERRUPT, SCENE)
        assert verdict.yes
        assert verdict.cost == 0.002
        assert verdict.seconds >= 0
        system, prompt = asked[0]
        assert "YES or NO" in system
        assert SCENE.conversation in prompt

    def test_an_answer_that_is_neither_counts_as_no(self) -> None:
        decider = ModelDecider(lambda _system, _prompt: ModelAnswer("Hm."), load_pack("en"))
        assert not decider.answer(Question.BACKCHANNEL, SCENE).yes

    def test_it_is_asked_in_the_callers_language(self) -> None:
        german = ModelDecider(lambda _system, _prompt: ModelAnswer("Ja"), load_pack("de"))
        assert german.answer(Question.BACKCHANNEL, SCENE).yes
