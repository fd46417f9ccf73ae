"""Runs of calls on the tone channel: played, recorded, stored, continued, and graded again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.cast import Agent, create_meeting, mock_task, says

from tau2.data_model.simulation import Results, VoiceRunConfig
from tau2.errors import ConfigError, SpeechFailed, VoiceSessionFailed
from tau2.evaluator.evaluator import EvaluationType
from tau2.registry import registry
from tau2.runner import run_single_task, run_tasks, trial
from tau2.runner.regrade import regrade
from tau2.runner.tasks import (
    UnitSpec,
    configured_tasks,
    get_tasks,
    make_run_name,
    unit_seed,
)
from tau2.seeds import derive_seed
from tau2.voice.adapters.registry import VoiceProvider, providers

LOCAL = {"agent": "cast_agent", "recognizer": "tone", "latency_spread": 0.0}


def a_voice_config(**fields):
    audio = {"provider": "local", "local_config": LOCAL} | fields.pop("audio", {})
    return VoiceRunConfig(
        **{
            "domain": "mock",
            "audio_native_config": audio,
            "user": "cast_user",
            "speech_complexity": "control",
            "retry_delay": 0.0,
            "max_retries": 0,
            "probe": False,
            **fields,
        }
    )


@pytest.fixture
def on_the_phone(cast):
    """Have the cast say as little as a call needs."""
    from tests.cast import STOP, User

    cast(
        agent=lambda **_: Agent(says(create_meeting(), "Done.")),
        user=lambda **_: User(says("Add it.", f"Bye. {STOP}")),
    )


def played(folder: Path, *names: str, **fields) -> Results:
    tasks = get_tasks("mock", task_ids=names or ["create_task_1"])
    return run_tasks(a_voice_config(**fields), tasks, save_dir=folder, console_display=False)


def test_a_run_of_calls(on_the_phone, tmp_path):
    results = played(tmp_path / "run")
    (run,) = results.simulations
    assert (run.reward_info.reward, run.termination_reason, run.mode) == (
        1.0,
        "user_stop",
        "full_duplex",
    )
    assert run.messages[-1].content == "Bye. ###STOP###"
    assert run.messages[1].content == "Add it."
    assert run.speech_environment["complexity"] == "control"
    assert run.effect_timeline["events"][0]["effect_type"] == "telephony"
    assert run.info["voice"]["clock"] == "virtual"
    assert any(tick.user_transcript for tick in run.ticks)

    info = results.info
    assert (info.agent_info.implementation, info.user_info.implementation) == (
        "discrete_time_audio_native_agent",
        "voice_streaming_user_simulator",
    )
    assert info.speech_complexity == "control"
    local = info.audio_native_config.local_config
    assert (local.agent, local.synthesizer, local.detector) == ("cast_agent", "tone", "energy")
    assert info.user_info.voice_settings["synthesis_config"]["provider"] == "tone"

    (recording,) = (tmp_path / "run").glob("artifacts/task_create_task_1/sim_*/audio/both.wav")
    assert recording.parent.parent.name == f"sim_{run.id}"
    labels = (recording.parent / "labels.txt").read_text().splitlines()
    assert labels[0].endswith("agent: Hi! How can I help you today?")
    assert all(tick.agent_chunk is None or not tick.agent_chunk.audio_content for tick in run.ticks)
    stored = Results.load(tmp_path / "run").simulations[0]
    assert stored.ticks == run.ticks
    assert stored.get_messages() == run.get_messages()


def test_the_same_seed_is_the_same_call(on_the_phone, tmp_path):
    def facts(folder: Path):
        (run,) = played(folder, speech_complexity="regular").simulations
        (wav,) = folder.glob("artifacts/*/*/audio/both.wav")
        return run.model_dump_json(
            include={"ticks", "messages", "effect_timeline"}
        ), wav.read_bytes()

    first, again = facts(tmp_path / "a"), facts(tmp_path / "b")
    assert first[0] == again[0]
    assert first[1] == again[1]


def test_a_run_is_continued_and_graded_again(on_the_phone, tmp_path):
    folder = tmp_path / "run"
    first = played(folder)
    both = played(folder, "create_task_1", "create_task_1_with_env_assertions", auto_resume=True)
    assert [run.id for run in both.simulations][:1] == [first.simulations[0].id]
    assert [run.reward_info.reward for run in both.simulations] == [1.0, 1.0]
    with pytest.raises(ConfigError, match="speech_complexity: stored 'control', now 'regular'"):
        played(folder, speech_complexity="regular", auto_resume=True)
    with pytest.raises(ConfigError, match="audio_native_config"):
        played(folder, audio={"tick_duration_seconds": 0.1}, auto_resume=True)
    again = regrade(Results.load(folder))
    assert again.average_after == 1.0
    assert not again.changes


def test_one_task(on_the_phone, tmp_path):
    from tau2.voice.audio.recording import TAPS

    (task,) = get_tasks("mock", task_ids=["create_task_1"])
    run = run_single_task(
        a_voice_config(audio_taps=True), task, seed=7, save_dir=tmp_path, evaluation_type="all"
    )
    assert run.reward_info.reward == 1.0
    stages = {path.stem for path in tmp_path.glob("artifacts/*/*/audio/taps/*.wav")}
    assert stages == set(TAPS)
    alone = run_single_task(a_voice_config(), task, seed=7, evaluation_type=EvaluationType.ENV)
    assert any(tick.user_chunk.audio_content for tick in alone.ticks)  # nothing was recorded


def test_the_user_may_hear_by_recognition(on_the_phone, tmp_path):
    settings = {"user_hears": "recognition"}
    results = played(tmp_path / "run", user_voice_settings=settings)
    (run,) = results.simulations
    assert run.reward_info.reward == 1.0
    stored = results.info.user_info.voice_settings
    assert stored["transcription_config"]["provider"] == "tone"
    heard = [
        tick.user_chunk.raw_data["heard"]
        for tick in run.ticks
        if tick.user_chunk is not None and "heard" in (tick.user_chunk.raw_data or {})
    ]
    assert heard[0]["text"] == heard[0]["transcript"] == "Hi! How can I help you today?"


def test_the_log_of_a_call_says_who_said_what_when(on_the_phone, tmp_path):
    played(tmp_path / "run", verbose_logs=True)
    (log,) = (tmp_path / "run").glob("artifacts/*/*/task.log")
    text = log.read_text()
    assert "agent from 0.0 to" in text
    assert "| Hi! How can I help you today?" in text
    assert "| Add it." in text


def test_a_speech_engine_that_fails_is_no_score(on_the_phone, tmp_path, monkeypatch):
    from tau2.voice.speech.engines.tone import ToneRecognizer

    def broken(*_args, **_options):
        raise SpeechFailed("the recognizer is gone")

    monkeypatch.setattr(ToneRecognizer, "transcribe", broken)
    (run,) = played(tmp_path / "run").simulations
    assert run.termination_reason == "infrastructure_error"
    assert run.reward_info is None
    assert "the recognizer is gone" in run.info["error"]


def test_worker_processes_play_calls_too(tmp_path):
    audio = {"local_config": {"recognizer": "tone"}}
    results = played(tmp_path / "run", user="scripted_user", audio=audio, workers=1)
    assert results.simulations[0].reward_info.reward == 1.0
    assert list((tmp_path / "run").glob("artifacts/*/*/audio/both.wav"))


def test_tasks_that_begin_in_the_middle_are_left_out():
    with_history = [task.id for task in get_tasks("mock") if task.history]
    assert with_history
    played_ids = {task.id for task in configured_tasks(a_voice_config())}
    assert played_ids.isdisjoint(with_history)


def test_runs_are_named_after_who_plays():
    name = make_run_name(a_voice_config(user="scripted_user"))
    assert name.partition("_mock_")[2] == "voice-local_cast-agent_cascade_scripted-user"
    assert "cast_agent" not in registry.agents


def test_secrets_of_the_text_agent_are_not_stored(on_the_phone, tmp_path):
    local = {**LOCAL, "llm": "scripted/echo", "llm_args": {"api_key": "sk-very-secret-key"}}
    played(tmp_path / "run", audio={"local_config": local})
    for file in (tmp_path / "run").rglob("*.json*"):
        assert "sk-very-secret-key" not in file.read_text()
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert config["audio_native_config"]["local_config"]["llm"] == "scripted/echo"


@pytest.mark.parametrize(("is_retryable", "sessions"), [(True, 3), (False, 1)])
def test_a_session_that_is_refused_for_good_is_not_attempted_again(
    on_the_phone, tmp_path, is_retryable, sessions
):
    opened = []

    class Refusing:
        def connect(self, setup):
            opened.append(setup)
            error = VoiceSessionFailed("the quota is exhausted")
            error.is_retryable = is_retryable
            raise error

        def disconnect(self):
            pass

    spec = VoiceProvider("refusing", lambda context: Refusing())
    fields = {
        "audio": {"provider": "refusing", "local_config": None},
        "user_voice_settings": {"synthesis_config": {"provider": "tone"}},
        "max_retries": 2,
    }
    with providers.adding(spec):
        (run,) = played(tmp_path / "run", **fields).simulations
    assert run.termination_reason == "infrastructure_error"
    assert run.reward_info is None
    assert len(opened) == sessions


def test_a_call_whose_user_failed_is_played_again(on_the_phone, tmp_path, monkeypatch):
    failed = iter([True, True, False])
    monkeypatch.setattr(trial, "user_failed", lambda run: next(failed))
    (run,) = played(tmp_path / "run").simulations
    assert run.hallucination_retries_used == 2
    own = unit_seed(a_voice_config().seed, "create_task_1", 0)
    assert run.seed == derive_seed(own, "replay", 2)
    failed = iter([True])
    (run,) = played(tmp_path / "again", hallucination_retries=0).simulations
    assert run.hallucination_retries_used == 0


def test_a_user_fails_when_the_monitor_decides_so():
    def a_run(*findings: dict):
        monitor = {"mode": "report", "findings": findings, "asked_again": []}
        run = trial.failed_run(UnitSpec(mock_task("create_task_1"), 0, 1), ValueError("x"), 1)
        run.info = {"user_monitor": monitor} if findings else None
        return run

    assert not trial.user_failed(a_run())
    assert not trial.user_failed(a_run({"turn": 1, "is_decisive": False}))
    assert trial.user_failed(a_run({"turn": 1, "is_decisive": False}, {"is_decisive": True}))
