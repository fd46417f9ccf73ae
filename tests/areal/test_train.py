"""The training script without AReaL: rows, command lines, and what AReaL would be given."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from tests.areal.example import CONFIG, script

from tau2.errors import ConfigError, MissingExtra, UnknownName

train, utils = script("tau2_train"), script("tau2_utils")


def test_a_row_names_a_task_and_its_split():
    rows = list(train.get_tau2_dataset("airline", split="test"))
    assert rows[0] == {"task_id": rows[0]["task_id"], "split": "test"}
    assert len({row["task_id"] for row in rows}) == len(rows)


def test_a_small_split_is_repeated_as_a_whole():
    once = utils.dataset_rows("airline", "train")
    rows = utils.dataset_rows("airline", "train", at_least=len(once) + 1)
    assert rows == once * 2
    assert utils.dataset_rows("airline", "train", at_least=1) == once


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        (("airlin",), UnknownName, "did you mean 'airline'"),
        (("airline", "rl", "nowhere"), UnknownName, "no split of airline named 'nowhere'"),
        (("airline", "sft"), ConfigError, "type 'rl'"),
    ],
)
def test_a_dataset_that_does_not_exist(arguments, error, said):
    with pytest.raises(error, match=said):
        train.get_tau2_dataset(*arguments)


def test_a_command_line_may_begin_with_the_script():
    assert train.parsed(["x/tau2_train.py", "--config", str(CONFIG), "a=1"]) == (CONFIG, ["a=1"])
    assert train.parsed(["--config", str(CONFIG), "a=1"]) == (CONFIG, ["a=1"])
    with pytest.raises(ConfigError, match="does not exist"):
        train.parsed(["--config", "nowhere.yaml"])


def test_without_areal_the_script_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(train.sys.modules, "areal", None)
    monkeypatch.delitem(train.sys.modules, "tau2_config", raising=False)
    with pytest.raises(MissingExtra, match=r"pip install areal==1\.0\.4"):
        train.load_config(["--config", str(CONFIG)])


def a_config(**changes: Any) -> Any:
    """Return what the configuration file holds, as AReaL's objects would."""
    content = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))
    sampling = {"temperature": 1.0, "max_new_tokens": 512, "n_samples": 16}
    parts = {
        "econfig": utils.Tau2EnvConfig.of(content["econfig"]),
        "gconfig": sampling,
        "eval_gconfig": dict(sampling),
        "train_dataset": SimpleNamespace(**content["train_dataset"]),
        "valid_dataset": SimpleNamespace(**content["valid_dataset"]),
        "do_eval": False,
        "scheduler": SimpleNamespace(type="local"),
    }
    return SimpleNamespace(**(parts | changes))


def test_every_batch_can_be_filled():
    rows, valid = train.datasets_of(a_config())
    assert len(rows) >= train.FEWEST_ROWS
    assert valid is None
    wide = SimpleNamespace(path="tau2/train", type="rl", batch_size=500)
    assert len(train.datasets_of(a_config(train_dataset=wide))[0]) >= 500


def test_evaluation_uses_its_own_split_once():
    rows, valid = train.datasets_of(a_config(do_eval=True))
    assert {row["split"] for row in valid} == {"test"}
    assert {row["split"] for row in rows} == {"train"}
    with pytest.raises(ConfigError, match="valid_dataset"):
        train.datasets_of(a_config(do_eval=True, valid_dataset=None))


def test_the_workflow_gets_plain_data_and_a_cooler_evaluation():
    training, evaluation = train.workflow_arguments(a_config())
    no_thoughts = {"chat_template_kwargs": {"enable_thinking": False}}
    assert training["gen_args"] == {
        "temperature": 1.0,
        "max_completion_tokens": 512,
        "extra_body": no_thoughts,
    }
    assert evaluation["gen_args"]["temperature"] == 0.6
    assert training["econfig"] == evaluation["econfig"]
    own = a_config(eval_gconfig={"temperature": 0.1, "max_new_tokens": 9})
    assert train.workflow_arguments(own)[1]["gen_args"] == {
        "temperature": 0.1,
        "max_completion_tokens": 9,
        "extra_body": no_thoughts,
    }


@pytest.mark.parametrize(
    ("group", "kept"),
    [
        ({"rewards": [1.0] * 16}, False),
        ({"rewards": [1.0] * 15 + [0.0]}, True),
        ({"rewards": [0.0] * 16}, True),
        ({"interactions": [{"reward": 1.0}, {"reward": 1.0}]}, False),
        ({}, True),
    ],
)
def test_a_solved_group_is_dropped(group, kept):
    assert utils.worth_training(group) is kept


def test_areals_published_key_does_not_guard_a_proxy():
    agent = SimpleNamespace(admin_api_key="areal-admin-key")
    config = SimpleNamespace(rollout=SimpleNamespace(admin_api_key="mine", agent=agent))
    train.keep_private(config)
    assert config.rollout.admin_api_key == "mine"
    assert len(agent.admin_api_key) > 30


def test_areals_launchers_cannot_serve_agents(monkeypatch):
    train.check_process(a_config())
    monkeypatch.setenv("AREAL_SPMD_MODE", "1")
    with pytest.raises(ConfigError, match=r"scheduler\.type=local"):
        train.check_process(a_config())
    monkeypatch.delenv("AREAL_SPMD_MODE")
    with pytest.raises(ConfigError, match="not 'ray'"):
        train.check_process(a_config(scheduler=SimpleNamespace(type="ray")))


def test_the_file_holds_the_published_values():
    content = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))
    actor, rollout = content["actor"], content["rollout"]
    assert (content["total_train_epochs"], rollout["max_concurrent_rollouts"]) == (20, 512)
    assert rollout["max_head_offpolicyness"] == 2
    assert {
        "mode": "inline",
        "tool_call_parser": "qwen25",
        "reasoning_parser": "qwen3",
    }.items() <= rollout["agent"].items()
    assert content["gconfig"]["n_samples"] == 16
    assert (content["gconfig"]["max_new_tokens"], content["gconfig"]["max_tokens"]) == (8192, 32768)
    assert actor["disable_dropout"] is content["ref"]["disable_dropout"] is True
    assert (actor["eps_clip"], actor["reward_scaling"], actor["reward_bias"], actor["kl_ctl"]) == (
        0.4,
        10.0,
        -0.5,
        0.0,
    )
    assert (float(actor["optimizer"]["lr"]), actor["optimizer"]["weight_decay"]) == (1.7e-5, 0.017)
    assert (actor["rejection_sampling"]["upper"], actor["reward_norm"]["mean_level"]) == (
        5.0,
        "group",
    )
