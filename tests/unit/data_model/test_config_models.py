"""Run configurations and personas: a typo is an error, a default is the published one."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from tau2.data_model.persona import PersonaConfig, Verbosity
from tau2.data_model.run_config import TextRunConfig, VoiceRunConfig


def test_a_misspelt_field_is_an_error():
    with pytest.raises(ValidationError, match="num_trails"):
        TextRunConfig(num_trails=3)


def test_defaults_are_the_published_ones():
    config = TextRunConfig()
    assert (config.domain, config.num_trials, config.max_steps, config.max_errors, config.seed) == (
        "airline", 1, 200, 10, 300,
    )  # fmt: skip
    assert config.llm_args_agent == {"temperature": 0.0}
    assert not config.is_voice


def test_two_configurations_share_no_arguments():
    TextRunConfig().llm_args_agent["temperature"] = 1.0
    assert TextRunConfig().llm_args_agent == {"temperature": 0.0}


def test_effective_names():
    config = TextRunConfig(agent="oracle_agent", llm_agent="openai/gpt-4.1", user="scripted_user")
    assert (config.effective_agent, config.effective_user) == ("oracle_agent", "scripted_user")
    assert (config.effective_agent_model, config.effective_agent_provider) == (
        "openai/gpt-4.1",
        "openai",
    )
    voice = VoiceRunConfig(audio_native_config={"provider": "openai"})
    assert voice.effective_max_steps == 6000
    assert voice.is_voice


def test_every_field_has_a_help_text():
    for kind in (TextRunConfig, VoiceRunConfig):
        assert all(field.description for field in kind.model_fields.values())


def test_a_persona_is_drawn_the_same_way_every_time():
    weights = {"verbosity": {"minimal": 1, "standard": 1, "talkative": 1}}
    drawn = {PersonaConfig.from_dict(weights, seed=7).verbosity for _ in range(5)}
    assert len(drawn) == 1
    assert len({PersonaConfig.from_dict(weights, seed=seed).verbosity for seed in range(40)}) == 3


def test_only_an_unusual_manner_adds_to_the_prompt():
    assert not PersonaConfig().to_guidelines_text()
    assert PersonaConfig(verbosity=Verbosity.MINIMAL).to_guidelines_text()
    with pytest.raises(ValidationError):
        PersonaConfig.from_dict({"mood": "good"})
