"""Protocols: the settings of published comparisons, and where a run departs from them."""

from __future__ import annotations

import pytest

from tau2 import TextRunConfig, VoiceRunConfig
from tau2.data_model.audio import AudioNativeConfig
from tau2.errors import ConfigError, UnknownName
from tau2.runner.build import build_environment
from tau2.runner.protocols import departures, protocol_named, protocols

OWN_DATA = "the data are this package's own, not the public ones (TAU2_DATA_DIR)"


def text_run(**changes):
    values = protocol_named("taubench-text").values("airline", is_voice=False)
    pinned = {"protocol": "taubench-text", **values}
    return TextRunConfig(domain="airline", **{**pinned, **changes})


def departed(config):
    return departures(config, build_environment(config.domain))


@pytest.mark.parametrize("protocol", protocols().values(), ids=lambda protocol: protocol.name)
def test_every_setting_is_a_field_and_has_a_source(protocol):
    kind = VoiceRunConfig if protocol.is_voice else TextRunConfig
    for setting in protocol.settings:
        section, _, name = setting.field.rpartition(".")
        assert name in (AudioNativeConfig if section else kind).model_fields
        assert setting.source
        assert set(setting.domains) <= set(protocol.domains)


def test_a_run_with_the_values_of_its_protocol_departs_only_in_its_data():
    assert departed(text_run()) == [OWN_DATA]


def test_every_other_value_is_a_departure():
    found = departed(text_run(num_trials=1, llm_args_user={}))
    assert found == [
        "llm_args_user is {}, not {'reasoning_effort': 'low'}",
        "num_trials is 1, not 4",
        OWN_DATA,
    ]


def test_tasks_that_are_chosen_are_a_departure():
    assert "the tasks are chosen by num_tasks" in departed(text_run(num_tasks=3))
    assert departed(text_run(task_set_name="airline")) == [OWN_DATA]


def test_audio_settings_count_as_well():
    config = VoiceRunConfig(
        domain="airline",
        protocol="taubench-voice",
        audio_native_config=AudioNativeConfig(provider="local", tick_duration_seconds=0.1),
    )
    assert "tick_duration_seconds is 0.1, not 0.2" in departed(config)


def test_a_setting_of_one_domain_is_left_out_in_others():
    values = protocol_named("taubench-text").values
    assert "retrieval_config" not in values("retail", is_voice=False)
    assert values("banking_knowledge", is_voice=False)["retrieval_config"] == "alltools"


def test_a_run_without_a_protocol_departs_from_nothing():
    assert departed(TextRunConfig(domain="airline")) == []


def test_what_cannot_be_followed_is_refused():
    with pytest.raises(UnknownName, match="did you mean 'taubench-text'"):
        departed(text_run(protocol="taubench-txt"))
    with pytest.raises(ConfigError, match="not for mock"):
        protocol_named("taubench-text").values("mock", is_voice=False)
    with pytest.raises(ConfigError, match="add --audio-native"):
        protocol_named("taubench-voice").values("airline", is_voice=False)
