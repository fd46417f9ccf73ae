from __future__ import annotations

import json
from pathlib import Path

from tau2.llm.prices import COMPILED_ON


def test_a_dry_run_says_what_a_run_would_cost_and_leaves_nothing(tau2):
    ended = tau2("run", "--domain", "mock", "--num-trials", "4", "--dry-run")
    assert (ended.code, ended.err) == (0, "")
    assert "40 simulations: 10 tasks, 4 trials each" in ended.out
    assert "typical" in ended.out
    assert f"prices as of {COMPILED_ON}" in ended.out
    assert list(Path.cwd().iterdir()) == []


def test_the_same_for_programs(tau2):
    found = json.loads(tau2("run", "--domain", "mock", "--dry-run", "--json").out)
    assert found["simulations"] == 10
    assert found["cost"]["low"] < found["cost"]["typical"] < found["cost"]["high"]
    assert [model["role"] for model in found["models"]] == ["agent", "user"]


def test_a_run_without_models_is_free(tau2):
    ended = tau2(
        "run", "-d", "mock", "--agent", "oracle_agent", "--user", "scripted_user", "--dry-run"
    )
    assert "this run costs nothing" in ended.out


def test_an_unknown_price_and_a_low_cap_are_said(tau2):
    ended = tau2(
        "run", "-d", "mock", "--agent-llm", "openai/mine", "--user", "scripted_user", "--dry-run"
    )
    assert "no price is known for openai/mine" in ended.out
    assert "unknown" in ended.out
    ended = tau2("run", "-d", "mock", "--max-cost", "0.01", "--dry-run")
    assert "--max-cost 0.01 may stop this run before it is complete" in " ".join(ended.out.split())
