"""The settings of a run that `Info` has no field for.

Complete enough to compare, and never a secret.
"""

from __future__ import annotations

import json

import pytest
from tests.unit.runner.conftest import a_config

from tau2.evaluator.evaluator import EvaluationType
from tau2.runner.build import build_environment
from tau2.runner.run_settings import run_settings, without_secrets


def test_the_judge_the_persona_and_the_data_are_recorded():
    persona = {"verbosity": {"minimal": 0.5, "standard": 0.5}}
    config = a_config(llm_args_judge={"temperature": 0.5}, user_persona=persona)
    settings = run_settings(config, EvaluationType.ENV)
    assert settings["llm_args_judge"] == {"temperature": 0.5}
    assert settings["user_persona"] == persona
    assert settings["evaluation_type"] == EvaluationType.ENV.value
    assert settings["data.db"] == build_environment("mock").get_db_hash()
    assert json.loads(json.dumps(settings)) == settings


def test_changed_data_is_another_run():
    environment = build_environment("mock")
    before = run_settings(a_config(), environment=environment)
    environment.tools.db = environment.tools.db.updated({"tasks": {"task_1": {"title": "Another"}}})
    after = run_settings(a_config(), environment=environment)
    assert [name for name in before if before[name] != after[name]] == ["data.db"]


@pytest.mark.parametrize(
    "args",
    [
        {"api_key": "hunter2"},
        {"API_KEY": "hunter2"},
        {"extra_headers": {"x-team": "hunter2"}},
        {"extra_body": {"auth": {"token": "hunter2"}}},
        {"extra_body": {"nested": [{"client_secret": "hunter2"}]}},
        {"password": "hunter2", "note": "temperature"},
        {"api_base": "https://me:hunter2@host/v1"},
        {"api_base": "https://host/v1?api_key=hunter2&x=1"},
        {"api_key": "hunter2", "note": "use hunter2 here"},
        {"note": "Bearer hunter2-hunter2"},
    ],
)
def test_no_secret_is_kept(args):
    assert "hunter2" not in json.dumps(without_secrets(args))


def test_what_is_no_secret_is_kept_as_it_is():
    args = {
        "temperature": 0.0,
        "max_tokens": 5,
        "api_base": "http://127.0.0.1:8000/v1",
        "stop": ["a", "b"],
    }
    assert without_secrets(args) == args
