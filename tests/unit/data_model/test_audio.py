"""The settings of voice runs: what follows from what, and what a run refuses."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from tau2.data_model import audio
from tau2.data_model.audio import AudioNativeConfig, LiveConfig
from tau2.data_model.simulation import VoiceRunConfig


def test_the_model_follows_the_provider():
    assert AudioNativeConfig().model == "gpt-realtime-1.5"
    assert AudioNativeConfig(provider="xai").model == "grok-voice-think-fast-2.0"
    assert AudioNativeConfig(provider="xai", model="grok").model == "grok"
    assert AudioNativeConfig(provider="next year's").model == ""


def test_the_reasoning_effort_follows_the_provider():
    assert AudioNativeConfig(provider="gemini").effective_reasoning_effort == "high"
    assert AudioNativeConfig().effective_reasoning_effort is None
    assert AudioNativeConfig(reasoning_effort="low").effective_reasoning_effort == "low"


def test_seconds_become_ticks():
    config = AudioNativeConfig(
        integration_duration_seconds=0.05, backchannel_min_threshold_seconds=0.6
    )
    assert (config.max_steps_ticks, config.user_chunk_size, config.tick_duration_ms) == (
        6000,
        1600,
        200,
    )
    assert config.integration_ticks == 1
    assert config.backchannel_min_threshold_ticks == 3
    assert config.wait_to_respond_threshold_self_ticks == 25


@pytest.mark.parametrize(
    ("fields", "is_virtual"),
    [
        ({}, False),
        ({"provider": "local"}, True),
        ({"provider": "local", "clock": "wall"}, False),
        ({"clock": "virtual"}, True),
    ],
)
def test_the_clock_follows_the_provider(fields, is_virtual):
    assert AudioNativeConfig(**fields).has_virtual_clock is is_virtual


def test_only_live_sessions_generate_in_real_time():
    assert AudioNativeConfig(provider="openai_live").generates_in_real_time
    assert not AudioNativeConfig().generates_in_real_time
    assert AudioNativeConfig(realtime_generation=True).generates_in_real_time


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"provider": "opnai"}, "'opnai' is not known; known: openai, openai_live, gemini"),
        ({"provider": "openai_live"}, "needs live_config"),
        ({"live_config": {"backend_model": "m"}}, "is for openai_live, not for openai"),
        ({"telephony_rate": 16000}, "telephony_rate must be 8000"),
        ({"max_steps_seconds": 0.1}, "at least one tick"),
        ({"provider": "local", "local_config": {"voise": "x"}}, "Extra inputs"),
        ({"tick_duration_seconds": 0}, "greater than 0"),
        ({"tick_duration_seconds": 0.0002}, "whole milliseconds"),
        ({"tick_duration_seconds": 0.0405001}, "whole milliseconds"),
        ({"tick_duration_seconds": 2}, "to 1 second"),
    ],
)
def test_what_a_run_refuses(fields, problem):
    with pytest.raises(ValidationError, match=problem):
        VoiceRunConfig(audio_native_config=fields)


def test_a_complexity_that_does_not_exist_is_refused():
    with pytest.raises(ValidationError, match="control_audio_behavior"):
        VoiceRunConfig(audio_native_config={}, speech_complexity="loud")


def test_what_may_hold_a_key_is_not_repeated():
    with pytest.raises(ValidationError) as problem:
        VoiceRunConfig(audio_native_config={"local_config": {"llm_args": "sk-secret"}})
    assert "sk-secret" not in str(problem.value)


def test_a_live_session():
    live = {"provider": "openai_live", "live_config": {"backend_model": "gpt-4.1"}}
    config = VoiceRunConfig(audio_native_config=live)
    assert config.audio_native_config.live_config == LiveConfig(backend_model="gpt-4.1")
    assert config.effective_agent_model == "gpt-live-1"


def test_a_provider_of_a_plug_in_is_known(monkeypatch):
    monkeypatch.setattr(audio, "registered_providers", {"mine"})
    config = VoiceRunConfig(audio_native_config={"provider": "mine", "model": "m"})
    assert config.effective_agent_provider == "mine"
