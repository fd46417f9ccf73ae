"""A caller is made from the settings of a run."""

from __future__ import annotations

import pytest
from tests.voice_cast import TICK, TextScript

from tau2.data_model.audio import (
    AudioNativeConfig,
    SynthesisConfig,
    TranscriptionConfig,
    VoiceChoice,
    VoiceSettings,
)
from tau2.errors import UnknownName
from tau2.llm import register_script
from tau2.voice.caller.build import make_voice_user
from tau2.voice.caller.effects import effect_settings
from tau2.voice.caller.hearing import TranscriptEar
from tau2.voice.caller.recognition import RecognitionEar
from tau2.voice.complexity import sample_voice_config
from tau2.voice.speech.protocols import Voice
from tau2.voice.turn_taking.decisions import Scene
from tau2.voice.turn_taking.policy import Question
from tau2.voice.user import VoiceStreamingUser

TONES = VoiceSettings(synthesis_config=SynthesisConfig(provider="tone"))
SCENE = Scene(10, 0.2, 20.0, 20.0, "It is late. It", "agent: It is late. It")


def caller(level: str = "regular", **config: object) -> VoiceStreamingUser:
    return make_voice_user(
        TextScript(["Hello."]),
        AudioNativeConfig(**config),  # type: ignore[arg-type]
        settings=TONES,
        sampled=sample_voice_config(7, complexity=level),  # type: ignore[arg-type]
        seed=7,
    )


class TestLine:
    def test_a_control_call_is_a_clean_line(self) -> None:
        settings = effect_settings(caller("control").environment)
        assert settings == type(settings)()

    def test_a_regular_call_has_noise_bursts_muffling_and_loss(self) -> None:
        user = caller()
        settings = effect_settings(user.environment)
        assert settings.background == user.environment.background_noise_file
        assert settings.background_snr == 15
        assert settings.bursts == tuple(user.environment.burst_noise_files)
        assert settings.bursts_per_minute == 1
        assert settings.muffling_probability == 0.2
        assert (settings.loss_rate, settings.loss_burst_ms) == (0.02, 100)

    @pytest.mark.parametrize("seed", range(12))
    def test_every_noise_that_is_drawn_exists(self, seed: int) -> None:
        effect_settings(sample_voice_config(seed).to_speech_environment(seed))

    def test_it_is_as_long_as_the_ticks_of_the_run(self) -> None:
        user = caller("control", tick_duration_seconds=0.1)
        chunk, _ = user.get_next_chunk(user.get_init_state())
        assert len(chunk.audio_content) == len(TICK) // 2


class TestBehavior:
    def test_a_patient_caller_neither_interrupts_nor_says_mm_hmm(self) -> None:
        policy = caller("control").policy
        assert not policy.interrupts
        assert not policy.backchannels

    def test_the_thresholds_are_those_of_the_run(self) -> None:
        policy = caller(wait_to_respond_threshold_other_seconds=0.4).policy
        assert policy.interrupts
        assert policy.backchannels
        assert policy.asks_each_tick
        assert policy.thresholds.wait_other == 0.4

    def test_the_decision_model_is_asked_like_any_other_model(self) -> None:
        asked: list[str] = []

        def decide(messages: object, _tools: object, _args: object) -> str:
            asked.append(str(messages))
            return "NO" if len(asked) > 1 else "YES"

        with register_script("decides", decide):
            user = caller(decision_model="scripted/decides")
            assert not user.policy.asks_each_tick
            assert user._decider.answer(Question.INTERRUPT, SCENE).yes
            assert not user._decider.answer(Question.BACKCHANNEL, SCENE).yes
        assert "It is late." in asked[0]

    def test_backchannels_may_be_left_to_chance_all_the_same(self) -> None:
        user = caller(decision_model="scripted/never_asked", use_llm_backchannel=False)
        assert user.policy.asks_each_tick
        assert user._decider.answer(Question.BACKCHANNEL, SCENE).yes  # 12 seconds have passed


class TestVoice:
    def test_it_is_the_personas_unless_the_run_names_one(self) -> None:
        user = caller()
        assert user.voice == user.persona.voice("tone")
        chosen = TONES.model_copy(
            update={
                "synthesis_config": SynthesisConfig(provider="tone", voice=VoiceChoice(speed=1.2))
            }
        )
        assert make_voice_user(TextScript([]), settings=chosen).voice == Voice(speed=1.2)

    def test_the_record_names_the_synthesizer(self) -> None:
        assert caller().speech_environment.synthesizer == "tone"
        assert not caller().speech_environment.is_official_voice

    def test_what_it_says_besides_is_in_the_language_of_the_run(self) -> None:
        german = TONES.model_copy(
            update={"transcription_config": TranscriptionConfig(language="de")}
        )
        user = make_voice_user(TextScript([]), settings=german)
        assert "verstehe" in user.backchannels
        with pytest.raises(UnknownName, match="no language pack named 'fr'"):
            make_voice_user(TextScript([]), settings=german, language="fr")

    def test_an_unknown_synthesizer_is_refused(self) -> None:
        other = VoiceSettings(synthesis_config=SynthesisConfig(provider="tonne"))
        with pytest.raises(UnknownName, match="did you mean 'tone'"):
            make_voice_user(TextScript([]), settings=other)


class TestHearing:
    def test_a_caller_hears_the_transcript_unless_the_run_says_otherwise(self) -> None:
        assert isinstance(caller().get_init_state().ear, TranscriptEar)

    def test_or_what_is_recognized(self) -> None:
        recognizing = VoiceSettings(
            user_hears="recognition",
            synthesis_config=SynthesisConfig(provider="tone"),
            transcription_config=TranscriptionConfig(provider="tone"),
        )
        user = make_voice_user(TextScript([]), settings=recognizing)
        assert isinstance(user.get_init_state().ear, RecognitionEar)
