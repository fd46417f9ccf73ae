"""The everyday part of `python -m tests.faults.edge`: fewer kinds, all in one run per executor."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(
    not hasattr(os, "fork"), reason="the suite forks; this system does not"
)

ROOT = Path(__file__).parents[2]


def test_who_misbehaves_costs_one_unit_and_no_other():
    command = [sys.executable, "-m", "tests.faults.edge", "--short"]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stderr
    counts = json.loads(done.stdout)
    assert counts["tried local"] == counts["survived local"] > 20
    assert counts["tried workers"] == counts["survived workers"] > 20
    if importlib.util.find_spec("ray") is not None:
        assert counts["tried ray"] == counts["survived ray"] > 20
