"""What is refused before anything is played."""

from __future__ import annotations

import pytest

from tau2.data_model.simulation import TextRunConfig, VoiceRunConfig
from tau2.errors import ConfigError, DataFileError, MissingExtra, UnknownName
from tau2.evaluator.evaluator import EvaluationType
from tau2.runner.preflight import check_run, costs_nothing
from tau2.runner.resolve import resolve
from tau2.runner.tasks import get_tasks
from tau2.voice.speech.registry import EngineCatalog


def check(tasks=None, evaluation_type=EvaluationType.ALL, **fields):
    config = TextRunConfig(
        **{"domain": "mock", "agent": "oracle_agent", "user": "scripted_user", **fields}
    )
    check_run(resolve(config), get_tasks("mock") if tasks is None else tasks, evaluation_type)


def test_what_works_is_not_refused():
    check(user_persona={"verbosity": {"minimal": 1, "talkative": 2}})


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"num_trials": 0}, "num_trials must be at least 1, not 0"),
        ({"max_concurrency": 0}, "max_concurrency"),
        ({"max_retries": -1}, "max_retries must not be negative"),
        ({"timeout": 0.0}, "timeout is in seconds"),
        ({"workers": -1}, "workers must not be negative"),
        ({"user_persona": {"verbosity": "loud"}}, "user_persona: verbosity='loud'"),
        ({"user_persona": {"verbosity": {"minimal": 1, "loud": 1}}}, "verbosity='loud'"),
        ({"user_persona": {"volume": 11}}, "user_persona: volume=11"),
        ({"provider_limits": {"openai": {"rpn": 3}}}, "'rpn' is not one of in_flight, rpm, tpm"),
    ],
)
def test_settings_that_cannot_work(fields, problem):
    with pytest.raises(ConfigError, match=problem):
        check(**fields)


@pytest.mark.parametrize("field", ["domain", "agent", "user"])
def test_names_that_nothing_has(field):
    with pytest.raises(UnknownName, match=f"no {field} named 'nobody'"):
        check(**{field: "nobody"})


def test_a_user_that_would_not_be_asked_must_exist_too():
    with pytest.raises(UnknownName, match="no user named 'user_simulatr'"):
        check(agent="oracle_agent_solo", user="user_simulatr")


def test_tasks_of_another_domain_are_named_by_their_task_set():
    with pytest.raises(DataFileError, match="task set retail on domain mock: task 0: "):
        check(tasks=get_tasks("retail")[:1], task_set_name="retail")


def test_nothing_to_play():
    with pytest.raises(ConfigError, match="no task"):
        check(tasks=[])


def check_voice(tasks=None, **fields):
    audio = {"provider": "local", "local_config": {"recognizer": "tone"}}
    config = VoiceRunConfig(
        **{"domain": "mock", "audio_native_config": audio, "user": "scripted_user", **fields}
    )
    playable = [task for task in get_tasks("mock") if not task.history]
    check_run(resolve(config), playable if tasks is None else tasks, EvaluationType.ALL)


def test_a_voice_run_that_works_is_not_refused():
    check_voice()


def test_the_key_of_a_speech_model_is_asked_for_first():
    with pytest.raises(ConfigError, match=r"'openai' needs a key: set OPENAI_API_KEY.*local"):
        check_voice(audio_native_config={})


def test_an_engine_that_is_not_installed_names_its_extra(monkeypatch):
    monkeypatch.setattr(EngineCatalog, "first_usable", lambda self, names: None)
    with pytest.raises(MissingExtra, match=r"no synthesizer is installed; pip .*voice-local"):
        check_voice(audio_native_config={"provider": "local"})


@pytest.mark.parametrize("setting", ["recognizer", "synthesizer", "detector"])
def test_an_engine_that_nothing_has(setting):
    local = {"recognizer": "tone", "synthesizer": "tone", setting: "tome"}
    with pytest.raises(UnknownName, match="named 'tome'"):
        check_voice(audio_native_config={"provider": "local", "local_config": local})


def test_a_call_cannot_begin_in_the_middle():
    with pytest.raises(ConfigError, match="begins in the middle of a conversation"):
        check_voice(tasks=get_tasks("mock"))


def test_models_behind_voices_need_keys_too():
    local = {"recognizer": "tone", "agent": "llm_agent"}
    audio = {"provider": "local", "local_config": local}
    with pytest.raises(ConfigError, match="OPENAI_API_KEY"):
        check_voice(audio_native_config=audio)
    with pytest.raises(ConfigError, match="OPENAI_API_KEY"):
        check_voice(user="user_simulator")
    audio = {**audio, "local_config": {"recognizer": "tone"}, "decision_model": "gpt-4.1"}
    with pytest.raises(ConfigError, match="OPENAI_API_KEY"):
        check_voice(audio_native_config=audio)


def test_models_without_a_key():
    with pytest.raises(ConfigError, match="OPENAI_API_KEY"):
        check(agent="llm_agent")
    with pytest.raises(ConfigError, match="OPENAI_API_KEY"):
        check(user="user_simulator")


def test_an_agent_without_a_user_needs_no_model_of_the_user():
    playable = get_tasks("mock", task_ids=["create_task_1"])
    check(tasks=playable, agent="oracle_agent_solo", user="user_simulator")


def test_a_missing_judge_names_the_task_and_the_setting():
    with pytest.raises(ConfigError, match=r"is graded by a judge model.*TAU2_JUDGE_LLM"):
        check(evaluation_type=EvaluationType.ALL_WITH_NL_ASSERTIONS)
    check(evaluation_type=EvaluationType.ALL_WITH_NL_ASSERTIONS, llm_judge="scripted/echo")


@pytest.mark.parametrize("fields", [{"workers": 2}, {"executor": "ray"}])
def test_weights_are_not_loaded_by_every_worker(fields, monkeypatch):
    monkeypatch.setattr("tau2.llm.check_model", lambda *_: None)
    local = {"agent": "llm_agent", "llm_agent": "local/qwen-0.5b"}
    with pytest.raises(ConfigError, match=r"every worker would load its weights.*serve-model"):
        check(**local, **fields)
    check(**local, workers=1)


@pytest.mark.parametrize(
    ("fields", "is_free"),
    [
        ({"agent": "llm_agent", "llm_agent": "local/qwen-0.5b"}, True),
        ({"agent": "llm_agent", "llm_agent": "openai/gpt-4.1"}, False),
        ({"agent": "llm_agent", "llm_agent": "local/qwen-0.5b", "user": "user_simulator"}, False),
        ({"agent": "oracle_agent"}, False),
    ],
)
def test_which_conversations_cost_nothing(fields, is_free):
    fields = {"user": "scripted_user", "llm_user": "openai/gpt-4.1", **fields}
    assert costs_nothing(resolve(TextRunConfig(domain="mock", **fields))) is is_free
