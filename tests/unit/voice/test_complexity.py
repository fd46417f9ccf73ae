"""Eight levels of difficulty, and the callers that are drawn for a task."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tau2.data_model.persona import InterruptTendency
from tau2.errors import UnknownName
from tau2.voice.complexity import (
    LEVELS,
    EffectsConfig,
    SourceEffectsConfig,
    SpeechEnvironment,
    sample_voice_config,
)
from tau2.voice.personas import DEFAULT_PERSONA_NAME, PERSONAS, persona_named, personas_of
from tau2.voice.speech.protocols import Voice


class TestLevels:
    @pytest.mark.parametrize(
        ("level", "accents", "audio", "behavior", "loss"),
        [
            ("control", False, False, False, 0.0),
            ("regular", True, True, True, 0.02),
            ("control_audio", False, True, False, 0.005),
            ("control_accents", True, False, False, 0.0),
            ("control_behavior", False, False, True, 0.0),
            ("control_audio_accents", True, True, False, 0.005),
            ("control_audio_behavior", False, True, True, 0.005),
            ("control_accents_behavior", True, False, True, 0.0),
        ],
    )
    def test_what_a_level_switches_on(
        self, level: str, accents: bool, audio: bool, behavior: bool, loss: float
    ) -> None:
        drawn = sample_voice_config(300, complexity=level)  # type: ignore[arg-type]
        assert persona_named(drawn.persona_name).complexity == ("regular" if accents else "control")
        assert drawn.source_effects_config.enable_background_noise is audio
        assert drawn.source_effects_config.enable_burst_noise is audio
        assert drawn.speech_effects_config.enable_dynamic_muffling is audio
        assert (drawn.background_noise_file is not None) is audio
        assert bool(drawn.burst_noise_files) is audio
        assert drawn.channel_effects_config.enable_frame_drops is audio
        assert drawn.channel_effects_config.frame_drop_rate == loss
        assert drawn.speech_effects_config.enable_vocal_tics is behavior
        assert drawn.speech_effects_config.speech_insert_events_per_minute == behavior * 0.7
        assert drawn.enable_interruptions is behavior
        assert drawn.use_llm_backchannel is behavior
        assert drawn.backchannel_min_threshold == (3 if behavior else None)
        assert drawn.telephony_enabled
        tendency = drawn.persona_config.interrupt_tendency
        assert tendency is (InterruptTendency.INTERRUPTS if behavior else InterruptTendency.WAITS)

    def test_there_are_eight(self) -> None:
        assert len(LEVELS) == 8
        with pytest.raises(UnknownName, match="did you mean 'control'"):
            sample_voice_config(1, complexity="contrl")  # type: ignore[arg-type]

    def test_levels_of_one_seed_differ_only_in_what_the_levels_differ_in(self) -> None:
        for seed in range(20):
            full = sample_voice_config(seed, complexity="regular")
            audio = sample_voice_config(seed, complexity="control_audio")
            accents = sample_voice_config(seed, complexity="control_accents")
            assert audio.background_noise_file == full.background_noise_file
            assert accents.persona_name == full.persona_name

    def test_seeds_meet_every_persona_and_both_places(self) -> None:
        drawn = [sample_voice_config(seed) for seed in range(200)]
        assert {d.persona_name for d in drawn} == {p.name for p in personas_of("regular")}
        assert {d.environment for d in drawn} == {"indoor", "outdoor"}
        assert len({d.background_noise_file for d in drawn}) == 4

    def test_noise_can_be_made_stronger_where_a_level_has_it(self) -> None:
        loud = EffectsConfig(source=SourceEffectsConfig(noise_snr_db=10))
        regular = sample_voice_config(1, complexity="regular", effects=loud)
        control = sample_voice_config(1, complexity="control", effects=loud)
        assert regular.source_effects_config.noise_snr_db == 10
        assert not control.source_effects_config.enable_background_noise

    def test_another_process_draws_the_same(self) -> None:
        program = (
            "from tau2.voice.complexity import sample_voice_config as s;"
            "print([s(n).persona_name for n in range(9)])"
        )
        here = str([sample_voice_config(seed).persona_name for seed in range(9)])
        there = subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": "17"},
        )
        assert there.stdout.strip() == here


class TestRecord:
    def test_it_is_stored_as_plain_json_and_read_back(self) -> None:
        record = sample_voice_config(5).to_speech_environment(5)
        again = SpeechEnvironment.model_validate_json(record.model_dump_json())
        assert again == record
        assert again.voice_seed == 5

    def test_a_record_of_the_original_loads_with_fields_that_are_unknown_here(self) -> None:
        stored = {
            "voice_seed": 42,
            "persona_name": "lisa_brenner",
            "voice_id": "abc",
            "complexity": "control",
            "snr_speech_reference_rms": 3000.0,
            "source_effects_config": None,
        }
        assert SpeechEnvironment.model_validate(stored).persona_name == "lisa_brenner"


class TestPersonas:
    def test_two_without_and_five_with_accents(self) -> None:
        assert len(personas_of("control")) == 2
        assert len(personas_of("regular")) == 5
        assert DEFAULT_PERSONA_NAME == "matt_delaney"

    def test_each_sounds_different_even_in_an_engine_with_one_voice(self) -> None:
        voices = {persona.voice("hibari") for persona in PERSONAS.values()}
        assert len(voices) == len(PERSONAS)

    def test_the_environment_names_voices_of_services_only(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        lisa = persona_named("lisa_brenner")
        assert not lisa.is_official("elevenlabs")
        monkeypatch.setenv("TAU2_VOICE_ID_LISA_BRENNER", "v-17")
        assert lisa.voice("elevenlabs") == Voice("v-17")
        assert lisa.is_official("elevenlabs")
        assert lisa.voice("flite").name == "slt"
        assert not lisa.is_official("flite")

    def test_a_misspelt_name_is_answered_with_the_nearest(self) -> None:
        with pytest.raises(UnknownName, match="did you mean 'wei_lin'"):
            persona_named("wei_ling")
