"""The everyday part of `python -m tests.faults.cluster`: fewer trials. Needs Ray."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from tests.faults.test_kill import ROOT

pytest.importorskip("ray", reason="ray is not installed (extra: ray)")


@pytest.mark.timeout(600)
def test_a_run_survives_the_nodes_that_it_plays_on():
    command = [sys.executable, "-m", "tests.faults.cluster", "--kills", "2", "--trials", "2"]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stderr
    counts = json.loads(done.stdout.splitlines()[-1])  # Ray speaks, too
    assert (counts["kills"], counts["lost"], counts["duplicated"]) == (2, 0, 0)
    assert counts["workers killed"] >= 2
