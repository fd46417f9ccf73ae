"""The everyday part of `python -m tests.faults.kill`: fewer units and kills."""

from __future__ import annotations

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


def test_a_killed_run_loses_nothing_and_repeats_nothing():
    command = [
        sys.executable,
        "-m",
        "tests.faults.kill",
        "--kills",
        "4",
        "--trials",
        "1",
        "--only",
        "model",
    ]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    counts = json.loads(done.stdout)
    assert counts["kills"] == 4
    assert (counts["lost"], counts["duplicated"]) == (0, 0)
