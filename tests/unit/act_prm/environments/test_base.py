"""What every environment has."""

from __future__ import annotations

import logging
import subprocess
import sys
from types import SimpleNamespace

import pytest

from act_prm import environments
from act_prm.environments import (
    AsyncTau2BenchEnv,
    Environment,
    EnvironmentState,
    EnvironmentStepResult,
    Tau2BenchEnv,
    get_env,
    load_env,
)
from act_prm.environments.base import known_settings
from tau2.errors import ConfigError, MissingExtra, UnknownName

SMALL = {"domain": "mock", "num_train_tasks": 6, "num_test_tasks": 3, "user": "scripted_user"}


class Counting(Environment):
    """An environment that is no tau2: it counts."""

    def __init__(self, goal: int = 3, **settings):
        super().__init__(**settings)
        self.datasets = {"train": list(range(goal)), "test": []}

    def reset(self, sample_idx=0, generation_idx=0, try_step=0, batch_idx=0):
        number = self.dataset[self.adjust_sample_idx(sample_idx)]
        return EnvironmentState(
            system_prompt="", tools=[], new_messages=[{"role": "user", "content": str(number)}]
        )

    def step(self, parsed_actions, model_response, current_state, current_messages=None):
        return EnvironmentStepResult(state=current_state, reward=1.0, done=True)


def test_an_environment_by_its_name():
    assert type(get_env("tau2bench", **SMALL)) is Tau2BenchEnv
    assert type(get_env("tau2bench", is_async=True, **SMALL)) is AsyncTau2BenchEnv
    assert load_env is get_env


def test_an_unknown_name_is_not_implemented_and_says_what_is():
    with pytest.raises(NotImplementedError, match="'tau2'; did you mean 'tau2bench'") as caught:
        get_env("tau2")
    assert isinstance(caught.value, UnknownName)


def test_a_setting_that_there_is_not_is_refused_with_the_nearest_one():
    with pytest.raises(ConfigError, match=r"no setting 'max_turn' \(did you mean 'max_turns'\?\)"):
        get_env("tau2bench", max_turn=3, **SMALL)
    with pytest.raises(ConfigError, match="'zzz'; known: completion_fn, data_seed, domain"):
        get_env("tau2bench", zzz=3, **SMALL)


def test_the_settings_of_the_original_are_all_there():
    base = """max_turns num_tries tool_role truncation_message split seed data_seed verbose
    pretrained_model_config hide_observations hidden_obs_content first_obs_to_show
    last_obs_to_show"""
    own = """domain user_llm user_llm_args task_split num_train_tasks num_val_tasks num_test_tasks
    max_steps max_turns num_tries eval_num_tries seed split system_prompt"""
    assert set(base.split()) <= set(known_settings(Environment))
    assert {*base.split(), *own.split()} <= set(known_settings(Tau2BenchEnv))


def test_an_environment_of_ones_own():
    env = Counting(goal=2, max_turns=4)
    assert (len(env), env.max_turns, env.adjust_sample_idx(5), env.tokenizer) == (2, 4, 1, None)
    assert (env.run_url, env.run_cmd) == (None, None)
    assert env.reset(3).messages == [{"role": "user", "content": "1"}]
    with pytest.raises(ConfigError, match="did you mean 'goal'"):
        Counting(gaol=2)


def test_an_empty_split_says_so():
    env = Counting(split="test")
    assert env  # an environment, even though its length is 0
    with pytest.raises(ConfigError, match="the split 'test' has no tasks"):
        env.reset()
    env.split = "evil"
    with pytest.raises(ConfigError, match="no split named 'evil'; there are train, test"):
        len(env)


def test_limits_that_make_no_sense():
    with pytest.raises(ConfigError, match="max_turns must be at least 1"):
        Counting(max_turns=0)


def test_an_order_depends_on_the_seed_alone():
    one, other, third = Counting(20), Counting(20), Counting(20, data_seed=5)
    for env in (one, other, third):
        env.shuffle()
    assert one.dataset == other.dataset != third.dataset
    assert sorted(one.dataset) == list(range(20))
    other.shuffle(3)
    assert other.dataset != one.dataset


MESSAGES = [
    {"role": "system", "content": "s"},
    {"role": "user", "content": "u1"},
    {"role": "assistant", "content": "a"},
    {"role": "tool", "type": "function_call_output", "call_id": "c", "output": "t"},
    {"role": "user", "content": "u2"},
]


def shown(messages) -> list[str]:
    return [message.get("content", message.get("output")) for message in messages]


def test_observations_in_the_middle_are_hidden_when_asked_for():
    env = Counting(first_obs_to_show=2, last_obs_to_show=1)
    assert env.maybe_hide_observations(MESSAGES) == MESSAGES
    env.hide_observations = True
    assert shown(env.maybe_hide_observations(MESSAGES)) == ["s", "u1", "a", "...", "u2"]
    options = {"first_obs_to_show": 0, "last_obs_to_show": 0, "hidden_obs_content": "-"}
    assert shown(env.maybe_hide_observations(MESSAGES, **options)) == ["s", "-", "a", "-", "-"]
    assert shown(MESSAGES) == ["s", "u1", "a", "t", "u2"]


def test_a_tokenizer_of_ones_own():
    env = Counting()
    env.tokenizer = "mine"
    assert env.tokenizer == "mine"


def test_a_tokenizer_is_loaded_when_it_is_asked_for(monkeypatch):
    env = Counting(pretrained_model_config={"pretrained_model_name_or_path": "tiny"})
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(MissingExtra, match=r"tau2-bench\[train\]"):
        _ = env.tokenizer
    auto = SimpleNamespace(
        from_pretrained=lambda pretrained_model_name_or_path: [pretrained_model_name_or_path]
    )
    monkeypatch.setitem(sys.modules, "transformers", SimpleNamespace(AutoTokenizer=auto))
    assert env.tokenizer == ["tiny"]
    assert env.tokenizer is env.tokenizer


def test_the_package_needs_nothing_heavy():
    code = "import sys, act_prm.environments, act_prm.llm_handlers; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"torch", "transformers", "numpy", "gymnasium", "litellm", "yaml", "tinker"} & set(
        loaded
    )
    assert "tau2.gym" not in loaded


def test_what_the_package_offers():
    assert all(hasattr(environments, name) for name in environments.__all__)


def test_nothing_is_logged_when_all_fits(caplog):
    with caplog.at_level(logging.WARNING):
        get_env("tau2bench", **SMALL)
    assert not caplog.records
