"""`tau2 run --audio-native`: calls from the command line, on the tone channel."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from tau2.cli.flags import flags_of
from tau2.cli.voice_flags import VOICE_FLAGS
from tau2.config import simulations_dir
from tau2.data_model.audio import AudioNativeConfig
from tau2.data_model.run_config import TextRunConfig, VoiceRunConfig
from tau2.data_model.simulation import Results

CALL = (
    *("--domain", "mock", "--audio-native", "--audio-native-provider", "local"),
    *("--local-config", "recognizer=tone", "--speech-complexity", "control"),
)


def saved(name: str) -> Path:
    return simulations_dir() / name


def test_calls_without_a_key(tau2):
    ended = tau2("run", *CALL, "--task-ids", "create_task_1", "--save-to", "calls")
    assert ended.code == 0
    assert "talks with scripted_user. Their score says nothing about any model" in ended.err
    assert "average reward  1.000" in ended.out
    (run,) = Results.load(saved("calls")).simulations
    assert run.mode == "full_duplex"
    assert len(list(saved("calls").glob("artifacts/*/*/audio/both.wav"))) == 1

    more = ("--task-ids", "create_task_1", "create_task_1_with_env_assertions")
    again = tau2("run", "--resume", "calls", *more)
    assert again.code == 0
    assert len(Results.load(saved("calls")).simulations) == 2
    changed = tau2("run", "--resume", "calls", "--tick-duration", "0.1")
    assert changed.code == 2
    assert "audio_native_config: stored" in changed.err


def test_an_agent_that_is_named_goes_behind_the_voice(tau2):
    ended = tau2(
        *("run", *CALL, "--task-ids", "create_task_1", "--save-to", "named"),
        *("--agent", "llm_agent", "--agent-llm", "scripted/echo", "--user", "scripted_user"),
        *("--max-steps-seconds", "20"),
    )
    assert ended.code == 0
    info = Results.load(saved("named")).info
    local = info.audio_native_config.local_config
    assert (local.agent, local.llm, info.agent_info.llm) == (
        "llm_agent",
        "scripted/echo",
        "scripted/echo",
    )


def test_the_configuration_can_be_printed_and_read_again(tau2):
    printed = tau2("run", *CALL, "--print-config", "--xml-prompt")
    assert printed.code == 0
    config = yaml.safe_load(printed.out)
    assert config["audio_native_config"]["use_xml_prompt"] is True
    assert config["audio_native_config"]["local_config"]["recognizer"] == "tone"
    Path("call.yaml").write_text(printed.out)
    again = tau2("run", "--config", "call.yaml", "--print-config")
    assert again.out == printed.out
    flag_wins = tau2("run", "--config", "call.yaml", "--no-xml-prompt", "--print-config")
    changed = yaml.safe_load(flag_wins.out)
    assert changed["audio_native_config"]["use_xml_prompt"] is False
    assert changed["audio_native_config"]["local_config"]["recognizer"] == "tone"


def test_costs_of_calls_are_not_estimated(tau2):
    ended = tau2("run", *CALL, "--dry-run")
    assert ended.code == 2
    assert "costs of voice runs cannot be estimated" in ended.err


def test_every_field_of_a_voice_run_has_a_flag():
    fields = {flag.field for flag in VOICE_FLAGS}
    own = {name for name in VoiceRunConfig.model_fields if name not in TextRunConfig.model_fields}
    assert own - {"audio_native_config"} <= fields
    assert {f"audio_native_config.{name}" for name in AudioNativeConfig.model_fields} <= fields
    text_names = {name for flag in flags_of(TextRunConfig) for name in flag.names}
    assert text_names.isdisjoint(name for flag in VOICE_FLAGS for name in flag.names)


@pytest.mark.parametrize(
    "flag",
    [
        *("--audio-native-provider", "--audio-native-model", "--cascaded-config"),
        *("--reasoning-effort", "--tick-duration", "--max-steps-seconds", "--speech-complexity"),
        *("--pcm-sample-rate", "--telephony-rate", "--wait-to-respond-other"),
        *("--wait-to-respond-self", "--yield-when-interrupted", "--yield-when-interrupting"),
        *("--interruption-check-interval", "--integration-duration"),
        *("--silence-annotation-threshold", "--xml-prompt", "--audio-debug", "--audio-taps"),
    ],
)
def test_the_flags_of_the_public_package_are_there(flag):
    assert flag in {name for one in VOICE_FLAGS for name in one.names}


def test_the_summary_of_calls_as_data(tau2):
    ended = tau2("run", *CALL, "--task-ids", "create_task_1", "--json")
    assert json.loads(ended.out)["average_reward"] == 1.0
