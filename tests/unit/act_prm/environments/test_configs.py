"""The configurations that the guide names are configurations of the environment."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from act_prm.environments import AsyncTau2BenchEnv, get_env

FOLDER = Path(__file__).resolve().parents[4] / "configs" / "environments" / "tau2bench"


@pytest.mark.parametrize("domain", ["airline", "retail", "telecom"])
def test_a_configuration_makes_its_environment(domain):
    settings = yaml.safe_load((FOLDER / f"{domain}.yaml").read_text(encoding="utf-8"))
    assert (settings["domain"], settings["num_train_tasks"], settings["num_test_tasks"]) == (
        domain,
        100,
        30,
    )
    env = get_env(**settings)
    assert type(env) is AsyncTau2BenchEnv
    assert (env.max_turns, env.setup.max_steps, env.split) == (30, 50, "train")
    assert env.setup.llm_args_user == {"temperature": 0.0, "max_tokens": 512}
    assert len(env) > 0
