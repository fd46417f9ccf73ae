"""What every test may rely on: no settings of the machine, runs saved in a folder of its own, the same examples."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "tau2",
    deadline=None,
    derandomize=bool(os.environ.get("CI")),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("tau2")

_SETTINGS = ("TAU2_DATA_DIR", "TAU2_STRICT_COMPAT", "TAU2_JUDGE_LLM", "TAU2_SIMULATIONS_DIR")


@pytest.fixture(autouse=True)
def _own_settings(monkeypatch, tmp_path):
    for name in _SETTINGS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TAU2_SIMULATIONS_DIR", str(tmp_path / "simulations"))
