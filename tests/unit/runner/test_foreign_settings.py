"""What the settings of a run that may be a stranger's name outside of its folder."""

from __future__ import annotations

import pytest

from tau2.data_model.run_config import TextRunConfig, VoiceRunConfig
from tau2.runner.foreign_settings import foreign_settings

AGENT = "llm_args_agent"


@pytest.mark.parametrize(
    ("stored", "name"),
    [
        ({AGENT: {"api_base": "http://x.example/v1"}}, f"{AGENT}.api_base"),
        ({"llm_args_user": {"base_url": "http://127.0.0.1:9"}}, "llm_args_user.base_url"),
        ({"llm_args_judge": {"api_base": "x.example"}}, "llm_args_judge.api_base"),
        ({"review_args": {"api_base": "http://x.example"}}, "review_args.api_base"),
        ({AGENT: {"ssl_verify": False}}, f"{AGENT}.ssl_verify"),
        ({AGENT: {"ssl_verify": "/tmp/theirs.pem"}}, f"{AGENT}.ssl_verify"),
        ({AGENT: {"vertex_credentials": "/home/me/key.json"}}, f"{AGENT}.vertex_credentials"),
        ({AGENT: {"extra_headers": {"X-Forward": "them"}}}, f"{AGENT}.extra_headers.X-Forward"),
        ({AGENT: {"extra_query": {"to": "them"}}}, f"{AGENT}.extra_query.to"),
        ({AGENT: {"extra_body": {"a": [{"b": "https://x"}]}}}, f"{AGENT}.extra_body.a.b"),
        ({AGENT: {"extra_body": {"target": "x.example:8000"}}}, f"{AGENT}.extra_body.target"),
        ({AGENT: {"fallbacks": [{"model": "theirs"}]}}, f"{AGENT}.fallbacks.model"),
        ({AGENT: {"custom_llm_provider": "theirs"}}, f"{AGENT}.custom_llm_provider"),
        ({AGENT: {"api_key": "os.environ/OPENAI_API_KEY"}}, f"{AGENT}.api_key"),
        ({AGENT: {"user": "${HOME}"}}, f"{AGENT}.user"),
        ({AGENT: {"proxies": {"https": "theirs"}}}, f"{AGENT}.proxies.https"),
        ({"retrieval_config_kwargs": {"index": "~/docs"}}, "retrieval_config_kwargs.index"),
        ({"llm_agent": "huggingface/https://x.example"}, "llm_agent"),
        ({"tasks_file": "theirs.json"}, "tasks_file"),
        ({"cache": "theirs"}, "cache"),
    ],
)
def test_what_is_named_outside_is_found(stored, name):
    assert [setting.name for setting in foreign_settings(stored, {})] == [name]


def test_ordinary_settings_name_nothing_outside():
    stored = {
        "domain": "retail", "llm_agent": "openai/gpt-4.1", "seed": 3, "timeout": 5.5,
        AGENT: {"temperature": 0.0, "max_tokens": 4096, "stop": ["###STOP###"], "seed": 1,
                "extra_body": {"chat_template_kwargs": {"enable_thinking": False}},
                "reasoning_effort": "high", "num_retries": 2},
        "provider_limits": {"openai": {"rpm": 500}}, "user_persona": {"verbosity": "minimal"},
        "tasks_file": None, "cache": None, "task_ids": ["[mobile_data]a|b"],
    }  # fmt: skip
    assert foreign_settings(stored, {}) == []
    assert foreign_settings(TextRunConfig().model_dump(), {}) == []


def test_the_engines_of_a_call_lie_inside_and_their_addresses_do_not():
    audio = {
        "provider": "openai_live",
        "live_config": {"backend_model": "gpt-4.1", "delegation": "client"},
        "local_config": {"recognizer": "moonshine"},
    }
    voice = {"synthesis_config": {"provider": "elevenlabs"}}
    config = VoiceRunConfig(audio_native_config=audio, user_voice_settings=voice)
    assert foreign_settings(config.model_dump(exclude_unset=True), {}) == []
    audio["base_url"] = "https://elsewhere.example/v1"
    audio["local_config"]["llm_args"] = {"api_base": "there"}
    voice["synthesis_config"]["provider_config"] = {"endpoint": "there"}
    voice["transcription_config"] = {"provider": "http://there"}
    config = VoiceRunConfig(audio_native_config=audio, user_voice_settings=voice)
    found = foreign_settings(config.model_dump(exclude_unset=True), {})
    assert [setting.name.partition(".")[2] for setting in found] == [
        "base_url",
        "local_config.llm_args.api_base",
        "synthesis_config.provider_config.endpoint",
        "transcription_config.provider",
    ]


def test_what_the_caller_names_as_well_is_not_foreign(monkeypatch):
    stored = {AGENT: {"api_base": "http://x.example/v1/"}, "tasks_file": "tasks.json"}
    own = {"llm_args_user": {"api_base": "http://x.example/v1"}}
    assert [one.name for one in foreign_settings(stored, own)] == ["tasks_file"]
    monkeypatch.setenv("OPENAI_BASE_URL", "http://x.example/v1")
    assert [one.field for one in foreign_settings(stored, {})] == ["tasks_file"]
