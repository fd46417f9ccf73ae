"""Which tasks a run plays, where it is saved, and what is recorded of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.unit.runner.conftest import a_config

from tau2 import config as settings
from tau2.data_model.simulation import Info
from tau2.errors import ConfigError, UnknownName
from tau2.runner import (
    get_info,
    get_options,
    get_tasks,
    load_task_splits,
    load_tasks,
    make_run_name,
)
from tau2.runner.tasks import configured_tasks, run_folder


def test_options_have_every_name():
    options = get_options()
    assert "mock" in options.domains
    assert "mock" in options.task_sets
    assert {"llm_agent", "llm_agent_gt", "llm_agent_solo"} <= set(options.agents)
    assert {"user_simulator", "dummy_user"} <= set(options.users)


def test_tasks_by_split_and_id():
    assert len(load_tasks("mock")) == len(load_tasks("mock", "base")) == 10
    assert "base" in load_task_splits("mock")
    chosen = get_tasks("mock", task_ids=["update_task_1", "create_task_1", "update_task_1"])
    assert [task.id for task in chosen] == ["update_task_1", "create_task_1"]
    assert [task.id for task in get_tasks("mock", num_tasks=1)] == ["create_task_1"]
    assert load_task_splits("nothing") is None


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda: get_tasks("mok"), "no task set named 'mok'; did you mean 'mock'"),
        (lambda: get_tasks("mock", "bse"), "no task split named 'bse'; did you mean 'base'"),
        (lambda: get_tasks("mock", task_ids=["create_task_2"]), "did you mean 'create_task_1'"),
        (lambda: get_tasks("mock", num_tasks=0), "num_tasks must be at least 1"),
    ],
)
def test_a_wrong_name_suggests_the_nearest(ask, words):
    with pytest.raises((UnknownName, ConfigError), match=words):
        ask()


def test_the_agent_has_to_be_able_to_play(cast):
    assert len(configured_tasks(a_config())) == 10
    playable = configured_tasks(a_config(agent="llm_agent_solo"))
    assert all(task.ticket for task in playable)
    assert len(playable) < 10
    told = "update_task_with_message_history"
    with pytest.raises(ConfigError, match=f"cannot play task '{told}'"):
        configured_tasks(a_config(agent="llm_agent_solo", task_ids=[told]))


def test_a_run_lies_below_the_simulations_folder():
    name = make_run_name(a_config(llm_agent="openai/gpt 4", llm_user="a/b"))
    assert name.endswith("_mock_cast-agent_gpt-4_cast-user_b")
    assert re.fullmatch(r"mock-\d{8}-\d{4}", run_folder(a_config()).name)
    assert run_folder(a_config(save_to="mine")) == settings.simulations_dir() / "mine"
    assert run_folder(a_config(save_to="/abs/mine")) == Path("/abs/mine")
    with pytest.raises(ConfigError, match="must not contain"):
        run_folder(a_config(save_to="../mine"))


def test_the_record_of_a_run(cast):
    info = get_info(a_config(num_trials=2, user_persona={"verbosity": "minimal"}), seed=9)
    assert isinstance(info, Info)
    assert (info.num_trials, info.seed, info.environment_info.domain_name) == (2, 9, "mock")
    assert info.agent_info.implementation == "cast_agent"
    assert info.user_info.persona_config.verbosity == "minimal"
    assert info.strict_compat is False


def test_secrets_are_not_recorded(cast):
    args = {
        "api_key": "hidden",
        "extra_headers": {"Authorization": "hidden"},
        "max_tokens": 5,
        "temperature": 0,
    }
    info = get_info(a_config(llm_args_agent=args, llm_args_user=args))
    assert "hidden" not in info.model_dump_json()
    assert info.agent_info.llm_args["max_tokens"] == 5
