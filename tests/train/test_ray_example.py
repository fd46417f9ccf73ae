"""The example of a run on Ray, as its reader starts it. Needs Ray."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("ray", reason="ray is not installed (extra: ray)")

EXAMPLE = Path(__file__).parents[2] / "examples" / "ray_run.py"


@pytest.mark.timeout(300)
def test_the_example_plays_four_tasks_on_one_budget(tmp_path):
    done = subprocess.run(
        [sys.executable, EXAMPLE],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "4 of 4" in done.stdout
    assert "spent $0.00 of $5.00" in done.stdout
    assert "average reward 1.000 of 4 simulations" in done.stdout
